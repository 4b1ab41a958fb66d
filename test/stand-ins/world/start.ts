import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compileCache } from '../../support/compile-cache.ts';
import { type WorldClient, worldClient } from './client.ts';
import type { ServiceOptions } from './service.ts';
import type { WorldOptions } from './world.ts';

export interface Started {
  pid: number;
  process: ChildProcess;
  /** What it said when it was ready. */
  url: string | null;
  /** Settles with how it ended, at any time. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** What it has written to stderr so far. */
  log(): string;
  kill(signal?: NodeJS.Signals): void;
}

/** The world as a process of its own. */
export async function spawnWorld(options: WorldOptions): Promise<{ started: Started; world: WorldClient }> {
  const started = await startProcess('world.ts', options);
  return { started, world: worldClient(started.url ?? '') };
}

/** The service as a process of its own; resolves when it works. */
export function spawnService(options: ServiceOptions): Promise<Started> {
  return startProcess('service.ts', options);
}

/** Resolves when it is ready, or has been killed before. */
async function startProcess(file: string, options: unknown): Promise<Started> {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), JSON.stringify(options)], {
    // It ends with us: its end of a pipe says when we are gone.
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-200_000);
  });
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([once(lines, 'line'), ended.then(() => null)]);
  if (line === null && child.signalCode === null)
    throw new Error(`${file} ended with ${child.exitCode} before it was ready:\n${log}`);
  return {
    pid: child.pid ?? 0,
    process: child,
    url: line === null ? null : JSON.parse(line[0]).url,
    ended,
    log: () => log,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  };
}
