/** Who may do a round is decided where all processes see it; see `store/schedules.ts`. */
export interface Rounds {
  /** Takes a round that is due so long after the last one began; false: it is not due, or somebody has it. */
  claim(name: string, afterSeconds: number): Promise<boolean>;
  /** Keeps it, while it is being done. */
  hold(name: string): Promise<void>;
  end(name: string): Promise<void>;
}

export interface Schedules {
  /**
   * Has work done every so many minutes by one process at a time, however many ask for it; and once after each start,
   * because nobody may have done it while everything was down. A round that fails is tried again at the next interval.
   */
  every(name: string, minutes: number, work: (signal: AbortSignal) => Promise<unknown>): void;
  /** Tells what runs to stop, and waits for it. */
  stop(): Promise<void>;
}

const lookAtMostEveryMs = 30_000;
const holdEveryMs = 5_000;
/** Many processes that start at once need one round. */
const startGapSeconds = 10;

export function createSchedules(options: { rounds: Rounds; onError(name: string, error: unknown): void }): Schedules {
  const { rounds, onError } = options;
  const stopping = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  const running = new Set<Promise<void>>();

  async function round(
    name: string,
    everySeconds: number,
    startedAt: number,
    work: (signal: AbortSignal) => Promise<unknown>,
  ) {
    const upSeconds = (performance.now() - startedAt) / 1000;
    // Until there was a round since this process began, one is due.
    const after = Math.min(everySeconds, Math.max(startGapSeconds, upSeconds));
    if (!(await rounds.claim(name, after))) return;
    const holding = setInterval(() => void rounds.hold(name).catch(() => {}), holdEveryMs);
    try {
      await work(stopping.signal);
    } finally {
      clearInterval(holding);
      await rounds.end(name);
    }
  }

  return {
    every(name, minutes, work) {
      const everySeconds = minutes * 60;
      const startedAt = performance.now();
      let busy = false;
      const look = () => {
        if (busy || stopping.signal.aborted) return;
        busy = true;
        const done = round(name, everySeconds, startedAt, work)
          .catch((error: unknown) => {
            if (!stopping.signal.aborted) onError(name, error);
          })
          .finally(() => {
            busy = false;
            running.delete(done);
          });
        running.add(done);
      };
      look();
      timers.add(setInterval(look, Math.min(lookAtMostEveryMs, everySeconds * 100)));
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      stopping.abort(new Error('the service is stopping'));
      await Promise.allSettled([...running]);
    },
  };
}
