import { sql } from 'kysely';
import type { Person } from '../core/ticket.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Queryable, Tx } from './database.ts';
import type { SnapshotRow } from './snapshots.ts';

/** Work of a person on its way into a session: one commit on `base`, as a snapshot is. */
export interface Handover {
  id: string;
  by: Person;
  repository: string;
  base: string;
  commit: string;
  tree: string;
  /** The run that took it; null while it waits for one. */
  runId: string | null;
  at: Date;
}

export type NewHandover = Omit<Handover, 'runId' | 'at'> & {
  /** null: the tree is the base's own. */
  bundle: Uint8Array | null;
};

/** Written in the transaction that gives the ticket or says to go on: the run that this starts finds it. */
export async function addHandover(client: Queryable, ticketId: string, handover: NewHandover): Promise<void> {
  const { id, by, repository, base, commit, tree, bundle } = handover;
  await client.query(
    `insert into handovers (id, ticket_id, by, repository, base_commit, commit, tree, bundle, bytes)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [id, ticketId, toJson(by), repository, base, commit, tree, bundle && Buffer.from(bundle), bundle?.byteLength ?? 0],
  );
}

/**
 * Where a session is as a person's files come back to it: whether it has a run, and the tree of its newest state, handed over
 * or its own; null: there is none. Its row is locked until the transaction ends.
 */
export async function lockForHandover(
  client: Queryable,
  { id, ticketId }: { id: string; ticketId: string },
): Promise<{ isAtWork: boolean; tree: string | null }> {
  await client.query('select id from sessions where id = $1 for no key update', [id]);
  const live = await client.query('select id from runs where session_id = $1 and ended_at is null', [id]);
  const newest = await client.query(
    `select tree from (
       select tree, 1 as waits, seq::numeric as at, created_at from handovers where ticket_id = $2 and run_id is null
       union all select tree, 0, step_seq, created_at from snapshots where session_id = $1
     ) as states order by waits desc, at desc, created_at desc limit 1`,
    [id, ticketId],
  );
  const [found] = newest.rows as { tree: string }[];
  return { isAtWork: live.rows.length > 0, tree: found?.tree ?? null };
}

/** The newest of a ticket, taken or not: of several that wait, only this one counts. */
export async function latestHandover(db: Database | Tx, ticketId: string): Promise<Handover | null> {
  const row = await db
    .selectFrom('handovers')
    .select(['id', 'by', 'repository', 'base_commit', 'commit', 'tree', 'run_id', 'created_at'])
    .where('ticket_id', '=', ticketId)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row) return null;
  const { id, by, repository, base_commit: base, commit, tree, run_id: runId, created_at: at } = row;
  return { id, by, repository, base, commit, tree, runId, at };
}

/** Whether the newest of a session's ticket came with changes, and no work of that run or a later one was pushed. */
export async function hasUnpublishedFiles(
  db: Database,
  { id, ticketId }: { id: string; ticketId: string },
): Promise<boolean> {
  const found = await sql<{ bytes: number; pushed: boolean }>`
    select h.bytes, exists (
        select from effects e join runs r on r.id = e.run_id
        where e.session_id = ${id} and e.state = 'done' and e.operation ->> 'kind' = 'pushBranch'
          and e.operation ->> 'for' is null and r.number >= t.number) as pushed
    from handovers h left join runs t on t.id = h.run_id
    where h.ticket_id = ${ticketId} order by h.seq desc limit 1`.execute(db);
  const [newest] = found.rows;
  return newest !== undefined && newest.bytes > 0 && !newest.pushed;
}

/** As the store has a snapshot, but for the place in the journal that it gets when it is taken. */
export async function readHandedOver(db: Database | Tx, { id, base, commit, tree }: Handover): Promise<SnapshotRow> {
  const { bundle } = await db.selectFrom('handovers').select('bundle').where('id', '=', id).executeTakeFirstOrThrow();
  return { id, stepSeq: 0, base, commit, tree, bundle, path: null };
}

/** From now on the run's snapshot has it; what was handed over before it is spent too. The run's row must be held. */
export async function markTaken(tx: Tx, ticketId: string, runId: string): Promise<void> {
  await tx
    .updateTable('handovers')
    .set({ run_id: runId, bundle: null })
    .where('ticket_id', '=', ticketId)
    .where('run_id', 'is', null)
    .execute();
}
