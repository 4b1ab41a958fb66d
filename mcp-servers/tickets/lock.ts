import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';

/**
 * Takes `path`, a lock between processes of one machine, or answers null where somebody alive has it. The file names its
 * holder: one that is gone (kill -9) has lost it, and so has one that kept it for longer than `forMs`, whose number may be
 * another's by now.
 */
export async function tryLock(path: string, forMs: number): Promise<(() => Promise<void>) | null> {
  for (let tries = 0; tries < 3; tries += 1) {
    const mine = await take(path);
    if (mine !== null) return () => release(path, mine);
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) continue;
    const age =
      Date.now() -
      (await stat(path)
        .then(({ mtimeMs }) => mtimeMs)
        .catch(() => Date.now()));
    if (isAlive(Number.parseInt(text, 10)) && age < forMs) return null;
    await removeStale(path, text);
  }
  return null;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whoever held it for too long has lost it: the file may be another's by now. */
async function release(path: string, mine: number): Promise<void> {
  const isMine = await stat(path).then(
    ({ ino }) => ino === mine,
    () => false,
  );
  if (isMine) await rm(path, { force: true });
}

/** By link, so that the file names its holder from the first moment; answers what tells it from another's. null: it is taken. */
async function take(path: string): Promise<number | null> {
  const mine = unique(path);
  await writeFile(mine, String(process.pid), { mode: 0o600 });
  try {
    const { ino } = await stat(mine);
    await link(mine, path);
    return ino;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
    throw error;
  } finally {
    await rm(mine, { force: true });
  }
}

/** Takes this one away, and nothing else: another process may have done so and hold the lock by now. */
async function removeStale(path: string, text: string): Promise<void> {
  const aside = unique(path);
  if (
    !(await rename(path, aside).then(
      () => true,
      () => false,
    ))
  )
    return;
  if ((await readFile(aside, 'utf8').catch(() => text)) !== text) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

const unique = (path: string) => `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
