import { setTimeout as delay } from 'node:timers/promises';

export interface RetryOptions {
  signal: AbortSignal;
  /** Which errors are worth another try, and what they asked us to wait; null: give up. */
  judge(error: unknown): { retryAfterMs: number | null } | null;
  /** Give up after this long in all. */
  forMs: number;
  baseMs?: number;
  maxMs?: number;
  onWait?(waitMs: number, error: unknown, tries: number): void;
}

/** Tries until it works, with exponential backoff and full jitter; a wait that the other side asked for is honoured. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { baseMs = 500, maxMs = 30_000 } = options;
  const giveUpAt = performance.now() + options.forMs;
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      options.signal.throwIfAborted();
      const verdict = options.judge(error);
      if (!verdict) throw error;
      const jitter = Math.random() * Math.min(maxMs, baseMs * 2 ** (tries - 1));
      const waitMs = Math.max(verdict.retryAfterMs ?? 0, jitter);
      if (performance.now() + waitMs > giveUpAt) throw error;
      options.onWait?.(waitMs, error, tries);
      await delay(waitMs, undefined, { signal: options.signal });
    }
  }
}
