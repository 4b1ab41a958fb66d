import type { CodeHost, RequestFollowing } from '../code-hosts/code-host.ts';
import { type FollowPolicy, type Happening, type Looked, lookAgainSeconds, lookAtProgress } from '../core/following.ts';
import type { FailedCheck } from '../core/following-text.ts';
import { logOfPreview } from '../core/previews.ts';
import type { Repository } from '../core/repository.ts';
import type { RequestProgress } from '../core/request-progress.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isPublishing } from '../store/effects.ts';
import {
  type ClaimedRequest,
  claimRequests,
  type FollowedRequest,
  holdRequests,
  holdRequestsEveryMs,
  noteLooked,
  readFollowed,
} from '../store/followed-requests.ts';
import { lockSession, type SessionRow } from '../store/sessions.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';
import { seePreviewRuns, tellPreviews } from './previews.ts';
import { takeInRemarks } from './remarks.ts';
import { carryOutHappening, showPreviews } from './request-happenings.ts';
import { prepareRevert, type Revert } from './revert.ts';
import type { SortDeps } from './sort.ts';
import { noteRead, noteUnread } from './unreadable-requests.ts';

export interface RequestDeps extends SortDeps {
  codeHosts: ReadonlyMap<string, CodeHost>;
  repositories: ReadonlyMap<string, Repository>;
  workspaces: Workspaces;
  policy: SortDeps['policy'] & { checks: FollowPolicy & { tell: string[] } };
  /** So often those are asked whose host cannot tell us; null: webhooks come. */
  pollSeconds: number | null;
}

const mostAtOnce = 8;
/** Logs of so many failed checks are read. */
const mostLogs = 5;

/** One look: what stands there now, and what was fetched to act on it. */
export interface Look {
  repository: Repository;
  progress: RequestProgress;
  failed: FailedCheck[];
  revert: Revert | null;
}

/**
 * Follows the pull requests of sessions until they are merged and their base is fine with it: red checks go back to the
 * agent, what reviewers say, too, and people hear what matters. A webhook only says where to look; what is there is read
 * anew each time, so nothing depends on what comes, in what order, or how often. Any number of processes may do this.
 */
export async function followRequests(deps: RequestDeps, signal: AbortSignal): Promise<void> {
  for (;;) {
    const claimed = await claimRequests(deps.db, mostAtOnce);
    const inHand = new Set(claimed);
    const holding = setInterval(() => {
      // One that is not held is looked at twice, which changes nothing.
      holdRequests(deps.db, [...inHand]).catch(() => {});
    }, holdRequestsEveryMs);
    const look = async (request: ClaimedRequest) => {
      try {
        await lookAt(deps, request, signal);
      } catch (error) {
        if (!signal.aborted) await lookLater(deps, request, error);
      } finally {
        inHand.delete(request);
      }
    };
    await Promise.all(claimed.map(look)).finally(() => clearInterval(holding));
    if (signal.aborted || claimed.length < mostAtOnce) return;
  }
}

async function lookLater(deps: RequestDeps, request: ClaimedRequest, error: unknown): Promise<void> {
  deps.log.warn(
    { err: error, session_id: request.sessionId },
    'a pull request could not be looked at; it is looked at again',
  );
  await noteUnread(deps, request, error);
}

