import type { Repository } from '../core/repository.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { BranchPush } from './code-host.ts';
import { git, heads, invalid } from './host-git.ts';

/** Throws where it is no name for a branch, or that of a branch which is changed by pull request only. */
export async function checkBranchName(
  gitDir: string,
  repository: Repository,
  branch: string,
  defaultBranch: string,
  signal: AbortSignal,
): Promise<void> {
  const named = JSON.stringify(branch);
  const wellFormed =
    /^(?![-@])[^\0-\x20\x7f]+$/.test(branch) &&
    !branch.startsWith('refs/') &&
    branch.toUpperCase() !== 'HEAD' &&
    (await git(gitDir, ['check-ref-format', `${heads}${branch}`], signal)).exitCode === 0;
  if (!wellFormed) throw invalid(`${named} is not a name for a branch. Nothing was pushed.`);
  if ([defaultBranch, repository.base].includes(branch))
    throw invalid(
      `${named} is the base branch of repository "${repository.name}", which is changed by pull request only.`,
    );
}

export function checkCommits({ commit, expected }: BranchPush): void {
  for (const each of expected === null ? [commit] : [commit, expected])
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(each)) throw invalid(`${JSON.stringify(each)} is not a commit.`);
}

/** Moves one branch from where it is expected, or makes it, and nothing else. */
export function pushArguments(
  to: string,
  { branch, commit, expected }: BranchPush,
  receiving: string[] = [],
): string[] {
  const ref = `${heads}${branch}`;
  const lease = `--force-with-lease=${ref}:${expected ?? ''}`;
  const alone = ['--no-follow-tags', '--recurse-submodules=no'];
  return ['push', '--porcelain', ...alone, ...receiving, lease, to, `${commit}:${ref}`];
}

/** `now`: where the branch is; it is neither where we wanted it nor where we left it. */
export function movedByOthers(where: string, { branch, expected }: BranchPush, now: string | null): VendorError {
  const problem =
    expected === null
      ? 'exists already, and is not ours'
      : now === null
        ? `is gone; we left it at ${expected}`
        : `is at ${now}, not at ${expected} as we left it: somebody else changed it`;
  return new VendorError(`Branch "${branch}" of ${where} ${problem}. Nothing was pushed.`, {
    code: 'conflict',
    retryable: false,
  });
}

/** What git says where the other side could not, rather than would not: its disk is full, or somebody has a lock. */
export const passing =
  /unpacker error|remote unpack failed|Unable to create '[\s\S]*?\.lock': File exists|No space left|Internal Server Error/i;
