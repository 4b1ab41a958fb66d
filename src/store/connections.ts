import { sql } from 'kysely';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

export interface StoredConnection {
  id: string;
  /** What may be shown. */
  about: unknown;
  sealed: Uint8Array | null;
  lost: string | null;
}

export async function listConnections(db: Database | Tx, kind: string): Promise<StoredConnection[]> {
  return db
    .selectFrom('connections')
    .select(['id', 'about', 'sealed', 'lost'])
    .where('kind', '=', kind)
    .orderBy('id')
    .execute();
}

export async function readConnection(db: Database | Tx, kind: string, id: string): Promise<StoredConnection | null> {
  const found = await db
    .selectFrom('connections')
    .select(['id', 'about', 'sealed', 'lost'])
    .where('kind', '=', kind)
    .where('id', '=', id)
    .executeTakeFirst();
  return found ?? null;
}

/** A vendor is asked while the row is locked: longer than that takes, and whoever is frozen in it loses the lock. */
const lockSeconds = 40;

/**
 * Lets `work` decide what a connection is to be, while no other process does; `null` leaves it as it is. Answers what holds
 * then. What `work` throws changes nothing.
 */
export async function updateConnection(
  db: Database,
  kind: string,
  id: string,
  work: (current: StoredConnection | null) => Promise<Omit<StoredConnection, 'id'> | null>,
): Promise<StoredConnection | null> {
  return db.transaction().execute(async (tx) => {
    await sql`select set_config('idle_in_transaction_session_timeout', ${`${lockSeconds}s`}, true)`.execute(tx);
    // There is something to lock before there is a connection.
    const lock = `connection ${kind} ${id}`;
    await sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`.execute(tx);
    const current = await readConnection(tx, kind, id);
    const next = await work(current);
    if (next === null) return current;
    const sealed = next.sealed === null ? null : Buffer.from(next.sealed);
    const values = { about: toJson(next.about), sealed, lost: next.lost };
    await tx
      .insertInto('connections')
      .values({ kind, id, ...values })
      .onConflict((conflict) => conflict.columns(['kind', 'id']).doUpdateSet({ ...values, changed_at: sql`now()` }))
      .execute();
    return { id, ...next };
  });
}

export async function addConnectionRequest(
  db: Database,
  request: { id: string; kind: string; sealed: Uint8Array },
): Promise<void> {
  await sql`delete from connection_requests where created_at < now() - interval '1 day'`.execute(db);
  await db
    .insertInto('connection_requests')
    .values({ ...request, sealed: Buffer.from(request.sealed) })
    .execute();
}

/** Takes a request away, so that it counts once; null: there is none, or it is older than that. */
export async function takeConnectionRequest(
  db: Database,
  kind: string,
  id: string,
  maxAgeMs: number,
): Promise<Uint8Array | null> {
  const taken = await sql<{ sealed: Buffer; fresh: boolean }>`
    delete from connection_requests where id = ${id} and kind = ${kind}
    returning sealed, created_at > now() - make_interval(secs => ${maxAgeMs / 1000}) as fresh`.execute(db);
  const [row] = taken.rows;
  return row?.fresh ? row.sealed : null;
}

/** At most once a second for each sender, whatever comes in. */
export async function noteRefusedWebhook(db: Database, source: string): Promise<void> {
  await sql`
    insert into refused_webhooks (source) values (${source})
    on conflict (source) do update set at = now() where refused_webhooks.at < now() - interval '1 second'`.execute(db);
}

export interface Arrivals {
  /** Kinds of event, as the sender names them, that came in time. */
  events: string[];
  /** Kinds of event that came late, and so were not acted on. */
  late: string[];
  /** Whether one was refused because of its signature, whatever it was about. */
  refused: boolean;
}

/** What has come in from a sender about something since then, as its requests name it. */
export async function listArrivals(
  db: Database,
  wanted: { source: string; event: { header: string } | { field: string }; naming: string; since: Date },
): Promise<Arrivals> {
  const { source, event, naming, since } = wanted;
  // The body is bytes that are no JSON for sure.
  const kind =
    'header' in event
      ? sql`headers ->> ${event.header}`
      : sql`substring(encode(body, 'escape') from ${`"${event.field}"\\s*:\\s*"([^"]*)"`})`;
  // One that is late says so for as long as it is kept, also when reconcile has looked into it.
  const about = await sql<{ event: string; late: boolean }>`
    select distinct coalesce(${kind}, 'unknown') as event, coalesce(outcome, '') like 'late%' as late
    from deliveries
    where source = ${source} and received_at >= ${since} and position(${Buffer.from(naming)}::bytea in body) > 0`.execute(
    db,
  );
  const refused = await sql`select from refused_webhooks where source = ${source} and at >= ${since}`.execute(db);
  const kinds = (late: boolean) => about.rows.filter((row) => row.late === late).map(({ event }) => event);
  return { events: kinds(false), late: kinds(true), refused: refused.rows.length > 0 };
}

/** The database's clock: what it stores is compared with that. */
export async function databaseNow(db: Database): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
  return rows[0]?.now ?? new Date();
}
