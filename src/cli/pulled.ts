import { readdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { captureFiles, type LocalClone } from './local-clone.ts';

/** What a work tree was pulled from, kept where git keeps what belongs to that work tree alone. */
const pulled = z.object({
  ticket: z.string(),
  repository: z.string(),
  base: z.string(),
  /** Where the branch was put, and the files as they were left. */
  head: z.string(),
  tree: z.string(),
  /** Its files are being written: whatever lies there is ours. */
  isMaking: z.boolean(),
});
export type Pulled = z.infer<typeof pulled>;

const fileName = 'shipmate.json';

/** null: it was not pulled. */
export async function readPulled(clone: LocalClone): Promise<Pulled | null> {
  const text = await readFile(join(clone.gitDir, fileName), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return pulled.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export async function writePulled(clone: LocalClone, state: Pulled): Promise<void> {
  const path = join(clone.gitDir, fileName);
  await writeFile(`${path}.half`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${path}.half`, path);
}

/** Whether nobody has changed anything since it was pulled. One that was only half made is nobody's yet. */
export async function isAsPulled(clone: LocalClone, state: Pulled | null): Promise<boolean> {
  if (state?.isMaking ?? (await readdir(clone.dir)).every((name) => name === '.git')) return true;
  if (state === null || (await clone.must(['rev-parse', 'HEAD'])).trim() !== state.head) return false;
  return (await captureFiles(clone, state.base)).tree === state.tree;
}

export interface WorkTree {
  path: string;
  branch: string | null;
}

/** All work trees of a clone, by their real paths. */
export async function listWorkTrees(clone: LocalClone): Promise<WorkTree[]> {
  const listed = await clone.must(['worktree', 'list', '--porcelain', '-z']);
  return Promise.all(
    listed
      .split('\0\0')
      .filter((entry) => entry !== '')
      .map(async (entry) => {
        const lines = entry.split('\0');
        const fieldOf = (name: string) => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
        const path = fieldOf('worktree') ?? '';
        const branch = fieldOf('branch')?.replace(/^refs\/heads\//, '') ?? null;
        return { path: await realpath(path).catch(() => path), branch };
      }),
  );
}
