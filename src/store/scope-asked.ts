import { sql } from 'kysely';
import type { Outcome } from '../core/outcome.ts';
import type { Database, Tx } from './database.ts';
import { latestRating, type RatingRow } from './ratings.ts';

/*
 * Ratings that are asked for without the ticket being given to the agent.
 */

/** Asks for one; it is the same one until it is made. `told`: what it comes to is to be told on the ticket. */
export async function markScopeAsked(tx: Tx, sessionId: string, told: boolean): Promise<void> {
  await sql`
    update sessions set scope_told = scope_told or ${told}, scope_asked_at =
      case when scope_asked_at > coalesce(scoped_at, '-infinity') then scope_asked_at else clock_timestamp() end
    where id = ${sessionId}`.execute(tx);
}

/** It was made, or could not be: both are the end of it. Answers whether it is to be told. */
export async function markScoped(tx: Tx, sessionId: string): Promise<{ isTold: boolean }> {
  const found = await sql<{ told: boolean }>`
    with before as (select id, scope_told as told from sessions where id = ${sessionId})
    update sessions set scoped_at = scope_asked_at, scope_told = false from before
    where sessions.id = before.id returning before.told`.execute(tx);
  return { isTold: found.rows[0]?.told === true };
}

/** How a rating that was asked for stands. */
export interface Scoping {
  sessionId: string;
  /** null: its run has not ended. */
  outcome: Outcome | null;
  isBegun: boolean;
  /** null: it came to none. */
  rating: RatingRow | null;
}

/** Of these sessions, each by its newest run that only rates. */
export async function readScopings(db: Database, sessionIds: readonly string[]): Promise<Scoping[]> {
  if (sessionIds.length === 0) return [];
  const runs = await db
    .selectFrom('runs')
    .distinctOn('session_id')
    .select(['id', 'session_id', 'ended_at', 'started_at', 'outcome'])
    .where('session_id', 'in', [...sessionIds])
    .where('purpose', '=', 'scope')
    .orderBy('session_id')
    .orderBy('number', 'desc')
    .execute();
  return Promise.all(
    runs.map(async ({ id, session_id, ended_at, started_at, outcome }) => ({
      sessionId: session_id,
      outcome: ended_at && outcome,
      isBegun: started_at !== null,
      rating: ended_at && (await latestRating(db, session_id, id)),
    })),
  );
}

/** Whether any worker has said lately that it lives, by a run that it holds. */
export async function isAnyAtWork(db: Database): Promise<boolean> {
  const found = await sql`
    select from runs where ended_at is null and worker is not null and heartbeat_at > now() - interval '8 seconds'
    limit 1`.execute(db);
  return found.rows.length > 0;
}
