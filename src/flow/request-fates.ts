import type { CodeHost } from '../code-hosts/code-host.ts';
import type { Operation } from '../core/effect.ts';
import type { PullRequest } from '../core/pull-request.ts';
import type { Repository } from '../core/repository.ts';
import type { SessionState } from '../core/session.ts';
import type { StateCategory } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import type { Database } from '../store/database.ts';
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
/** Of so many pull requests is it asked in one round, the ones worked on last first. */
const most = 200;

/** Where a ticket goes with its pull request; what a person has moved elsewhere stays there. */
const moves: Record<PullRequest['state'], { to: StateCategory; from: StateCategory[] }> = {
  open: { to: 'review', from: ['started'] },
  merged: { to: 'done', from: ['started', 'review'] },
  closed: { to: 'started', from: ['review'] },
};

/**
 * Tickets of sessions at rest go with their pull request: on when it was merged, back when it was closed without that, to
 * review again when it was opened again.
 */
export async function followRequests(deps: Deps, signal: AbortSignal): Promise<void> {
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
    if (request && request.state !== awaited.told.state) await tell(deps, awaited, request);
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
  { sessionId, number }: AwaitedRequest,
  { url, title, state }: PullRequest,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, sessionId);
    // A run that begins looks at it by itself, and who is asked something answers first.
    if (session?.pullRequest?.number !== number || !atRest.includes(session.state)) return;
    const told = await readToldFate(tx, sessionId);
    if (told.state === state) return;
    const changes = told.changes + 1;
    await noteToldFate(tx, sessionId, number, { state, changes });
    const key = `${sessionId}/pull-request/${number}/${changes}/${state}`;
    const ids = { moved: deterministicId(key), attached: deterministicId(`${key}/attached`) };
    const become = state === 'open' ? {} : { state };
    const effects: [string, Operation][] = [
      [key, { kind: 'moveTicket', id: ids.moved, ...moves[state] }],
      [`${key}/attached`, { kind: 'attachPullRequest', id: ids.attached, url, title, number, ...become }],
    ];
    await addEffects(
      tx,
      effects.map(([key, operation]) => ({ sessionId, runId: null, stepId: null, key, operation })),
    );
  });
  wake('post');
}
