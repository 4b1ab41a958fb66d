import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { CodeHost } from '../code-hosts/code-host.ts';
import { codeHosts } from '../code-hosts/index.ts';
import type { Config } from '../config.ts';
import { VendorError } from '../core/vendor-error.ts';
import { type DeliverySource, limitCodeHost, limitTracker, type RateLimitDeps } from '../flow.ts';
import type { FinishInstall } from '../http/oauth.ts';
import { noteRefusedWebhook } from '../store/connections.ts';
import { type TrackerOptions, trackers } from '../trackers/index.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { openInstalls } from './connecting.ts';
import { keepConnections } from './connections.ts';

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
  /** Ends installations that people have begun in a browser. */
  finishInstall: FinishInstall;
}

/** Of trackers those that are configured. Their reads keep to the limits of their accounts. */
export function openAdapters(
  config: Config,
  { pool, ...limits }: RateLimitDeps & { pool: Pool },
  factories: AdapterFactories,
): Adapters {
  const boardSecret = config.trackers.board.webhookSecret ?? randomBytes(32).toString('hex');
  const hostOptions = { settings: {}, secrets: {}, pool, dataDir: join(config.dataDir, 'remotes') };
  return {
    trackers: new Map(
      Object.entries(factories.trackers).flatMap(([kind, create]) => {
        const own = optionsOf(config, boardSecret, kind);
        if (own === null) return [];
        return [
          [
            kind,
            limitTracker(
              limits,
              noteRefused(limits, create({ ...own, pool, connections: keepConnections(limits, kind) })),
            ),
          ] as const,
        ];
      }),
    ),
    codeHosts: new Map(
      Object.entries(factories.codeHosts).map(([kind, create]) => [kind, limitCodeHost(limits, create(hostOptions))]),
    ),
    boardSecret,
    finishInstall: openInstalls(config, limits),
  };
}

/** Whoever can tell an authentic delivery of a webhook source: a tracker, or a code host; of one vendor they do it alike. */
export function sourcesOf(
  trackers: ReadonlyMap<string, Tracker>,
  codeHosts: ReadonlyMap<string, CodeHost>,
): ReadonlyMap<string, DeliverySource> {
  return new Map<string, DeliverySource>([
    ...[...codeHosts].flatMap(([kind, { webhooks }]) => (webhooks ? [[kind, webhooks] as const] : [])),
    ...[...trackers.values()].map((tracker) => [tracker.source, tracker] as const),
  ]);
}

/** null: that tracker is not configured. */
function optionsOf(
  { trackers: { board, linear } }: Config,
  boardSecret: string,
  kind: string,
): Omit<TrackerOptions, 'pool' | 'connections'> | null {
  if (kind === 'board') return { agent: board.agent, settings: {}, webhookSecrets: [boardSecret], secrets: {} };
  if (kind !== 'linear' || linear === null) return null;
  const { agent, webhookSecrets, accessToken, clientSecret, ...settings } = linear;
  return { agent, settings, webhookSecrets, secrets: { accessToken, clientSecret } };
}

/** A request with a bad signature leaves nothing but the time of it, by which people find out what is wrong. */
function noteRefused({ db, log }: RateLimitDeps, tracker: Tracker): Tracker {
  return {
    ...tracker,
    verifyDelivery(headers, body) {
      try {
        return tracker.verifyDelivery(headers, body);
      } catch (error) {
        if (error instanceof VendorError && error.code === 'unauthorized')
          noteRefusedWebhook(db, tracker.kind).catch((err: unknown) => log.debug({ err }, 'not noted'));
        throw error;
      }
    },
  };
}
