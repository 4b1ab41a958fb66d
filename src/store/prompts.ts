import { sql } from 'kysely';
import type { Said } from '../core/delivery.ts';
import type { Prompt } from '../core/prompt.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import { microseconds } from './attention.ts';
import type { openConversation } from './conversations.ts';
import type { Database, Tx } from './database.ts';

/**
 * Keeps what a person said in a conversation, once however often it is delivered. Answers whether it was new. Whichever
 * delivery is first: where one says for certain in which conversation it was, it stands there, and a guess opens none.
 */
export async function addPrompt(
  tx: Tx,
  sessionId: string,
  conversation: ReturnType<typeof openConversation>,
  said: Said & { obeyed?: boolean },
): Promise<boolean> {
  const { id: conversationId, insertion, isProvisional } = conversation;
  if (isProvisional && (await isSaid(tx, sessionId, said.key))) return false;
  const added = await tx
    .with('opened', () => insertion)
    .insertInto('prompts')
    .values({
      id: deterministicId('prompt', sessionId, said.key),
      session_id: sessionId,
      conversation_id: conversationId,
      key: said.key,
      author: toJson(said.author),
      body: said.body,
      signal: said.signal,
      said_at: said.at,
      obeyed: said.obeyed ?? true,
      read_by: null,
      // A stop is obeyed by whoever sorts it; no step reads it.
      ...(said.signal === 'stop' && { read_at: new Date() }),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!added && !isProvisional)
    await tx
      .updateTable('prompts')
      .set({ conversation_id: conversationId })
      .where('session_id', '=', sessionId)
      .where('key', '=', said.key)
      .where('conversation_id', 'is distinct from', conversationId)
      .execute();
  return added !== undefined;
}

/** Whether it was said to the session already. */
export async function isSaid(tx: Database | Tx, sessionId: string, key: string): Promise<boolean> {
  const known = await tx
    .selectFrom('prompts')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('key', '=', key)
    .executeTakeFirst();
  return known !== undefined;
}

/** What the service itself has to tell the agent, as a person would: once for each key. Answers whether it was new. */
export async function addNews(
  tx: Tx,
  sessionId: string,
  { key, author, body, conversationId }: Pick<Said, 'key' | 'author' | 'body'> & { conversationId: string | null },
): Promise<boolean> {
  const added = await tx
    .insertInto('prompts')
    .values({
      ...{ id: deterministicId('prompt', sessionId, key), session_id: sessionId, conversation_id: conversationId, key },
      ...{ author: toJson(author), body, signal: null, said_at: await nextMoment(tx, sessionId), obeyed: true },
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return added !== undefined;
}

/** When something is said that no tracker dates: later than all that the session was told to do. Call with its lock held. */
export async function nextMoment(tx: Tx, sessionId: string): Promise<string> {
  const { rows } = await sql<{ at: string }>`
    select ${microseconds('next.at')} as at from (
      select coalesce(greatest(stop_at, spoke_at, given_at) + interval '1 microsecond', clock_timestamp()) as at
      from sessions where id = ${sessionId}) as next`.execute(tx);
  const [found] = rows;
  if (!found) throw new Error(`there is no session ${sessionId}`);
  return found.at;
}

/**
 * What no step has read yet, in the order in which it was said. Stops are not among them, nor is what was said before the
 * ticket was first given to the agent: the reading of the ticket has that.
 */
export async function unreadPrompts(db: Database | Tx, sessionId: string): Promise<Prompt[]> {
  const rows = await db
    .selectFrom('prompts')
    .select(['id', 'seq', 'author', 'body', 'signal', 'said_at', 'obeyed'])
    .where('session_id', '=', sessionId)
    .where('read_at', 'is', null)
    .where((where) => where.or([where('signal', 'is', null), where('signal', '!=', 'stop')]))
    .where(sql<boolean>`said_at >= coalesce((select opened_at from sessions where id = session_id), '-infinity')`)
    .orderBy('said_at')
    .orderBy('key')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    seq: row.seq,
    author: row.author,
    body: row.body,
    signal: row.signal,
    at: row.said_at.toISOString(),
    ...(row.obeyed ? {} : { obeyed: false }),
  }));
}

/** Prompts, and what is told of edits, by their ids. */
export async function markRead(tx: Tx, ids: string[], stepId: string | null): Promise<void> {
  if (ids.length === 0) return;
  for (const table of ['prompts', 'edits'] as const)
    await tx
      .updateTable(table)
      .set({ read_by: stepId, read_at: sql<Date>`now()` })
      .where('id', 'in', ids)
      .where('read_at', 'is', null)
      .execute();
}

/** Whether people said something that a run has read: then it is not only checks that it mended. */
export async function wasSpokenTo(tx: Tx, runId: string): Promise<boolean> {
  const { rows } = await sql`
    select from prompts p join steps s on s.id = p.read_by and s.run_id = ${runId}
    where p.author ->> 'isBot' = 'false' limit 1`.execute(tx);
  return rows.length > 0;
}

/** What only a step that never completed has read is unread again: the next run must hear it. */
export async function reopenPrompts(tx: Tx, run: { id: string; sessionId: string }): Promise<void> {
  for (const table of ['prompts', 'edits'] as const)
    await tx
      .updateTable(table)
      .set({ read_by: null, read_at: null })
      .where('session_id', '=', run.sessionId)
      .where('read_by', 'in', (query) =>
        query.selectFrom('steps').select('id').where('run_id', '=', run.id).where('completed_at', 'is', null),
      )
      .execute();
}
