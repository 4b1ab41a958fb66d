import { sql } from 'kysely';
import { interruptedText } from '../core/interruption.ts';
import type { Outcome } from '../core/outcome.ts';
import type { RunPurpose } from '../core/session.ts';
import { RunLost } from '../core/step.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** A run that this worker holds. `attempt` is the fence: every write of it checks that it is still current. */
export interface ClaimedRun {
  id: string;
  sessionId: string;
  number: number;
  attempt: number;
  /** Of its ticket: "ENG-123". */
  ticket: string;
  /** A person asked for it before the run was claimed. */
  stopRequested: boolean;
  /** The worker that held it and never let go of it; null when one did, or nobody held it. */
  takenFrom: string | null;
  purpose: RunPurpose;
}

/** A run that went silent for this long belongs to whoever claims it. Heartbeats come every second. */
const silentAfterSeconds = 8;
/**
 * A run at whose step so many workers fell is suspected of it. No worker takes one while it has another at work at whose step
 * one fell and that has done nothing since, so that the innocent are found out.
 */
const suspectFrom = 2;
/** Of a step `s`: work was done in it. A reply of the model or word of an interruption is none. */
export const isProgress = sql<boolean>`(s.completed_at is not null and s.kind <> 'model'
  and s.result ->> 'text' is distinct from ${interruptedText})`;
/** Of one line, more than ever ask at the same moment: those that lock a row first leave something for the next. */
const lookAhead = 20;

/**
 * The next run for this worker; null when there is none. What somebody had begun comes first, then the most pressing, of
 * those the team with the fewest at work, then the oldest. Each priority and team is a line of its own in an index, so a
 * long queue costs no more than a short one. `only`: runs of this purpose, and no others.
 */
