import { sql } from 'kysely';
import type { Outcome } from '../core/outcome.ts';
import { RunLost } from '../core/step.ts';
import type { Database, Tx } from './database.ts';

/** A run that this worker holds. `attempt` is the fence: every write of it checks that it is still current. */
export interface ClaimedRun {
  id: string;
  sessionId: string;
  number: number;
  attempt: number;
  startedAt: Date;
  /** Of its ticket: "ENG-123". */
  ticket: string;
  /** A person asked for it before the run was claimed. */
  stopRequested: boolean;
}

/** A run that went silent for this long belongs to whoever claims it. Heartbeats come every second. */
export const silentAfterSeconds = 8;

/** The oldest run that nobody holds, or whose holder went silent; null when there is none. */
export async function claimRun(db: Database, worker: string): Promise<ClaimedRun | null> {
  const found = await sql<{
    id: string;
    session_id: string;
    number: number;
    attempt: number;
    started_at: Date;
    stop_requested_at: Date | null;
    ticket: string;
  }>`
    update runs set attempt = attempt + 1, worker = ${worker}, heartbeat_at = now(), started_at = coalesce(started_at, now())
    where id = (
      select id from runs
      where ended_at is null and not_before <= now()
        and (worker is null or heartbeat_at < now() - make_interval(secs => ${silentAfterSeconds}))
      order by queued_at
      for update skip locked
      limit 1
    )
    returning id, session_id, number, attempt, started_at, stop_requested_at,
      (select t.identifier from sessions s join tickets t on t.id = s.ticket_id where s.id = runs.session_id) as ticket`.execute(
    db,
  );
  const row = found.rows[0];
  if (!row) return null;
  return {
    id: row.id,
    sessionId: row.session_id,
    number: row.number,
    attempt: row.attempt,
    startedAt: row.started_at,
    ticket: row.ticket,
    stopRequested: row.stop_requested_at !== null,
  };
}

/** Says that the worker lives. Answers whether a stop was asked for; throws `RunLost` when the run is somebody else's. */
export async function beat(db: Database, run: ClaimedRun): Promise<{ stopRequested: boolean }> {
  const row = await db
    .updateTable('runs')
    .set({ heartbeat_at: sql`now()` })
    .where('id', '=', run.id)
    .where('attempt', '=', run.attempt)
    .where('ended_at', 'is', null)
    .returning('stop_requested_at')
    .executeTakeFirst();
  if (!row) throw new RunLost(run.id);
  return { stopRequested: row.stop_requested_at !== null };
}

/** The first fence: locks the run's row, or throws `RunLost`. Every write of a run begins with it. Answers whether a stop was asked for. */
export async function holdRun(tx: Tx, run: ClaimedRun): Promise<{ stopRequested: boolean }> {
  const row = (await holding(run).execute(tx)).rows[0];
  if (!row) throw new RunLost(run.id);
  return { stopRequested: row.stop_requested_at !== null };
}

/** The same for a statement that begins with it: no row means that the run is somebody else's. */
export function holding(run: ClaimedRun) {
  return sql<{ id: string; stop_requested_at: Date | null }>`
    select id, stop_requested_at from runs
    where id = ${run.id} and attempt = ${run.attempt} and ended_at is null for no key update`;
}

export async function endRun(tx: Tx, run: ClaimedRun, outcome: Outcome): Promise<void> {
  await tx
    .updateTable('runs')
    .set({ ended_at: sql`now()`, outcome: JSON.stringify(outcome), worker: null })
    .where('id', '=', run.id)
    .execute();
}

/** Lets go of a run so that another worker may take it at once; with `waitMs`, not before that. */
export async function releaseRun(db: Database, run: ClaimedRun, waitMs = 0): Promise<void> {
  await db
    .updateTable('runs')
    .set({ worker: null, heartbeat_at: null, not_before: sql`now() + make_interval(secs => ${waitMs / 1000})` })
    .where('id', '=', run.id)
    .where('attempt', '=', run.attempt)
    .where('ended_at', 'is', null)
    .execute();
}

/** Runs of workers on this machine that are known to be dead are free at once, without waiting for silence. */
export async function releaseRunsOf(db: Database, isDead: (worker: string) => boolean): Promise<number> {
  const held = await db
    .selectFrom('runs')
    .select(['id', 'worker', 'attempt'])
    .where('ended_at', 'is', null)
    .where('worker', 'is not', null)
    .execute();
  const dead = held.filter((run) => run.worker !== null && isDead(run.worker));
  for (const run of dead)
    await db
      .updateTable('runs')
      .set({ worker: null, heartbeat_at: null })
      .where('id', '=', run.id)
      .where('attempt', '=', run.attempt)
      .execute();
  return dead.length;
}

/**
 * How long each run of a session has really been worked on, in milliseconds: what its last completed step noted. Time in which
 * nobody held the run, and verification, do not count.
 */
export async function workedMs(db: Database | Tx, sessionId: string): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('steps')
    .select((select) => ['run_id', select.fn.max('worked_ms').as('ms')])
    .where('session_id', '=', sessionId)
    .groupBy('run_id')
    .execute();
  return new Map(rows.map((row) => [row.run_id, row.ms ?? 0]));
}
