import { sql } from 'kysely';
import type { Followed, RequestPhase } from '../core/following.ts';
import type { PreviewPlan } from '../core/previews.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** A pull request that its session brings to its end. */
export interface FollowedRequest extends Followed {
  sessionId: string;
  repository: string;
  number: number;
  /** The session asks people about it. */
  asked: boolean;
  /** What is said when its checks are green, with `{link}` in it. */
  closing: string;
  draft: boolean;
  /** What is run against its preview deployments. */
  preview: PreviewPlan | null;
}

/** One that was claimed to be looked at, and what was told of it until then. */
export interface ClaimedRequest {
  sessionId: string;
  repository: string;
  number: number;
  hints: number;
}

/** Whoever claims one and falls silent loses it after so long. */
const claimSeconds = 15;
/** So often somebody who is still at it says so. */
export const holdRequestsEveryMs = 5_000;

/** What is published is followed from the moment it is opened. What people wanted of it begins its rounds anew. */
export async function beginFollowing(
  tx: Tx,
  sessionId: string,
  request: {
    repository: string;
    branch: string;
    /** Of the pull request that it goes on in, which is looked at meanwhile as well; null: there is none yet. */
    number: number | null;
    closing: string;
    draft: boolean;
    preview: PreviewPlan | null;
    isWanted: boolean;
  },
): Promise<void> {
  const { repository, branch, number, closing, draft, isWanted } = request;
  const preview = request.preview && toJson(request.preview);
  await tx
    .insertInto('followed_requests')
    .values({ session_id: sessionId, repository, branch, number, closing, draft, preview, phase: 'opening' })
    .onConflict((conflict) =>
      conflict.column('session_id').doUpdateSet({
        ...{ repository, branch, number, closing, draft, preview, phase: 'opening' as const, asked: false },
        ...(isWanted && { rounds: 0 }),
      }),
    )
    .execute();
}

/** It is open, or was updated: it is looked at from now on. */
export async function followOpened(tx: Tx, sessionId: string, number: number): Promise<void> {
  await tx
    .updateTable('followed_requests')
    .set({ number, phase: 'checking', head: null, look_at: sql<Date>`now()`, head_at: sql<Date>`now()` })
    .where('session_id', '=', sessionId)
    .execute();
}

/** Those that are due, the longest due first. Nobody else looks at them meanwhile. */
export async function claimRequests(db: Database, most: number): Promise<ClaimedRequest[]> {
  const { rows } = await sql<ClaimedRequest>`
    update followed_requests f set look_at = now() + make_interval(secs => ${claimSeconds})
    from (
      select session_id from followed_requests where look_at <= now() and number is not null
      order by look_at limit ${most} for update skip locked
    ) due
    where f.session_id = due.session_id
    returning f.session_id as "sessionId", f.repository, f.number, f.hints`.execute(db);
  return rows;
}

/** Keeps those that are still looked at. Not one that was told of meanwhile: anybody may look at that at once. */
export async function holdRequests(db: Database, claimed: readonly ClaimedRequest[]): Promise<void> {
  const held = claimed.map(({ sessionId, number, hints }) => ({ session_id: sessionId, number, hints }));
  await sql`
    update followed_requests f set look_at = now() + make_interval(secs => ${claimSeconds})
    from json_to_recordset(${toJson(held)}::json) held (session_id uuid, number int, hints int)
    where f.session_id = held.session_id and f.number = held.number and f.hints = held.hints
      and f.look_at between now() and now() + make_interval(secs => ${claimSeconds})`.execute(db);
}

/** Call with the session's lock held; null: it is another one by now. */
export async function readFollowed(tx: Tx, { sessionId, number }: ClaimedRequest): Promise<FollowedRequest | null> {
  const row = await tx
    .selectFrom('followed_requests')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where('number', '=', number)
    .forUpdate()
    .executeTakeFirst();
  if (!row) return null;
  return {
    ...{ sessionId, number, repository: row.repository, asked: row.asked, closing: row.closing, draft: row.draft },
    preview: row.preview,
    ...{ phase: row.phase, head: row.head, headAt: (row.head_at ?? new Date()).getTime(), rounds: row.rounds },
    told: row.told,
  };
}

