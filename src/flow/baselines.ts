import type { Repository } from '../core/repository.ts';
import { orAborted } from '../lib/abort.ts';
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
  const underWay = new Map<string, Shared>();

  async function takeOnce(key: string, repository: Repository, pinned: Pinned, signal: AbortSignal): Promise<Baseline> {
    const kept = await readBaseline(db, key);
    if (kept !== null) return kept as Baseline;
    const { commit: base, facts } = pinned;
    const trees = openTrees({ workspaces, repository, base, setup: facts.setup, change: null });
    const baseline = await takeBaseline({ trees, commands: facts.verify, signal });
    await saveBaseline(db, key, repository.name, baseline);
    return baseline;
  }

  function share(key: string, repository: Repository, pinned: Pinned): Shared {
    const stop = new AbortController();
    const result = takeOnce(key, repository, pinned, stop.signal).finally(() => underWay.delete(key));
    result.catch(() => {}); // those who wait hear of it
    const shared = { result, stop, waiting: 0 };
    underWay.set(key, shared);
    return shared;
  }

  return {
    async take(repository, pinned, signal) {
      const { tree, facts } = pinned;
      const key = baselineKey({ tree, setup: facts.setup.key, commands: facts.verify });
      const shared = underWay.get(key) ?? share(key, repository, pinned);
      shared.waiting += 1;
      try {
        return await orAborted(shared.result, signal);
      } finally {
        shared.waiting -= 1;
        if (shared.waiting === 0) shared.stop.abort(new Error('nobody waits for this baseline any more'));
      }
    },
  };
}

/** Ended when nobody waits for it any more; one session's stop is none of the others' business. */
interface Shared {
  result: Promise<Baseline>;
  stop: AbortController;
  waiting: number;
}
