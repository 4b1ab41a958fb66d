import { type RawBuilder, sql } from 'kysely';
import { nextBranch } from '../core/follow-up.ts';
import type { Outcome, Wait } from '../core/outcome.ts';
import type { TicketHint, TrackerKind } from '../core/ticket.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';
import { ticketIdOf } from './sessions.ts';

/** A row of `waits` (as `w`) whose ticket has not yet come so far. */
export const isOpen: RawBuilder<boolean> = sql<boolean>`(w.over_at is null and case w.until
  when 'rests' then exists (select from sessions o where o.ticket_id = w.on_ticket and o.state in ('pending', 'active'))
  when 'ready' then not exists (select from sessions o where o.ticket_id = w.on_ticket and ${isReady('o')})
  else true end)`;

/** Its work waits for review in a pull request. */
function isReady(session: string) {
  return sql`${sql.ref(`${session}.state`)} = 'complete' and ${sql.ref(`${session}.pull_request`)} is not null
    and ${sql.ref(`${session}.branch`)} is not null`;
}

/**
 * A session that came to rest with this outcome waits from now on. One that asks people instead begins as well when what it
 * names has come, but whatever is said to it is an answer. Call with the session's lock held.
 */
export async function beginWaiting(tx: Tx, sessionId: string, outcome: Outcome): Promise<void> {
  const { stopReason, waits = [], leads } = outcome;
  await tx.deleteFrom('waits').where('session_id', '=', sessionId).execute();
  if (waits.length > 0)
    await tx
      .insertInto('waits')
      .values(
        waits.map(({ ticket, until }) => ({
          session_id: sessionId,
          on_ticket: ticketIdOf(ticket),
          until,
          hint: toJson(ticket),
          // Its tracker knows nothing of how a session does.
          seen_at: until === 'rests' ? new Date() : null,
        })),
      )
      .onConflict((conflict) => conflict.columns(['session_id', 'on_ticket']).doNothing())
      .execute();
  await tx
    .updateTable('sessions')
    .set({ waiting: stopReason === 'waiting', ...(leads && { leads: true }) })
    .where('id', '=', sessionId)
    .execute();
}

/**
 * People said that it shall begin anyway: what it waits for it never waits for again. One that leads waits for its own
 * parts, whatever is said. Call with the session's lock held.
 */
export async function overrideWaits(tx: Tx, sessionId: string): Promise<void> {
  if ((await lastOutcome(tx, sessionId))?.leads) return;
  await sql`
    insert into overrides (session_id, on_ticket) select session_id, on_ticket from waits where session_id = ${sessionId}
    on conflict do nothing`.execute(tx);
}

export async function addOverrides(db: Database, sessionId: string, tickets: TicketHint[]): Promise<void> {
  await db
    .insertInto('overrides')
    .values(tickets.map((ticket) => ({ session_id: sessionId, on_ticket: ticketIdOf(ticket) })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Ids of the tickets that a session does not wait for, whatever its relations say. */
export async function listOverridden(db: Database, sessionId: string): Promise<Set<string>> {
  const rows = await db.selectFrom('overrides').select('on_ticket').where('session_id', '=', sessionId).execute();
  return new Set(rows.map((row) => row.on_ticket));
}

/**
 * These tickets are over: whoever waits for that waits no more, and how he stands is asked of the tracker. Locks no session
 * and waits for nobody, so it is safe wherever locks of sessions are held, if nothing is locked after it.
 */
export async function markOver(db: Database | Tx, ticketIds: string[]): Promise<void> {
  if (ticketIds.length === 0) return;
  await sql`
    update waits set over_at = clock_timestamp(), seen_at = null
    from (
      select session_id, on_ticket from waits
      where on_ticket = any(${ticketIds}::uuid[]) and until in ('over', 'ready') and over_at is null
      order by session_id, on_ticket for update skip locked
    ) found
    where waits.session_id = found.session_id and waits.on_ticket = found.on_ticket`.execute(db);
}

/** The same for one session. */
export async function markCome(db: Database, sessionId: string, ticketIds: string[]): Promise<void> {
  if (ticketIds.length === 0) return;
  await db
    .updateTable('waits')
    .set({ over_at: sql<Date>`clock_timestamp()` })
    .where('session_id', '=', sessionId)
    .where('on_ticket', 'in', ticketIds)
    .where('over_at', 'is', null)
    .execute();
}

/** Something that a session at rest waited for has come: it gets a run, within a second. One at work has seen it. */
export async function markDue(db: Database | Tx, sessionId: string): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ due: true })
    .where('id', '=', sessionId)
    .where('state', '!=', 'active')
    .execute();
}

