import { setTimeout as delay } from 'node:timers/promises';
import type { CodeHost, RequestFollowing } from '../code-hosts/code-host.ts';
import { attend } from '../core/attention.ts';
import {
  type FollowPolicy,
  type Happening,
  type Looked,
  lookAgainSeconds,
  lookAtProgress,
  type Reach,
} from '../core/following.ts';
import type { FailedCheck } from '../core/following-text.ts';
import { logOfPreview } from '../core/previews.ts';
import type { Repository } from '../core/repository.ts';
import type { RequestProgress } from '../core/request-progress.ts';
import type { SessionState } from '../core/session.ts';
import { VendorError } from '../core/vendor-error.ts';
import { readAttention } from '../store/attention.ts';
import { isPublishing } from '../store/effects.ts';
import {
  type ClaimedRequest,
  claimRequests,
  countFollowed,
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
import { retarget } from './retarget.ts';
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
/** Where a host cannot be asked. */
const afterFailureSeconds = 60;
/** Where there is none, or its host is not configured any more: it may be there again. */
const notThereSeconds = 900;
const slowMs = 1_000;

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
  const active = new Set<Promise<void>>();
  const inHand = new Set<ClaimedRequest>();
  const holding = setInterval(() => {
    // One that is not held is looked at twice, which changes nothing.
    holdRequests(deps.db, [...inHand]).catch(() => {});
  }, holdRequestsEveryMs);
  try {
    for (;;) {
      const free = mostAtOnce - active.size;
      const claimed = free > 0 ? await claimRequests(deps.db, free) : [];
      for (const request of claimed) {
        inHand.add(request);
        const looking = lookOrPutOff(deps, request, signal).finally(() => {
          inHand.delete(request);
          active.delete(looking);
        });
        active.add(looking);
      }
      // A host that answers late, or a long log, must not keep others waiting.
      await Promise.race([Promise.all(active), delay(slowMs, undefined, { ref: false })]);
      if (signal.aborted || (active.size === 0 && claimed.length < free)) return;
    }
  } finally {
    await Promise.allSettled(active);
    clearInterval(holding);
  }
}

async function lookOrPutOff(deps: RequestDeps, request: ClaimedRequest, signal: AbortSignal): Promise<void> {
  try {
    await lookAt(deps, request, signal);
  } catch (error) {
    if (signal.aborted) return;
    deps.log.warn(
      { err: error, session_id: request.sessionId },
      'a pull request could not be looked at; it is looked at again',
    );
    await noteUnread(deps, request, error).catch((trouble: unknown) =>
      deps.log.warn({ err: trouble, session_id: request.sessionId }, 'that could not be written down'),
    );
  }
}

async function lookAt(deps: RequestDeps, claimed: ClaimedRequest, signal: AbortSignal): Promise<void> {
  const { db } = deps;
  const repository = deps.repositories.get(claimed.repository);
  const following = repository && deps.codeHosts.get(repository.codeHost)?.following;
  if (!repository || !following) return noteLooked(db, claimed, notThereSeconds);
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
    if (!session || !before || !isOf(session, claimed)) return noteLooked(tx, claimed, null);
    const followed = await noteRead(tx, session, before, due);
    // It was merged, and the session has gone on: first what people want of it now.
    if (!session.pullRequest && !atRest.includes(session.state)) return noteLooked(tx, claimed, afterFailureSeconds);
    const standing = await standingOf(tx, session, followed, progress);
    const isSpokenTo = await takeInRemarks(deps, tx, session, look, due);
    // What became of it is looked at by how the session stands then.
    if (isSpokenTo && progress.request.state !== 'open') return noteLooked(tx, claimed, 0);
    const isFree = !isSpokenTo && standing.isFree;
    if (isFree && (await retarget(tx, session, progress.request, due)))
      return noteLooked(tx, claimed, afterFailureSeconds);
    const { next, happening } = await lookNow(deps, tx, followed, progress, { ...standing, isFree });
    // Something else than before: what is needed for that is fetched first.
    if (happening && happening.type !== expected?.type && needsMore(happening))
      return noteLooked(tx, claimed, 0, followed);
    const isNew = isFree && next.head === progress.head && (await tellPreviews(tx, followed, progress, due));
    if (isNew && !happening) await showPreviews(tx, followed, next);
    const asked = happening
      ? await carryOutHappening(deps, tx, session, followed, { next, happening, look }, due)
      : followed.asked;
    const phase = next.phase === 'mending' && asked ? 'stuck' : next.phase;
    await noteLooked(tx, claimed, lookAgainSeconds(next, await pollSecondsNow(deps, tx), Date.now()), {
      ...next,
      phase,
      asked,
    });
    what = happening?.type ?? (isSpokenTo ? 'remarks' : 'same');
    deps.failpoint(`follow/${what}/mid`);
  });
  deps.failpoint(`follow/${what}/after`);
  if (due.has('post')) deps.wake('post');
  if (due.has('run')) await deps.nudge('run');
}

