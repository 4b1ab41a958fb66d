import { sql } from 'kysely';
import { wantsRebase } from '../core/follow-up.ts';
import type { Database, Tx } from './database.ts';

/** Whether people want the work on the newest base, and no run has looked at that yet. */
export async function isRebaseWanted(db: Database | Tx, sessionId: string): Promise<boolean> {
  const { rows } = await sql<{ body: string }>`
    select p.body from prompts p join sessions s on s.id = p.session_id
    where s.id = ${sessionId} and p.seq > s.rebased_seq and p.obeyed
      and p.body ~* 'rebas|conflict|update' and (s.opened_at is null or p.said_at >= s.opened_at)`.execute(db);
  return rows.some(({ body }) => wantsRebase(body));
}

/** What was said until now is looked at. Call with the session's lock held. */
export async function settleRebaseWishes(tx: Tx, sessionId: string): Promise<void> {
  await sql`
    update sessions set rebased_seq = coalesce((select max(seq) from prompts where session_id = ${sessionId}), 0)
    where id = ${sessionId}`.execute(tx);
}