/** The same where one at work may have looked before it came: it gets another run after this one. */
export async function markDueNext(tx: Tx, sessionId: string): Promise<void> {
  await tx.updateTable('sessions').set({ due: true }).where('id', '=', sessionId).execute();
}

/**
 * Sessions at rest that have something to do with what they wait for: it has come, or they were told to stop where nobody
 * sorted it. And those whose ticket somebody else has, as we found when we would take it.
 */
export async function listToWake(db: Database, limit: number): Promise<string[]> {
  const found = await sql<{ id: string }>`
    with found as (select id from sessions where waiting or due union select session_id from waits)
    select s.id from found join sessions s on s.id = found.id
    where (s.waiting or s.due or s.state = 'awaitingInput') and (s.state not in ('pending', 'active') or not s.given)
      and (s.due or s.stop_at >= greatest(s.given_at, s.spoke_at)
        or not exists (select from waits w where w.session_id = s.id and ${isOpen}))
    limit ${limit}`.execute(db);
  return found.rows.map(({ id }) => id);
}

/** Ends its waiting where nothing is left to come. Answers whether it did, or it was due. Call with the session's lock held. */
export async function endWaiting(tx: Tx, sessionId: string): Promise<boolean> {
  const ended = await sql`
    update sessions s set due = true, waiting = false
    where id = ${sessionId} and (s.due
      or (s.waiting or s.state = 'awaitingInput' and exists (select from waits w where w.session_id = s.id))
        and not exists (select from waits w where w.session_id = s.id and ${isOpen}))`.execute(tx);
  if (Number(ended.numAffectedRows ?? 0n) === 0) return false;
  await tx.deleteFrom('waits').where('session_id', '=', sessionId).execute();
  return true;
}

/** Somebody else has its ticket: it comes to rest, within a second. */
export async function markLost(tx: Tx, sessionId: string): Promise<void> {
  await tx.updateTable('sessions').set({ given: false, due: true }).where('id', '=', sessionId).execute();
}

/** It was due, and may not begin. */
export async function clearDue(tx: Tx, sessionId: string): Promise<void> {
  await tx.updateTable('sessions').set({ due: false }).where('id', '=', sessionId).execute();
}

/** What is known of a session's ticket may be out of date: the tracker is to be asked, within a second. */
export async function forgetSeen(tx: Tx, sessionId: string): Promise<void> {
  await tx
    .updateTable('waits')
    .set({ seen_at: null })
    .where('session_id', '=', sessionId)
    .where('until', '!=', 'rests')
    .execute();
}

/** One whose account is closed cannot be read, and is not to keep others from it. */
const isReadable = sql`not exists (select from accounts c where c.open_at > now()
  and c.name = 'tracker/' || t.tracker || coalesce('/' || (t.hint ->> 'account'), ''))`;

/** Sessions that wait and whose ticket is to be read now. Whoever claims one reads it; a claim that is lost is reconcile's. */
export async function claimUnseen(db: Database, limit: number): Promise<string[]> {
  return claim(
    db,
    sql`select w.session_id from waits w join sessions s on s.id = w.session_id and s.state = 'awaitingInput'
      join tickets t on t.id = s.ticket_id
      where w.seen_at is null and ${isReadable} limit ${limit * 10} for update of w skip locked`,
    limit,
  );
}

