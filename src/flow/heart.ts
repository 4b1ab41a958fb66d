import { RunLost, StopRequested } from '../core/step.ts';
import type { Database } from '../store/database.ts';
import { beat, type ClaimedRun } from '../store/runs.ts';

/** One for all runs of a process: says each second that they are held, and hears what became of them. */
export interface Heart {
  /** Aborts `stopping` with `StopRequested` or `RunLost`. Call what it returns when the attempt is over. */
  hold(run: ClaimedRun, stopping: AbortController): () => void;
  /** How many runs it holds. */
  count(): number;
}

const beatEveryMs = 1000;
/** Without a word from the database for so long, an attempt is over: somebody else may have been at it for long. */
const giveUpAfterMs = 90_000;

export function createHeart(db: Database): Heart {
  const held = new Map<string, { run: ClaimedRun; stopping: AbortController }>();
  let timer: NodeJS.Timeout | undefined;
  let beating = false;
  let heardAt = performance.now();

  async function beatAll(): Promise<void> {
    const asked = [...held.values()];
    const alive = await beat(
      db,
      asked.map(({ run }) => run),
    );
    heardAt = performance.now();
    for (const { run, stopping } of asked) {
      const state = alive.get(run.id);
      if (!state) stopping.abort(new RunLost(run.id));
      else if (state.stopRequested) stopping.abort(new StopRequested());
    }
  }

  function tick(): void {
    // Fences keep a run that is somebody else's by now from writing; this only ends the useless work.
    if (performance.now() - heardAt > giveUpAfterMs)
      for (const { run, stopping } of held.values()) stopping.abort(new RunLost(run.id));
    if (beating) return; // one at a time: a database that hangs must not be asked more and more often
    beating = true;
    beatAll()
      .catch(() => {}) // it is away; the next one may get through
      .finally(() => {
        beating = false;
      });
  }

  return {
    hold(run, stopping) {
      const key = `${run.id} ${run.attempt}`;
      if (held.size === 0) {
        heardAt = performance.now();
        timer = setInterval(tick, beatEveryMs);
      }
      held.set(key, { run, stopping });
      return () => {
        held.delete(key);
        if (held.size === 0) clearInterval(timer);
      };
    },
    count: () => held.size,
  };
}
