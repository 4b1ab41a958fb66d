import { sql } from 'kysely';
import type { Said } from '../core/delivery.ts';
import type { Prompt } from '../core/prompt.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Database, Tx } from './database.ts';

/** Keeps what a person said, once however often it is delivered. Answers whether it was new. */
export async function addPrompt(tx: Tx, sessionId: string, conversationId: string, said: Said): Promise<boolean> {
  const added = await tx
    .insertInto('prompts')
    .values({
      id: deterministicId('prompt', sessionId, said.key),
      session_id: sessionId,
      conversation_id: conversationId,
      key: said.key,
      author: JSON.stringify(said.author),
      body: said.body,
      signal: said.signal,
      said_at: new Date(said.at),
      read_by: null,
    })
    .onConflict((conflict) => conflict.columns(['session_id', 'key']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return added !== undefined;
}

/** What no step has read yet, in the order in which it was said. Control words are not among them. */
export async function unreadPrompts(db: Database | Tx, sessionId: string): Promise<Prompt[]> {
  const rows = await db
    .selectFrom('prompts')
    .select(['id', 'seq', 'author', 'body', 'signal', 'said_at'])
    .where('session_id', '=', sessionId)
    .where('read_at', 'is', null)
    .where((where) => where.or([where('signal', 'is', null), where('signal', '!=', 'stop')]))
    .orderBy('said_at')
    .orderBy('seq')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    seq: row.seq,
    author: row.author,
    body: row.body,
    signal: row.signal,
    at: row.said_at.toISOString(),
  }));
}

export async function markRead(tx: Tx, promptIds: string[], stepId: string | null): Promise<void> {
  if (promptIds.length === 0) return;
  await tx
    .updateTable('prompts')
    .set({ read_by: stepId, read_at: sql`now()` })
    .where('id', 'in', promptIds)
    .where('read_at', 'is', null)
    .execute();
}

/** What only a step that never completed has read is unread again: the next run must hear it. */
export async function reopenPrompts(tx: Tx, runId: string): Promise<void> {
  await tx
    .updateTable('prompts')
    .set({ read_by: null, read_at: null })
    .where('read_by', 'in', (query) =>
      query.selectFrom('steps').select('id').where('run_id', '=', runId).where('completed_at', 'is', null),
    )
    .execute();
}

/** A stop has been obeyed: the words that asked for it are read. */
export async function markStopsRead(tx: Tx, sessionId: string): Promise<void> {
  await tx
    .updateTable('prompts')
    .set({ read_at: sql`now()` })
    .where('session_id', '=', sessionId)
    .where('signal', '=', 'stop')
    .where('read_at', 'is', null)
    .execute();
}
