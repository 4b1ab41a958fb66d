import { sql } from 'kysely';
import type { Confidence } from '../core/scope.ts';
import type { SessionState } from '../core/session.ts';
import type { Demand, OpenCategory, OrderDay, StandingOrder } from '../core/standing-orders.ts';
import type { TicketHint } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';
import { ticketIdOf } from './sessions.ts';
import { orderAccount } from './spending.ts';
import { slotsOfWorkers } from './workers.ts';

/** A ticket that an order is about to take, or has taken. */
export interface OrderPick {
  id: string;
  order: string;
  hint: TicketHint;
  why: string;
}

/** What an order has come to on a day ("2026-11-21"). */
export async function readDay(db: Database, order: string, day: string): Promise<OrderDay> {
  const found = await sql<{ taken: number; declined: number; usd: string }>`
    select count(*) filter (where state in ('taking', 'taken'))::int as taken,
      count(*) filter (where state = 'declined')::int as declined,
      coalesce((select usd from spending where account = ${orderAccount(order, sql`${day}::text`)}), 0)::text as usd
    from order_picks where order_name = ${order} and day = ${day}::date`.execute(db);
  const { taken = 0, declined = 0, usd = '0' } = found.rows[0] ?? {};
  return { taken, declined, usd: Number(usd) };
}

/** For people: what an order has taken on a day, or tried to. */
export interface PickView {
  hint: TicketHint;
  state: 'taking' | 'taken' | 'skipped' | 'declined';
  rating: Confidence | null;
  session: SessionState | null;
}

export async function listPicks(db: Database, order: string, day: string): Promise<PickView[]> {
  const rows = await db
    .selectFrom('order_picks as p')
    .leftJoin('sessions as s', 's.id', 'p.session_id')
    .select(['p.hint', 'p.state', 'p.rating', 's.state as session'])
    .where('p.order_name', '=', order)
    .where('p.day', '=', sql<string>`${day}::date`)
    .orderBy('p.at')
    .execute();
  return rows;
}

/** Whether a run that is queued now would be begun at once. `slots` counts where no worker has said how many it has. */
export async function hasFreeSlot(db: Database, slots: number): Promise<boolean> {
  const found = await sql<{ room: number; live: number; waiting: number }>`
    select coalesce(${slotsOfWorkers}, ${slots}::int) as room,
      (select count(*) from order_picks where state = 'taking')::int + count(*)::int as live,
      count(*) filter (where started_at is null and not_before <= now())::int as waiting
    from runs where ended_at is null`.execute(db);
  const { room = 0, live = 0, waiting = 0 } = found.rows[0] ?? {};
  return waiting === 0 && live < room;
}

/** The place that a ticket would have among those that its order takes on a day; null: there is none left. */
export async function nextPlace(db: Database, { name, perDay }: StandingOrder, day: string): Promise<number | null> {
  const found = await sql<{ nth: number }>`
    select n as nth from generate_series(1, ${perDay}::int) n
    where not exists (select from order_picks where order_name = ${name} and day = ${day}::date and nth = n)
    order by n limit 1`.execute(db);
  return found.rows[0]?.nth ?? null;
}

/**
 * Writes down that an order takes a ticket, before it does, in a place among those of the day. false: the place or the
 * ticket is somebody else's by now. What is past the cap has no place: PostgreSQL gives each of them once.
 */
export async function addPick(
  db: Database,
  order: StandingOrder,
  pick: OrderPick & { day: string; nth: number; category: OpenCategory; fingerprint: string },
): Promise<boolean> {
  const added = await sql`
    insert into order_picks (id, order_name, day, nth, ticket_id, hint, category, why, demand, fingerprint)
    select ${pick.id}, ${order.name}, ${pick.day}::date, ${pick.nth}, ${ticketIdOf(pick.hint)}, ${toJson(pick.hint)}::json,
      ${pick.category}, ${pick.why}, ${order.rating}, ${pick.fingerprint}
    where ${pick.nth}::int between 1 and ${order.perDay}::int
    on conflict do nothing`.execute(db);
  return added.numAffectedRows === 1n;
}

/** Of one ticket at one state of its text: the id under which it is taken. */
export function pickIdOf(order: string, hint: TicketHint, day: string, fingerprint: string): string {
  return deterministicId('pick', order, ticketIdOf(hint), day, fingerprint);
}

/** Those whose taking was begun and not ended. */
export async function unfinishedPicks(db: Database): Promise<OrderPick[]> {
  const rows = await db
    .selectFrom('order_picks')
    .select(['id', 'order_name', 'hint', 'why'])
    .where('state', '=', 'taking')
    .orderBy('at')
    .execute();
  return rows.map(({ order_name, ...row }) => ({ ...row, order: order_name }));
}

