import { spawn } from 'node:child_process';

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';

export interface ProcessResult {
  exitCode: number | null;
  stdout: Buffer;
  stderr: string;
}

export interface ProcessOptions {
  cwd?: string;
  /** The whole environment, beside a fixed PATH; nothing is inherited. */
  env?: Record<string, string>;
  stdin?: Uint8Array | string;
  signal?: AbortSignal | undefined;
}

/**
 * Runs a program of ours (git, for one) to its end and returns what it said. Never for anything that comes from a
 * repository: that runs in a sandbox. Throws when the program cannot be started or the signal fires.
 */
export function runProcess(argv: [string, ...string[]], options: ProcessOptions = {}): Promise<ProcessResult> {
  const [command, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { PATH: searchPath, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.signal ? { signal: options.signal } : {}),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (exitCode) =>
      resolve({ exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') }),
    );
    child.stdin.on('error', () => {}); // it may end without having read all; its exit code tells
    child.stdin.end(options.stdin ?? '');
  });
}
