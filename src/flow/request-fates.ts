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
import { type AwaitedRequest, listAwaitedRequests } from '../store/request-fates.ts';
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
const moves: Record<Exclude<PullRequest['state'], 'open'>, { to: StateCategory; from: StateCategory[] }> = {
  merged: { to: 'done', from: ['started', 'review'] },
  closed: { to: 'started', from: ['review'] },
};

/**
 * Tickets of sessions at rest go with their pull request: on when it was merged, back when it was closed without that. Once
 * for each; one that is opened and closed again moves nothing more.
 */
export async function followRequests(deps: Deps, signal: AbortSignal): Promise<void> {
  for (const awaited of await listAwaitedRequests(deps.db, most)) {
    signal.throwIfAborted();
    const state = await fateOf(deps, awaited, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      deps.log.warn(
        { err: error, session_id: awaited.sessionId },
        'a pull request cannot be read; it is asked for again',
      );
      return 'open' as const;
    });
    if (state !== 'open') await move(deps, awaited, state);
  }
}

async function fateOf(
  { codeHosts, repositories }: Deps,
  { repository: name, number }: AwaitedRequest,
  signal: AbortSignal,
): Promise<PullRequest['state']> {
  const repository = repositories.get(name);
  const host = repository && codeHosts.get(repository.codeHost);
  if (!host) return 'open';
  return (await readRequest({ repository, host }, number, signal))?.state ?? 'open';
}

async function move(
  { db, wake }: Deps,
  { sessionId, number }: AwaitedRequest,
  state: keyof typeof moves,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, sessionId);
    // A run that begins looks at it by itself, and who is asked something answers first.
    if (session?.pullRequest?.number !== number || !atRest.includes(session.state)) return;
    const key = `${sessionId}/pull-request/${number}/${state}`;
    const operation: Operation = { kind: 'moveTicket', id: deterministicId(key), ...moves[state] };
    await addEffects(tx, [{ sessionId, runId: null, stepId: null, key, operation }]);
  });
  wake('post');
}
