import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** Rows as the service writes them, for tests that need a state of the tables and not the way there. */
export interface PlantedSession {
  id: string;
  ticketId: string;
  runId: string;
  identifier: string;
}

let planted = 0;

/** A session whose only run ended in a question, told on its ticket; `state` and `ended` make it another. */
export async function plantSession(
  pool: pg.Pool,
  { state = 'awaitingInput', ended = true, daysAgo = 0 }: { state?: string; ended?: boolean; daysAgo?: number } = {},
): Promise<PlantedSession> {
  const number = ++planted;
  const session = { id: randomUUID(), ticketId: randomUUID(), runId: randomUUID(), identifier: `BOARD-${number}` };
  const { id, ticketId, runId, identifier } = session;
  const hint = {
    tracker: 'board',
    id: String(number),
    identifier,
    title: 'A ticket',
    url: `board://${identifier}`,
    priority: 'none',
    team: null,
    ref: { number },
  };
  const at = new Date(Date.now() - daysAgo * 86_400_000);
  await pool.query(
    "insert into tickets (id, tracker, external_id, identifier, hint) values ($1, 'board', $2, $3, $4)",
    [ticketId, String(number), identifier, JSON.stringify(hint)],
  );
  await pool.query('insert into sessions (id, ticket_id, state, created_at, updated_at) values ($1, $2, $3, $4, $4)', [
    id,
    ticketId,
    state,
    at,
  ]);
  const outcome = ended ? JSON.stringify({ stopReason: 'needsInput', message: 'Which?' }) : null;
  await pool.query(
    `insert into runs (id, session_id, number, attempt, queued_at, started_at, ended_at, outcome)
     values ($1, $2, 1, 1, $3, $3, $4, $5)`,
    [runId, id, at, ended ? at : null, outcome],
  );
  if (ended)
    await plantEffect(pool, session, `${id}/run/1/ended/activity/0`, {
      kind: 'postActivity',
      id: randomUUID(),
      conversation: null,
      activity: { type: 'elicitation', body: 'Which?' },
    });
  return session;
}

export async function plantEffect(
  pool: pg.Pool,
  session: PlantedSession,
  key: string,
  operation: Record<string, unknown>,
  more: { state?: string; needs?: string[]; error?: string | null } = {},
): Promise<void> {
  const { state = 'done', needs = [], error = null } = more;
  const lane = operation.kind === 'pushBranch' || operation.kind === 'openPullRequest' ? 'code' : 'ticket';
  await pool.query(
    `insert into effects (id, session_id, run_id, key, lane, operation, needs, state, error, settled_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $8 = 'pending' then null else now() end)`,
    [randomUUID(), session.id, session.runId, key, lane, JSON.stringify(operation), needs, state, error],
  );
}

export async function plantStep(
  pool: pg.Pool,
  session: PlantedSession,
  step: { key?: string; kind?: string; readOnly?: boolean; result?: unknown; at?: Date; completed?: boolean } = {},
): Promise<{ id: string; seq: number }> {
  const { key = randomUUID(), kind = 'tool', readOnly = false, result = {}, at, completed = true } = step;
  const when = at ?? (await pool.query('select queued_at from runs where id = $1', [session.runId])).rows[0].queued_at;
  const { rows } = await pool.query(
    `insert into steps (id, run_id, session_id, kind, key, read_only, attempt, input, result, begun_at, completed_at)
     values ($1, $2, $3, $4, $5, $6, 1, '{}', $7, $8::timestamptz, case when $9 then $8::timestamptz end) returning id, seq`,
    [
      randomUUID(),
      session.runId,
      session.id,
      kind,
      key,
      readOnly,
      result === null ? null : JSON.stringify(result),
      when,
      completed,
    ],
  );
  return { id: rows[0].id, seq: Number(rows[0].seq) };
}

export async function plantSnapshot(
  pool: pg.Pool,
  session: PlantedSession,
  stepSeq: number,
  path: string | null = null,
): Promise<string> {
  const id = randomUUID();
  await pool.query(
    `insert into snapshots (id, session_id, run_id, step_seq, base_commit, commit, tree, bundle, path, bytes)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 3)`,
    [id, session.id, session.runId, stepSeq, 'a'.repeat(40), 'b'.repeat(40), 'c'.repeat(40), path ? null : 'abc', path],
  );
  return id;
}

export async function plantDelivery(
  pool: pg.Pool,
  { daysAgo = 0, outcome = 'sessionCreated' }: { daysAgo?: number; outcome?: string | null } = {},
): Promise<number> {
  const at = new Date(Date.now() - daysAgo * 86_400_000);
  const { rows } = await pool.query(
    `insert into deliveries (source, delivery_id, headers, body, received_at, sorted_at, outcome)
     values ('board', $1, '{}', 'x', $2, $3, $4) returning id`,
    [randomUUID(), at, outcome === null ? null : at, outcome],
  );
  return Number(rows[0].id);
}
