import type { Config } from '../config.ts';
import type { Check } from '../core/check.ts';
import type { TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { RateLimitDeps } from '../flow.ts';
import type { FinishInstall } from '../http/oauth.ts';
import type { Log } from '../lib/log.ts';
import { type Arrivals, databaseNow, listArrivals } from '../store/connections.ts';
import { createDatabase, createPool } from '../store/database.ts';
import { openDatabase } from '../store/open-database.ts';
import { noteGivenByBot } from '../store/sessions-at-work.ts';
import { lookAtWorkspace } from '../trackers/linear/check.ts';
import { createLinearClient } from '../trackers/linear/client.ts';
import { whyDisconnected } from '../trackers/linear/connecting/disconnected.ts';
import {
  beginInstall,
  finishInstall,
  type InstallOptions,
  installKind,
} from '../trackers/linear/connecting/oauth-installs.ts';
import { tryRoundTrip } from '../trackers/linear/connecting/round-trip.ts';
import { createLinearTokens, type LinearTokens } from '../trackers/linear/connecting/tokens.ts';
import { keepConnections } from './connections.ts';

const reinstall = 'Install the app there again, by the page below.';

/** How people connect Linear, and find out whether it is. */
export interface LinearDesk {
  tokens: LinearTokens;
  /**
   * Each workspace by its name, whether people can give the agent work there; one that was lost is `missing` where it was the
   * only one, else a warning. Where there is none, why.
   */
  look(signal: AbortSignal): Promise<Check[]>;
  /** The page that an admin opens to install the app. Throws `VendorError` where installations are not configured. */
  beginInstall(): Promise<{ url: string }>;
  /** Where the answer comes back; null without `http.publicUrl`. */
  redirectUri: string | null;
  /** Tries all of it in the live workspace; see `tryRoundTrip`. `waitMs`: for webhooks. */
  roundTrip(options: {
    workspace: string;
    signal: AbortSignal;
    waitMs?: number;
    onCheck?(check: Check): void;
    onWait?(): void;
  }): Promise<Check[]>;
}

/** Opens it beside a service that runs, or alone. null: Linear is off. */
export async function openLinearDesk(
  config: Config,
  log: Log,
): Promise<{ desk: LinearDesk | null; close(): Promise<void> }> {
  if (config.trackers.linear === null) return { desk: null, close: async () => {} };
  const database = await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir });
  const pool = createPool(database.url, 3);
  const db = createDatabase(pool);
  return {
    desk: createLinearDesk(config, { db, log }),
    async close() {
      await db.destroy();
      await database.release();
    },
  };
}

/** Ends installations that were begun by `beginInstall`, in any process. */
export function openInstalls(config: Config, deps: RateLimitDeps): FinishInstall {
  return async (vendor, answer) => {
    const options = vendor === 'linear' ? installOptions(config, deps) : null;
    if (options === null)
      throw new VendorError('There is nothing to install here.', { code: 'not_found', retryable: false });
    const { name } = await finishInstall(options, answer, AbortSignal.timeout(60_000));
    return name;
  };
}

function createLinearDesk(config: Config, deps: RateLimitDeps): LinearDesk {
  const { linear } = config.trackers;
  if (linear === null) throw new Error('unreachable: Linear is off');
  const connections = keepConnections(deps, 'linear');
  const tokens = createLinearTokens({ ...linear, connections });
  const client = createLinearClient({ apiUrl: linear.apiUrl, tokens });
  const redirectUri = config.http.publicUrl === null ? null : at(config.http.publicUrl, 'oauth/linear/callback');
  return {
    tokens,
    redirectUri,
    async look(signal) {
      const all = linear.install ? await connections.list(installKind) : [];
      const lost = all.flatMap(({ id, about, lost: why }): Check[] => {
        const name = (about as { name?: string } | null)?.name ?? id;
        return why === null ? [] : [{ name, status: 'missing', message: `it was lost: ${why}`, remedy: reinstall }];
      });
      try {
        const found = await Promise.all(
          (await tokens.workspaces(signal)).map(async (workspace): Promise<Check> => {
            const { message, ...rest } = await lookAtWorkspace(client, workspace, signal);
            return { name: workspace.name, message: whyDisconnected(message), ...rest };
          }),
        );
        signal.throwIfAborted();
        return [...found, ...lost.map((check): Check => ({ ...check, status: 'warning' }))];
      } catch (error) {
        if (!(error instanceof VendorError)) throw error;
        if (lost.length > 0) return lost;
        return [{ name: 'No workspace', status: 'missing', message: whyDisconnected(error.message) }];
      }
    },
    async beginInstall() {
      const options = installOptions(config, deps);
      if (options === null || redirectUri === null)
        throw new VendorError('Set `trackers.linear.install: true` and `http.publicUrl` in shipmate.yaml first.', {
          code: 'invalid',
          retryable: false,
        });
      return beginInstall(options, redirectUri);
    },
    async roundTrip({ waitMs = 30_000, ...options }) {
      const since = await databaseNow(deps.db);
      const { apiUrl, team, webhookSecrets } = linear;
      const arrivals = (issue: string): Promise<Arrivals> =>
        listArrivals(deps.db, { source: 'linear', eventHeader: 'linear-event', naming: issue, since });
      const webhookUrl = config.http.publicUrl === null ? null : at(config.http.publicUrl, 'webhooks/linear');
      const webhooks = { arrivals, waitMs, url: webhookUrl, areSigned: webhookSecrets.length > 0 };
      const noteGift = (ticket: TicketHint, at: string) =>
        deps.db.transaction().execute((tx) => noteGivenByBot(tx, ticket, at));
      return tryRoundTrip({ apiUrl, team, tokens, webhooks, noteGift, ...options });
    },
  };
}

function installOptions(config: Config, deps: RateLimitDeps): InstallOptions | null {
  const { linear } = config.trackers;
  if (!linear?.install || linear.clientId === null || linear.clientSecret === null) return null;
  const { apiUrl, clientId, clientSecret } = linear;
  return { apiUrl, clientId, clientSecret, connections: keepConnections(deps, 'linear') };
}

function at(base: string, path: string): string {
  return new URL(path, base.endsWith('/') ? base : `${base}/`).href;
}
