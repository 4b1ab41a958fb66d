import { sql } from 'kysely';
import type { StepKind } from '../core/step.ts';
import type { BegunStep } from '../core/step-words.ts';
import type { Database, Tx } from './database.ts';

/** A run that waits for a worker, and how many would be taken before it. */
export interface WaitingRun {
  id: string;
  sessionId: string;
  number: number;
  place: number;
}

/** Places in the queue as `claimRun` would empty it. */
const places = sql`
  select r.id, r.session_id, r.number, r.purpose, r.queued_at, r.told_place, r.told_place_at,
    row_number() over (order by r.priority, r.nth + coalesce(w.runs, 0), r.queued_at)::int as place
  from (
    select *, row_number() over (partition by priority, team order by queued_at) as nth from runs
    where ended_at is null and started_at is null and not_before <= now()
  ) r
  left join (
    select team, count(*) as runs from runs where ended_at is null and started_at is not null and worker is not null group by team
  ) w on w.team = r.team`;

/** Runs whose tickets should be told their place now: for the first time, or because it has changed. Few at a time. */
export async function untoldPlaces(
  db: Database,
  { waitedSeconds, againSeconds, limit }: { waitedSeconds: number; againSeconds: number; limit: number },
): Promise<WaitingRun[]> {
  const found = await sql<{ id: string; session_id: string; number: number; place: number }>`
    with places as (${places})
    select id, session_id, number, place from places
    where purpose = 'work' and queued_at < now() - make_interval(secs => ${waitedSeconds})
      and (told_place is null or (told_place <> place and told_place_at < now() - make_interval(secs => ${againSeconds})))
    order by told_place is not null, place limit ${limit}`.execute(db);
  return found.rows.map(({ id, session_id, number, place }) => ({ id, sessionId: session_id, number, place }));
}

/** Notes that a run's ticket is told its place, unless a worker has taken it or another process was first. Answers when. */
export async function notePlace(tx: Tx, run: WaitingRun, againSeconds: number): Promise<string | null> {
  const noted = await sql<{ at: string }>`
    update runs set told_place = ${run.place}, told_place_at = now()
    where id = ${run.id} and ended_at is null and started_at is null
      and (told_place_at is null or told_place_at < now() - make_interval(secs => ${againSeconds}))
    returning (extract(epoch from told_place_at) * 1000)::bigint::text as at`.execute(tx);
  return noted.rows[0]?.at ?? null;
}

/** The place of each session's run in the queue, where it waits for a worker. */
export async function queuePlaces(db: Database): Promise<Map<string, number>> {
  const found = await sql<{ session_id: string; place: number }>`
    with places as (${places}) select session_id, place from places`.execute(db);
  return new Map(found.rows.map((row) => [row.session_id, row.place]));
}

/** A run that lives and whose ticket has seen nothing for long. */
export interface QuietRun {
  id: string;
  sessionId: string;
  number: number;
  /** The last activity that was shown. */
  lastSeq: number;
  /** Whether a worker has it. */
  isHeld: boolean;
  isBegun: boolean;
  turns: number;
  step: BegunStep | null;
  /** Since the step began; without one, since the last activity. */
  minutes: number;
}

export async function quietRuns(db: Database, quietMinutes: number, limit: number): Promise<QuietRun[]> {
  const found = await sql<{
    id: string;
    session_id: string;
    number: number;
    last_seq: number;
    is_held: boolean;
    is_begun: boolean;
    turns: number;
    kind: StepKind | null;
    key: string;
    input: unknown;
    minutes: number;
  }>`
    select r.id, r.session_id, r.number, coalesce(a.seq, 0) as last_seq, r.worker is not null as is_held,
      r.started_at is not null as is_begun, s.kind, s.key, s.input,
      (select count(*) from steps t where t.run_id = r.id and t.kind = 'model')::int as turns,
      floor(extract(epoch from now() - coalesce(s.begun_at, a.created_at, r.queued_at)) / 60)::int as minutes
    from runs r
    left join lateral (
      select seq, created_at from activities where session_id = r.session_id order by seq desc limit 1) a on true
    left join lateral (
      select kind, key, input, begun_at from steps
      where run_id = r.id and completed_at is null order by seq desc limit 1) s on true
    where r.ended_at is null and r.purpose = 'work' and coalesce(a.created_at, r.queued_at) < now() - make_interval(mins => ${quietMinutes})
    limit ${limit}`.execute(db);
  return found.rows.map((row) => ({
    id: row.id,
    sessionId: row.session_id,
    number: row.number,
    lastSeq: row.last_seq,
    isHeld: row.is_held,
    isBegun: row.is_begun,
    turns: row.turns,
    step: row.kind && { kind: row.kind, key: row.key, input: row.input },
    minutes: row.minutes,
  }));
}
