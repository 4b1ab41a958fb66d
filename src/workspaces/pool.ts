import { stat, statfs, utimes } from 'node:fs/promises';
import type { Repository } from '../core/repository.ts';
import type { Layout, Marker } from './layout.ts';
import type { Mirrors } from './mirror.ts';
import { assertName } from './names.ts';
import { abandon, type Preparer, type SetupPlan, settledOrAborted } from './prepare.ts';

export interface PoolOptions {
  /** Ready workspaces kept of each repository. */
  perRepository: number;
  /** Of a repository that nobody has worked on for so long, none is kept. */
  keepForMs: number;
  /** Of the disk that they lie on, all ready ones together. */
  diskShare: number;
}

/** Workspaces made before they are wanted: cloned, with their set-up done. */
export interface Pool {
  /** A tree under a busy marker: a ready one (whose base may be another), or one made now. */
  take(repository: Repository, base: string, setup: SetupPlan, signal: AbortSignal): Promise<Marker>;
  /** From now on, these are wanted ready. Resolves when they are, or could not be made; nobody need wait for it. */
  warm(repository: Repository, base: string, setup: SetupPlan): Promise<void>;
  /** Drops what has not been wanted for long. */
  expire(): Promise<void>;
  /** By how many bytes the ready ones, with so many more of sessions, exceed their share of the disk. */
  excess(ofSessions: number): Promise<number>;
}

const atOnce = 4;

export function createPool(options: {
  layout: Layout;
  mirrors: Mirrors;
  preparer: Preparer;
  pool: PoolOptions;
  background(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}): Pool {
  const { layout, mirrors, preparer, pool, background } = options;
  const limit = createLimit(atOnce);
  const inTurn = createLimit(1);
  /** Preparations under way that nobody has spoken for. */
  const coming = new Map<string, Promise<unknown>>();

  const prefixOf = (repository: Repository, setup: SetupPlan) =>
    `${mirrors.key(repository)}.${assertName('set-up key', setup.key)}.`;

  async function claim(prefix: string, base: string): Promise<Marker | null> {
    const names = (await layout.list('ready')).filter((name) => name.startsWith(prefix));
    const found = await Promise.all(names.map(async (name) => ({ name, marker: await layout.read('ready', name) })));
    const best = found.sort((a, b) => Number(b.marker?.base === base) - Number(a.marker?.base === base));
    for (const { name, marker } of best) {
      if (marker && (await layout.move(['ready', name], ['busy', layout.busyName(marker.tree)]))) return marker;
    }
    return null;
  }

  async function take(repository: Repository, base: string, setup: SetupPlan, signal: AbortSignal): Promise<Marker> {
    const prefix = prefixOf(repository, setup);
    const ready = await claim(prefix, base);
    if (ready) return ready;
    const next = coming.get(prefix);
    if (next) {
      coming.delete(prefix); // spoken for
      await settledOrAborted(next, signal);
      const fresh = await claim(prefix, base);
      if (fresh) return fresh;
    }
    return limit(() => preparer.prepare(repository, base, setup, signal), signal);
  }

  async function drop(name: string): Promise<void> {
    const marker = await layout.read('ready', name);
    if (!marker || !(await layout.move(['ready', name], ['busy', layout.busyName(marker.tree)]))) return;
    await abandon({ layout, mirrors }, marker.mirror, marker.tree);
  }

  async function expire(): Promise<void> {
    const oldest = Date.now() - pool.keepForMs;
    for (const name of await layout.list('ready')) {
      const found = await stat(layout.path('markers/ready', `${name}.json`)).catch(() => null);
      if (found && found.mtimeMs < oldest) await drop(name);
    }
    for (const name of await layout.names('layers')) {
      const path = layout.path('layers', name);
      const found = await stat(path).catch(() => null);
      if (found && found.mtimeMs < oldest) await layout.discard(path);
    }
  }

  async function share(): Promise<number> {
    const disk = await statfs(layout.path('trees'));
    return Math.min(disk.blocks * pool.diskShare, disk.bavail / 2) * disk.bsize;
  }

  async function allReady(): Promise<{ name: string; marker: Marker }[]> {
    const names = await layout.list('ready');
    const found = await Promise.all(names.map(async (name) => ({ name, marker: await layout.read('ready', name) })));
    return found.flatMap(({ name, marker }) => (marker ? [{ name, marker }] : []));
  }

  /** Makes room for one more of this repository; false when there is none. */
  async function makeRoom(mirror: string): Promise<boolean> {
    const allowed = await share();
    const ready = await allReady();
    const expected = Math.max(
      0,
      ...ready.filter(({ marker }) => marker.mirror === mirror).map(({ marker }) => marker.bytes),
    );
    let used = ready.reduce((sum, { marker }) => sum + marker.bytes, 0);
    for (const { name, marker } of ready) {
      if (used + expected <= allowed) break;
      if (marker.mirror === mirror) continue;
      await drop(name);
      used -= marker.bytes;
    }
    return used + expected <= allowed;
  }

  async function fill(repository: Repository, base: string, setup: SetupPlan, signal: AbortSignal): Promise<void> {
    const mirror = mirrors.key(repository);
    const prefix = prefixOf(repository, setup);
    await expire();
    let have = 0;
    for (const name of await layout.list('ready')) {
      if (name.startsWith(prefix)) {
        have += 1;
        const now = new Date();
        await utimes(layout.path('markers/ready', `${name}.json`), now, now).catch(() => {});
      } else if (name.startsWith(`${mirror}.`)) await drop(name); // made for another set-up
    }
    for (; have < pool.perRepository; have++) {
      if (!(await makeRoom(mirror))) return;
      const making = preparer.prepare(repository, base, setup, signal).then(async (marker) => {
        const bytes = await layout.bytesOf(layout.path('trees', marker.tree));
        await layout.write('busy', layout.busyName(marker.tree), { ...marker, bytes });
        await layout.move(['busy', layout.busyName(marker.tree)], ['ready', prefix + marker.tree]);
      });
      coming.set(prefix, making);
      try {
        await making;
      } finally {
        if (coming.get(prefix) === making) coming.delete(prefix);
      }
    }
  }

  return {
    take,
    expire,
    async excess(ofSessions) {
      const used = (await allReady()).reduce((sum, { marker }) => sum + marker.bytes, ofSessions);
      return Math.max(0, used - (await share()));
    },
    warm(repository, base, setup) {
      return background('warm', (signal) => inTurn(() => fill(repository, base, setup, signal), signal));
    },
  };
}

type Limit = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** So many at once; the others wait in line. */
function createLimit(most: number): Limit {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work, signal) => {
    if (running >= most) await turn(waiting, signal);
    else running += 1;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** One's turn in the line; whoever gives up leaves it. */
function turn(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const mine = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const leave = () => {
      const place = waiting.indexOf(mine);
      if (place >= 0) waiting.splice(place, 1);
      reject(signal.reason);
    };
    signal.throwIfAborted();
    signal.addEventListener('abort', leave, { once: true });
    waiting.push(mine);
  });
}
