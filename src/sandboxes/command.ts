import type { ExecOptions, ExecResult, Sandbox, SandboxProcess } from './sandbox.ts';

export interface Command {
  argv: string[];
  cwd: string;
  /** Whole. */
  env: Record<string, string>;
  /** What it reads; `pipe`: what will be written to its `stdin`; null: nothing. */
  stdin: { bytes: Uint8Array | string } | 'pipe' | null;
}

/** A process that is being started. `started` rejects when it could not be; `exited` then resolves all the same. */
export interface StartedProcess extends Omit<SandboxProcess, 'stdin'> {
  stdin: NodeJS.WritableStream | null;
  started: Promise<void>;
}

/** A sandbox made of a way to start a process in it. `remove` takes away what belongs to it, once nothing runs. */
export function createSandbox(parts: {
  cwd: string;
  env: Record<string, string>;
  start(command: Command): Promise<StartedProcess>;
  remove(): Promise<void>;
}): Sandbox {
  const { cwd, env } = parts;
  const running = new Set<StartedProcess>();
  const starting = new Set<Promise<unknown>>();
  const closing = new AbortController();
  let closed: Promise<void> | undefined;

  async function start(command: Command): Promise<StartedProcess> {
    if (closed) throw new Error(`${command.argv[0]} was to run in a sandbox that is closed.`);
    const start = parts.start(command);
    starting.add(start);
    try {
      const process = await start;
      running.add(process);
      void process.exited.then(() => running.delete(process));
      return process;
    } finally {
      starting.delete(start);
    }
  }

  async function close(): Promise<void> {
    closing.abort();
    await Promise.allSettled(starting);
    await Promise.all([...running].map((process) => process.kill()));
    await parts.remove();
  }

  return {
    async exec(argv, options) {
      if (options.signal.aborted) return abortedResult();
      const startedAt = performance.now();
      const stdin = options.stdin === undefined ? null : { bytes: options.stdin };
      const signal = AbortSignal.any([options.signal, closing.signal]);
      const command = { argv, cwd: options.cwd ?? cwd, env: { ...env, ...options.env }, stdin };
      return runToEnd(await start(command), { ...options, signal }, startedAt);
    },
    async spawn(argv) {
      const { stdin, stdout, stderr, exited, kill, started } = await start({ argv, cwd, env, stdin: 'pipe' });
      await started;
      if (!stdin) throw new Error('unreachable: it was started with an input');
      return { stdin, stdout, stderr, exited, kill };
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** Gathers what a process says until it has ended, and kills its tree when it passes a limit or the signal fires. */
async function runToEnd(running: StartedProcess, options: ExecOptions, startedAt: number): Promise<ExecResult> {
  let killed: ExecResult['killed'] = null;
  const kill = (reason: NonNullable<ExecResult['killed']>) => {
    killed ??= reason;
    void running.kill();
  };

  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  let room = options.limits.maxOutputBytes;
  const gather = (stream: NodeJS.ReadableStream, chunks: Uint8Array[]) => {
    stream.on('data', (chunk: Buffer) => {
      const kept = chunk.subarray(0, room);
      room -= kept.length;
      if (kept.length > 0) {
        chunks.push(kept);
        options.onOutput?.(kept);
      }
      if (kept.length < chunk.length) kill('output');
    });
    // What was said is not known when it could not be read to its end.
    let failed: Error | null = null;
    stream.on('error', (error) => {
      failed = error;
    });
    return new Promise<void>((resolve, reject) =>
      stream.once('close', () => (failed && !killed ? reject(failed) : resolve())),
    );
  };
  const closed = [gather(running.stdout, stdout), gather(running.stderr, stderr)];

  const timer = setTimeout(
    () => kill('timeout'),
    Math.max(0, options.limits.timeoutMs - (performance.now() - startedAt)),
  );
  const abort = () => kill('aborted');
  options.signal.addEventListener('abort', abort, { once: true });
  if (options.signal.aborted) abort();
  try {
    const exitCode = await running.exited;
    await Promise.all(closed);
    if (!killed) await running.started;
    return {
      exitCode: killed ? null : exitCode,
      killed,
      stdout: Buffer.concat(stdout),
      stderr: Buffer.concat(stderr),
      durationMs: performance.now() - startedAt,
    };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}

function abortedResult(): ExecResult {
  return { exitCode: null, killed: 'aborted', stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), durationMs: 0 };
}
