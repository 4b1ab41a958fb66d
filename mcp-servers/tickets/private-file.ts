import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Whole or not at all, on the disk when this resolves, and for nobody else to read: nor is the directory, where it is made. */
export async function writePrivately(path: string, text: string): Promise<void> {
  const dir = dirname(path);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const half = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.half`;
  try {
    const file = await open(half, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(half, path);
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  }
  await syncDirectory(dir);
}

/** So that the name is there, too, after the power fails. Not every system can. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
