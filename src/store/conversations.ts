import { sql } from 'kysely';
import type { ConversationHint } from '../core/delivery.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Tx } from './database.ts';

/** Makes sure of a conversation, of which the tracker tells since `at`; for those who have something to write with it. */
export function openConversation(tx: Tx, sessionId: string, { key, ref, isProvisional }: ConversationHint, at: string) {
  const id = deterministicId('conversation', sessionId, key);
  const insertion = tx
    .insertInto('conversations')
    .values({ id, session_id: sessionId, key, ref: toJson(ref ?? null), created_at: sql<Date>`${at}::timestamptz` })
    .onConflict((conflict) => conflict.doNothing());
  return { id, insertion, isProvisional: isProvisional === true };
}

/** Conversations in which the last that was shown says that the agent is at work, or waits. */
export async function listOpenConversations(
  tx: Tx,
  sessionId: string,
): Promise<{ id: string; ref: unknown; lastSeq: number }[]> {
  const found = await sql<{ id: string; ref: unknown; last_seq: number }>`
    select c.id, c.ref, a.seq as last_seq from conversations c
    cross join lateral (
      select seq, activity from activities
      where session_id = c.session_id and conversation_id = c.id order by seq desc limit 1
    ) a
    where c.session_id = ${sessionId} and a.activity ->> 'type' not in ('response', 'error')
    order by a.seq`.execute(tx);
  return found.rows.map(({ last_seq, ...row }) => ({ ...row, lastSeq: last_seq }));
}
