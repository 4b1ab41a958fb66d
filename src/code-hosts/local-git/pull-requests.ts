import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ColumnType, Kysely, PostgresDialect, type RawBuilder, type Selectable, sql } from 'kysely';
import type { Pool } from 'pg';
import type { PullRequest } from '../../core/pull-request.ts';
import type { Repository } from '../../core/repository.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { PullRequestInput } from '../code-host.ts';
import { invalid } from '../host-git.ts';
import { type Find, hasChangesOf, isAncestor, type Place, readBranch } from './git.ts';

interface LocalGitTables {
  local_git_pull_requests: {
    /** Absolute path, or URL. */
    repository: string;
    number: number;
    request: string;
    /** Requests before it. */
    earlier: ColumnType<string[], string[] | undefined, string[]>;
    title: string;
    body: string;
    base: string;
    head: string;
    head_commit: string;
    draft: boolean;
    state: ColumnType<PullRequest['state'], PullRequest['state'] | undefined, PullRequest['state']>;
    updated_at: ColumnType<Date, RawBuilder<Date> | undefined, RawBuilder<Date>>;
  };
}

type Row = Selectable<LocalGitTables['local_git_pull_requests']>;
export type LocalGitDatabase = Kysely<LocalGitTables>;

export function localGitDatabase(pool: Pool): LocalGitDatabase {
  return new Kysely<LocalGitTables>({ dialect: new PostgresDialect({ pool }) });
}

/**
 * `CodeHost.openPullRequest`. No lock is held while git works: each statement stands alone, the unique indexes let one of
 * several win, and who loses looks again.
 */
export async function openPullRequest(
  db: LocalGitDatabase,
  find: Find,
  repository: Repository,
  input: PullRequestInput,
  signal: AbortSignal,
): Promise<PullRequest> {
  const place = await find(repository, signal);
  checkTexts(input);
  for (;;) {
    signal.throwIfAborted();
    const sent = await pullRequestsOf(db, place)
      .where(sql<boolean>`(request = ${input.id} or ${input.id} = any(earlier))`)
      .executeTakeFirst();
    if (sent) return asPullRequest(repository, await settle(db, place, sent, signal));

    const headCommit = await checkBranches(place, input, signal);
    const values = {
      request: input.id,
      title: input.title,
      body: input.body,
      base: input.base,
      draft: input.draft,
      head_commit: headCommit,
      updated_at: now,
    };
    const known = await pullRequestsOf(db, place)
      .where('head', '=', input.head)
      .where('state', '=', 'open')
      .orderBy(sql`base = ${input.base}`, 'desc')
      .executeTakeFirst();
    if (known && (await settle(db, place, known, signal)).state === 'open') {
      const updated = await db
        .updateTable('local_git_pull_requests')
        .set({ ...values, earlier: sql<string[]>`array_append(earlier, request)` })
        .where('repository', '=', place.path)
        .where('number', '=', known.number)
        .where('state', '=', 'open')
        .returningAll()
        .executeTakeFirst();
      if (updated) return asPullRequest(repository, updated);
      continue;
    }
    const number = sql<number>`(select coalesce(max(number), 0) + 1 from local_git_pull_requests where repository = ${place.path})`;
    const opened = await db
      .insertInto('local_git_pull_requests')
      .values({ repository: place.path, number, head: input.head, ...values })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst();
    if (opened) return asPullRequest(repository, opened);
  }
}

/** `CodeHost.readPullRequest`. */
export async function readPullRequest(
  db: LocalGitDatabase,
  find: Find,
  repository: Repository,
  number: number,
  signal: AbortSignal,
): Promise<PullRequest> {
  const place = await find(repository, signal);
  const row =
    Number.isSafeInteger(number) && number > 0 && number < 2 ** 31
      ? await pullRequestsOf(db, place).where('number', '=', number).executeTakeFirst({ signal })
      : undefined;
  if (!row)
    throw new VendorError(`There is no pull request #${number} of ${place.path}.`, {
      code: 'not_found',
      retryable: false,
    });
  return asPullRequest(repository, await settle(db, place, row, signal));
}

const now = sql<Date>`now()`;

