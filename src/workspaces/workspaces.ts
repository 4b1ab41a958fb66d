import { readdir } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import type { Repository } from '../core/repository.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import { tellFullDisk } from './disk-full.ts';
import { createHostGit } from './git.ts';
import { dirOf, readSearchPath } from './inside.ts';
import { createLayout, layoutPath } from './layout.ts';
import { createMirrors, type Mirrors } from './mirror.ts';
import { assertName } from './names.ts';
import { createPool, type PoolOptions } from './pool.ts';
import { createPreparer, type SetupOptions, type SetupPlan, writeGitConfig } from './prepare.ts';
import { createSessionStores, type SessionStores } from './session-store.ts';
import { type Snapshot, type StoredSnapshot, writeBundle } from './snapshot.ts';
import { createTaking, type Taking } from './taking.ts';

export type { Change } from './changes.ts';
export type { SetupPlan } from './prepare.ts';
export type { SessionStore } from './session-store.ts';
export type { Snapshot, StoredSnapshot } from './snapshot.ts';
export type { CheckoutRequest, ReopenRequest, TakeRequest } from './taking.ts';
export type { Checkout, Workspace } from './workspace.ts';
export { SetupError, WorkspaceError } from './workspace-error.ts';

export interface WorkspacesOptions {
  /** Everything is kept below it. Several processes of one machine may share it. */
  dataDir: string;
  driver: SandboxDriver;
  log?: (message: string, fields: Record<string, unknown>) => void;
  pool?: Partial<PoolOptions>;
  setup?: Partial<SetupOptions>;
}

export interface HeldSession {
  id: string;
  bytes: number;
}

/** Nothing is done before the first call: then directories are made, and what dead processes left half done goes. */
export interface Workspaces extends SessionStores {
  /** Brings the mirror of a repository up to date; it is made at first use. Throws `VendorError`. */
  refresh: Mirrors['refresh'];
  /** Where the mirror's objects lie, for git to read beside its own. */
  objectsOf(repository: Repository): Promise<string>;
  /** A branch, tag or full commit id as the mirror has it; null when there is none such (a repository with no commit). */
  resolve: Mirrors['resolve'];
  mergeBase: Mirrors['mergeBase'];
  commitsBetween: Mirrors['commitsBetween'];
  /** A file at a commit; null when there is none, when it is no plain file, or larger than `maxBytes` (1 MB). */
  readFile: Mirrors['readFile'];
  /** Every file, link and submodule at a commit. */
  listFiles(repository: Repository, commit: string): Promise<{ path: string; mode: string; sha: string }[]>;

  /** Names the directory that all this lies in, among those of all machines. */
  place(): Promise<string>;
  /** Where the work tree of a session's workspace is inside its sandbox, before there is one. */
  dirOf(sessionId: string): string;
  /** A workspace for a session, in place of any that it had on this machine. Throws `SetupError`, `WorkspaceError`. */
  take: Taking['take'];
  /** The session's workspace as this machine still has it; null when it has none, or one of another base or set-up. */
  reopen: Taking['reopen'];
  /** A clean workspace to verify something on. Throws as `take` does. */
  checkout: Taking['checkout'];
  /** Keeps workspaces of this kind ready from now on. Never rejects; resolves when one is ready, or cannot be made now. */
  warm(repository: Repository, base: string, setup: SetupPlan): Promise<void>;
  /** What to store of a snapshot: with its bundle, or over 20 MB with the path on this machine that it was written to. */
  keep(sessionId: string, snapshot: Snapshot): Promise<StoredSnapshot>;

  /** Sessions with files on this machine, and by how much these, with what is kept ready, exceed their share of the disk. */
  held(): Promise<{ sessions: HeldSession[]; excess: number }>;
  /**
   * Takes a session's files off this machine, but for the bundles at these paths. Its base stays in the mirror: with its
   * snapshot it can be taken up again.
   */
  release(sessionId: string, bundles?: string[]): Promise<void>;
  /** As `release`, for a session that will not be taken up again. */
  forget(sessionId: string, repository: Repository): Promise<void>;
  /** Ends all work, and resolves when nothing of it runs any more. Files of sessions stay. */
  close(): Promise<void>;
}

const maxStoredBytes = 20_000_000;

