import type { Repository } from '../core/repository.ts';
import type { NetworkRule } from '../sandboxes/sandbox.ts';
import { assertCommit, assertName } from './names.ts';
import type { OverlayEntry, OverlayFile } from './overlay.ts';
import type { Pool } from './pool.ts';
import { abandon, type SetupPlan } from './prepare.ts';
import { restoreTree, type StoredSnapshot } from './snapshot.ts';
import {
  arrange,
  type Checkout,
  createWorkspace,
  enterTree,
  type OpenedTree,
  openTree,
  type Rooms,
  type Workspace,
} from './workspace.ts';
import { baseMissing } from './workspace-error.ts';

export interface ReopenRequest {
  sessionId: string;
  repository: Repository;
  /** A full commit id, which the mirror has. */
  base: string;
  setup: SetupPlan;
  /** Beside PATH, HOME and what git needs. */
  env?: Record<string, string>;
}

export interface TakeRequest extends ReopenRequest {
  /** A local branch at the base for the agent to stand on; without one HEAD is detached. */
  branch?: string;
  /** The work so far; null: none. HEAD stays at the base, so that `git diff` shows it. */
  restore: StoredSnapshot | null;
  /**
   * Throws where the session is somebody else's by now. Asked before its files are replaced: a process may be stopped in the
   * middle of this for longer than others wait for it.
   */
  confirm?(): Promise<void>;
}

export interface CheckoutRequest {
  repository: Repository;
  base: string;
  setup: SetupPlan;
  /** What `head` is; null: the base itself. */
  snapshot: StoredSnapshot | null;
  /** What is checked out, before the overlay. */
  at: 'base' | 'head';
  /** Single files that are taken from the other side, or taken away. */
  overlay?: OverlayEntry[];
  /** Files that neither side has. */
  files?: OverlayFile[];
  env?: Record<string, string>;
  /** What its commands reach; absent: nothing. */
  network?: NetworkRule;
}

export interface Taking {
  take(request: TakeRequest, signal: AbortSignal): Promise<Workspace>;
  /** The session's files as they were left; null: there are none such here. `tree`: of that name, and no others. */
  reopen(request: ReopenRequest & { tree: string | null }, signal: AbortSignal): Promise<Workspace | null>;
  checkout(request: CheckoutRequest, signal: AbortSignal): Promise<Checkout>;
  release(sessionId: string): Promise<void>;
  /** Ends what runs in any of them. */
  close(): Promise<void>;
}

export function createTaking(options: { rooms: Rooms; pool: Pool; stop: AbortSignal }): Taking {
  const { rooms, pool, stop } = options;
  const { layout, mirrors } = rooms;
  const open = new Set<OpenedTree>();
  const underWay = new Set<Promise<unknown>>();

  async function resolveBase(repository: Repository, base: string, signal: AbortSignal) {
    const found = await mirrors.resolve(repository, assertCommit(base), signal);
    if (!found) throw baseMissing(repository, base);
    return found;
  }

  async function openHere(...args: Parameters<typeof openTree>): Promise<OpenedTree> {
    const opened = await openTree(...args);
    const known = {
      ...opened,
      close: async () => {
        await opened.close();
        open.delete(known);
      },
    };
    open.add(known);
    return known;
  }

  /** A tree from the pool, in the state that `arrangeIt` gives it; nothing is left of it when that fails. */
  function obtain<T>(...args: Parameters<typeof obtainNow<T>>): Promise<T> {
    const obtaining = obtainNow(...args).finally(() => underWay.delete(obtaining));
    underWay.add(obtaining);
    return obtaining;
  }

  async function obtainNow<T>(
    request: { sessionId?: string; repository: Repository; base: string; setup: SetupPlan; branch?: string },
    how: (tree: string) => Parameters<typeof openTree>[3],
    signal: AbortSignal,
    arrangeIt: (opened: OpenedTree, base: { commit: string; tree: string }, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { repository, setup } = request;
    const either = AbortSignal.any([signal, stop]);
    const [base, refs] = await Promise.all([
      resolveBase(repository, request.base, either),
      mirrors.packedRefs(repository),
    ]);
    const taken = await pool.take(repository, base.commit, setup, either);
    let opened: OpenedTree | undefined;
    try {
      const { sessionId } = request;
      const keepName = sessionId ? `session-${sessionId}` : `tree-${taken.tree}`;
      // A tree that was made on this base keeps it already.
      const isKept = !sessionId && taken.base === base.commit;
      const kept = isKept ? Promise.resolve() : mirrors.keep(repository, keepName, base.commit);
      kept.catch(() => {}); // awaited below
      opened = await openHere(rooms, repository, taken.tree, how(taken.tree));
      await kept;
      const marker = await enterTree(opened, taken, { base: base.commit, refs, branch: request.branch ?? '' }, either);
      await layout.write('busy', layout.busyName(marker.tree), marker);
      return await arrangeIt(opened, base, either);
    } catch (error) {
      await opened?.close();
      await abandon(rooms, taken.mirror, taken.tree);
      throw error;
    } finally {
      void pool.warm(repository, base.commit, setup);
    }
  }

  async function release(sessionId: string): Promise<void> {
    const marker = await layout.read('sessions', assertName('session', sessionId));
    await layout.unlink(sessionId);
    if (!marker) return;
    await layout.discard(layout.path('trees', marker.tree));
    await mirrors.unkeep(marker.mirror, `tree-${marker.tree}`);
    await layout.remove('sessions', sessionId);
  }

  return {
    release,

    async take(request, signal) {
      const { sessionId, restore, confirm = async () => {} } = request;
      await confirm();
      await release(sessionId);
      const how = () => ({ session: sessionId, env: request.env ?? {} });
      return obtain(request, how, signal, async (opened, base, either) => {
        if (restore) await restoreTree(opened.keeper, restore, either);
        await confirm();
        await layout.link(sessionId, opened.tree);
        await layout.move(['busy', layout.busyName(opened.tree)], ['sessions', sessionId]);
        return createWorkspace(opened, base);
      });
    },

    async reopen(request, signal) {
      const { sessionId, repository, setup } = request;
      const marker = await layout.read('sessions', assertName('session', sessionId));
      if (!marker || marker.mirror !== mirrors.key(repository)) return null;
      if (marker.base !== request.base || marker.setup !== setup.key) return null;
      if (request.tree !== null && marker.tree !== request.tree) return null;
      const base = await resolveBase(repository, request.base, signal);
      const how = { session: sessionId, env: request.env ?? {} };
      return createWorkspace(await openHere(rooms, repository, marker.tree, how), base);
    },

    async checkout(request, signal) {
      const { overlay = [], files = [], snapshot, at } = request;
      const evidenceOf = (tree: string) => layout.path('trees', tree, 'evidence');
      const how = (tree: string) => ({
        session: null,
        mounts: [{ path: evidenceOf(tree), writable: true }],
        env: { SHIPMATE_EVIDENCE: evidenceOf(tree), ...request.env },
        network: request.network ?? ('none' as const),
      });
      return obtain(request, how, signal, async (opened, base, either) => {
        await arrange(opened.keeper, base, { snapshot, at, overlay, files }, either);
        return {
          dir: opened.dir,
          sandbox: opened.sandbox,
          evidenceDir: evidenceOf(opened.tree),
          async release() {
            await opened.close();
            await abandon(rooms, mirrors.key(request.repository), opened.tree);
          },
        };
      });
    },

    async close() {
      await Promise.allSettled(underWay); // the signal ends them
      await Promise.all([...open].map((each) => each.close()));
    },
  };
}
