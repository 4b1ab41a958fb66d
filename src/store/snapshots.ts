import { sql } from 'kysely';
import { deterministicId } from '../lib/ids.ts';
import type { Database, Tx } from './database.ts';

export interface SnapshotRow {
  id: string;
  /** The last step whose changes it holds. */
  stepSeq: number;
  base: string;
  commit: string;
  tree: string;
  bundle: Uint8Array | null;
  path: string | null;
  /** When it was stored. */
  at?: Date;
}

export async function saveSnapshot(
  tx: Tx,
  where: { sessionId: string; runId: string },
  snapshot: Omit<SnapshotRow, 'id' | 'at'> & { bytes: number },
): Promise<string> {
  const id = deterministicId('snapshot', where.sessionId, snapshot.base, snapshot.tree, snapshot.stepSeq);
  await tx
    .insertInto('snapshots')
    .values({
      id,
      session_id: where.sessionId,
      run_id: where.runId,
      step_seq: snapshot.stepSeq,
      base_commit: snapshot.base,
      commit: snapshot.commit,
      tree: snapshot.tree,
      bundle: snapshot.bundle ? Buffer.from(snapshot.bundle) : null,
      path: snapshot.path,
      bytes: snapshot.bytes,
    })
    // The work tree may have come back to where it was: then this is the newest again.
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ created_at: sql`clock_timestamp()` }))
    .execute();
  return id;
}

/** The newest of a session; null before its first. */
export async function latestSnapshot(db: Database, sessionId: string): Promise<SnapshotRow | null> {
  const row = await db
    .selectFrom('snapshots')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('step_seq', 'desc')
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? toSnapshot(row) : null;
}

/** Whether this commit was stored as a session's state after that step. */
export async function wasStoredAt(
  db: Database,
  sessionId: string,
  { commit, stepSeq }: Pick<SnapshotRow, 'commit' | 'stepSeq'>,
): Promise<boolean> {
  const row = await db
    .selectFrom('snapshots')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('commit', '=', commit)
    .where('step_seq', '=', stepSeq)
    .executeTakeFirst();
  return row !== undefined;
}

/** Where the session's workspace was last in use, and the name of its files; null: nobody has said. Any other copy is out of date. */
export async function placeOfWorkspace(
  db: Database,
  sessionId: string,
): Promise<{ place: string | null; tree: string | null }> {
  const row = await db.selectFrom('sessions').select('workspace_in').where('id', '=', sessionId).executeTakeFirst();
  const [, place = null, tree = null] = /^(.*?)(?:#([0-9a-f-]{36}))?$/s.exec(row?.workspace_in ?? '') ?? [];
  return { place: place === '' ? null : place, tree };
}

/** Locks the session's row. */
export async function placeWorkspace(tx: Tx, sessionId: string, place: string, tree?: string): Promise<void> {
  const where = tree === undefined ? place : `${place}#${tree}`;
  await tx.updateTable('sessions').set({ workspace_in: where }).where('id', '=', sessionId).execute();
}

/** Throws when there is none of that id. */
export async function readSnapshot(db: Database, id: string): Promise<SnapshotRow> {
  return toSnapshot(await db.selectFrom('snapshots').selectAll().where('id', '=', id).executeTakeFirstOrThrow());
}

function toSnapshot(row: {
  id: string;
  step_seq: number;
  base_commit: string;
  commit: string;
  tree: string;
  bundle: Buffer | null;
  path: string | null;
  created_at: Date;
}): SnapshotRow {
  const { id, commit, tree, bundle, path } = row;
  return { id, stepSeq: row.step_seq, base: row.base_commit, commit, tree, bundle, path, at: row.created_at };
}
