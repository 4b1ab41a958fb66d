import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { CodeHost } from '../code-hosts/code-host.ts';
import { type CodeHostOptions, codeHosts } from '../code-hosts/index.ts';
import type { Config } from '../config.ts';
import type { TrackerKind } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { type DeliverySource, limitCodeHost, limitTracker, type RateLimitDeps, withSaid } from '../flow.ts';
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

/** Those that are configured. Their reads keep to the limits of their accounts. */
export function openAdapters(
  config: Config,
  { pool, ...limits }: RateLimitDeps & { pool: Pool },
  factories: AdapterFactories,
): Adapters {
  const boardSecret = config.trackers.board.webhookSecret ?? randomBytes(32).toString('hex');
  return {
    trackers: new Map(
      Object.entries(factories.trackers).flatMap(([kind, create]) => {
        const own = optionsOf(config, boardSecret, kind);
        if (own === null) return [];
        const tracker = create({ ...own, pool, connections: keepConnections(limits, kind) });
        const noted = { ...tracker, ...noteRefused(limits, tracker.source, tracker) };
        return [[kind, withSaid(limits.db, limitTracker(limits, noted))] as const];
      }),
    ),
    codeHosts: new Map(
      Object.entries(factories.codeHosts).flatMap(([kind, create]) => {
        const own = hostOptionsOf(config, kind);
        if (own === null) return [];
        const host = create({ ...own, pool, dataDir: join(config.dataDir, 'remotes') });
        const webhooks = host.webhooks && { ...host.webhooks, ...noteRefused(limits, kind, host.webhooks) };
        return [[kind, limitCodeHost(limits, { ...host, webhooks })] as const];
      }),
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

/** How often a tracker is asked that cannot tell; null: it does. */
export function pollSecondsOf({ github }: Config, kind: TrackerKind): number | null {
  return kind === 'github-issues' ? (github?.pollSeconds ?? null) : null;
}

/** null: that tracker is not configured. */
function optionsOf(
  { trackers: { board, linear, 'github-issues': issues }, github }: Config,
  boardSecret: string,
  kind: string,
): Omit<TrackerOptions, 'pool' | 'connections'> | null {
  if (kind === 'board') return { agent: board.agent, settings: {}, webhookSecrets: [boardSecret], secrets: {} };
  if (kind === 'github-issues' && issues !== null && github !== null) {
    const { agent, webhookSecrets, privateKey, token, apiUrl, appId } = github;
    return { agent, settings: { agent, apiUrl, appId, ...issues }, webhookSecrets, secrets: { privateKey, token } };
  }
  if (kind !== 'linear' || linear === null) return null;
  const { agent, webhookSecrets, accessToken, clientSecret, ...settings } = linear;
  return { agent, settings, webhookSecrets, secrets: { accessToken, clientSecret } };
}

/** null: that code host is not configured. */
function hostOptionsOf({ github }: Config, kind: string): Omit<CodeHostOptions, 'pool' | 'dataDir'> | null {
  if (kind !== 'github') return { settings: {}, webhookSecrets: [], secrets: {} };
  if (github === null) return null;
  const { privateKey, token, webhookSecrets, pollSeconds: _, ...settings } = github;
  return { settings, webhookSecrets, secrets: { privateKey, token } };
}

/** A request with a bad signature leaves nothing but the time of it, by which people find out what is wrong. */
function noteRefused({ db, log }: RateLimitDeps, source: string, of: DeliverySource): DeliverySource {
  return {
    verifyDelivery(headers, body) {
      try {
        return of.verifyDelivery(headers, body);
      } catch (error) {
        if (error instanceof VendorError && error.code === 'unauthorized')
          noteRefusedWebhook(db, source).catch((err: unknown) => log.debug({ err }, 'not noted'));
        throw error;
      }
    },
  };
}
