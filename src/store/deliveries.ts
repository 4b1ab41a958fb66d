import { type RawBuilder, sql } from 'kysely';
import type { Delivery, TrackerEvent } from '../core/delivery.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Queryable, Tx } from './database.ts';

/** The outcome of one that is still to be read again. */
export const hinted = 'a hint, not read again yet';

/**
 * Stores a delivery once. Answers whether it was new. One that is late is not sorted: see `listLate`; nor is one that is only a
 * hint, before it was read again: see `store/hints.ts`. One that is both is late. One that is urgent is sorted before all that are not.
 * One that has its outcome is not sorted at all.
 */
export async function addDelivery(
  client: Queryable,
  delivery: Delivery,
  {
    isLate = false,
    isUrgent = false,
    isHint = false,
    outcome: settled = null,
  }: {
    isLate?: boolean | undefined;
    isUrgent?: boolean | undefined;
    isHint?: boolean | undefined;
    outcome?: string | null;
  } = {},
): Promise<boolean> {
  const outcome = settled ?? (isLate ? 'late' : isHint ? hinted : null);
  const added = await client.query(
    `insert into deliveries (source, delivery_id, headers, body, is_urgent, is_late, is_hint, try_at, outcome, sorted_at)
     values ($1, $2, $3, $4, $5, $6, $7, case when $7 then now() end, $8::text, case when $8::text is not null then now() end)
     on conflict (source, delivery_id) do nothing returning id`,
    [
      ...[delivery.source, delivery.deliveryId, toJson(delivery.headers), Buffer.from(delivery.body), isUrgent],
      ...[isLate, isHint && !isLate, outcome],
    ],
  );
  return added.rows.length > 0;
}

/** Late ones of which nobody has asked yet whether they are true, the oldest first, from beyond `after` (an id) on. */
export async function listLate(
  db: Database,
  source: string,
  { after, most }: { after: number; most: number },
): Promise<(UnsortedDelivery & { receivedAt: Date })[]> {
  const rows = await select(db)
    .select('received_at')
    .where('is_late', '=', true)
    .where('source', '=', source)
    .where('id', '>', after)
    .orderBy('id')
    .limit(most)
    .execute();
  return rows.map((row) => ({ ...toDelivery(row), receivedAt: row.received_at }));
}

/**
 * `ticket`: what it tells is true, and waits for a session of that ticket, as a sorted delivery does. `events`: what that is, where
 * it is not what stands in it.
 */
export async function settleLate(
  db: Database | Tx,
  id: number,
  {
    outcome,
    ticket = null,
    events = null,
  }: { outcome: string; ticket?: string | null; events?: TrackerEvent[] | null },
): Promise<void> {
  const settled = { is_late: false, outcome, ticket, events: events && toJson(events) };
  await db.updateTable('deliveries').set(settled).where('id', '=', id).execute();
}

/** Those of these ids that are stored. */
export async function listArrived(db: Database, source: string, deliveryIds: string[]): Promise<Set<string>> {
  if (deliveryIds.length === 0) return new Set();
  const rows = await db
    .selectFrom('deliveries')
    .select('delivery_id')
    .where('source', '=', source)
    .where(sql<boolean>`delivery_id = any(${deliveryIds})`)
    .execute();
  return new Set(rows.map((row) => row.delivery_id));
}

/** `events`: what it means, as its tracker said when it was asked; null: what stands in it. */
export type UnsortedDelivery = Delivery & { id: number; events: TrackerEvent[] | null };

const idleSeconds = 5;

/**
 * One transaction at a time sorts, in all processes: whoever comes while another does waits for its end. So what waits for a
 * session and what opens one cannot miss each other. Every transaction that applies events begins with this. A process that
 * is frozen while it has the turn loses it after some seconds.
 */
export async function takeTurn(tx: Tx): Promise<void> {
  await turn(sql`true`).execute(tx);
}

function turn(when: RawBuilder<unknown>) {
  return sql`
    select set_config('idle_in_transaction_session_timeout', ${`${idleSeconds}s`}, true)
    from locks where name = 'sort' and ${when} for update`;
}

/**
 * Deliveries that nobody has sorted, at most `most`, those that are urgent first, else the oldest; takes the turn where there
 * are any.
 */
export async function takeUnsorted(
  tx: Tx,
  most: number,
): Promise<{ deliveries: UnsortedDelivery[]; areMore: boolean }> {
  // An idle process locks, and so writes, nothing.
  const taken = await turn(sql`exists (select from deliveries where sorted_at is null)`).execute(tx);
  if (taken.rows.length === 0) return { deliveries: [], areMore: false };
  const rows = await select(tx)
    .where('sorted_at', 'is', null)
    .orderBy('is_urgent', 'desc')
    .orderBy('id')
    .limit(most + 1)
    .execute();
  return { deliveries: rows.slice(0, most).map(toDelivery), areMore: rows.length > most };
}

/** What was delivered about a ticket before it had a session. */
export async function listWaiting(tx: Tx, ticketId: string): Promise<UnsortedDelivery[]> {
  const rows = await select(tx).where('ticket', '=', ticketId).orderBy('id').execute();
  return rows.map(toDelivery);
}

function select(tx: Pick<Tx, 'selectFrom'>) {
  return tx.selectFrom('deliveries').select(['id', 'source', 'delivery_id', 'headers', 'body', 'events']);
}

function toDelivery(row: Awaited<ReturnType<ReturnType<typeof select>['executeTakeFirstOrThrow']>>): UnsortedDelivery {
  const { id, source, delivery_id: deliveryId, headers, body, events } = row;
  return { id, source, deliveryId, headers, body, events };
}

export interface Sorted {
  id: number;
  outcome: string;
  /** The id of the ticket whose session it waits for. */
  ticket: string | null;
}

export async function markSorted(tx: Tx, sorted: Sorted[]): Promise<void> {
  if (sorted.length === 0) return;
  const ids = sorted.map(({ id }) => id);
  const outcomes = sorted.map(({ outcome }) => outcome);
  const tickets = sorted.map(({ ticket }) => ticket);
  await sql`
    update deliveries set sorted_at = now(), outcome = sorted.outcome, ticket = sorted.ticket
    from unnest(${ids}::bigint[], ${outcomes}::text[], ${tickets}::uuid[]) as sorted (id, outcome, ticket)
    where deliveries.id = sorted.id`.execute(tx);
}
