import { type Keeper, runScript } from './inside.ts';
import { parseTree } from './mirror.ts';
import { assertCommit } from './names.ts';

/** One file of a checkout that is not taken from where the rest comes from. */
export interface OverlayEntry {
  path: string;
  from: 'base' | 'head' | 'absent';
}

/** A file that neither has. */
export interface OverlayFile {
  path: string;
  content: string;
}

/** `$1` the tree to begin with; stdin: index entries. */
const overlay = `
export GIT_INDEX_FILE="$GIT_DIR/overlay"
rm -f "$GIT_INDEX_FILE"
git read-tree "$1"
git update-index --replace -z --index-info 2> keeper/refused
if [ -s keeper/refused ]; then cat keeper/refused >&2; exit 1; fi
git write-tree
rm -f "$GIT_INDEX_FILE"
`;

/** The tree with single files replaced, added or removed, made in the keeper's sandbox. */
export async function overlaidTree(
  keeper: Keeper,
  start: string,
  trees: { base: string; head: string },
  entries: OverlayEntry[],
  files: OverlayFile[],
  signal: AbortSignal,
): Promise<string> {
  const lines: string[] = [];
  for (const from of ['base', 'head', 'absent'] as const) {
    const paths = entries.filter((entry) => entry.from === from).map((entry) => entry.path);
    if (paths.length === 0) continue;
    const found = from === 'absent' ? new Map() : await entriesOf(keeper, trees[from], signal);
    for (const path of paths) {
      const entry = found.get(path);
      // What the other side does not have is taken away.
      lines.push(entry ? `${entry.mode} ${entry.sha}\t${path}\0` : `0 ${'0'.repeat(40)}\t${path}\0`);
    }
  }
  for (const { path, content } of files) {
    const { stdout } = await runScript(keeper, 'git hash-object -w --stdin', { stdin: content, signal });
    lines.push(`100644 ${assertCommit(stdout.toString().trim())}\t${path}\0`);
  }
  const { stdout } = await runScript(keeper, overlay, { args: [start], stdin: lines.join(''), signal });
  return assertCommit(stdout.toString().trim());
}

async function entriesOf(keeper: Keeper, tree: string, signal: AbortSignal) {
  const { stdout } = await runScript(keeper, 'git ls-tree -r -z --full-tree "$1"', { args: [tree], signal });
  return new Map(parseTree(stdout).map((entry) => [entry.path, entry]));
}
