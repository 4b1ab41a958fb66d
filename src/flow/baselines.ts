import type { Repository } from '../core/repository.ts';
import { readBaseline, saveBaseline } from '../store/baselines.ts';
import type { Database } from '../store/database.ts';
import { type Baseline, baselineKey, takeBaseline } from '../verification/baseline.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';
import type { Pinned } from './prepare.ts';
import { openTrees } from './trees.ts';

/** What the base's own checks say: taken once for each tree, set-up and commands, whoever asks first. */
export interface Baselines {
  take(repository: Repository, pinned: Pinned, signal: AbortSignal): Promise<Baseline>;
}

export function createBaselines({ db, workspaces }: { db: Database; workspaces: Workspaces }): Baselines {
  const underWay = new Map<string, Promise<Baseline>>();

  async function takeOnce(key: string, repository: Repository, pinned: Pinned, signal: AbortSignal): Promise<Baseline> {
    const kept = await readBaseline(db, key);
    if (kept !== null) return kept as Baseline;
    const { commit: base, facts } = pinned;
    const trees = openTrees({ workspaces, repository, base, setup: facts.setup, change: null });
    const baseline = await takeBaseline({ trees, commands: facts.verify, signal });
    await saveBaseline(db, key, repository.name, baseline);
    return baseline;
  }

  return {
    async take(repository, pinned, signal) {
      const { tree, facts } = pinned;
      const key = baselineKey({ tree, setup: facts.setup.key, commands: facts.verify });
      for (;;) {
        const shared = underWay.get(key);
        if (!shared) {
          const mine = takeOnce(key, repository, pinned, signal).finally(() => underWay.delete(key));
          underWay.set(key, mine);
          return mine;
        }
        try {
          return await shared;
        } catch (error) {
          // The session that took it was stopped; this one was not.
          signal.throwIfAborted();
          if (underWay.has(key) || (error as Error).name !== 'AbortError') throw error;
        }
      }
    },
  };
}
