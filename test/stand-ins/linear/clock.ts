/** Real time, and what a test adds to it. */
export interface Clock {
  now(): number;
  /** What has come due by then is done before this returns. */
  advance(ms: number): void;
  /** ISO 8601; no two are the same. */
  stamp(): string;
  /** Does it then; as real time passes, or the test's. */
  at(time: number, work: () => void): void;
  stop(): void;
}

export function createClock(): Clock {
  let ahead = 0;
  let last = 0;
  let timer: NodeJS.Timeout | undefined;
  let waiting: { time: number; work: () => void }[] = [];

  const now = () => Date.now() + ahead;

  function wake(): void {
    clearTimeout(timer);
    const due = waiting.filter(({ time }) => time <= now()).toSorted((a, b) => a.time - b.time);
    waiting = waiting.filter((each) => !due.includes(each));
    for (const { work } of due) work();
    const next = Math.min(...waiting.map(({ time }) => time));
    if (Number.isFinite(next)) timer = setTimeout(wake, Math.min(Math.max(next - now(), 1), 60_000)).unref();
  }

  return {
    now,
    advance(ms) {
      ahead += ms;
      wake();
    },
    stamp() {
      last = Math.max(last + 1, now());
      return new Date(last).toISOString();
    },
    at(time, work) {
      waiting.push({ time, work });
      wake();
    },
    stop() {
      clearTimeout(timer);
      waiting = [];
    },
  };
}
