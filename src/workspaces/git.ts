import { spawn } from 'node:child_process';
import { WorkspaceError } from './workspace-error.ts';

/**
 * Git on our side. It only ever works on bare repositories that no agent can write to: nothing here may be pointed at a
 * directory that has been inside a sandbox, because git runs what such a directory tells it to.
 */
export interface HostGit {
  run(args: string[], options?: GitOptions): Promise<GitResult>;
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

export interface GitResult {
  exitCode: number | null;
  stdout: Buffer;
  stderr: string;
  cut: boolean;
}

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';

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
    PATH: searchPath,
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: globalConfig,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_TERMINAL_PROMPT: '0',
  };

  function run(args: string[], options: GitOptions = {}): Promise<GitResult> {
    options.signal?.throwIfAborted();
    const where = options.gitDir === undefined ? [] : [`--git-dir=${options.gitDir}`];
    return new Promise((resolve, reject) => {
      const child = spawn('git', [...where, ...hardened, ...args], {
        cwd: '/',
        env: { ...environment, ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true, // a group of its own, so that git's helpers die with it
      });
      const kill = () => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        } catch {} // it is gone already
      };
      const stdout: Buffer[] = [];
      let bytes = 0;
      let cut = false;
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => {
        const room = (options.maxBytes ?? Number.POSITIVE_INFINITY) - bytes;
        bytes += chunk.length;
        if (room > 0) stdout.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
        if (chunk.length > room && !cut) {
          cut = true;
          kill();
        }
      });
      child.stderr.on('data', (chunk: Buffer) => {
        if (stderr.length < 20_000) stderr += chunk.toString('utf8');
      });
      options.signal?.addEventListener('abort', kill, { once: true });
      child.on('error', reject);
      child.on('close', (exitCode) => {
        options.signal?.removeEventListener('abort', kill);
        if (options.signal?.aborted) reject(options.signal.reason);
        else resolve({ exitCode, stdout: Buffer.concat(stdout), stderr, cut });
      });
      child.stdin.on('error', () => {}); // it may end without having read all; its exit code tells
      child.stdin.end(options.stdin ?? '');
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
