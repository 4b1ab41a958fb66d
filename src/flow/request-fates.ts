import type { CodeHost } from '../code-hosts/code-host.ts';
import type { Operation } from '../core/effect.ts';
import type { PullRequest } from '../core/pull-request.ts';
import type { Repository } from '../core/repository.ts';
import type { SessionState } from '../core/session.ts';
import type { StateCategory } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import type { Database, Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import { type AwaitedRequest, listAwaitedRequests, noteToldFate, readToldFate } from '../store/request-fates.ts';
import { lockSession } from '../store/sessions.ts';
import { readRequest } from './base-branch.ts';

interface Deps {
  db: Database;
  codeHosts: ReadonlyMap<string, CodeHost>;
  repositories: ReadonlyMap<string, Repository>;
  wake(drain: 'post'): void;
  log: Log;
}

const atRest: SessionState[] = ['complete', 'stopped', 'error'];
/** Of so many pull requests is it asked in one round. */
const most = 200;

/** Where a ticket goes with its pull request; what a person has moved elsewhere stays there. */
const moves: Record<PullRequest['state'], { to: StateCategory; from: StateCategory[] }> = {
  open: { to: 'review', from: ['started'] },
  merged: { to: 'done', from: ['started', 'review'] },
  closed: { to: 'started', from: ['review'] },
};

/**
 * Where a code host tells nothing of what becomes of pull requests: tickets say on their attachment what became of theirs, and
 * those of sessions at rest go with it: on when it was merged, back when it was closed without that, to review again when it
 * was opened again.
 */
export async function tellFates(deps: Deps, signal: AbortSignal): Promise<void> {
  for (const awaited of await listAwaitedRequests(deps.db, most)) {
    signal.throwIfAborted();
    const request = await readAwaited(deps, awaited, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      deps.log.warn(
        { err: error, session_id: awaited.sessionId },
        'a pull request cannot be read; it is asked for again',
      );
      return null;
    });
    if (!request) continue;
    const { told } = awaited;
    if (request.state !== told.attached.state || (awaited.moves && request.state !== told.moved.state))
      await tell(deps, awaited, request);
  }
}

/** null: nobody can tell what became of it. */
async function readAwaited(
  { codeHosts, repositories }: Deps,
  { repository: name, number }: AwaitedRequest,
  signal: AbortSignal,
): Promise<PullRequest | null> {
  const repository = repositories.get(name);
  const host = repository && codeHosts.get(repository.codeHost);
  return host ? readRequest({ repository, host }, number, signal) : null;
}

async function tell(
  { db, wake }: Deps,
  { sessionId, number, moves: mayMove }: AwaitedRequest,
  request: PullRequest,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, sessionId);
    if (session?.pullRequest?.number !== number) return;
    await tellAttachment(tx, sessionId, request);
    // A run that begins looks at it by itself, and who is asked something answers first.
    if (mayMove && atRest.includes(session.state)) await moveWith(tx, sessionId, request);
  });
  wake('post');
}

/**
 * The attachment of the session's pull request says what became of it, once for each change. Call with the session's lock
 * held, while the pull request is still the session's.
 */
export async function tellAttachment(
  tx: Tx,
  sessionId: string,
  { number, url, title, state }: PullRequest,
): Promise<void> {
  const told = await readToldFate(tx, sessionId);
  if (told.attached.state === state) return;
  const attached = { state, changes: told.attached.changes + 1 };
  await noteToldFate(tx, sessionId, number, { ...told, attached });
  const key = `${sessionId}/pull-request/${number}/attached/${attached.changes}/${state}`;
  const become = state === 'open' ? {} : { state };
  const operation: Operation = {
    ...{ kind: 'attachPullRequest', id: deterministicId(key), url, title, number },
    ...become,
  };
  await addEffects(tx, [{ sessionId, runId: null, stepId: null, key, operation }]);
}

/** Its ticket goes where it goes, once for each change. Call with the session's lock held. */
export async function moveWith(tx: Tx, sessionId: string, { number, state, draft }: PullRequest): Promise<void> {
  const told = await readToldFate(tx, sessionId);
  if (told.moved.state === state) return;
  const moved = { state, changes: told.moved.changes + 1 };
  await noteToldFate(tx, sessionId, number, { ...told, moved });
  if (state === 'open' && draft) return; // not to be reviewed yet
  const key = `${sessionId}/pull-request/${number}/${moved.changes}/${state}`;
  const operation: Operation = { kind: 'moveTicket', id: deterministicId(key), ...moves[state] };
  await addEffects(tx, [{ sessionId, runId: null, stepId: null, key, operation }]);
}
