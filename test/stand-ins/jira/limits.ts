import type { Clock } from '../linear/clock.ts';
import { rateLimitHeaders } from './faults.ts';
import { Refusal } from './refusal.ts';

export interface Limits {
  /** Writes to one issue: so many within so long. */
  perIssue: { most: number; withinMs: number }[];
  /** In a second, for each operation of a site. */
  burst: { GET: number; POST: number; PUT: number; DELETE: number; getIssue: number };
  /** In an hour of the clock, for what is asked with OAuth tokens. */
  pointsPerHour: number;
  isOn: boolean;
}

export const usualLimits: Limits = {
  perIssue: [
    { most: 20, withinMs: 2_000 },
    { most: 100, withinMs: 30_000 },
  ],
  burst: { GET: 100, POST: 100, PUT: 50, DELETE: 50, getIssue: 150 },
  pointsPerHour: 65_000,
  isOn: true,
};

const hourMs = 3_600_000;

export interface Asked {
  cloudId: string;
  operation: string;
  method: string;
  /** The issue that is written to. */
  issueId: string | null;
  /** By an app's token, whose points are counted. */
  isApp: boolean;
}

/** Counts a request. Throws 429 where there is no room for it; else the headers that say what is left. */
export function createMeter(clock: Clock, limits: Limits): (asked: Asked) => Record<string, string> {
  const writes = new Map<string, number[]>();
  const buckets = new Map<string, { left: number; at: number }>();
  let points = { hour: 0, used: 0 };

  function refuse(reason: string, seconds: number, headers: Record<string, string> = {}): Refusal {
    const body = { errorMessages: ['Rate limit exceeded.'], errors: {} };
    return new Refusal(429, body, { ...rateLimitHeaders(reason, seconds), 'x-ratelimit-remaining': '0', ...headers });
  }

  function takeWrite(issue: string): void {
    const now = clock.now();
    const longest = Math.max(...limits.perIssue.map(({ withinMs }) => withinMs));
    const times = (writes.get(issue) ?? []).filter((at) => at > now - longest);
    writes.set(issue, times);
    for (const { most, withinMs } of limits.perIssue) {
      const within = times.filter((at) => at > now - withinMs);
      if (within.length < most) continue;
      const headers = { 'x-ratelimit-limit': String(most) };
      throw refuse('jira-per-issue-on-write', ((within[0] ?? now) + withinMs - now) / 1000, headers);
    }
    times.push(now);
  }

  function takeBurst(key: string, perSecond: number): Record<string, string> {
    const now = clock.now();
    const bucket = buckets.get(key) ?? { left: perSecond, at: now };
    buckets.set(key, bucket);
    bucket.left = Math.min(perSecond, bucket.left + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    const headers = {
      'x-ratelimit-limit': String(perSecond),
      'x-ratelimit-reset': new Date(now + 1000).toISOString(),
    };
    if (bucket.left < 1) throw refuse('jira-burst-based', 1, headers);
    bucket.left -= 1;
    const left = Math.floor(bucket.left);
    return {
      ...headers,
      'x-ratelimit-remaining': String(left),
      ...(left < perSecond * 0.2 && { 'x-ratelimit-nearlimit': 'true' }),
    };
  }

  function takePoints(method: string): Record<string, string> {
    const hour = Math.floor(clock.now() / hourMs);
    if (points.hour !== hour) points = { hour, used: 0 };
    points.used += method === 'GET' ? 2 : 1;
    const seconds = Math.ceil(((hour + 1) * hourMs - clock.now()) / 1000);
    const left = Math.max(0, limits.pointsPerHour - points.used);
    const headers = {
      'beta-ratelimit-policy': `"global-app-quota";q=${limits.pointsPerHour};w=3600`,
      'beta-ratelimit': `"global-app-quota";r=${left};t=${seconds}`,
    };
    if (points.used > limits.pointsPerHour) throw refuse('jira-quota-global-based', seconds, headers);
    return headers;
  }

  return ({ cloudId, operation, method, issueId, isApp }) => {
    if (!limits.isOn) return {};
    const quota = isApp ? takePoints(method) : {};
    const perSecond = operation === 'issues.getIssue' ? limits.burst.getIssue : limits.burst[method as 'GET'];
    const burst = takeBurst(`${cloudId} ${operation}`, perSecond);
    if (issueId !== null && method !== 'GET') takeWrite(`${cloudId} ${issueId}`);
    return { ...burst, ...quota };
  };
}
