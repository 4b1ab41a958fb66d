import { once } from 'node:events';
import { launch } from './launcher.ts';

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';

export interface ProcessResult {
  exitCode: number | null;
  stdout: Buffer;
  stderr: string;
  /** It was ended because it said more than `maxBytes`; the rest is missing. */
  cut: boolean;
}

export interface ProcessOptions {
  cwd?: string;
  /** The whole environment, beside a fixed PATH; nothing is inherited. */
  env?: Record<string, string>;
  stdin?: Uint8Array | string;
  signal?: AbortSignal | undefined;
  /** Of its output. */
  maxBytes?: number | undefined;
}

/** Of what a program complains, so much is kept. */
const complaint = 20_000;

/**
 * Runs a program of ours (git, for one) to its end and returns what it said. Never for anything that comes from a
 * repository: that runs in a sandbox. Throws when the program cannot be started or the signal fires; then it and all in
 * its process group are ended.
 */
export async function runProcess(
  [command, ...args]: [string, ...string[]],
  { cwd = process.cwd(), env, stdin: input = '', signal, maxBytes = Number.POSITIVE_INFINITY }: ProcessOptions = {},
): Promise<ProcessResult> {
  signal?.throwIfAborted();
  const { pipes, closed, kill } = await launch({
    command,
    args,
    cwd,
    env: { PATH: searchPath, ...env },
    detached: true, // a group of its own, so that its helpers end with it
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  signal?.addEventListener('abort', kill, { once: true });
  if (signal?.aborted) kill();
  const stdout: Buffer[] = [];
  let bytes = 0;
  let cut = false;
  let stderr = '';
  const [stdin, output, complaints] = [pipes.get(0), pipes.get(1), pipes.get(2)];
  if (!stdin || !output || !complaints) throw new Error('unreachable: it was started with three pipes');
  output.on('data', (chunk: Buffer) => {
    const room = maxBytes - bytes;
    bytes += chunk.length;
    if (room > 0) stdout.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    if (chunk.length > room && !cut) {
      cut = true;
      kill();
    }
  });
  complaints.on('data', (chunk: Buffer) => {
    if (stderr.length < complaint) stderr += chunk.toString('utf8');
  });
  const read = Promise.all([once(output, 'end'), once(complaints, 'end')]);
  stdin.end(input);
  try {
    const exitCode = await closed;
    await read;
    signal?.throwIfAborted();
    return { exitCode, stdout: Buffer.concat(stdout), stderr, cut };
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}
