import { sql } from 'kysely';
import type { AnsweredQuestion } from '../core/decisions.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Database, Tx } from './database.ts';

/** Adds what was decided, once however often a run tells it. */
export async function addDecisions(
  tx: Tx,
  where: { sessionId: string; runId: string },
  decisions: readonly { key: string; text: string }[],
): Promise<void> {
  if (decisions.length === 0) return;
  await tx
    .insertInto('decisions')
    .values(
      decisions.map(({ key, text }) => ({
        id: deterministicId('decision', where.sessionId, key),
        session_id: where.sessionId,
        run_id: where.runId,
        text,
      })),
    )
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

/** In the order in which they were taken. */
export async function listDecisions(db: Database | Tx, sessionId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('decisions')
    .select('text')
    .where('session_id', '=', sessionId)
    .orderBy('seq')
    .execute();
  return rows.map(({ text }) => text);
}

/**
 * What people said to a question: the words that the model read first after it had asked, by whatever tool, or first in a run
 * whose session had rested on one.
 */
export async function answeredQuestions(tx: Tx, sessionId: string): Promise<AnsweredQuestion[]> {
  const { rows } = await sql<AnsweredQuestion>`
    select p.id as key, p.author ->> 'name' as by, p.body as answer, o.code is not null as proposed,
      coalesce('May I carry out the ' || o.kind || ' ' || o.code || '?', q.question, q.outcome ->> 'message') as question
    from prompts p
    join steps m on m.id = p.read_by and m.completed_at is not null
    join runs r on r.id = m.run_id
    cross join lateral (
      select coalesce(max(b.seq), 0) as seq, coalesce(bool_or(b.run_id = m.run_id), false) as in_run
      from steps b where b.session_id = p.session_id and b.kind = 'model' and b.completed_at is not null and b.seq < m.seq) before
    join lateral (
      select s.seq, s.result -> 'outcome' as outcome, s.input -> 'call' -> 'input' ->> 'question' as question
      from steps s
      where s.session_id = p.session_id and s.kind = 'tool' and s.completed_at is not null
        and s.seq < m.seq and s.seq > before.seq and s.result -> 'outcome' ->> 'stopReason' = 'needsInput'
      union all
      select 0, last.outcome, null from (
        select outcome from runs where session_id = p.session_id and number < r.number and not before.in_run
          and outcome ->> 'stopReason' <> 'waiting' -- they asked nothing, and read nothing
          and (outcome ->> 'stopReason' = 'needsInput' or exists (
            select from steps b where b.run_id = runs.id and b.kind = 'model' and b.completed_at is not null)) -- nor did these
        order by number desc limit 1) last
      where last.outcome ->> 'stopReason' = 'needsInput'
      order by 1 desc limit 1) q on true
    left join lateral (
      select content ->> 'kind' as kind, code from proposals
      where session_id = p.session_id and heard_seq < p.seq and (until_seq is null or until_seq >= p.seq)
      order by number desc limit 1) o on true
    where p.session_id = ${sessionId} and p.obeyed and (p.signal is null or p.signal = 'select')
    order by p.said_at, p.key`.execute(tx);
  return rows;
}
