import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import type { CodeHost } from '../code-hosts/code-host.ts';
import { codeHosts } from '../code-hosts/index.ts';
import type { Config } from '../config.ts';
import { limitCodeHost, limitTracker, type RateLimitDeps } from '../flow.ts';
import { trackers } from '../trackers/index.ts';
import type { Tracker } from '../trackers/tracker.ts';

/** By kind: what each adapter is made with. */
export interface AdapterFactories {
  trackers: typeof trackers;
  codeHosts: typeof codeHosts;
}

/** All there are. */
export const shippedAdapters: AdapterFactories = { trackers, codeHosts };

export interface Adapters {
  trackers: ReadonlyMap<string, Tracker>;
  codeHosts: ReadonlyMap<string, CodeHost>;
  /** Signs the board's deliveries. */
  boardSecret: string;
}

/** Their reads keep to the limits of their accounts. */
export function openAdapters(
  config: Config,
  { pool, ...limits }: RateLimitDeps & { pool: Pool },
  factories: AdapterFactories,
): Adapters {
  const { agent, webhookSecret } = config.trackers.board;
  const boardSecret = webhookSecret ?? randomBytes(32).toString('hex');
  const options = { agent, settings: {}, webhookSecret: boardSecret, secrets: {}, pool };
  return {
    trackers: new Map(
      Object.entries(factories.trackers).map(([kind, create]) => [kind, limitTracker(limits, create(options))]),
    ),
    codeHosts: new Map(
      Object.entries(factories.codeHosts).map(([kind, create]) => [kind, limitCodeHost(limits, create(options))]),
    ),
    boardSecret,
  };
}
