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

/** What people said to the agent's questions: the words that the model read first after it had asked. */
export async function answeredQuestions(tx: Tx, sessionId: string): Promise<AnsweredQuestion[]> {
  const { rows } = await sql<AnsweredQuestion>`
    select p.id as key, q.input -> 'call' -> 'input' ->> 'question' as question, p.author ->> 'name' as by, p.body as answer
    from prompts p
    join steps m on m.id = p.read_by and m.completed_at is not null
    join lateral (
      select s.input, s.result from steps s
      where s.session_id = p.session_id and s.kind = 'tool' and s.completed_at is not null and s.seq < m.seq
        and s.seq > coalesce((
          select max(b.seq) from steps b where b.session_id = p.session_id and b.kind = 'model' and b.seq < m.seq), 0)
        and s.input -> 'call' ->> 'name' = 'ask' and s.result -> 'outcome' ->> 'stopReason' = 'needsInput'
      order by s.seq desc limit 1) q on true
    where p.session_id = ${sessionId} and (p.signal is null or p.signal = 'select')
    order by p.said_at, p.key`.execute(tx);
  return rows;
}
