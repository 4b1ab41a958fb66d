import { randomUUID } from 'node:crypto';
import { chmod, chown, link, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '../lib/is-alive.ts';
import { runProcess } from '../lib/process.ts';

/**
 * Where everything lies on disk:
 *
 *     trees/<id>/{tree,keeper,home,evidence}   a workspace; it is never moved, because what set-up leaves knows its path
 *     markers/{busy,ready,sessions}/<name>     who a tree belongs to; a tree is taken by renaming its marker
 *     layers/<mirror>.<setup>/{tree,home}      what set-up left, copied into each new tree
 *     sessions/<session>                       a link to its work tree, for sandboxes that cannot map paths
 *     mirrors/  caches/  stores/  bundles/     upstream, package downloads, published work, large snapshots
 *     place                                        what this directory is called among those of all machines
 *     trash/                                   what is being deleted
 *
 * A `busy` marker dies with its process; a tree without a marker is left over from a crash.
 */
export interface Layout {
  readonly path: LayoutPath;
  /** Names this directory among those of all machines. */
  readonly place: string;
  /** A directory for the inside of a sandbox. */
  give(path: string): Promise<string>;
  /** A new, empty tree under a busy marker. */
  newTree(): Promise<string>;
  read(kind: MarkerKind, name: string): Promise<Marker | null>;
  write(kind: MarkerKind, name: string, marker: Marker): Promise<void>;
  /** Moves a marker; false when somebody else was faster. */
  move(from: [MarkerKind, string], to: [MarkerKind, string]): Promise<boolean>;
  list(kind: MarkerKind): Promise<string[]>;
  /** What lies in one of the directories. */
  names(directory: 'trees' | 'layers' | 'stores' | 'bundles'): Promise<string[]>;
  link(sessionId: string, tree: string): Promise<void>;
  unlink(sessionId: string): Promise<void>;
  remove(kind: MarkerKind, name: string): Promise<void>;
  /** Takes a path away at once and deletes it beside other work. */
  discard(path: string): Promise<void>;
  /** Throws away what a process that is gone left behind. */
  sweep(): Promise<void>;
  bytesOf(path: string): Promise<number>;
  busyName(tree: string): string;
  /** Resolves when nothing is being deleted any more. */
  settled(): Promise<void>;
}

export type LayoutPath = (...parts: string[]) => string;

export type MarkerKind = 'busy' | 'ready' | 'sessions';

export interface Marker {
  tree: string;
  /** Key of the mirror. */
  mirror: string;
  base: string;
  setup: string;
  /** Hash of upstream's refs as the workspace knows them. */
  refs: string;
  /** Of a ready one, on disk. */
  bytes: number;
}

/** Trees that this process has made, whichever part of it asked. */
const mine = new Set<string>();

const kinds: MarkerKind[] = ['ready', 'busy', 'sessions']; // in the order that a tree goes through them
const insideTree = ['tree', 'keeper', 'home', 'evidence'];

export function layoutPath(root: string): LayoutPath {
  return (...parts) => join(root, ...parts);
}

export async function createLayout(root: string, owner: { uid: number; gid: number }): Promise<Layout> {
  const path = layoutPath(root);
  const markerPath = (kind: MarkerKind, name: string) => path('markers', kind, `${name}.json`);
  const deletions = new Set<Promise<void>>();

  for (const kind of kinds) await mkdir(path('markers', kind), { recursive: true });
  for (const name of ['', 'trees', 'layers', 'mirrors', 'caches', 'stores', 'bundles', 'sessions', 'trash']) {
    await mkdir(path(name), { recursive: true });
    await chmod(path(name), 0o755); // whatever our umask: a sandbox's user walks through them
  }

  const place = await readPlace(path);

  async function give(target: string): Promise<string> {
    await mkdir(target, { recursive: true });
    await chmod(target, 0o755);
    if (process.getuid?.() !== owner.uid) await chown(target, owner.uid, owner.gid);
    return target;
  }

  function busyName(tree: string): string {
    mine.add(tree);
    return `${tree}.${process.pid}`;
  }

  async function write(kind: MarkerKind, name: string, marker: Marker): Promise<void> {
    const half = path('markers', `${randomUUID()}.half`);
    await writeFile(half, JSON.stringify(marker));
    await rename(half, markerPath(kind, name));
  }

  async function list(kind: MarkerKind): Promise<string[]> {
    const names = await readdir(path('markers', kind));
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  }

  async function read(kind: MarkerKind, name: string): Promise<Marker | null> {
    const text = await readFile(markerPath(kind, name), 'utf8').catch(() => null);
    return text === null ? null : (JSON.parse(text) as Marker);
  }

  async function remove(kind: MarkerKind, name: string): Promise<void> {
    await rm(markerPath(kind, name), { force: true });
  }

  async function discard(target: string): Promise<void> {
    const trash = path('trash', randomUUID());
    try {
      await rename(target, trash);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const deletion: Promise<void> = destroy(trash)
      .catch(() => {}) // the next sweep does it
      .finally(() => deletions.delete(deletion));
    deletions.add(deletion);
  }

  async function sweep(): Promise<void> {
    for (const name of await readdir(path('trash'))) await discard(path('trash', name));
    for (const name of await readdir(path('markers')))
      if (name.endsWith('.half') && (await isOld(path('markers', name))))
        await rm(path('markers', name), { force: true });
    for (const name of await readdir(path('layers')))
      if (name.endsWith('.half') && (await isOld(path('layers', name)))) await discard(path('layers', name));
    const trees = await readdir(path('trees'));
    const owned = new Set<string>();
    for (const kind of kinds) {
      for (const name of await list(kind)) {
        const [tree = '', pid = ''] = name.split('.');
        if (kind === 'busy' && !mine.has(tree) && !isAnother(Number(pid))) await remove(kind, name);
        else owned.add(kind === 'busy' ? tree : ((await read(kind, name))?.tree ?? ''));
      }
    }
    for (const tree of trees) if (!owned.has(tree)) await discard(path('trees', tree));
  }

  return {
    path,
    place,
    give,
    busyName,
    read,
    write,
    list,
    remove,
    discard,
    sweep,

    async newTree() {
      const tree = randomUUID();
      const nothing = { tree, mirror: '', base: '', setup: '', refs: '', bytes: 0 };
      await write('busy', busyName(tree), nothing);
      await mkdir(path('trees', tree));
      await chmod(path('trees', tree), 0o755);
      for (const name of insideTree) await give(path('trees', tree, name));
      return tree;
    },

    names(directory) {
      return readdir(path(directory));
    },

    async link(sessionId, tree) {
      const half = path('sessions', `${randomUUID()}.half`);
      await symlink(path('trees', tree, 'tree'), half);
      await rename(half, path('sessions', sessionId));
    },

    async unlink(sessionId) {
      await rm(path('sessions', sessionId), { force: true });
    },

    async move([fromKind, from], [toKind, to]) {
      try {
        await rename(markerPath(fromKind, from), markerPath(toKind, to));
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
        throw error;
      }
    },

    async bytesOf(target) {
      const { stdout } = await runProcess(['du', '-sk', '--', target]);
      return Number.parseInt(stdout.toString(), 10) * 1024 || 0;
    },

    async settled() {
      await Promise.allSettled(deletions);
    },
  };
}

/** `rm` and not Node's own: an agent can nest directories deeper than a path can say, and take its own rights away. */
async function destroy(target: string): Promise<void> {
  const { exitCode } = await runProcess(['rm', '-rf', '--', target]);
  if (exitCode === 0) return;
  await runProcess(['chmod', '-R', 'u+rwX', '--', target]);
  await runProcess(['rm', '-rf', '--', target]);
}

async function isOld(target: string): Promise<boolean> {
  const found = await stat(target).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > 3600_000;
}

/** Our own number is an earlier process's, as in a container. */
function isAnother(pid: number): boolean {
  return pid !== process.pid && isAlive(pid);
}

/** Written once, whole, by whichever process is first. */
async function readPlace(path: LayoutPath): Promise<string> {
  const half = path('markers', `${randomUUID()}.half`);
  await writeFile(half, randomUUID());
  await link(half, path('place')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(half, { force: true });
  return readFile(path('place'), 'utf8');
}
