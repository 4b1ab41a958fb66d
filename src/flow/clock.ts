/** How long a run has been worked on: no change of the machine's own clock disturbs it. */
export interface Clock {
  /** In milliseconds, what earlier attempts worked included. */
  read(): number;
  /** The clock stands still until `work` has ended. */
  without<T>(work: () => Promise<T>): Promise<T>;
  /** Calls `reached` once, when it reads `ms`. Call what it returns to be called no more. */
  at(ms: number, reached: () => void): () => void;
}

/** A clock that stood still has to be looked at again. */
const lookAgainMs = 1000;
const longestTimerMs = 2 ** 31 - 1;

export function startClock(beforeMs: number): Clock {
  let since = performance.now() - beforeMs;
  let haltedAt: number | null = null;
  const read = () => (haltedAt ?? performance.now()) - since;
  return {
    read,
    async without(work) {
      haltedAt = performance.now();
      try {
        return await work();
      } finally {
        since += performance.now() - haltedAt;
        haltedAt = null;
      }
    },
    at(ms, reached) {
      let timer: NodeJS.Timeout;
      const wait = (leastMs: number) => {
        timer = setTimeout(look, Math.min(Math.max(ms - read(), leastMs), longestTimerMs));
      };
      const look = () => {
        if (read() < ms) wait(lookAgainMs);
        else reached();
      };
      wait(0);
      return () => clearTimeout(timer);
    },
  };
}
