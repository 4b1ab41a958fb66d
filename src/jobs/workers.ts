import { type NudgeName, nudgeNames, type Queues } from './queues.ts';

export type DrainName = NudgeName | 'post';

/** Works a table until it is empty. Called by a nudge, by the sweep, or at the start; never trusts what woke it. */
export type Drain = (signal: AbortSignal) => Promise<void>;

export interface Workers {
  /** From now on this process works on a table, with so many drains at once; a second time changes nothing. */
  work(name: DrainName, drain: Drain, concurrency: number): Promise<void>;
  /** Looks at a table now, if this process works on it. Call after the commit that gave it something to do. */
  wake(name: DrainName): void;
  wakeAll(): void;
  /** Does a chore now and again, one at a time; what it throws is told as a drain's errors are. */
  every(ms: number, name: string, chore: (signal: AbortSignal) => Promise<unknown>): void;
  /** Takes no new work, tells what runs to stop, and waits for it. */
  stop(): Promise<void>;
}

const sweepEveryMs = 1000;

/**
 * Turns nudges into work. Nudges tell within milliseconds when to look; what there is to do, and who does it, our own tables
 * say. A sweep looks at every table once a second: the answer to what was lost and to times that have come.
 */
export function createWorkers(options: {
  queues(): Promise<Queues>;
  /** There is no use in looking at any table now; `wake` it all when there is. */
  isPaused(): boolean;
  onError(name: string, error: unknown): void;
}): Workers {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const jobs = new Map<DrainName, { drain: Drain; free: number; again: boolean }>();
  const timers = new Set<NodeJS.Timeout>();

  function wake(name: DrainName): void {
    const job = jobs.get(name);
    if (!job || stopping.signal.aborted || options.isPaused()) return;
    if (job.free === 0) {
      job.again = true; // whoever ends first looks again: it may have looked too early
      return;
    }
    job.free -= 1;
    const done = job
      .drain(stopping.signal)
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) options.onError(name, error);
      })
      .finally(() => {
        job.free += 1;
        running.delete(done);
        if (!job.again) return;
        job.again = false;
        wake(name);
      });
    running.add(done);
  }

  /** One look each: a drain that finds something wakes the next. */
  function wakeAll(): void {
    for (const name of jobs.keys()) wake(name);
  }

  function every(ms: number, name: string, chore: (signal: AbortSignal) => Promise<unknown>): void {
    let busy = false;
    const look = () => {
      if (busy || stopping.signal.aborted || options.isPaused()) return;
      busy = true;
      const done = chore(stopping.signal)
        .catch((error: unknown) => {
          if (!stopping.signal.aborted) options.onError(name, error);
        })
        .then(() => {
          busy = false;
          running.delete(done);
        });
      running.add(done);
    };
    timers.add(setInterval(look, ms));
  }

  return {
    wake,
    wakeAll,
    every,
    async work(name, drain, concurrency) {
      if (jobs.has(name)) return;
      jobs.set(name, { drain, free: concurrency, again: false });
      if (jobs.size === 1) timers.add(setInterval(wakeAll, sweepEveryMs));
      wake(name);
      const queues = await options.queues();
      for (const nudge of nudgeNames) if (nudge === name) await queues.onNudge(nudge, () => wake(name));
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      stopping.abort(new Error('the service is stopping'));
      await Promise.allSettled([...running]);
    },
  };
}
