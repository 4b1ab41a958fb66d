import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from './is-alive.ts';

/**
 * Runs `work` while holding `path`, a lock between processes of one machine. The file names its holder; a holder that is
 * gone (kill -9) loses it. Throws after `waitMs` when somebody alive keeps it.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, waitMs = 60_000): Promise<T> {
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    if (await take(path)) break;
    const holder = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
    if (Number.isInteger(holder) && !isAlive(holder)) await removeStale(path, holder);
    else if (performance.now() > giveUpAt)
      throw new Error(`${path} is held by process ${holder}. End that process, or delete the file if it is not ours.`);
    else await delay(20);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** By link, so that the file names its holder from the first moment: a kill between making and writing leaves nothing odd. */
async function take(path: string): Promise<boolean> {
  const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(mine, String(process.pid), { mode: 0o600 });
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(mine, { force: true });
  }
}

/** Takes a dead holder's file away, and nothing else: another process may have done so and hold the lock by now. */
async function removeStale(path: string, holder: number): Promise<void> {
  const aside = `${path}.${process.pid}.stale`;
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  const text = await readFile(aside, 'utf8').catch(() => '');
  if (Number.parseInt(text, 10) !== holder) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}
