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
}

export async function saveSnapshot(
  tx: Tx,
  where: { sessionId: string; runId: string },
  snapshot: Omit<SnapshotRow, 'id'> & { bytes: number },
): Promise<string> {
  const id = deterministicId('snapshot', where.sessionId, snapshot.tree, snapshot.stepSeq);
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
    .onConflict((conflict) => conflict.column('id').doNothing())
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

/** Where the session's workspace was last in use; null: nobody has said yet. A copy anywhere else is out of date. */
export async function placeOfWorkspace(db: Database, sessionId: string): Promise<string | null> {
  const row = await db.selectFrom('sessions').select('workspace_in').where('id', '=', sessionId).executeTakeFirst();
  return row?.workspace_in ?? null;
}

/** Locks the session's row. */
export async function placeWorkspace(tx: Tx, sessionId: string, place: string): Promise<void> {
  await tx.updateTable('sessions').set({ workspace_in: place }).where('id', '=', sessionId).execute();
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
}): SnapshotRow {
  const { id, commit, tree, bundle, path } = row;
  return { id, stepSeq: row.step_seq, base: row.base_commit, commit, tree, bundle, path };
}
