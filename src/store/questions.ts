import { sql } from 'kysely';
import type { Word } from '../core/approval.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Person } from '../core/ticket.ts';
import { microseconds } from './attention.ts';
import type { Database, Tx } from './database.ts';
import type { ClaimedRun } from './runs.ts';

/**
 * What was said since the work before this run asked a question; nothing where it asked none. Runs that only waited for
 * something else answered nothing: what was said before them is as new as before.
 */
export async function answersHeard(
  db: Database,
  run: Pick<ClaimedRun, 'sessionId' | 'number'>,
): Promise<Pick<Word, 'id' | 'key' | 'author' | 'body' | 'at'>[]> {
  const found = await sql<{ id: string; key: string; author: Person; body: string; at: string }>`
    select p.id, p.key, p.author, p.body, ${microseconds('p.said_at')} as at
    from (
      select ended_at, outcome from runs
      where session_id = ${run.sessionId} and number < ${run.number} and outcome ->> 'stopReason' <> 'waiting'
      order by number desc limit 1) asked
    join prompts p on p.session_id = ${run.sessionId} and p.obeyed and p.signal is null
      and (p.read_at is null or p.read_at > asked.ended_at)
    where asked.outcome ->> 'stopReason' = 'needsInput' and asked.outcome -> 'proposal' is null`.execute(db);
  return found.rows;
}

/** Notes whether people were just asked something that the session rests for. */
export async function markAsked(tx: Tx, sessionId: string, isAsked: boolean): Promise<void> {
  await tx
    .updateTable('sessions')
    .set({ asked_at: isAsked ? sql<Date>`now()` : null, reminded_at: null })
    .where('id', '=', sessionId)
    .execute();
}

/** A question that nobody has answered for long. */
export interface OpenQuestion {
  sessionId: string;
  /** When it was asked, to name what is said of it. */
  askedAt: string;
  /** How the run ended that asked it. */
  outcome: Outcome;
}

const asked = (ageSeconds: number) => sql`
  select s.id, ${microseconds('s.asked_at')} as asked_at, r.outcome from sessions s
  join lateral (
    select outcome from runs where session_id = s.id order by number desc limit 1) r on r.outcome is not null
  where s.state = 'awaitingInput' and s.asked_at < now() - make_interval(secs => ${ageSeconds})
    and s.given and not s.closed`;

/** Sessions that wait for people since so long ago, and (`unreminded`) were not reminded of it. */
export async function questionsOpenFor(
  db: Database,
  { seconds, unreminded, limit }: { seconds: number; unreminded: boolean; limit: number },
): Promise<string[]> {
  const found = await sql<{ id: string }>`
    select q.id from (${asked(seconds)}) q join sessions s on s.id = q.id
    where not ${unreminded} or s.reminded_at is null limit ${limit}`.execute(db);
  return found.rows.map(({ id }) => id);
}

/** The question, if it is still open for so long. Call with the session's lock held. */
export async function readQuestion(
  tx: Tx,
  sessionId: string,
  { seconds, unreminded }: { seconds: number; unreminded: boolean },
): Promise<OpenQuestion | null> {
  const found = await sql<{ id: string; asked_at: string; outcome: Outcome }>`
    select q.* from (${asked(seconds)}) q join sessions s on s.id = q.id
    where q.id = ${sessionId} and (not ${unreminded} or s.reminded_at is null)`.execute(tx);
  const row = found.rows[0];
  return row ? { sessionId, askedAt: row.asked_at, outcome: row.outcome } : null;
}

export async function markReminded(tx: Tx, sessionId: string): Promise<void> {
  await tx.updateTable('sessions').set({ reminded_at: sql<Date>`now()` }).where('id', '=', sessionId).execute();
}

/** Whoever answers a question meant one of so many runs. */
const lookedBack = 20;

/** Answers that the session's last runs have offered. */
export async function optionsOffered(tx: Tx, sessionId: string): Promise<string[]> {
  const found = await sql<{ option: string }>`
    select distinct json_array_elements_text(outcome -> 'options') as option from (
      select outcome from runs where session_id = ${sessionId} order by number desc limit ${lookedBack}) r
    where json_typeof(outcome -> 'options') = 'array'`.execute(tx);
  return found.rows.map(({ option }) => option);
}

/** The options of the newest run that ended, in their order. */
export async function newestOptions(db: Database | Tx, sessionId: string): Promise<string[]> {
  const found = await sql<{ options: string[] | null }>`
    select outcome -> 'options' as options from runs
    where session_id = ${sessionId} and outcome is not null order by number desc limit 1`.execute(db);
  return found.rows[0]?.options ?? [];
}