const atRest: SessionState[] = ['complete', 'stopped', 'error'];

/** The session's own, or the merged one that it has gone on from, as long as there is no other. */
function isOf({ pullRequest, follows }: SessionRow, { number }: ClaimedRequest): boolean {
  return pullRequest ? pullRequest.number === number : follows?.merged === true && follows.number === number;
}

/** What it will come to, as far as can be told without the session's lock. */
async function judge(deps: RequestDeps, claimed: ClaimedRequest, progress: RequestProgress): Promise<Happening | null> {
  return deps.db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, claimed.sessionId);
    const followed = session && (await readFollowed(tx, claimed));
    if (!session || !followed) return null;
    return (await lookNow(deps, tx, followed, progress, await standingOf(tx, session, followed, progress))).happening;
  });
}

async function lookNow(
  { policy }: RequestDeps,
  tx: Parameters<typeof lockSession>[0],
  followed: FollowedRequest,
  progress: RequestProgress,
  standing: Standing,
): Promise<Looked> {
  const now = Date.now();
  const seen = await seePreviewRuns(tx, followed, progress, policy.checks, now);
  return lookAtProgress(followed, seen, policy.checks, { ...standing, now });
}

/** So many are asked for as often as the configuration says; of more each is asked for less often. */
const askedAtPace = 15;

/** A host that is asked without pause takes it for abuse, though each answer costs nothing. */
async function pollSecondsNow(
  { pollSeconds }: RequestDeps,
  tx: Parameters<typeof lockSession>[0],
): Promise<number | null> {
  return pollSeconds === null ? null : pollSeconds * Math.max(1, Math.ceil((await countFollowed(tx)) / askedAtPace));
}

function needsMore({ type }: Happening): boolean {
  return type === 'red' || type === 'stillRed' || type === 'mainRed';
}

interface Standing {
  isFree: boolean;
  /** A run is at it, or its push is on its way. */
  isAtWork: boolean;
  reach: Reach;
}

/** A run is at it, or about to be. */
export function isWorking({ state }: Pick<SessionRow, 'state'>): boolean {
  return state === 'active' || state === 'pending';
}

/** What was just pushed may not be seen at once. */
const lagMs = 60_000;

/**
 * Free: nobody is at work on it, nothing of it is on its way, and it asks nothing else than what its checks answer. What has
 * failed is not begun again by itself, and what was stopped, or is the agent's no more, asks for nothing.
 */
async function standingOf(
  tx: Parameters<typeof lockSession>[0],
  { id, state, headCommit }: SessionRow,
  { asked, phase, head, headAt }: FollowedRequest,
  progress: RequestProgress,
): Promise<Standing> {
  const isOff = (state === 'error' || state === 'stopped') && phase !== 'opening';
  const rests = state === 'complete' || (state === 'awaitingInput' && asked) || isOff;
  const isSeen = head !== null || progress.head === headCommit || Date.now() - headAt > lagMs;
  const isPushing = await isPublishing(tx, id);
  const isFree = rests && isSeen && !isPushing;
  const { registers, unread } = await readAttention(tx, id);
  const isOurs = state !== 'stopped' && ['work', 'nothing'].includes(attend(registers, unread));
  return {
    isFree,
    isAtWork: isWorking({ state }) || isPushing,
    reach: !isOurs ? 'tell' : state === 'error' ? 'ask' : 'mend',
  };
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