export async function claimRun(db: Database, worker: string, only?: RunPurpose): Promise<ClaimedRun | null> {
  const fits = sql<boolean>`(${only ?? null}::text is null or purpose = ${only ?? null}::text)`;
  const found = await sql<{
    id: string;
    session_id: string;
    number: number;
    attempt: number;
    stop_requested_at: Date | null;
    ticket: string;
    holder: string | null;
    purpose: RunPurpose;
  }>`
    with recursive begun as (
      select id, row_number() over (order by priority, queued_at) as place from runs
      where ended_at is null and started_at is not null and not_before <= now() and ${fits}
        and (worker is null or heartbeat_at < now() - make_interval(secs => ${silentAfterSeconds}))
        and not (cardinality(lost_workers) + (worker is not null)::int >= ${suspectFrom} and exists (
          select 1 from runs o
          where o.worker = ${worker} and o.ended_at is null and o.started_at is not null and o.lost_workers <> '{}'
            and o.heartbeat_at >= now() - make_interval(secs => ${silentAfterSeconds})
            and not exists (select 1 from steps s where s.run_id = o.id and s.attempt = o.attempt and ${isProgress})))
      order by priority, queued_at limit ${lookAhead}
    ), lines as (
      (select priority, team from runs where ended_at is null and started_at is null order by priority, team limit 1)
      union all
      select n.priority, n.team from lines l cross join lateral (
        select priority, team from runs
        where ended_at is null and started_at is null and (priority, team) > (l.priority, l.team)
        order by priority, team limit 1) n
    ), at_work as (
      select team, count(*) as runs from runs
      where ended_at is null and started_at is not null and worker is not null group by team
    ), fresh as (
      select r.id, row_number() over (order by l.priority, coalesce(w.runs, 0) + r.nth, r.queued_at) as place
      from lines l left join at_work w on w.team = l.team
      cross join lateral (
        select id, queued_at, row_number() over (order by queued_at) as nth from runs
        where ended_at is null and started_at is null and priority = l.priority and team = l.team
          and not_before <= now() and ${fits}
        order by queued_at limit ${lookAhead}) r
    ), next as (
      select r.id, r.worker from runs r
      join (select 0 as rank, id, place from begun union all select 1, id, place from fresh) c on c.id = r.id
      where r.ended_at is null and (r.worker is null or r.heartbeat_at < now() - make_interval(secs => ${silentAfterSeconds}))
      order by c.rank, c.place
      for update of r skip locked
      limit 1
    )
    update runs set attempt = attempt + 1, worker = ${worker}, heartbeat_at = now(), started_at = coalesce(started_at, now())
    from next where runs.id = next.id
    returning runs.id, session_id, number, attempt, stop_requested_at, purpose, next.worker as holder,
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
    ticket: row.ticket,
    stopRequested: row.stop_requested_at !== null,
    takenFrom: row.holder,
    purpose: row.purpose,
  };
}

/**
 * Says that the worker lives, of all its runs in one statement, and answers which are still its own and whether a stop was
 * asked for. A row that somebody has locked is not waited for: it is a step of ours that commits, which the next beat
 * follows, or one that nobody can claim meanwhile.
 */
export async function beat(
  db: Database,
  runs: Pick<ClaimedRun, 'id' | 'attempt'>[],
): Promise<Map<string, { stopRequested: boolean }>> {
  const found = await sql<{ id: string; stop_requested_at: Date | null }>`
    with held as (
      select r.id, r.attempt, r.stop_requested_at from runs r
      join unnest(${runs.map(({ id }) => id)}::uuid[], ${runs.map(({ attempt }) => attempt)}::int[]) as h (id, attempt)
        on h.id = r.id and h.attempt = r.attempt
      where r.ended_at is null
    ), free as (
      select r.id from runs r join held on held.id = r.id and held.attempt = r.attempt
      where r.ended_at is null for no key update of r skip locked
    ), beaten as (
      update runs set heartbeat_at = now() from free where runs.id = free.id
    )
    select id, stop_requested_at from held`.execute(db);
  return new Map(found.rows.map((row) => [row.id, { stopRequested: row.stop_requested_at !== null }]));
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
    .set({ ended_at: sql`now()`, outcome: toJson(outcome), worker: null })
    .where('id', '=', run.id)
    .execute();
}

/** Whether an earlier run of the session ended because this says that its work is not for the agent. */
export async function wasRefused(db: Database, sessionId: string, because: string): Promise<boolean> {
  const row = await db
    .selectFrom('runs')
    .select('id')
    .where('session_id', '=', sessionId)
    .where(sql<boolean>`outcome ->> 'never' = ${because}`)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
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

/**
 * Runs of workers that are known to be dead are silent from now on: whoever looks next takes them over. They keep their
 * holder's name, so that it is known that it fell.
 */
export async function silenceRunsOf(db: Database, isDead: (worker: string) => boolean): Promise<number> {
  const { rows } = await sql<{ worker: string }>`
    select distinct worker from runs
    where ended_at is null and started_at is not null and worker is not null and heartbeat_at > 'epoch'`.execute(db);
  const dead = rows.map(({ worker }) => worker).filter(isDead);
  if (dead.length === 0) return 0;
  const silenced = await sql`
    update runs set heartbeat_at = 'epoch'
    where ended_at is null and started_at is not null and worker = any(${dead}::text[])`.execute(db);
  return Number(silenced.numAffectedRows ?? 0);
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

/**
 * Notes that an attempt, after `triedMs`, failed because of an outside service; answers for how long that has been away, in
 * milliseconds by the database's clock: since the first such failure with nothing completed after it. Time in which the run
 * was due and nobody tried, for example because the service was stopped, does not count.
 */
export async function outsideAwayForMs(db: Database, run: ClaimedRun, triedMs: number): Promise<number> {
  const found = await sql<{ ms: number }>`
    update runs set away_since = case
      when away_since is null or exists (select from steps s where s.run_id = runs.id and s.completed_at > away_since) then now()
      else away_since + greatest(
        now() - make_interval(secs => ${triedMs / 1000}) - greatest(not_before, away_since), interval '0')
    end
    where id = ${run.id} and attempt = ${run.attempt} and ended_at is null
    returning (extract(epoch from now() - away_since) * 1000)::float8 as ms`.execute(db);
  return found.rows[0]?.ms ?? 0; // none: the run is somebody else's, and there is nothing to decide
}
