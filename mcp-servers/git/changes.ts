import { cutText } from '../cut-text.ts';
import { plainDiff } from '../run-git.ts';
import type { GitRepository } from './repository.ts';

export interface Changes {
  /** A commit, or null for "nothing yet". */
  from: string | null;
  to: string;
  path?: string | undefined;
}

/** Before each file's patch. Not `^` with the flag m: to that, a carriage return inside a line begins a line as well. */
export const startOfFile = /(?<![^\n])(?=diff --git )/;

const patchBudget = 12_000;
const listedFiles = 200;

/** What changed between two commits: the list of files first, then as much of each file's patch as there is room for. */
export async function describeChanges(
  repository: GitRepository,
  { from, to, path }: Changes,
  signal: AbortSignal,
): Promise<string> {
  const only = path === undefined ? [] : [await repository.path(path, signal)];
  const range = [from ?? emptyTree(to), to, '--', ...only];
  const [counts, patches] = await Promise.all([
    repository.git(['diff', ...plainDiff, '--numstat', ...range], signal),
    repository.git(['diff', ...plainDiff, '-p', '-U3', ...range], signal),
  ]);
  const files = counts.split('\n').filter((line) => line !== '');
  if (files.length === 0) return path === undefined ? 'No file changed.' : `Nothing changed in ${path}.`;
  return [
    `${files.length} ${files.length === 1 ? 'file' : 'files'} changed (lines added, removed):`,
    ...files.slice(0, listedFiles).map((line) => `  ${line.replaceAll('\t', ' ')}`),
    ...(files.length > listedFiles ? [`  ... and ${files.length - listedFiles} more; pass path`] : []),
    '',
    ...fitPatches(patches.split(startOfFile), files.length),
  ].join('\n');
}

/** Every file gets its share of what is left, so that one large file does not hide the others. */
function fitPatches(patches: string[], files: number): string[] {
  const shown: string[] = [];
  let left = patchBudget;
  for (const [index, patch] of patches.entries()) {
    if (left < 500) break;
    const limit = Math.max(1000, left / (patches.length - index));
    const cut = cutText(patch.trimEnd(), { limit, narrow: 'pass this file as path' });
    shown.push(cut);
    left -= cut.length;
  }
  const hidden = files - shown.length;
  if (hidden > 0) shown.push(`[... patches of ${hidden} more files left out; to see them, pass path ...]`);
  return shown;
}

/** git knows it without it being stored; its name depends on the repository's hash function. */
function emptyTree(commit: string): string {
  return commit.length === 40
    ? '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
    : '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321';
}
