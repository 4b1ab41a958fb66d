import { type Config, trackerSettings } from '../config.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { RateLimitDeps } from '../flow.ts';
import type { FinishInstall } from '../http/oauth.ts';
import type { Log } from '../lib/log.ts';
import { databaseNow, listArrivals } from '../store/connections.ts';
import { createDatabase, createPool } from '../store/database.ts';
import { openDatabase } from '../store/open-database.ts';
import { noteGivenByBot } from '../store/sessions-at-work.ts';
import type { ConnectDesk } from '../trackers/connecting.ts';
import type { TrackerDefinition } from '../trackers/definition.ts';
import { keepConnections } from './connections.ts';

/** How people connect a tracker, and find out whether it is: beside a service that runs, or alone. null: it is off. */
export async function openConnectDesk(
  config: Config,
  log: Log,
  definition: TrackerDefinition,
): Promise<{ desk: ConnectDesk | null; close(): Promise<void> }> {
  if (definition.connect === undefined || trackerSettings(config, definition) === null)
    return { desk: null, close: async () => {} };
  const database = await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir });
  const pool = createPool(database.url, 3);
  const db = createDatabase(pool);
  return {
    desk: await createDesk(config, { db, log }, definition),
    async close() {
      await db.destroy();
      await database.release();
    },
  };
}

/** Ends installations that were begun in any process. */
export function openInstalls(
  config: Config,
  deps: RateLimitDeps,
  definitions: readonly TrackerDefinition[],
): FinishInstall {
  return async (vendor, answer) => {
    const definition = definitions.find(({ kind }) => kind === vendor);
    const desk = definition && (await createDesk(config, deps, definition));
    if (!desk) throw new VendorError('There is nothing to install here.', { code: 'not_found', retryable: false });
    return desk.finishInstall(answer, AbortSignal.timeout(60_000));
  };
}

async function createDesk(
  config: Config,
  deps: RateLimitDeps,
  definition: TrackerDefinition,
): Promise<ConnectDesk | null> {
  const { kind, connect } = definition;
  const settings = trackerSettings(config, definition);
  if (connect === undefined || settings === null) return null;
  const { db } = deps;
  const { publicUrl } = config.http;
  return (await connect.load()).open(settings, {
    connections: keepConnections(deps, kind),
    addressOf: (path) => (publicUrl === null ? null : at(publicUrl, path)),
    now: () => databaseNow(db),
    arrivals: (wanted) => listArrivals(db, { source: kind, ...wanted }),
    noteGift: (ticket, filedAt) => db.transaction().execute((tx) => noteGivenByBot(tx, ticket, filedAt)),
  });
}

function at(base: string, path: string): string {
  return new URL(path, base.endsWith('/') ? base : `${base}/`).href;
}
