import type { GitHub } from './github.ts';
import { Refusal } from './refusal.ts';

function accountOf(github: GitHub, bearer: string | null): string {
  const token = github.apps.tokens.find(({ value }) => value === bearer);
  if (!token) return bearer?.includes('.') ? 'app' : 'nobody';
  return token.installation ? `installation ${token.installation.id}` : token.user.login;
}

function usedBy(github: GitHub, bearer: string | null): { count: number; resetsAt: number } {
  const account = accountOf(github, bearer);
  const known = github.used.get(account);
  if (known && known.resetsAt > github.clock.now()) return known;
  const fresh = { count: 0, resetsAt: github.clock.now() + 3_600_000 };
  github.used.set(account, fresh);
  return fresh;
}

/** The headers that say how much is left, once this request has cost what it costs. */
export function budgetOf(github: GitHub, bearer: string | null, cost: number): Record<string, string> {
  const used = usedBy(github, bearer);
  used.count += cost;
  return {
    'x-ratelimit-limit': String(github.requestsPerHour),
    'x-ratelimit-remaining': String(Math.max(github.requestsPerHour - used.count, 0)),
    'x-ratelimit-used': String(used.count),
    'x-ratelimit-reset': String(Math.ceil(used.resetsAt / 1000)),
    'x-ratelimit-resource': 'core',
  };
}

/** Throws where the hour's requests are used. */
export function checkBudget(github: GitHub, bearer: string): void {
  if (usedBy(github, bearer).count < github.requestsPerHour) return;
  throw new Refusal(403, `API rate limit exceeded for ${accountOf(github, bearer)}.`, {
    headers: budgetOf(github, bearer, 0),
  });
}