/** The same of those that a tracker was asked of longest ago. */
export async function claimLongestUnseen(db: Database, tracker: TrackerKind, limit: number): Promise<string[]> {
  return claim(
    db,
    sql`select w.session_id from waits w join sessions s on s.id = w.session_id and s.state = 'awaitingInput'
      join tickets t on t.id = s.ticket_id and t.tracker = ${tracker}
      where w.until <> 'rests' and ${isReadable} order by w.seen_at nulls first limit ${limit * 10} for update of w skip locked`,
    limit,
  );
}

async function claim(db: Database, rows: RawBuilder<unknown>, limit: number): Promise<string[]> {
  const claimed = await sql<{ session_id: string }>`
    with found as (${rows}), chosen as (select distinct session_id from found limit ${limit}), seen as (
      update waits set seen_at = now() from found
      where waits.session_id = found.session_id and found.session_id in (select session_id from chosen)
      returning waits.session_id)
    select session_id from chosen`.execute(db);
  return claimed.rows.map((row) => row.session_id);
}

export interface WaitRow extends Wait {
  onTicket: string;
  missing: number;
}

/** What a session still waits for. */
export async function listWaits(db: Database | Tx, sessionId: string): Promise<WaitRow[]> {
  const found = await sql<{ on_ticket: string; until: Wait['until']; hint: TicketHint; missing: number }>`
    select w.on_ticket, w.until, w.hint, w.missing from waits w
    where w.session_id = ${sessionId} and ${isOpen} order by w.since, w.hint ->> 'identifier'`.execute(db);
  return found.rows.map(({ on_ticket, until, hint, missing }) => ({
    onTicket: on_ticket,
    until,
    ticket: hint,
    missing,
  }));
}

/** The ticket it waits for was not to be found. Answers how often by now, one time after the other. */
export async function noteMissing(db: Database, sessionId: string, { onTicket }: WaitRow): Promise<number> {
  const row = await db
    .updateTable('waits')
    .set({ missing: sql`missing + 1` })
    .where('session_id', '=', sessionId)
    .where('on_ticket', '=', onTicket)
    .returning('missing')
    .executeTakeFirst();
  return row?.missing ?? 0;
}

export interface ReadyWork {
  repository: string;
  branch: string;
}

/** Of these tickets those whose work waits for review, by their ids. */
export async function listReady(db: Database, ticketIds: string[]): Promise<Map<string, ReadyWork>> {
  const found = await sql<{ ticket_id: string; repository: string; branch: string }>`
    select o.ticket_id, o.repository, o.branch from sessions o
    where o.ticket_id = any(${ticketIds}::uuid[]) and ${isReady('o')}`.execute(db);
  return new Map(found.rows.map(({ ticket_id, repository, branch }) => [ticket_id, { repository, branch }]));
}

/** Whose branch it is that a change was made on, if it is one of ours that waits for review. */
export async function findStackedOn(
  db: Database,
  repository: string,
  branch: string,
): Promise<{ identifier: string; url: string } | null> {
  const found = await sql<{ identifier: string; url: string }>`
    select t.identifier, s.pull_request ->> 'url' as url from sessions s join tickets t on t.id = s.ticket_id
    where s.repository = ${repository} and s.branch = ${branch} and s.pull_request is not null limit 1`.execute(db);
  return found.rows[0] ?? null;
}

/** The number of the pull request that a session of ours opened from a branch, and may have gone on from since; null: none did. */
export async function findRequestFrom(db: Database, repository: string, branch: string): Promise<number | null> {
  const after = [nextBranch(branch, true), nextBranch(branch, false)];
  const found = await sql<{ number: number | null }>`
    select (case when branch = ${branch} then pull_request else follows end ->> 'number')::int as number from sessions
    where repository = ${repository} and (branch = ${branch} and pull_request is not null
      or branch = any(${after}) and follows is not null)
    order by branch <> ${branch} limit 1`.execute(db);
  return found.rows[0]?.number ?? null;
}

/** How the session's last run ended; null before one has. */
export async function lastOutcome(db: Database | Tx, sessionId: string): Promise<Outcome | null> {
  const row = await db
    .selectFrom('runs')
    .select('outcome')
    .where('session_id', '=', sessionId)
    .where('ended_at', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.outcome ?? null;
}
