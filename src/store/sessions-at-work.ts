import { sql } from 'kysely';
import type { TicketHint, TrackerKind } from '../core/ticket.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';
import { ticketIdOf } from './sessions.ts';

/** What a session was told of its ticket, as one text: whether it has been told anything else since. */
const belief = sql<string>`(sessions.given, sessions.given_at, sessions.closed, sessions.closed_at)::text`;

export interface Unaware<T> {
  ticket: T;
  /** `wasGiven`: the ticket was the agent's at some time, and not only rated. */
  session: { id: string; given: boolean; wasGiven: boolean; gone: boolean; belief: string } | null;
}

/**
 * Those of these open tickets of the agent's whose session does not know it: there is none, it was taken away, closed, or
 * gone. One that a bot gave to the agent is known to be nobody's wish, and so is one that the agent is about to give up.
 */
export async function unawareOf<T extends TicketHint>(db: Database | Tx, tickets: T[]): Promise<Unaware<T>[]> {
  if (tickets.length === 0) return [];
  const rows = await db
    .selectFrom('tickets')
    .leftJoin('sessions', 'sessions.ticket_id', 'tickets.id')
    .select(['sessions.id', 'tickets.id as ticket_id', 'given', 'given_at', 'closed', 'gone', belief.as('belief')])
    .select(sql<boolean>`bot_gave_at > coalesce(given_at, '-infinity')`.as('by_bot'))
    .select(
      sql<boolean>`exists (
        select from effects where session_id = sessions.id and state = 'pending'
          and operation ->> 'kind' = 'releaseTicket')`.as('leaving'),
    )
    .where('tickets.id', 'in', tickets.map(ticketIdOf))
    .execute();
  const known = new Map(rows.map((row) => [row.ticket_id, row]));
  return tickets.flatMap((ticket): Unaware<T>[] => {
    const row = known.get(ticketIdOf(ticket));
    if (row?.by_bot && !row.given) return [];
    if (row?.leaving) return [];
    if (!row?.id) return [{ ticket, session: null }];
    const { id, given, closed, gone, belief } = row;
    if (given && !closed && !gone) return [];
    const wasGiven = row.given_at !== null;
    return [{ ticket, session: { id, given: given === true, wasGiven, gone: gone === true, belief } }];
  });
}

/** Whether the agent has, or had, a session's ticket; one that was only rated was never given to it. */
export async function wasGiven(db: Database, sessionId: string): Promise<boolean> {
  const row = await db.selectFrom('sessions').select('given_at').where('id', '=', sessionId).executeTakeFirst();
  return row !== undefined && row.given_at !== null;
}

/**
 * A bot gave the ticket to the agent: that starts nothing, now or when the tracker lists it. Of one that the agent has it says
 * nothing, whoever it was: the agent itself, too, where it made a place to talk in.
 */
export async function noteGivenByBot(tx: Database | Tx, hint: TicketHint, at: string): Promise<void> {
  await sql`
    insert into tickets (id, tracker, external_id, identifier, hint, bot_gave_at)
    values (${ticketIdOf(hint)}, ${hint.tracker}, ${hint.id}, ${hint.identifier}, ${toJson(hint)}, ${at})
    on conflict (tracker, external_id) do update set
      bot_gave_at = greatest(tickets.bot_gave_at, excluded.bot_gave_at)
      where not exists (select from sessions where ticket_id = tickets.id and given)`.execute(tx);
}

/**
 * Has a session believe what the tracker said after the session was told all that is in `belief`, whatever the times of
 * that. Answers false when it has been told more since.
 */
export async function believe(
  tx: Tx,
  session: { id: string; belief: string },
  told: { given: boolean; closed?: boolean },
): Promise<boolean> {
  const updated = await tx
    .updateTable('sessions')
    .set(told)
    .where('id', '=', session.id)
    .where(belief, '=', session.belief)
    .executeTakeFirstOrThrow();
  return updated.numUpdatedRows > 0n;
}

/** The agent gives its ticket up: whoever gives it back to the agent later does so anew. */
export async function markGivenUp(tx: Tx, sessionId: string): Promise<void> {
  await tx.updateTable('sessions').set({ given: false }).where('id', '=', sessionId).execute();
}

/** Its ticket was not to be found. */
export async function markGone(tx: Tx, sessionId: string): Promise<void> {
  await tx.updateTable('sessions').set({ gone: true, due: false }).where('id', '=', sessionId).execute();
}

/** Its ticket is there again: what it was given for is to be done after all. */
export async function markBack(tx: Tx, sessionId: string): Promise<void> {
  await tx.updateTable('sessions').set({ gone: false, answered_at: null }).where('id', '=', sessionId).execute();
}

export interface SessionAtWork {
  id: string;
  ticketId: string;
  hint: TicketHint;
  belief: string;
}

/** Sessions of a tracker that work or wait for an answer, but not those that only rate a ticket; those whose ticket was read longest ago come first. */
export async function listAtWork(db: Database, tracker: TrackerKind): Promise<SessionAtWork[]> {
  const rows = await db
    .selectFrom('sessions')
    .innerJoin('tickets', 'tickets.id', 'sessions.ticket_id')
    .select(['sessions.id', 'sessions.ticket_id', 'tickets.hint', belief.as('belief')])
    .where('sessions.state', 'in', ['active', 'awaitingInput'])
    // One that is about to be taken by us is not on the tracker's list yet.
    .where(sql<boolean>`not exists (select from effects e where e.session_id = sessions.id and e.state = 'pending'
      and e.operation ->> 'kind' = 'takeTicket')`)
    .where('tickets.tracker', '=', tracker)
    .where(
      sql<boolean>`not exists (select from runs r where r.session_id = sessions.id and r.ended_at is null and r.purpose = 'scope')`,
    )
    .orderBy('tickets.read_at', (order) => order.asc().nullsFirst())
    .execute();
  return rows.map((row) => ({ id: row.id, ticketId: row.ticket_id, hint: row.hint, belief: row.belief }));
}

/** What was still to be written to a ticket that is gone is not tried for ever. */
export async function failTicketEffects(tx: Tx, sessionId: string, error: string): Promise<number> {
  const failed = await sql`
    update effects set state = 'failed', settled_at = now(), error = ${error}, lease = null, leased_until = null
    where session_id = ${sessionId} and state = 'pending' and lane = 'ticket'`.execute(tx);
  return Number(failed.numAffectedRows ?? 0n);
}

/** Effects that have been due for a while and that nobody sends. */
export async function countOverdueEffects(db: Database): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*)::int as count from effects e
    where e.state = 'pending' and e.not_before < now() - interval '1 minute'
      and (e.leased_until is null or e.leased_until < now())
      and not exists (select from effects n where n.key = any(e.needs) and n.state = 'pending')
      and not exists (select from effects b where b.session_id = e.session_id and b.lane = e.lane
        and b.state = 'pending' and b.seq < e.seq)`.execute(db);
  return found.rows[0]?.count ?? 0;
}