export function createWorkspaces(options: WorkspacesOptions): Workspaces {
  const { driver } = options;
  const root = resolvePath(options.dataDir, 'workspaces');
  let opened: Promise<Opened> | undefined;
  let closed = false;

  function open(): Promise<Opened> {
    if (closed) return Promise.reject(new Error('workspaces were used after they had been closed'));
    opened ??= openWorkspaces(root, options).catch((error: unknown) => {
      opened = undefined; // what is missing may be there next time
      throw error;
    });
    return opened;
  }

  async function release(sessionId: string, bundles: string[] = []): Promise<void> {
    const { layout, taking } = await open();
    await taking.release(sessionId);
    await layout.discard(layout.path('stores', `${sessionId}.git`));
    const dir = layout.path('bundles', sessionId);
    const kept = await readdir(dir).catch(() => []);
    const spent = kept.map((name) => join(dir, name)).filter((path) => !bundles.includes(path));
    if (spent.length === kept.length) await layout.discard(dir);
    else for (const path of spent) await layout.discard(path);
  }

  return tellFullDisk(root, {
    refresh: async (...args) => (await open()).mirrors.refresh(...args),
    resolve: async (...args) => (await open()).mirrors.resolve(...args),
    mergeBase: async (...args) => (await open()).mirrors.mergeBase(...args),
    commitsBetween: async (...args) => (await open()).mirrors.commitsBetween(...args),
    objectsOf: async (repository) => join((await open()).mirrors.gitDir(repository), 'objects'),
    readFile: async (...args) => (await open()).mirrors.readFile(...args),
    async listFiles(repository, commit) {
      const entries = await (await open()).mirrors.readTree(repository, commit);
      return [...entries.values()];
    },

    place: async () => (await open()).layout.place,
    dirOf: (sessionId) => dirOf(driver, { path: layoutPath(root) }, { session: assertName('session', sessionId) }),
    take: async (...args) => (await open()).taking.take(...args),
    reopen: async (...args) => (await open()).taking.reopen(...args),
    checkout: async (...args) => (await open()).taking.checkout(...args),
    warm: (...args) =>
      open().then(
        ({ pool }) => pool.warm(...args),
        () => {}, // whoever needs a workspace hears of it
      ),
    async keep(sessionId, { base, commit, tree, bundle }) {
      if (!bundle || bundle.length <= maxStoredBytes) return { base, commit, tree, bundle, path: null };
      const { layout } = await open();
      const path = layout.path('bundles', assertName('session', sessionId), `${commit}.bundle`);
      await writeBundle(path, bundle);
      return { base, commit, tree, bundle: null, path };
    },

    storeOf: async (...args) => (await open()).stores.storeOf(...args),
    receive: async (...args) => (await open()).stores.receive(...args),
    withFile: async (...args) => (await open()).stores.withFile(...args),
    treeOf: async (...args) => (await open()).stores.treeOf(...args),
    withoutCommit: async (...args) => (await open()).stores.withoutCommit(...args),
    changes: async (...args) => (await open()).stores.changes(...args),
    diff: async (...args) => (await open()).stores.diff(...args),
    readBlob: async (...args) => (await open()).stores.readBlob(...args),
    pack: async (...args) => (await open()).stores.pack(...args),
    mergeTrees: async (...args) => (await open()).stores.mergeTrees(...args),
    snapshotOf: async (...args) => (await open()).stores.snapshotOf(...args),
    commit: async (...args) => (await open()).stores.commit(...args),

    async held() {
      const { layout, pool } = await open();
      const markers = await layout.list('sessions');
      const stores = (await layout.names('stores')).map((name) => name.replace(/\.git$/, ''));
      const ids = new Set([...markers, ...stores, ...(await layout.names('bundles'))]);
      const sessions: HeldSession[] = [];
      for (const id of ids) {
        const marker = await layout.read('sessions', id);
        const measure = async () => (marker ? layout.bytesOf(layout.path('trees', marker.tree)) : 0);
        sessions.push({ id, bytes: marker?.bytes || (await measure()) });
      }
      return { sessions, excess: await pool.excess(sessions.reduce((sum, { bytes }) => sum + bytes, 0)) };
    },
    release,
    async forget(sessionId, repository) {
      await release(sessionId);
      const { mirrors } = await open();
      await mirrors.unkeep(mirrors.key(repository), `session-${sessionId}`);
    },
    async close() {
      closed = true;
      await opened?.then(
        (all) => all.close(),
        () => {},
      );
    },
  });
}

type Opened = Awaited<ReturnType<typeof openWorkspaces>>;

async function openWorkspaces(root: string, options: WorkspacesOptions) {
  const { driver, log = () => {} } = options;
  const layout = await createLayout(root, driver.owner);
  const gitConfig = layout.path('gitconfig');
  await writeGitConfig(gitConfig);
  const git = createHostGit(gitConfig);
  const stop = new AbortController();
  const tasks = new Set<Promise<void>>();

  function background(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (stop.signal.aborted) return Promise.resolve();
    const task: Promise<void> = work(stop.signal)
      .catch((error: unknown) => {
        if (!stop.signal.aborted) log(`workspaces: ${name} failed`, { err: error });
      })
      .finally(() => tasks.delete(task));
    tasks.add(task);
    return task;
  }

  let searchPath: Promise<string> | undefined;
  const mirrors = createMirrors({ dir: layout.path('mirrors'), git, background });
  const rooms = {
    driver,
    layout,
    mirrors,
    gitConfig,
    searchPath() {
      searchPath ??= readSearchPath(driver, layout).catch((error: unknown) => {
        searchPath = undefined;
        throw error;
      });
      return searchPath;
    },
  };
  const setup = { env: {}, timeoutMs: 15 * 60_000, ...options.setup };
  const preparer = createPreparer({ rooms, setup });
  const limits = { perRepository: 1, keepForMs: 24 * 3600_000, diskShare: 0.2, ...options.pool };
  const pool = createPool({ layout, mirrors, preparer, background, pool: limits });
  const taking = createTaking({ rooms, pool, stop: stop.signal });
  const stores = createSessionStores({ layout, mirrors, git });

  await layout.sweep();
  await pool.expire();
  const trees = await layout.names('trees');
  await mirrors.dropKeepRefs((name) => name.startsWith('tree-') && !trees.includes(name.slice('tree-'.length)));

  return {
    layout,
    mirrors,
    pool,
    taking,
    stores,
    async close() {
      stop.abort(new Error('the service is stopping'));
      await taking.close();
      await Promise.all(tasks);
      await layout.settled();
    },
  };
}
