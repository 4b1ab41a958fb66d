import type { Repository } from '../core/repository.ts';
import type { Trees } from '../verification/trees.ts';
import type { StoredSnapshot } from '../workspaces/snapshot.ts';
import type { Change, SessionStore, SetupPlan, Workspaces } from '../workspaces/workspaces.ts';

/** The base and the change, as verification sees them: clean checkouts of committed trees, never the agent's directory. */
export function openTrees(from: {
  workspaces: Workspaces;
  repository: Repository;
  base: string;
  setup: SetupPlan;
  /** null where only the base is looked at: for a baseline. */
  change: { snapshot: StoredSnapshot; store: SessionStore; changes: Change[] } | null;
}): Trees {
  const { workspaces, repository, base, setup, change } = from;
  const bySha = new Map(change?.changes.map((entry) => [entry.path, entry]));
  return {
    changes: change?.changes ?? [],
    async read(side, path) {
      const changed = bySha.get(path);
      const movedAway = change?.changes.some((entry) => entry.status === 'R' && entry.oldPath === path);
      if (side === 'head' && !changed && movedAway) return null;
      if (side === 'base' || !change || !changed) return workspaces.readFile(repository, base, path);
      if (/^0+$/.test(changed.newSha)) return null;
      const bytes = await workspaces.readBlob(change.store, changed.newSha, 1_000_000);
      const text = bytes?.toString('utf8') ?? null;
      return text?.includes('\0') ? null : text;
    },
    checkout: (at, { overlay = [], files = [], signal }) =>
      workspaces.checkout({ repository, base, setup, snapshot: change?.snapshot ?? null, at, overlay, files }, signal),
  };
}
