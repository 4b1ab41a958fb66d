import { existsSync, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Play } from './player.ts';

/**
 * Comes back when the answer to this play may begin: after its delay, and once the file that it waits for is there. Throws
 * the reason of `signal` when that comes first.
 */
export async function waitForTurn({ delayMs, until }: Play, script: string, signal: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal }).catch((error) => {
    signal.throwIfAborted();
    throw error;
  });
  if (until !== null) await waitForFile(resolve(dirname(script), until), signal);
}

function waitForFile(path: string, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const watcher = watch(dirname(path));
    const leave = () => {
      watcher.close();
      signal.removeEventListener('abort', stop);
    };
    const look = () => {
      if (!existsSync(path)) return;
      leave();
      done();
    };
    const stop = () => {
      leave();
      fail(signal.reason);
    };
    watcher.on('error', fail);
    watcher.on('change', (_type, name) => (name === null || name.toString() === basename(path)) && look());
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    else look(); // after the watch began: what comes in between is seen by one of them
  });
}
