import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseBundle } from './bundle.ts';
import { type Keeper, runScript } from './inside.ts';
import { assertCommit } from './names.ts';
import { WorkspaceError } from './workspace-error.ts';

/** The state of a work tree as one commit on the session's base. Ignored files are not in it. */
export interface Snapshot {
  base: string;
  commit: string;
  tree: string;
  /** The objects that the base does not have; null when the tree is the base's own. */
  bundle: Uint8Array | null;
  bytes: number;
  /** What git could not take in (a file it may not read, a repository without a commit), in its own words. */
  skipped: string[];
}

/** A snapshot as the store has it: the bundle in the row, or on this machine's disk at `path`; neither for the base's own tree. */
export interface StoredSnapshot {
  base: string;
  commit: string;
  tree: string;
  bundle: Uint8Array | null;
  path: string | null;
}

const maxBundleBytes = 256_000_000;

const take = `
rm -f "$GIT_DIR/index.lock"
code=0; git add --all --ignore-errors . || code=$?
[ "$code" -le 1 ]
tree=$(git write-tree)
[ "$tree" != "$3" ] || { echo same; exit 0; }
[ "$tree" != "$2" ] || { echo "$tree $1"; exit 0; }
commit=$(git commit-tree -p "$1" -m snapshot "$tree")
git update-ref refs/snapshot "$commit"
echo "$tree $commit"
git bundle create --quiet - refs/snapshot "^$1"
`;

/** Runs in the keeper's sandbox. Cheap, and the same object again, when nothing has changed since `last`. */
export async function takeSnapshot(
  keeper: Keeper,
  base: { commit: string; tree: string },
  last: Snapshot | null,
  signal: AbortSignal,
  again = false,
): Promise<Snapshot> {
  const { stdout, stderr } = await runScript(keeper, take, {
    args: [base.commit, base.tree, last?.tree ?? ''],
    signal,
    maxOutputBytes: maxBundleBytes,
  });
  const skipped = stderr.split('\n').filter((line) => line.startsWith('error: '));
  const end = stdout.indexOf(10);
  const said = stdout.toString('latin1', 0, Math.max(0, end));
  // It ended well and was not heard to its end: another one costs little and finds the same.
  if (!/^(same|[0-9a-f]{40,64} [0-9a-f]{40,64})$/.test(said)) {
    const heard = JSON.stringify(stdout.toString('latin1', 0, 200));
    if (again) throw new WorkspaceError('git_failed', `The workspace could not be saved: git answered ${heard}.`);
    return takeSnapshot(keeper, base, last, signal, true);
  }
  if (said === 'same' && last) return { ...last, skipped };
  const [tree = '', commit = ''] = said.split(' ').map(assertCommit);
  const bundle = stdout.subarray(end + 1);
  return { base: base.commit, commit, tree, bundle: bundle.length > 0 ? bundle : null, bytes: bundle.length, skipped };
}

const bring = `
git index-pack --stdin --fix-thin >/dev/null
`;

/** Brings a snapshot's objects into the keeper. */
export async function bringIn(keeper: Keeper, snapshot: StoredSnapshot, signal: AbortSignal): Promise<void> {
  const pack = await packOf(snapshot);
  if (pack) await runScript(keeper, bring, { stdin: pack, signal });
}

const reset = `
rm -f "$GIT_DIR/index.lock"
if [ "$(git write-tree)" != "$1" ]; then git read-tree -u --reset "$1"; fi
`;

/** Brings a snapshot in, and makes the work tree equal to it, as `resetTree` does. */
export async function restoreTree(keeper: Keeper, snapshot: StoredSnapshot, signal: AbortSignal): Promise<void> {
  const pack = await packOf(snapshot);
  const args = [assertCommit(snapshot.tree)];
  await runScript(keeper, pack ? bring + reset : reset, { args, stdin: pack ?? '', signal });
}

const bringToBoth = `
cat > keeper/pack.tmp
git index-pack --stdin --fix-thin < keeper/pack.tmp >/dev/null
GIT_DIR="$PWD/tree/.git" git index-pack --stdin --fix-thin < keeper/pack.tmp >/dev/null
rm keeper/pack.tmp
`;

/** `$2` the commit. */
const stand = `
export GIT_DIR="$PWD/tree/.git"
git update-ref --no-deref HEAD "$2"
cp -p keeper/index tree/.git/index
`;

/** As `restoreTree`, and the work tree's own repository stands on the snapshot's commit. */
export async function standOn(keeper: Keeper, snapshot: StoredSnapshot, signal: AbortSignal): Promise<void> {
  const pack = await packOf(snapshot);
  const args = [assertCommit(snapshot.tree), assertCommit(snapshot.commit)];
  const script = [...(pack ? [bringToBoth] : []), reset, stand].join('');
  await runScript(keeper, script, { args, stdin: pack ?? '', signal });
}

/** Makes a work tree that nobody has changed since the keeper looked equal `tree`; ignored files stay. */
export async function resetTree(keeper: Keeper, tree: string, signal: AbortSignal): Promise<void> {
  await runScript(keeper, reset, { args: [assertCommit(tree)], signal });
}

async function packOf(snapshot: StoredSnapshot): Promise<Uint8Array | null> {
  const bytes = await bundleOf(snapshot);
  return bytes && parseBundle(bytes).pack;
}

/** The bundle's bytes, wherever they are. */
export async function bundleOf(snapshot: StoredSnapshot): Promise<Uint8Array | null> {
  if (snapshot.bundle || snapshot.path === null) return snapshot.bundle;
  try {
    return await readFile(snapshot.path);
  } catch {
    throw new WorkspaceError(
      'bad_bundle',
      `The snapshot ${snapshot.commit.slice(0, 12)} was kept on disk at ${snapshot.path}, and is not there. It was larger than the database takes; continue on the machine that has it, or start the ticket again.`,
    );
  }
}

/** Writes a bundle that is too large for a row to disk, whole or not at all. */
export async function writeBundle(path: string, bundle: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const half = `${path}.${randomUUID()}.half`;
  await writeFile(half, bundle, { flush: true });
  await rename(half, path);
}
