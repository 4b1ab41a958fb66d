import type { Repository } from '../core/repository.ts';

/**
 * Something about a repository or its workspace that trying again will not mend. The message is for people: it says what
 * happened and what to do.
 */
export class WorkspaceError extends Error {
  readonly code: 'base_missing' | 'too_large' | 'bad_bundle' | 'disk_full' | 'git_failed';

  constructor(code: WorkspaceError['code'], message: string) {
    super(message);
    this.name = 'WorkspaceError';
    this.code = code;
  }
}

/** A set-up command failed. `output` is the tail of what it said. */
export class SetupError extends Error {
  readonly command: string;
  /** null: it was killed. */
  readonly exitCode: number | null;
  readonly output: string;

  constructor(failure: { command: string; exitCode: number | null; reason: string; output: string }) {
    super(
      `The set-up command \`${failure.command}\` ${failure.reason}. Mend it in .shipmate.yml (setup:) on the base branch, or in what it runs. It said:\n${failure.output}`,
    );
    this.name = 'SetupError';
    this.command = failure.command;
    this.exitCode = failure.exitCode;
    this.output = failure.output;
  }
}

export function baseMissing(repository: Repository, base: string): WorkspaceError {
  return new WorkspaceError(
    'base_missing',
    `The commit ${base} is not in our copy of "${repository.name}". If its branch was rewritten, start the ticket again on the branch as it is now.`,
  );
}
