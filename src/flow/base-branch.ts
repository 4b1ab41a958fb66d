import type { CodeHost } from '../code-hosts/code-host.ts';
import { cleanLine } from '../core/outside-text.ts';
import type { PullRequest } from '../core/pull-request.ts';
import type { Repository } from '../core/repository.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { type SessionRow, updateSessionOf } from '../store/sessions.ts';
import { hasSteps } from '../store/steps.ts';
import { findRequestFrom } from '../store/waits.ts';
import type { RunDeps } from './run.ts';

/** Where a change is made. */
interface Place {
  repository: Repository;
  host: CodeHost;
}

type Deps = Pick<RunDeps, 'db' | 'workspaces'>;

/**
 * What is to be built upon instead of a branch of ours: that branch, while it waits for review; once it is merged, what it
 * was merged into, and the same where it was closed and is gone. Any other branch is as it was named.
 */
export async function baseNow(deps: Deps, place: Place, branch: string, signal: AbortSignal): Promise<string> {
  const seen = new Set<string>();
  let base = branch;
  while (!seen.has(base)) {
    seen.add(base);
    const number = await findRequestFrom(deps.db, place.repository.name, base);
    const request = number === null ? null : await readRequest(place, number, signal);
    if (!request || request.state === 'open') return base;
    if (request.state === 'closed' && (await isThere(deps, place, base, signal))) return base;
    base = request.base;
  }
  return branch; // merged into each other: people must say
}

/** null where it is not to be found. */
export async function readRequest(
  { repository, host }: Place,
  number: number,
  signal: AbortSignal,
): Promise<PullRequest | null> {
  return host.readPullRequest(repository, number, signal).catch((error: unknown) => {
    if (error instanceof VendorError && error.code === 'not_found') return null;
    throw error;
  });
}

async function isThere(
  { workspaces }: Deps,
  { repository, host }: Place,
  branch: string,
  signal: AbortSignal,
): Promise<boolean> {
  await workspaces.refresh(repository, await host.locate(repository, signal), signal);
  return (await workspaces.resolve(repository, branch, signal)) !== null;
}

/**
 * Puts a session on the base that holds now, as its run begins. What was not pushed yet moves to the newest commit of it;
 * what was pushed stays on its commit, and only its pull request moves.
 */
export async function moveBase(
  deps: RunDeps,
  run: ClaimedRun,
  session: SessionRow,
  place: Place,
  signal: AbortSignal,
): Promise<SessionRow> {
  if (session.baseBranch === null) return session;
  // A run that has begun stays with what it found.
  if (session.baseCommit !== null && (await hasSteps(deps.db, run.id))) return session;
  const baseBranch = await baseNow(deps, place, session.baseBranch, signal);
  if (baseBranch === session.baseBranch) return session;
  const changes = { baseBranch, ...(session.headCommit === null && { baseCommit: null }) };
  await updateSessionOf(deps.db, run, changes);
  return { ...session, ...changes };
}

/**
 * The same for a session whose ticket is now to be done on another's branch, and that was begun elsewhere: rated only, or
 * asked about. What is published stays where it is. One that has no base yet gets it with its brief.
 */
export async function standOn(
  deps: RunDeps,
  run: ClaimedRun,
  session: SessionRow,
  place: Place,
  branch: string,
  signal: AbortSignal,
): Promise<SessionRow> {
  if (session.baseBranch === null || session.headCommit !== null || session.follows !== null) return session;
  const baseBranch = await baseNow(deps, place, branch, signal);
  if (baseBranch === session.baseBranch) return session;
  const changes = { baseBranch, baseCommit: null };
  await updateSessionOf(deps.db, run, changes);
  return { ...session, ...changes };
}

/** Told as such a run begins: the model may have looked at files of another base. */
export function noteOfStanding(branch: string): string {
  return `The work is done on ${cleanLine(branch, 100)}, which has the change that this ticket needs: files may not be as you remember them.`;
}
