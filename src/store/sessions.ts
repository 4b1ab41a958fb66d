import { type Insertable, sql } from 'kysely';
import type { Brief } from '../core/conversation.ts';
import { canMove, type SessionState } from '../core/session.ts';
import { RunLost } from '../core/step.ts';
import { hintOf, type Ticket, type TicketHint } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';
import { endSilence } from './proposals.ts';
import type { ClaimedRun } from './runs.ts';
import type { Schema } from './schema.ts';

/** All but the brief, which is long, and which only a run reads. */
const columns = [
  ...(['sessions.id', 'sessions.ticket_id', 'sessions.state', 'sessions.repository', 'sessions.branch'] as const),
  ...(['sessions.base_branch', 'sessions.base_commit', 'sessions.head_commit', 'sessions.pull_request'] as const),
  ...(['sessions.follows', 'sessions.asked_about', 'sessions.gone', 'sessions.waiting', 'sessions.leads'] as const),
  'sessions.adopted' as const,
  'sessions.updated_at' as const,
];

export interface SessionRow {
  id: string;
  ticketId: string;
  state: SessionState;
  repository: string | null;
  baseBranch: string | null;
  baseCommit: string | null;
  branch: string | null;
  headCommit: string | null;
  pullRequest: { number: number; url: string } | null;
  /** The pull request that it had before this branch. */
  follows: { number: number; url: string; merged: boolean } | null;
  /** The pull request about which people were asked, and in which run: it was closed, or its branch rewritten to that `head`. */
  askedAbout: { number: number; run: number; head?: string } | null;
  hint: TicketHint;
  updatedAt: Date;
  /** It was ended because its ticket was not to be found. */
  gone: boolean;
  /** It rests until something has come; see `store/waits.ts`. */
  waiting: boolean;
  /** Its work is done on its sub-tickets. */
  leads: boolean;
  /** Its branch and pull request are somebody else's: it pushes there, and leaves the rest to them. */
  adopted: boolean;
}

/** What an event tells a session; each part is kept where it is the newest of its kind. */
export interface Told {
  /** The tracker's time. */
  at: string;
  given?: boolean;
  closed?: boolean;
  spoke?: 'stop' | 'word';
  /** Its text or fields were edited. */
  edited?: boolean;
  /** What was said from here on is said to the agent. */
  opens?: boolean;
}

export function ticketIdOf({ tracker, id }: Pick<TicketHint, 'tracker' | 'id'>): string {
  return deterministicId('ticket', tracker, id);
}

/** Of the ticket's own session, before there is one. */
export function sessionIdOf(hint: Pick<TicketHint, 'tracker' | 'id'>): string {
  return deterministicId('session', ticketIdOf(hint), 0);
}

export interface Opened extends SessionRow {
  isNew: boolean;
  /** Deliveries about its ticket wait for it. */
  isAwaited: boolean;
}

/** The session of a ticket, made when there is none, with its row locked until the transaction ends. */
export async function openSession(tx: Tx, hint: TicketHint, told: Told): Promise<Opened> {
  const made = await makeSession(tx, hint, {
    ...(told.opens && { opened_at: told.at }),
    ...(told.given !== undefined && { given: told.given, given_at: told.at }),
    ...(told.closed !== undefined && { closed: told.closed, closed_at: told.at }),
    ...(told.closed && { over_at: told.at }),
  });
  if (made) return made;
  const session = await tellSession(tx, hint, told);
  if (!session) throw new Error(`session ${sessionIdOf(hint)} vanished while its ticket was being sorted`);
  return { ...session, isNew: false, isAwaited: false };
}

/** The same for a ticket that nobody has given to the agent: whatever is told of that, at any time, is news. */
export async function openUngiven(tx: Tx, hint: TicketHint): Promise<Opened> {
  const made = await makeSession(tx, hint, { given: false });
  if (made) return made;
  const session = await lockSession(tx, sessionIdOf(hint));
  if (!session) throw new Error(`session ${sessionIdOf(hint)} vanished while it was opened`);
  return { ...session, isNew: false, isAwaited: false };
}

