import { sql } from 'kysely';
import type { Preview, PreviewOutcome } from '../core/previews.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** One whose commands are to be run, by whoever claimed it. */
export interface ClaimedPreview {
  sessionId: string;
  repository: string;
  head: string;
  url: string;
  commands: string[];
  /** This one included. */
  tries: number;
}

/** Whoever claims one and falls silent loses it after so long. */
const leaseSeconds = 60;

/** Of one commit of a session's pull request. */
export async function readPreviews(tx: Tx, sessionId: string, head: string): Promise<Preview[]> {
  return tx
    .selectFrom('previews')
    .select(['environment', 'url', 'commands', 'outcome'])
    .where('session_id', '=', sessionId)
    .where('head', '=', head)
    .orderBy('told_at')
    .orderBy('url')
    .execute();
}

/** Those with commands are to be run from now on. Call with the session's lock held. */
export async function addPreviews(
  tx: Tx,
  of: { sessionId: string; repository: string; head: string },
  previews: readonly Preview[],
): Promise<void> {
  await tx
    .insertInto('previews')
    .values(
      previews.map(({ environment, url, commands }) => ({
        ...{ session_id: of.sessionId, repository: of.repository, head: of.head, environment, url },
        ...(commands && { commands: toJson(commands), run_at: sql<Date>`now()` }),
      })),
    )
    .execute();
}

/** The one that waits longest, of a pull request that is still at that commit; nobody else runs it meanwhile. null: none. */
export async function claimPreview(db: Database): Promise<ClaimedPreview | null> {
  const { rows } = await sql<ClaimedPreview>`
    update previews p set run_at = now() + make_interval(secs => ${leaseSeconds}), tries = tries + 1
    from (
      select session_id, head, url from previews
      where run_at <= now() and exists (
        select from followed_requests f where f.session_id = previews.session_id and f.head = previews.head
          and f.phase in ('checking', 'mending', 'stuck', 'green'))
      order by run_at limit 1 for update skip locked
    ) due
    where p.session_id = due.session_id and p.head = due.head and p.url = due.url
    returning p.session_id as "sessionId", p.repository, p.head, p.url, p.commands, p.tries`.execute(db);
  return rows[0] ?? null;
}

/** Claims it for longer; false: it is somebody else's by now. */
export async function holdPreview(db: Database, claimed: ClaimedPreview): Promise<boolean> {
  const { rows } = await sql`
    update previews p set run_at = now() + make_interval(secs => ${leaseSeconds}) where ${mine(claimed)} returning 1`.execute(
    db,
  );
  return rows.length > 0;
}

/** To be run again, by anybody, after so long. `uncounted`: this was no try. */
export async function returnPreview(
  db: Database,
  claimed: ClaimedPreview,
  { afterSeconds, uncounted }: { afterSeconds: number; uncounted: boolean },
): Promise<void> {
  await sql`
    update previews p set run_at = now() + make_interval(secs => ${afterSeconds}),
      tries = tries - ${uncounted ? 1 : 0}::int
    where ${mine(claimed)}`.execute(db);
}

/** Answers the session's newest run, which its evidence is kept with; null: it is somebody else's by now. */
export async function settlePreview(
  tx: Tx,
  claimed: ClaimedPreview,
  outcome: PreviewOutcome,
): Promise<{ runId: string } | null> {
  const { rows } = await sql<{ runId: string }>`
    update previews p set run_at = null, outcome = ${toJson(outcome)} where ${mine(claimed)}
    returning (select id from runs r where r.session_id = p.session_id order by number desc limit 1) as "runId"`.execute(
    tx,
  );
  return rows[0] ?? null;
}

function mine({ sessionId, head, url, tries }: ClaimedPreview) {
  return sql`p.session_id = ${sessionId} and p.head = ${head} and p.url = ${url} and p.tries = ${tries} and p.outcome is null`;
}
