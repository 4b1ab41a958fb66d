import { sql } from 'kysely';
import type { Database } from './database.ts';

/**
 * The tree of the session's pull request, as it is or is about to be, whoever pushed it; null without one: then all is still
 * to be published.
 */
export async function publishedTree(db: Database, sessionId: string): Promise<string | null> {
  const row = await pushesOf(db, sessionId)
    .select('state')
    .select((select) => select.selectFrom('sessions').select('head_tree').where('id', '=', sessionId).as('theirs'))
    .where('state', 'in', ['pending', 'done'])
    .where(sql<boolean>`operation ->> 'branch' = (select branch from sessions where id = ${sessionId})`)
    .where(sql<boolean>`exists (
      select 1 from effects p where p.session_id = ${sessionId} and p.lane = 'code' and p.state in ('pending', 'done')
        and p.operation ->> 'kind' = 'openPullRequest' and p.operation ->> 'head' = effects.operation ->> 'branch')`)
    .executeTakeFirst();
  if (row?.operation.kind !== 'pushBranch') return null;
  return (row.state === 'done' && row.theirs) || row.operation.tree;
}

/** What the session pushed last as its work, on whatever branch; made on this base, where one is named. null: nothing. */
export async function lastPushedTree(db: Database, sessionId: string, base?: string): Promise<string | null> {
  const row = await pushesOf(db, sessionId)
    .where('state', '=', 'done')
    // A snapshot that nobody needs any more is deleted; its push is then as good as on any base.
    .where(sql<boolean>`not exists (
      select from snapshots s where s.id = (operation ->> 'snapshotId')::uuid and s.base_commit <> ${base ?? null}::text)`)
    .executeTakeFirst();
  return row?.operation.kind === 'pushBranch' ? row.operation.tree : null;
}

/** The branch that this tree was or is about to be pushed to for people to look at; null: none. */
export async function snapshotBranchOf(db: Database, sessionId: string, tree: string): Promise<string | null> {
  const row = await db
    .selectFrom('effects')
    .select('operation')
    .where('session_id', '=', sessionId)
    .where('lane', '=', 'code')
    .where(sql<boolean>`operation ->> 'for' = 'snapshot' and operation ->> 'tree' = ${tree}`)
    .where('state', 'in', ['pending', 'done'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.operation.kind === 'pushBranch' ? row.operation.branch : null;
}

/** Of the session's own work, the newest first: not of what was pushed beside it. */
function pushesOf(db: Database, sessionId: string) {
  return db
    .selectFrom('effects')
    .select('operation')
    .where('session_id', '=', sessionId)
    .where('lane', '=', 'code')
    .where(sql<boolean>`operation ->> 'kind' = 'pushBranch' and operation ->> 'for' is null`)
    .orderBy('seq', 'desc')
    .limit(1);
}
