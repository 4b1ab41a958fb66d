import type { GitHub } from './github.ts';
import { Refusal } from './refusal.ts';

function accountOf(github: GitHub, bearer: string | null): string {
  const token = github.apps.tokens.find(({ value }) => value === bearer);
  if (!token) return bearer?.includes('.') ? 'app' : 'nobody';
  return token.installation ? `installation ${token.installation.id}` : token.user.login;
}

/** What is counted apart: searches in a minute, all else in an hour. */
export type Resource = 'core' | 'search';

const windowMs = { core: 3_600_000, search: 60_000 };

function limitOf(github: GitHub, resource: Resource): number {
  return resource === 'search' ? github.search.perMinute : github.requestsPerHour;
}

function usedBy(github: GitHub, bearer: string | null, resource: Resource): { count: number; resetsAt: number } {
  const account = `${accountOf(github, bearer)}${resource === 'core' ? '' : ` ${resource}`}`;
  const known = github.used.get(account);
  if (known && known.resetsAt > github.clock.now()) return known;
  const fresh = { count: 0, resetsAt: github.clock.now() + windowMs[resource] };
  github.used.set(account, fresh);
  return fresh;
}

/** The headers that say how much is left, once this request has cost what it costs. */
export function budgetOf(
  github: GitHub,
  bearer: string | null,
  cost: number,
  resource: Resource = 'core',
): Record<string, string> {
  const used = usedBy(github, bearer, resource);
  const limit = limitOf(github, resource);
  used.count += cost;
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(Math.max(limit - used.count, 0)),
    'x-ratelimit-used': String(used.count),
    'x-ratelimit-reset': String(Math.ceil(used.resetsAt / 1000)),
    'x-ratelimit-resource': resource,
  };
}

/** Throws where the hour's requests, or the minute's searches, are used. */
export function checkBudget(github: GitHub, bearer: string, resource: Resource = 'core'): void {
  if (usedBy(github, bearer, resource).count < limitOf(github, resource)) return;
  throw new Refusal(403, `API rate limit exceeded for ${accountOf(github, bearer)}.`, {
    headers: budgetOf(github, bearer, 0, resource),
  });
}