/** Looked at; again in so many seconds, or at once where something was told of it meanwhile; null: never. */
export async function noteLooked(
  db: Database | Tx,
  { sessionId, number, hints }: ClaimedRequest,
  againSeconds: number | null,
  next?: Followed & { asked: boolean },
): Promise<void> {
  const again = sql<Date | null>`case when hints > ${hints} then now()
    else now() + make_interval(secs => ${againSeconds}::float) end`;
  await db
    .updateTable('followed_requests')
    .set({
      look_at: again,
      ...(next && {
        ...{ phase: next.phase, head: next.head, rounds: next.rounds, asked: next.asked },
        told: next.told,
        head_at: new Date(next.headAt),
      }),
    })
    .where('session_id', '=', sessionId)
    .where('number', '=', number)
    .execute();
}

/** Something may have happened to these: they are looked at within a second. Locks nothing but their rows, in one order. */
export async function hastenRequests(
  db: Database | Tx,
  repositories: readonly string[],
  { number, branch, commit }: { number?: number; branch?: string; commit?: string },
): Promise<void> {
  await sql`
    update followed_requests f set look_at = now(), hints = hints + 1
    from (
      select session_id from followed_requests
      where repository = any(${repositories}::text[]) and look_at is not null
        and (number = ${number ?? null}::int or branch = ${branch ?? null} or head = ${commit ?? null})
      order by session_id for update
    ) told
    where f.session_id = told.session_id`.execute(db);
}

/** What a run came to is what the session asks from now on, if anything. */
export async function endAsking(tx: Tx, sessionId: string): Promise<void> {
  await tx
    .updateTable('followed_requests')
    .set({ asked: false })
    .where('session_id', '=', sessionId)
    .where('asked', '=', true)
    .execute();
}

/** Whether another session's change is for this branch, and neither merged nor given up. */
export async function isBuiltUpon(tx: Tx, sessionId: string, repository: string, branch: string): Promise<boolean> {
  const { rows } = await sql`
    select from sessions s where s.repository = ${repository} and s.base_branch = ${branch} and s.id <> ${sessionId}
      and s.closed is not true and not exists (select from followed_requests f where f.session_id = s.id
        and f.phase in ('closed', 'landing', 'landed', 'over')) limit 1`.execute(tx);
  return rows.length > 0;
}

/** Where a branch of ours went when it was merged; null: it was not, or is not ours. */
export async function mergedInto(tx: Tx, repository: string, branch: string): Promise<string | null> {
  const { rows } = await sql<{ base: string | null }>`
    select s.base_branch as base from followed_requests f join sessions s on s.id = f.session_id
    where f.repository = ${repository} and f.branch = ${branch} and f.phase in ('landing', 'landed', 'over') limit 1`.execute(
    tx,
  );
  return rows[0]?.base ?? null;
}

/** Those whose change is for this branch, which was merged, are looked at now. Locks nothing but their rows, in one order. */
export async function hastenBuiltUpon(tx: Tx, repository: string, branch: string): Promise<void> {
  await sql`
    update followed_requests f set look_at = now(), hints = hints + 1
    from (
      select f.session_id from followed_requests f join sessions s on s.id = f.session_id
      where f.repository = ${repository} and s.base_branch = ${branch} and f.look_at is not null
      order by f.session_id for update of f skip locked
    ) told
    where f.session_id = told.session_id`.execute(tx);
}

/** Those that are looked at again some time. */
export async function countFollowed(db: Database | Tx): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from followed_requests where look_at is not null`.execute(db);
  return rows[0]?.count ?? 0;
}

/** How far the pull request of a session is; null: nobody follows it. */
export async function phaseOf(db: Database | Tx, sessionId: string): Promise<RequestPhase | null> {
  const row = await db
    .selectFrom('followed_requests')
    .select('phase')
    .where('session_id', '=', sessionId)
    .executeTakeFirst();
  return row?.phase ?? null;
}