/** null: there is one. */
async function makeSession(
  tx: Tx,
  hint: TicketHint,
  told: Pick<Insertable<Schema['sessions']>, 'opened_at' | 'given' | 'given_at' | 'closed' | 'closed_at' | 'over_at'>,
): Promise<Opened | null> {
  const ticketId = ticketIdOf(hint);
  const made = await tx
    .with('seen', (query) =>
      query
        .insertInto('tickets')
        .values({
          id: ticketId,
          tracker: hint.tracker,
          external_id: hint.id,
          identifier: hint.identifier,
          hint: toJson(hint),
        })
        .onConflict((conflict) => conflict.doNothing()),
    )
    .insertInto('sessions')
    .values({
      id: sessionIdOf(hint),
      ticket_id: ticketId,
      ...told,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning(columns)
    .returning(sql<boolean>`exists (select from deliveries where ticket = ${ticketId})`.as('is_awaited'))
    .executeTakeFirst();
  return made ? { ...toRow({ ...made, hint }), isNew: true, isAwaited: made.is_awaited } : null;
}

/** Tells a ticket's session, and locks it; null when it has none. */
export async function tellSession(tx: Tx, hint: TicketHint, told: Told): Promise<SessionRow | null> {
  const { at } = told;
  const newest = (column: string) => sql<string>`greatest(${sql.ref(column)}, ${at}::timestamptz)`;
  // Of two that are told of the same moment the one holds that asks for less.
  const latest = (column: string, since: string, value: boolean, over: boolean) => sql<boolean>`case
    when ${sql.ref(since)} is null or ${at}::timestamptz > ${sql.ref(since)} then ${value}::boolean
    when ${at}::timestamptz = ${sql.ref(since)} and ${value}::boolean = ${over}::boolean then ${over}::boolean
    else ${sql.ref(column)} end`;
  const row = await tx
    .updateTable('sessions')
    .from('tickets')
    .set({
      variant: sql<number>`variant`, // what tells nothing only locks
      ...(told.opens && { opened_at: sql<string>`least(opened_at, ${at}::timestamptz)` }),
      ...(told.given !== undefined && {
        given: latest('given', 'given_at', told.given, false),
        given_at: newest('given_at'),
      }),
      ...(told.closed !== undefined && {
        closed: latest('closed', 'closed_at', told.closed, true),
        closed_at: newest('closed_at'),
      }),
      ...(told.closed && { over_at: newest('over_at') }),
      ...(told.edited && { edited_at: newest('edited_at') }),
      ...(told.spoke === 'stop' && { stop_at: newest('stop_at') }),
      ...(told.spoke === 'word' && { spoke_at: newest('spoke_at') }),
    })
    .whereRef('tickets.id', '=', 'sessions.ticket_id')
    .where('sessions.id', '=', sessionIdOf(hint))
    .returning(columns)
    .returning('tickets.hint')
    .executeTakeFirst();
  return toRow(row);
}

export function lockSession(tx: Tx, id: string): Promise<SessionRow | null> {
  return select(tx, true).where('sessions.id', '=', id).executeTakeFirst().then(toRow);
}

export function findSession(db: Database | Tx, id: string): Promise<SessionRow | null> {
  return select(db, false).where('sessions.id', '=', id).executeTakeFirst().then(toRow);
}

/** What its first run made of its ticket, and each run begins with; null before that. */
export async function readBrief(db: Database, id: string): Promise<Brief | null> {
  const row = await db.selectFrom('sessions').select('brief').where('id', '=', id).executeTakeFirst();
  return row?.brief ?? null;
}

/** An effect's session while its lease is ours; null when somebody else has it by now. */
export function findSessionOfLease(db: Database, effect: { id: string; lease: string }): Promise<SessionRow | null> {
  return select(db, false)
    .innerJoin('effects', 'effects.session_id', 'sessions.id')
    .where('effects.id', '=', effect.id)
    .where('effects.lease', '=', effect.lease)
    .where('effects.state', '=', 'pending')
    .where('effects.leased_until', '>', sql<Date>`now()`)
    .executeTakeFirst()
    .then(toRow);
}

export function findSessionByIdentifier(db: Database, identifier: string): Promise<SessionRow | null> {
  // Some trackers have them in capitals, which people need not type.
  const named = [identifier, identifier.toUpperCase()];
  return select(db, false).where('tickets.identifier', 'in', named).executeTakeFirst().then(toRow);
}

/** The same by its id, where that is what its ticket is called, or was called at first. */
export function findSessionNamed(db: Database, id: string, identifier: string): Promise<SessionRow | null> {
  const name = identifier.toUpperCase();
  return select(db, false)
    .where('sessions.id', '=', id)
    .where(sql<boolean>`${name} in (upper(tickets.identifier), upper(tickets.hint ->> 'identifier'))`)
    .executeTakeFirst()
    .then(toRow);
}

/** Newest first. */
export async function listSessions(db: Database, limit: number): Promise<SessionRow[]> {
  const rows = await select(db, false).orderBy('sessions.updated_at', 'desc').limit(limit).execute();
  return rows.map((row) => toRow(row));
}

/** Throws on a transition that `core/session.ts` does not know. Whatever it waited for, be it silence, it waits no more. */
export async function moveSession(tx: Tx, session: SessionRow, state: SessionState): Promise<void> {
  if (!canMove(session.state, state)) throw new Error(`a session cannot go from ${session.state} to ${state}`);
  if (session.state === 'awaitingInput') {
    await tx.deleteFrom('waits').where('session_id', '=', session.id).execute();
    await endSilence(tx, session.id);
  }
  await updateSession(tx, session.id, { state });
}

export type SessionChanges = Partial<
  Omit<SessionRow, 'id' | 'ticketId' | 'hint' | 'updatedAt' | 'gone' | 'waiting'> & {
    brief: Brief;
    /** Of a head commit that is not ours. */
    headTree: string;
  }
>;

export async function updateSession(db: Database | Tx, id: string, changes: SessionChanges): Promise<void> {
  await db.updateTable('sessions').set(columnsOf(changes)).where('id', '=', id).execute();
}

/**
 * The same, only while the run is ours: whoever takes it over builds on what stands there. Locks the session before the
 * run, as everybody who locks both. Throws `RunLost`.
 */
export async function updateSessionOf(db: Database, run: ClaimedRun, changes: SessionChanges): Promise<void> {
  const updated = await db
    .with('locked', (query) =>
      query.selectFrom('sessions').select('id').where('id', '=', run.sessionId).forNoKeyUpdate(),
    )
    .with('held', (query) =>
      query
        .selectFrom('runs')
        .innerJoin('locked', 'locked.id', 'runs.session_id')
        .select('runs.id')
        .where('runs.id', '=', run.id)
        .where('runs.attempt', '=', run.attempt)
        .where('runs.ended_at', 'is', null)
        .forNoKeyUpdate('runs'),
    )
    .updateTable('sessions')
    .from('held')
    .set(columnsOf(changes))
    .where('sessions.id', '=', run.sessionId)
    .executeTakeFirstOrThrow();
  if (updated.numUpdatedRows === 0n) throw new RunLost(run.id);
}

function columnsOf(changes: SessionChanges) {
  return {
    ...(changes.state !== undefined && { state: changes.state, waiting: false }),
    ...(changes.leads !== undefined && { leads: changes.leads }),
    ...(changes.adopted !== undefined && { adopted: changes.adopted }),
    ...(changes.repository !== undefined && { repository: changes.repository }),
    ...(changes.baseBranch !== undefined && { base_branch: changes.baseBranch }),
    ...(changes.baseCommit !== undefined && { base_commit: changes.baseCommit }),
    ...(changes.branch !== undefined && { branch: changes.branch }),
    ...(changes.headCommit !== undefined && { head_commit: changes.headCommit, head_tree: changes.headTree ?? null }),
    ...(changes.pullRequest !== undefined && { pull_request: changes.pullRequest && toJson(changes.pullRequest) }),
    ...(changes.follows !== undefined && { follows: changes.follows && toJson(changes.follows) }),
    ...(changes.askedAbout !== undefined && { asked_about: changes.askedAbout && toJson(changes.askedAbout) }),
    ...(changes.brief !== undefined && { brief: toJson(changes.brief) }),
    updated_at: sql<Date>`now()`, // by the clock that later says how long it has rested
  };
}

export async function saveReading(db: Database | Tx, ticketId: string, reading: Ticket): Promise<void> {
  await db
    .updateTable('tickets')
    .set({
      ...{ reading: toJson(reading), read_at: sql`now()` },
      ...{ identifier: reading.identifier, hint: toJson(hintOf(reading)) },
    })
    .where('id', '=', ticketId)
    .execute();
}

/** A ticket that went to another team is called otherwise from then on. */
export async function renameTicket(tx: Tx, hint: TicketHint): Promise<void> {
  await tx
    .updateTable('tickets')
    .set({ identifier: hint.identifier, hint: toJson(hint) })
    .where('id', '=', ticketIdOf(hint))
    .execute();
}

/** Since when the agent has its ticket; null where nobody gave it. */
export async function givenSince(db: Database | Tx, id: string): Promise<Date | null> {
  const row = await db.selectFrom('sessions').select('given_at').where('id', '=', id).executeTakeFirst();
  return row?.given_at ?? null;
}

/**
 * The conversation that the newest words to the agent came from, else the one that the tracker told of last; null before
 * there is one. Where only those spoke whose words are not followed, the agent does not talk of its work.
 */
export async function currentConversation(
  db: Database | Tx,
  sessionId: string,
): Promise<{ id: string; key: string; ref: unknown } | null> {
  const found = await sql<{ id: string; key: string; ref: unknown }>`
    select c.id, c.key, c.ref from conversations c
    cross join lateral (
      select max(said_at) filter (where obeyed) as heard_at, count(*) as words from prompts p
      where p.session_id = c.session_id and p.conversation_id = c.id
    ) p
    where c.session_id = ${sessionId}
    -- What opened one may be dated to the second only, and so before what went before it.
    order by case when p.heard_at is not null or p.words = 0 then greatest(p.heard_at, c.created_at) end desc nulls last,
      p.heard_at is null, c.key
    limit 1`.execute(db);
  return found.rows[0] ?? null;
}

function select(db: Database | Tx, lock: boolean) {
  const query = db
    .selectFrom('sessions')
    .innerJoin('tickets', 'tickets.id', 'sessions.ticket_id')
    .select(columns)
    .select('tickets.hint');
  return lock ? query.forNoKeyUpdate('sessions') : query;
}

type Selected = Awaited<ReturnType<ReturnType<typeof select>['executeTakeFirst']>>;

function toRow<T extends Selected>(row: T): T extends undefined ? null : SessionRow;
function toRow(row: Selected): SessionRow | null {
  if (!row) return null;
  return {
    id: row.id,
    ticketId: row.ticket_id,
    state: row.state,
    repository: row.repository,
    baseBranch: row.base_branch,
    baseCommit: row.base_commit,
    branch: row.branch,
    headCommit: row.head_commit,
    pullRequest: row.pull_request,
    follows: row.follows,
    askedAbout: row.asked_about,
    hint: row.hint,
    updatedAt: row.updated_at,
    gone: row.gone,
    waiting: row.waiting,
    leads: row.leads,
    adopted: row.adopted,
  };
}