async function lookAt(deps: RequestDeps, claimed: ClaimedRequest, signal: AbortSignal): Promise<void> {
  const { db } = deps;
  const repository = deps.repositories.get(claimed.repository);
  const following = repository && deps.codeHosts.get(repository.codeHost)?.following;
  if (!repository || !following) return noteLooked(db, claimed, null); // it is not configured any more
  deps.failpoint('follow/claimed');
  const progress = await following.read(repository, claimed.number, signal);
  const expected = await judge(deps, claimed, progress);
  const look: Look = {
    ...{ repository, progress },
    failed: await readLogs(following, repository, expected, signal),
    revert:
      expected?.type === 'mainRed' ? await prepareRevert(deps, claimed.sessionId, repository, progress, signal) : null,
  };
  deps.failpoint(`follow/${expected?.type ?? 'same'}/read`);
  let what: Happening['type'] | 'remarks' | 'same' = 'same';
  const due = new Set<'post' | 'run'>();
  await db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, claimed.sessionId);
    const before = session && (await readFollowed(tx, claimed));
    if (!session || !before || session.pullRequest?.number !== claimed.number) return noteLooked(tx, claimed, null);
    const followed = await noteRead(tx, session, before, due);
    const rests = await isFreeOf(tx, session, followed);
    const hasRemarks = rests && (await takeInRemarks(deps, tx, session, look, due));
    const isFree = rests && !hasRemarks;
    const { next, happening } = await lookNow(deps, tx, { followed, session, progress, isFree });
    // Something else than before: what is needed for that is fetched first.
    if (happening && happening.type !== expected?.type && needsMore(happening))
      return noteLooked(tx, claimed, 0, followed);
    const isNew = isFree && next.head === progress.head && (await tellPreviews(tx, followed, progress, due));
    if (isNew && !happening) await showPreviews(tx, followed, next);
    const asked = happening
      ? await carryOutHappening(deps, tx, session, followed, { next, happening, look }, due)
      : followed.asked;
    await noteLooked(tx, claimed, lookAgainSeconds(next, deps.pollSeconds, Date.now()), { ...next, asked });
    what = happening?.type ?? (hasRemarks ? 'remarks' : 'same');
    deps.failpoint(`follow/${what}/mid`);
  });
  deps.failpoint(`follow/${what}/after`);
  if (due.has('post')) deps.wake('post');
  if (due.has('run')) await deps.nudge('run');
}

/** What it will come to, as far as can be told without the session's lock. */
async function judge(deps: RequestDeps, claimed: ClaimedRequest, progress: RequestProgress): Promise<Happening | null> {
  return deps.db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, claimed.sessionId);
    const followed = session && (await readFollowed(tx, claimed));
    if (!session || !followed) return null;
    const isFree = await isFreeOf(tx, session, followed);
    return (await lookNow(deps, tx, { followed, session, progress, isFree })).happening;
  });
}

async function lookNow(
  { policy }: RequestDeps,
  tx: Parameters<typeof lockSession>[0],
  {
    followed,
    session,
    progress,
    isFree,
  }: { followed: FollowedRequest; session: SessionRow; progress: RequestProgress; isFree: boolean },
): Promise<Looked> {
  const now = Date.now();
  const seen = await seePreviewRuns(tx, followed, progress, policy.checks, now);
  const isAtWork = isWorking(session) || (await isPublishing(tx, session.id));
  return lookAtProgress(followed, seen, policy.checks, { isFree, isAtWork, now });
}

/** A run is at it, or about to be. */
export function isWorking({ state }: SessionRow): boolean {
  return state === 'active' || state === 'pending';
}

function needsMore({ type }: Happening): boolean {
  return type === 'red' || type === 'stillRed' || type === 'mainRed';
}

/** Nobody is at work on it, nothing of it is on its way, and it asks nothing else than what its checks answer. */
async function isFreeOf(
  tx: Parameters<typeof lockSession>[0],
  { id, state }: SessionRow,
  { asked }: FollowedRequest,
): Promise<boolean> {
  const rests = state === 'complete' || (state === 'awaitingInput' && asked);
  return rests && !(await isPublishing(tx, id));
}

/** A log that cannot be had is no reason to leave its check as it is. */
async function readLogs(
  following: RequestFollowing,
  repository: Repository,
  happening: Happening | null,
  signal: AbortSignal,
): Promise<FailedCheck[]> {
  if (happening?.type !== 'red' && happening?.type !== 'stillRed') return [];
  const failed: FailedCheck[] = [];
  for (const [index, run] of happening.own.entries()) {
    const theirs = () => (index < mostLogs ? following.readLog(repository, run, signal).catch(unlessWaiting) : null);
    failed.push({ run, log: logOfPreview(run) ?? (await theirs()) });
  }
  signal.throwIfAborted();
  return failed;
}

function unlessWaiting(error: unknown): null {
  if (error instanceof VendorError && (error.code === 'rate_limited' || error.code === 'disconnected')) throw error;
  return null;
}