/** Whether it is still to be taken; locks it. */
export async function lockUntaken(tx: Tx, id: string): Promise<boolean> {
  const row = await tx
    .selectFrom('order_picks')
    .select('id')
    .where('id', '=', id)
    .where('state', '=', 'taking')
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

/** Call once the session has been given to the agent by it. */
export async function markPickTaken(tx: Tx, id: string, sessionId: string): Promise<void> {
  const given = sql<Date>`(select given_at from sessions where id = ${sessionId})`;
  await tx
    .updateTable('order_picks')
    .set({ state: 'taken', session_id: sessionId, given_at: given })
    .where('id', '=', id)
    .execute();
}

/** It was not to be had: it does not count, and is left alone until it says something else. */
export async function markSkipped(db: Database, id: string): Promise<void> {
  await db
    .updateTable('order_picks')
    .set({ state: 'skipped', nth: null })
    .where('id', '=', id)
    .where('state', '=', 'taking')
    .execute();
}

/**
 * The order that pays for a run: the one that took its ticket, for what is begun within a day of that. What comes later,
 * people have asked for.
 */
export async function orderPaying(db: Database, runId: string): Promise<string | null> {
  const found = await sql<{ order_name: string }>`
    select p.order_name from runs r join order_picks p on p.session_id = r.session_id and p.state = 'taken'
    where r.id = ${runId} and r.queued_at between p.at - interval '1 minute' and p.at + interval '1 day'
    order by p.at desc limit 1`.execute(db);
  return found.rows[0]?.order_name ?? null;
}

/** What the order that took a session's ticket asks of it; null: people gave it to the agent. */
export async function demandOn(db: Database | Tx, sessionId: string): Promise<Demand | null> {
  const row = await db
    .selectFrom('order_picks')
    .select(['order_name', 'demand'])
    .where('session_id', '=', sessionId)
    .where('state', '=', 'taken')
    // Once people have given it to the agent themselves, or its work has finished, what is wanted is theirs.
    .where(
      sql<boolean>`not exists (select from sessions s where s.id = order_picks.session_id and s.given_at > order_picks.given_at)`,
    )
    .where(
      sql<boolean>`not exists (select from runs r where r.session_id = order_picks.session_id and r.purpose = 'work'
        and r.ended_at > order_picks.at and r.outcome ->> 'stopReason' = 'finished')`,
    )
    // Whoever talks with the agent about it wants it worked on.
    .where(
      sql<boolean>`not exists (select from prompts p where p.session_id = order_picks.session_id and p.obeyed
        and p.read_at > order_picks.at and p.said_at > order_picks.at)`,
    )
    .orderBy('at', 'desc')
    .executeTakeFirst();
  return row ? { order: row.order_name, rating: row.demand } : null;
}

/** It was given back for its rating. Answers where it stood before it was taken; null: no order had taken it. */
export async function markDeclined(
  tx: Tx,
  sessionId: string,
  rating: Confidence,
): Promise<{ id: string; category: OpenCategory } | null> {
  const row = await tx
    .updateTable('order_picks')
    .set({ state: 'declined', nth: null, rating })
    .where('session_id', '=', sessionId)
    .where('state', '=', 'taken')
    .returning(['id', 'category'])
    .executeTakeFirst();
  return row ?? null;
}

/** For so long a ticket that did not fit is not read again. */
const passMinutes = 60;
/** Of an order that matches more than it can keep in view: until it has come to all of them, 50 a minute. */
const passMinutesOfMany = 480;

export async function notePass(db: Database, order: string, hint: TicketHint): Promise<void> {
  await sql`
    insert into order_passes (order_name, ticket_id) values (${order}, ${ticketIdOf(hint)})
    on conflict (order_name, ticket_id) do update set at = now()`.execute(db);
}

export async function forgetPasses(db: Database): Promise<void> {
  const minutes = sql`case when exists (select from order_rounds o where o.order_name = p.order_name and o.many)
    then ${passMinutesOfMany}::int else ${passMinutes}::int end`;
  await sql`delete from order_passes p where at < now() - make_interval(mins => ${minutes})`.execute(db);
}

/**
 * Those of these tickets that an order may look at: it did not just pass them by, they are no summary of ours, no order has
 * them, and the agent has never had them, but to rate them or to give them back as the last thing it did: what people took
 * from it, it does not take again. `said`: what such a one said when this order last picked it.
 */
export async function untouched<T extends TicketHint>(
  db: Database,
  order: string,
  tickets: T[],
): Promise<{ ticket: T; said: string | null }[]> {
  if (tickets.length === 0) return [];
  const ids = tickets.map(ticketIdOf);
  const found = await sql<{ id: string; free: boolean; said: string | null }>`
    select t.id, p.fingerprint as said,
      not exists (select from order_passes where order_name = ${order} and ticket_id = t.id)
      and not exists (select from summaries where hint ->> 'tracker' || '/' || (hint ->> 'id') = t.key)
      and not exists (select from order_picks where ticket_id = t.id and state in ('taking', 'taken'))
      and not exists (
        select from sessions s
        left join lateral (
          select number, outcome -> 'givesBack' as gives_back from runs where session_id = s.id and purpose = 'work'
          order by number desc limit 1) last on true
        where s.ticket_id = t.id
          and (s.given or ((s.opened_at is not null or last.number is not null) and last.gives_back is null))) as free
    from unnest(${ids}::uuid[], ${tickets.map(({ tracker, id }) => `${tracker}/${id}`)}::text[]) as t (id, key)
    left join lateral (
      select fingerprint from order_picks where ticket_id = t.id and order_name = ${order}
      order by at desc limit 1) p on true`.execute(db);
  const known = new Map(found.rows.map((row) => [row.id, row]));
  return tickets.flatMap((ticket) => {
    const row = known.get(ticketIdOf(ticket));
    return row?.free ? [{ ticket, said: row.said }] : [];
  });
}
