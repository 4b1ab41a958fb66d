import { sql } from 'kysely';
import type { Database, Tx } from './database.ts';
import { dropProposals } from './proposals.ts';
import { lastFinishedSeq } from './steps.ts';

/** Whether a session has published, changed or been handed anything: then its work stays where it is. */
export async function hasChanged(db: Database | Tx, sessionId: string): Promise<boolean> {
  const found = await sql<{ changed: boolean }>`
    select s.head_commit is not null or s.pull_request is not null or s.follows is not null
      or exists (select from handovers h where h.ticket_id = s.ticket_id)
      or exists (select from steps t where t.session_id = s.id and ${isEdit})
      -- Commands change files too: the newest snapshot says whether any did.
      or coalesce((
        select n.commit <> n.base_commit from snapshots n where n.session_id = s.id
        order by n.step_seq desc, n.created_at desc limit 1), false) as changed
    from sessions s where s.id = ${sessionId}`.execute(db);
  return found.rows[0]?.changed ?? false;
}

/** A completed edit that changed a file; of one whose result was deleted that is taken as so. */
const isEdit = sql`t.kind = 'tool' and t.completed_at is not null and t.key ~ ':(edit|write)$'
  and coalesce(t.result ->> 'isError', 'false') = 'false'`;

/** Whether files were edited since the session's work last came to an end. */
export async function hasEditsSinceEnd(tx: Tx, sessionId: string): Promise<boolean> {
  const end = await lastFinishedSeq(tx, sessionId);
  const found = await sql<{ edited: boolean }>`
    select exists (select from steps t where t.session_id = ${sessionId} and t.seq > ${end} and ${isEdit}) as edited`.execute(
    tx,
  );
  return found.rows[0]?.edited ?? false;
}

/** The last step that a session's runs have begun; 0 before the first. */
export async function newestStepOf(db: Database | Tx, sessionId: string): Promise<number> {
  const row = await db
    .selectFrom('steps')
    .select((select) => select.fn.max('seq').as('seq'))
    .where('session_id', '=', sessionId)
    .executeTakeFirst();
  return Number(row?.seq ?? 0);
}

/**
 * Leaves behind what a session that has changed nothing has in the repository that it moves from: its snapshots, its ratings,
 * and what it proposed. Answers the code of the proposal that counted until now; null: none did. Call with the session's lock held.
 */
export async function leaveRepository(tx: Tx, sessionId: string): Promise<string | null> {
  await tx.deleteFrom('snapshots').where('session_id', '=', sessionId).execute();
  await tx.deleteFrom('ratings').where('session_id', '=', sessionId).execute();
  return dropProposals(tx, sessionId);
}
