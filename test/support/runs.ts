import { randomUUID } from 'node:crypto';
import type pg from 'pg';

export interface RunRow {
  id: string;
  sessionId: string;
  identifier: string;
}

/** A session with a queued run, without anything else of it. Times are SQL, such as `now() - interval '1 minute'`. */
export async function queueRun(
  pool: pg.Pool,
  {
    priority = 4,
    team = '',
    queuedAt = 'now()',
    count = 1,
  }: { priority?: number; team?: string; queuedAt?: string; count?: number } = {},
): Promise<RunRow[]> {
  const rows = [];
  for (let index = 0; index < count; index++) {
    const [ticketId, sessionId, runId] = [randomUUID(), randomUUID(), randomUUID()];
    const identifier = `T-${ticketId.slice(0, 8)}`;
    const hint = {
      tracker: 'board',
      id: ticketId,
      identifier,
      title: 'A ticket',
      url: 'http://b/1',
      priority: 'none',
      team: null,
      ref: 1,
    };
    await pool.query('insert into tickets (id, tracker, external_id, identifier, hint) values ($1, $2, $3, $4, $5)', [
      ...[ticketId, 'board', ticketId, identifier],
      JSON.stringify(hint),
    ]);
    await pool.query("insert into sessions (id, ticket_id, state) values ($1, $2, 'active')", [sessionId, ticketId]);
    await pool.query(
      `insert into runs (id, session_id, number, priority, team, queued_at) values ($1, $2, 1, $3, $4, ${queuedAt} + make_interval(secs => ${index / 1000}))`,
      [runId, sessionId, priority, team],
    );
    rows.push({ id: runId, sessionId, identifier });
  }
  return rows;
}
