import { sql } from 'kysely';
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
