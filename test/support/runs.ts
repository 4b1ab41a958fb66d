import type pg from 'pg';

export interface QueuedRun {
  id: string;
  sessionId: string;
  identifier: string;
}

interface Queueing {
  priority?: number;
  team?: string;
  /** SQL, such as `now() - interval '1 minute'`. */
  queuedAt?: string;
  count?: number;
}

let made = 0;

/** Sessions with a queued run each, without anything else of them; in the order in which they were queued. */
export async function queueRun(pool: pg.Pool, queueing: Queueing = {}): Promise<QueuedRun[]> {
  const { priority = 4, team = '', queuedAt = 'now()', count = 1 } = queueing;
  const first = made + 1;
  made += count;
  const { rows } = await pool.query(
    `with t as (
       insert into tickets (id, tracker, external_id, identifier, hint)
       select gen_random_uuid(), 'board', n::text, 'T-' || n, json_build_object('tracker', 'board', 'id', n::text,
         'identifier', 'T-' || n, 'title', 'A ticket', 'url', 'http://board/' || n, 'priority', 'none', 'team', null, 'ref', n)
       from generate_series($1::int, $2::int) n returning id, external_id::int as n, identifier
     ), s as (
       insert into sessions (id, ticket_id, state) select gen_random_uuid(), id, 'active' from t returning id, ticket_id
     ), r as (
       insert into runs (id, session_id, number, priority, team, queued_at)
       select gen_random_uuid(), s.id, 1, $3, $4, ${queuedAt} + make_interval(secs => t.n / 1000.0)
       from s join t on t.id = s.ticket_id returning id, session_id, queued_at
     )
     select r.id, r.session_id as "sessionId", t.identifier from r
     join s on s.id = r.session_id join t on t.id = s.ticket_id order by r.queued_at`,
    [first, made, priority, team],
  );
  return rows as QueuedRun[];
}
