import { isDatabaseUnavailable } from '../lib/database-error.ts';
import type { Log } from '../lib/log.ts';

/** The times in which the database does not answer: told once each, however many parts notice. */
export interface Outage {
  /** Whether an error says that the database is away; then it has been told, and work waits until it answers. */
  noticed(error: unknown): boolean;
  /** Nothing is to be looked for in the database now. */
  isOn(): boolean;
  /** Whether there is one, or was one a short time ago: whoever fell silent may only have been cut off. */
  isRecent(): boolean;
  stop(): void;
}

const askEveryMs = 1000;
const recentMs = 60_000;
/** After an outage in which others may have fallen silent, all say first that they live; then it is seen who does not. */
const settles = { afterMs: 3000, forMs: 2500 };

export function createOutage(options: { ask(): Promise<unknown>; onOver(): void; log: Log }): Outage {
  const { ask, onOver, log } = options;
  let since: number | null = null;
  let lastLong = Number.NEGATIVE_INFINITY;
  let told = false;
  let timer: NodeJS.Timeout | undefined;

  async function askAgain(noticed: unknown): Promise<void> {
    try {
      await ask();
    } catch {
      if (!told)
        log.warn(
          { reason: (noticed as Error).message },
          'the database does not answer; what is under way waits for it',
        );
      told = true;
      timer = setTimeout(askAgain, askEveryMs, noticed);
      return;
    }
    const isLong = since !== null && performance.now() - since > settles.afterMs;
    timer = setTimeout(over, isLong ? settles.forMs : 0, isLong);
  }

  function over(wasLong: boolean): void {
    if (told) log.info({ away_ms: Math.round(performance.now() - (since ?? 0)) }, 'the database answers again');
    if (wasLong) lastLong = performance.now();
    since = null;
    told = false;
    onOver();
  }

  return {
    noticed(error) {
      // The board and local-git live in our database, and say it as a vendor that is away.
      if (![error, (error as Error | null)?.cause].some(isDatabaseUnavailable)) return false;
      if (since === null) {
        since = performance.now();
        void askAgain(error);
      }
      return true;
    },
    isOn: () => since !== null,
    isRecent: () => (since !== null && told) || performance.now() - lastLong < recentMs,
    stop: () => clearTimeout(timer),
  };
}
