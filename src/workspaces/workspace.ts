import type { Repository } from '../core/repository.ts';
import type { Mount, NetworkRule, Sandbox, SandboxDriver } from '../sandboxes/sandbox.ts';
import { dirOf, type Keeper, keeperSpec, runScript, workSpec } from './inside.ts';
import type { Layout, Marker } from './layout.ts';
import type { Mirrors } from './mirror.ts';
import { type OverlayEntry, type OverlayFile, overlaidTree } from './overlay.ts';
import { checkOut, hashOf } from './prepare.ts';
import { bringIn, resetTree, type Snapshot, type StoredSnapshot, standOn, takeSnapshot } from './snapshot.ts';

/** Checked-out code for one session. */
export interface Workspace {
  /** The name of its files, by which `reopen` knows them again. */
  tree: string;
  /** The work tree, as paths are inside the sandbox. */
  dir: string;
  /** Without network; what the session's tools run in. */
  sandbox: Sandbox;
  /** What another sandbox (a tool server's) must be given to see the same files at the same paths. */
  mounts: Mount[];
  /** The environment that goes with them. */
  env: Record<string, string>;
  /** The work tree as it is now. The same commit again, and cheap, when nothing changed since the last one. */
  snapshot(signal: AbortSignal): Promise<Snapshot>;
  /** Ends what still runs inside. The files stay, for `reopen`. */
  close(): Promise<void>;
}

/** Checked-out code to verify something on. */
export interface Checkout {
  dir: string;
  sandbox: Sandbox;
  /**
   * Where commands leave what is to be kept, on both sides. What lies there was written by what ran inside: read regular
   * files only, and never follow a link.
   */
  evidenceDir: string;
  /** Ends what still runs inside, and takes the files away. */
  release(): Promise<void>;
}

/** What everything here is made with. */
export interface Rooms {
  driver: SandboxDriver;
  layout: Layout;
  mirrors: Mirrors;
  gitConfig: string;
  /** PATH as the driver sets it. */
  searchPath(): Promise<string>;
}

/** One tree with both of its sandboxes: the keeper's, and the one in which work is done. */
export interface OpenedTree {
  tree: string;
  dir: string;
  /** Opened at first use. */
  keeper: Keeper;
  sandbox: Sandbox;
  mounts: Mount[];
  env: Record<string, string>;
  close(): Promise<void>;
}

export async function openTree(
  rooms: Rooms,
  repository: Repository,
  tree: string,
  how: { session: string | null; mounts?: Mount[]; env: Record<string, string>; network?: NetworkRule },
): Promise<OpenedTree> {
  const { driver, layout, mirrors } = rooms;
  const mirrorDir = mirrors.gitDir(repository);
  const { network = 'none', ...rest } = how;
  const spec = workSpec({ ...rooms, tree, mirrorDir, searchPath: await rooms.searchPath(), network, ...rest });
  const sandbox = await driver.open(spec);
  let keeper: Promise<Sandbox> | undefined;
  const openKeeper = () => {
    keeper ??= driver.open(keeperSpec({ layout, tree, mirrorDir }));
    return keeper;
  };
  return {
    tree,
    dir: dirOf(driver, layout, { tree, session: how.session }),
    keeper: { exec: async (...args) => (await openKeeper()).exec(...args) },
    sandbox,
    mounts: spec.mounts,
    env: spec.env,
    async close() {
      await sandbox.close();
      await (await keeper?.catch(() => undefined))?.close();
    },
  };
}

/** `$1` the base; `$2` moved: bring the tree there; `$3` refs: stdin is packed-refs; `$4` a branch, or nothing. */
const enter = `
if [ "$2" = moved ]; then ${checkOut.trim().replaceAll('\n', '; ')}; fi
if [ "$3" = refs ]; then cat > keeper/refs.tmp; mv keeper/refs.tmp tree/.git/packed-refs; fi
export GIT_DIR="$PWD/tree/.git"; unset GIT_WORK_TREE
if [ -n "$4" ]; then
  git update-ref "refs/heads/$4" "$1"
  git symbolic-ref HEAD "refs/heads/$4"
elif [ "$2" = moved ]; then
  git update-ref --no-deref HEAD "$1"
fi
`;

/** Brings a tree from the pool to where it is wanted, with upstream's refs as they are now. */
export async function enterTree(
  { keeper }: OpenedTree,
  marker: Marker,
  wanted: { base: string; refs: string; branch: string },
  signal: AbortSignal,
): Promise<Marker> {
  const { base, branch } = wanted;
  const moved = marker.base !== base;
  const refs = hashOf(wanted.refs);
  if (moved || marker.refs !== refs || branch !== '') {
    const args = [base, moved ? 'moved' : '', marker.refs !== refs ? 'refs' : '', branch];
    await runScript(keeper, enter, { args, stdin: marker.refs !== refs ? wanted.refs : '', signal });
  }
  return { ...marker, base, refs };
}

export function createWorkspace(opened: OpenedTree, base: { commit: string; tree: string }): Workspace {
  const { dir, sandbox, mounts, env, close } = opened;
  let last: Snapshot | null = null;
  let before: Promise<unknown> = Promise.resolve();

  return {
    tree: opened.tree,
    dir,
    sandbox,
    mounts,
    env,
    close,
    snapshot(signal) {
      const snapshot = before.then(async () => {
        const taken = await takeSnapshot(opened.keeper, base, last, signal);
        last = taken.bytes < 1_000_000 ? taken : null; // a large one is not worth its memory
        return taken;
      });
      before = snapshot.catch(() => {}); // there is one index, so one at a time
      return snapshot;
    },
  };
}

/** Puts a fresh tree at `at`, with `overlay` and `files` over it. */
export async function arrange(
  keeper: Keeper,
  base: { commit: string; tree: string },
  wanted: { snapshot: StoredSnapshot | null; at: 'base' | 'head'; overlay: OverlayEntry[]; files: OverlayFile[] },
  signal: AbortSignal,
): Promise<void> {
  const { snapshot, at, overlay, files } = wanted;
  if (snapshot && at === 'head') await standOn(keeper, snapshot, signal);
  else if (snapshot) await bringIn(keeper, snapshot, signal);
  const trees = { base: base.tree, head: snapshot?.tree ?? base.tree };
  if (overlay.length === 0 && files.length === 0) return;
  await resetTree(keeper, await overlaidTree(keeper, trees[at], trees, overlay, files, signal), signal);
}
