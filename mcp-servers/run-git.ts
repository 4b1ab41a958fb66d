import { spawn } from 'node:child_process';
import { devNull } from 'node:os';

export interface GitOutput {
  stdout: string;
  stderr: string;
  /** null when it was stopped. */
  exitCode: number | null;
  /** Why it did not come to its end; `stdout` is then what it said until then. */
  stopped: 'timeout' | 'output' | null;
}

export interface GitOptions {
  directory: string;
  /** Where git is looked for: a PATH. */
  searchPath: string;
  /** Stops it: a `TimeoutError` as `stopped: 'timeout'`, anything else by throwing. */
  signal: AbortSignal;
}

const maxOutputBytes = 4_000_000;

/**
 * Nothing that a repository's own configuration names is ever run: the repository may have been written by an agent or
 * a stranger. Whoever adds a command to a tool adds what that command can be made to run to the test of hostile
 * configuration.
 */
const hardening = [
  'core.fsmonitor=false',
  `core.hooksPath=${devNull}`,
  `core.attributesFile=${devNull}`,
  'diff.external=',
  'diff.submodule=short', // `diff` and `log` start git inside the submodule
  'log.showSignature=false', // starts gpg.program
  'protocol.allow=never',
  'safe.directory=*', // its owner does not matter when nothing of it is run
];

/** One form of output, whatever the repository prefers. */
const plainOutput = [
  'core.quotePath=false',
  'color.ui=false',
  'log.showRoot=true',
  'diff.renames=true',
  `diff.orderFile=${devNull}`,
  'mailmap.file=',
];

const settings = [...hardening, ...plainOutput].flatMap((setting) => ['-c', setting]);

/** For every command that can show a diff: neither a person's diff program nor a converter is run. */
export const plainDiff = [
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--no-relative',
  '--submodule=short',
  '--src-prefix=a/',
  '--dst-prefix=b/',
];

/** Runs one reading git command. Paths are literal (no pathspec magic); nothing is written, fetched or paged. */
export function runGit(args: string[], { directory, searchPath, signal }: GitOptions): Promise<GitOutput> {
  signal.throwIfAborted();
  const argv = ['--no-pager', '--literal-pathspecs', ...settings, '-C', directory, ...args];
  if (args.some((argument) => argument.includes('\0')))
    throw new Error('An argument holds a NUL character; leave it out.');
  if (args.some((argument) => argument.length > 20_000))
    throw new Error('An argument is too long for git; shorten it.');
  const child = spawn('git', argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: searchPath,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      GIT_CONFIG_GLOBAL: devNull,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_NO_LAZY_FETCH: '1',
      GIT_ALLOW_PROTOCOL: 'none', // wins over the repository's protocol.<name>.allow
      GIT_TERMINAL_PROMPT: '0',
    },
  });
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let bytes = 0;
    let stopped: GitOutput['stopped'] = null;
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      if (bytes < maxOutputBytes) stdout.push(chunk);
      bytes += chunk.length;
      if (bytes < maxOutputBytes) return;
      stopped = 'output';
      kill();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < 100) stderr.push(chunk);
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', kill);
      reject(error.code === 'ENOENT' ? new Error(`git was not found on PATH (${searchPath}); install git.`) : error);
    });
    child.once('close', (exitCode) => {
      signal.removeEventListener('abort', kill);
      if (exitCode === null && signal.aborted) {
        if (signal.reason?.name !== 'TimeoutError') return reject(signal.reason);
        stopped = 'timeout';
      }
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
      resolve({ stdout: text(stdout), stderr: text(stderr), exitCode, stopped });
    });
  });
}
