import { sql } from 'kysely';
import type { Database, Tx } from './database.ts';

/** What a tracker tells the agent to heed with a ticket; the newest counts. The session's lock must be held. */
export async function noteGuidance(tx: Tx, sessionId: string, guidance: string, at: string): Promise<void> {
  await tx
    .updateTable('sessions')
    .set({ guidance, guidance_at: at })
    .where('id', '=', sessionId)
    .where(sql<boolean>`(guidance_at is null or guidance_at < ${at}::timestamptz)`)
    .execute();
}

/** '' where there is none. */
export async function guidanceOf(db: Database, sessionId: string): Promise<string> {
  const row = await db.selectFrom('sessions').select('guidance').where('id', '=', sessionId).executeTakeFirst();
  return row?.guidance ?? '';
}
