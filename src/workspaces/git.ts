import { type ProcessResult, runProcess } from '../lib/process.ts';
import { WorkspaceError } from './workspace-error.ts';

/**
 * Git on our side. It only ever works on bare repositories that no agent can write to: nothing here may be pointed at a
 * directory that has been inside a sandbox, because git runs what such a directory tells it to.
 */
export interface HostGit {
  run(args: string[], options?: GitOptions): Promise<ProcessResult>;
  /** As `run`, but throws `WorkspaceError` `git_failed` unless it exits with 0. */
  must(args: string[], options?: GitOptions): Promise<Buffer>;
}

export interface GitOptions {
  gitDir?: string;
  /** Beside ours: credentials for a fetch, author and date for a commit. */
  env?: Record<string, string>;
  stdin?: Uint8Array | string;
  signal?: AbortSignal | undefined;
  /** Git is ended when it has said this much; the rest is cut. */
  maxBytes?: number;
}

const hardened = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'gc.auto=0',
  'maintenance.auto=false',
  'protocol.allow=never',
  'protocol.file.allow=always',
  'protocol.ssh.allow=always',
  'protocol.http.allow=always',
  'protocol.https.allow=always',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=60',
].flatMap((setting) => ['-c', setting]);

/** `globalConfig` replaces the user's own configuration; the system's is not read at all. */
export function createHostGit(globalConfig: string): HostGit {
  const environment = {
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: globalConfig,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_TERMINAL_PROMPT: '0',
  };

  function run(args: string[], { gitDir, env, ...options }: GitOptions = {}): Promise<ProcessResult> {
    const where = gitDir === undefined ? [] : [`--git-dir=${gitDir}`];
    return runProcess(['git', ...where, ...hardened, ...args], {
      ...options,
      cwd: '/',
      env: { ...environment, ...env },
    });
  }

  async function must(args: string[], options: GitOptions = {}): Promise<Buffer> {
    const result = await run(args, options);
    if (result.exitCode !== 0 && !result.cut) throw new WorkspaceError('git_failed', describeFailure(args, result));
    return result.stdout;
  }

  return { run, must };
}

/** What git said, without the credentials that a URL may carry. */
export function describeFailure(args: string[], result: { exitCode: number | null; stderr: string }): string {
  const said = result.stderr
    .trim()
    .slice(-2000)
    .replace(/(\w+:\/\/)[^/\s@]+@/g, '$1');
  return `git ${args.find((arg) => !arg.startsWith('-'))} failed (exit code ${result.exitCode}): ${said || 'it said nothing'}`;
}