function pullRequestsOf(db: LocalGitDatabase, place: Place) {
  return db.selectFrom('local_git_pull_requests').selectAll().where('repository', '=', place.path);
}

/**
 * What became of a pull request: there is no button, people use git. Merged: the base branch has what the head brought, as it is
 * now or as it was last seen (the branch may have moved on or be gone), in its own commits or squashed or rebased; of one that
 * stands on another's branch, also what that was merged into. Closed: the branch is gone, unmerged. Open again: it is back, and
 * no later pull request came from it.
 */
async function settle(db: LocalGitDatabase, place: Place, row: Row, signal: AbortSignal): Promise<Row> {
  if (row.state === 'merged') return row;
  const head = await readBranch(place, row.head, signal);
  const commits = head === null || head === row.head_commit ? [row.head_commit] : [row.head_commit, head];
  let merged = false;
  for (const name of await basesOf(db, place, row, signal)) {
    const base = await readBranch(place, name, signal);
    for (const commit of commits)
      merged ||=
        base !== null &&
        ((await isAncestor(place, commit, base, signal)) || (await hasChangesOf(place, commit, base, signal)));
  }
  const state = merged ? 'merged' : head === null ? 'closed' : 'open';
  const headCommit = merged ? row.head_commit : (head ?? row.head_commit);
  if (state === row.state && headCommit === row.head_commit) return row;
  const one = pullRequestsOf(db, place).where('number', '=', row.number);
  const isNewest = sql<boolean>`not exists (
    select from local_git_pull_requests later where later.repository = ${place.path} and later.number > ${row.number}
      and later.head = ${row.head} and later.base = ${row.base})`;
  await db
    .updateTable('local_git_pull_requests')
    .set({ state, head_commit: headCommit, updated_at: now })
    .where('repository', '=', place.path)
    .where('number', '=', row.number)
    .where('state', '=', row.state)
    .$if(row.state === 'closed' && state === 'open', (update) => update.where(isNewest))
    .execute();
  return (await one.executeTakeFirst()) ?? row; // somebody else may have been faster
}

/** The branch that a pull request is for, and what that was merged into, should it have been another's. */
async function basesOf(db: LocalGitDatabase, place: Place, { base }: Row, signal: AbortSignal): Promise<string[]> {
  const bases = [base];
  for (const name of bases) {
    const below = await pullRequestsOf(db, place)
      .where('head', '=', name)
      .where('base', 'not in', bases)
      .where('state', '<>', 'closed')
      .orderBy('number', 'desc')
      .executeTakeFirst();
    if (below && (await settle(db, place, below, signal)).state === 'merged') bases.push(below.base);
  }
  return bases;
}

function checkTexts(input: PullRequestInput): void {
  for (const [what, text] of Object.entries({ title: input.title, body: input.body }))
    if (text.includes('\0')) throw invalid(`The pull request's ${what} contains a NUL character. Remove it.`);
  if (input.title.trim() === '') throw invalid("The pull request's title is empty. Give it one.");
}

/** A pull request needs two branches, and something on the one that is not on the other. Answers where the head is. */
async function checkBranches(place: Place, input: PullRequestInput, signal: AbortSignal): Promise<string> {
  const [head, base] = [await readBranch(place, input.head, signal), await readBranch(place, input.base, signal)];
  if (base === null) throw invalid(`${place.path} has no branch "${input.base}" to open a pull request on.`);
  if (head === null) throw invalid(`${place.path} has no branch "${input.head}". Push it, then open the pull request.`);
  if (await isAncestor(place, head, base, signal))
    throw invalid(
      `Branch "${input.head}" has no commit that "${input.base}" does not have: there is nothing to propose.`,
    );
  return head;
}

/** The URL is the repository's own, to clone or fetch from, with the number behind a "#". */
function asPullRequest(repository: Repository, row: Row): PullRequest {
  const { number, title, body, base, head, state, draft } = row;
  const url = `${hrefOf(row.repository)}#pull-request-${number}`;
  return { repository: repository.name, number, url, title, body, base, head, state, draft };
}

function hrefOf(place: string): string {
  if (isAbsolute(place)) return pathToFileURL(place).href;
  return place.includes('://') ? place : `ssh://${place.replace(':', '/').replace('//', '/')}`;
}
