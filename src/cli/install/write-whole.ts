import { mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Whole or not at all: what other programs keep in it survives our death. A link stays one, the mode stays as it is. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  await mkdir(dirname(target), { recursive: true });
  const mode = (await stat(target).catch(() => null))?.mode ?? 0o644;
  const half = `${target}.${process.pid}.half`;
  try {
    await writeFile(half, text, { mode: mode & 0o777 });
    await rename(half, target);
  } catch (error) {
    await rm(half, { force: true }).catch(() => {});
    throw error;
  }
}
