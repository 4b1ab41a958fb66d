/**
 * What Linear says, with each answer, of what we may still ask for within the hour. It is a bucket that fills again all the
 * time; `resetAt` is when it is full.
 */
interface Budget {
  limit: number;
  remaining: number;
  /** Epoch, milliseconds. */
  resetAt: number;
  /** What one request takes of it, as the last one did. */
  share: number;
}

/** Both of an account, as an answer that came at `at` left them. */
export interface Budgets {
  at: number;
  budgets: Budget[];
}

const longestPaceMs = 60_000;
const longestWaitMs = 10 * 60_000;
const unknownWaitMs = 60_000;
/** From here on what is left is spread over the time until there is more. */
const nearEnd = 0.02;

export function readBudgets(headers: Headers, at: number): Budgets {
  return {
    at,
    budgets: [
      readBudget(headers, 'requests', 1),
      readBudget(headers, 'complexity', Number(headers.get('x-complexity') ?? Number.NaN) || 100),
    ].filter((budget) => budget !== null),
  };
}

function readBudget(headers: Headers, name: string, share: number): Budget | null {
  const [limit, remaining, resetAt] = ['limit', 'remaining', 'reset'].map((what) => {
    const value = headers.get(`x-ratelimit-${name}-${what}`);
    return value === null || value.trim() === '' ? Number.NaN : Number(value);
  }) as [number, number, number];
  return [limit, remaining, resetAt].every(Number.isFinite) && limit > 0 ? { limit, remaining, resetAt, share } : null;
}

/** How long the next request has to wait so that what is left lasts; 0: not at all. */
export function paceMs({ at, budgets }: Budgets, now: number): number {
  const waits = budgets.map(({ limit, remaining, resetAt, share }) => {
    if (remaining > limit * nearEnd || resetAt <= now) return 0;
    const gap = ((resetAt - at) * share) / Math.max(remaining, share);
    return at + Math.min(gap, longestPaceMs) - now;
  });
  return Math.max(0, ...waits);
}

/** How long we are asked to wait by an answer that refuses because we ask too often. */
export function waitMsOf(headers: Headers, now: number): number {
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN);
  if (retryAfter > 0) return Math.min(retryAfter * 1000, longestWaitMs);
  const used = ['requests', 'complexity', 'endpoint-requests', 'endpoint'].flatMap((name) => {
    const budget = readBudget(headers, name, 1);
    return budget && budget.remaining < 1 && budget.resetAt > now ? [budget.resetAt - now] : [];
  });
  return used.length === 0 ? unknownWaitMs : Math.min(Math.max(1_000, ...used), longestWaitMs);
}
