import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { AlertSource, AlertSourceDefinition } from '../alerts/alert-source.ts';
import { alertSources } from '../alerts/index.ts';
import type { CodeHost } from '../code-hosts/code-host.ts';
import { type CodeHostOptions, codeHosts } from '../code-hosts/index.ts';
import { type Config, trackerSettings } from '../config.ts';
import { VendorError } from '../core/vendor-error.ts';
import { type DeliverySource, limitCodeHost, limitTracker, type RateLimitDeps, withSaid } from '../flow.ts';
import type { FinishInstall } from '../http/oauth.ts';
import { noteRefusedWebhook } from '../store/connections.ts';
import { byPreference, type TrackerDefinitions } from '../trackers/definition.ts';
import { trackers } from '../trackers/index.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { openInstalls } from './connecting.ts';
import { keepConnections } from './connections.ts';

/** What there is to be configured. */
export interface AdapterFactories {
  trackers: TrackerDefinitions;
  /** By kind: what each is made with. */
  codeHosts: typeof codeHosts;
}

/** All there are. */
export const shippedAdapters: AdapterFactories = { trackers, codeHosts };

export interface Adapters {
  /** Sources of alerts, by kind. */
  alerts: ReadonlyMap<string, AlertSource>;
  /** In the order of their list; see `byPreference`. */
  trackers: ReadonlyMap<string, Tracker>;
  codeHosts: ReadonlyMap<string, CodeHost>;
  /** The agent's names, as people mention it on trackers; the first is where it is meant when nobody says. */
  agents: readonly string[];
  /** How often trackers are asked that cannot tell, by kind. */
  pollSeconds: ReadonlyMap<string, number>;
  /** Signs the board's deliveries. */
  boardSecret: string;
  /** Ends installations that people have begun in a browser. */
  finishInstall: FinishInstall;
}

/** Those that are configured. Their reads keep to the limits of their accounts. */
export async function openAdapters(
  config: Config,
  { pool, ...limits }: RateLimitDeps & { pool: Pool },
  factories: AdapterFactories,
): Promise<Adapters> {
  const boardSecret = config.trackers.board.webhookSecret ?? randomBytes(32).toString('hex');
  const signed = {
    ...config,
    trackers: { ...config.trackers, board: { ...config.trackers.board, webhookSecret: boardSecret } },
  };
  const on = factories.trackers.flatMap((definition) => {
    const settings = trackerSettings(signed, definition);
    return settings === null ? [] : [{ definition, settings }];
  });
  const opened = on.map(async ({ definition, settings }) => {
    const { kind } = definition;
    const tracker = await definition.open(settings, { pool, connections: keepConnections(limits, kind) });
    const noted = { ...tracker, ...noteRefused(limits, tracker.source, tracker) };
    return [kind, withSaid(limits.db, limitTracker(limits, noted))] as const;
  });
  const polled = on.flatMap(({ definition, settings }) => {
    const seconds = definition.pollSeconds?.(settings) ?? null;
    return seconds === null ? [] : [[definition.kind, seconds] as const];
  });
  const alerts = alertSources.map(async (definition: AlertSourceDefinition) => {
    const settings = (config.alerts as Readonly<Record<string, object | null>>)[definition.kind];
    return settings ? [[definition.kind, await definition.open(settings)] as const] : [];
  });
  return {
    alerts: new Map((await Promise.all(alerts)).flat()),
    trackers: new Map(await Promise.all(opened)),
    agents: byPreference(on).map(({ definition, settings }) => definition.agent(settings)),
    pollSeconds: new Map(polled),
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
    finishInstall: openInstalls(config, limits, factories.trackers),
  };
}

/** Whoever can tell an authentic delivery of a webhook source: a tracker, a code host (of one vendor they do it alike), a source of alerts. */
export function sourcesOf(
  { trackers, codeHosts, alerts }: Pick<Adapters, 'trackers' | 'codeHosts' | 'alerts'>,
  limits: RateLimitDeps,
): ReadonlyMap<string, DeliverySource> {
  return new Map<string, DeliverySource>([
    ...[...alerts].map(([kind, source]) => [kind, { ...noteRefused(limits, kind, source), alerts: source }] as const),
    ...[...codeHosts].flatMap(([kind, { webhooks }]) => (webhooks ? [[kind, webhooks] as const] : [])),
    ...[...trackers.values()].map((tracker) => [tracker.source, tracker] as const),
  ]);
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
