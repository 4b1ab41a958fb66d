import { type ChecksVerdict, failsOnBase, judgeChecks } from './judge-checks.ts';
import type { CheckReport, CheckRun, RequestProgress } from './request-progress.ts';
import type { Person } from './ticket.ts';

/**
 * How far a pull request has come: `opening` it is on its way; `checking` its checks run; `mending` the agent was told that
 * some are red; `stuck` people were asked about them; `green` people may review it; `closed` a person closed it; `landing` it
 * was merged, and what runs on the base since is looked at; `over` there is nothing left to do.
 */
export type RequestPhase = 'opening' | 'checking' | 'mending' | 'stuck' | 'green' | 'closed' | 'landing' | 'over';

export interface Followed {
  phase: RequestPhase;
  /** The commit that the phase is about. */
  head: string | null;
  /** Since when that is known: milliseconds. */
  headAt: number;
  /** Rounds of mending since people last spoke. */
  rounds: number;
  /** People were told that its checks take long. */
  toldSlow: boolean;
}

export interface FollowPolicy {
  /** So often red checks are mended, then people are asked. */
  rounds: number;
  /** So long one waits for a first check, where none is required. */
  settleSeconds: number;
  /** Where checks have not ended after so long, people are told. */
  patienceMinutes: number;
}

/** What a look at a pull request comes to. */
export type Happening =
  | { type: 'green'; checks: number; required: boolean }
  /** `own` fail by the change; `others` on its base as well. */
  | { type: 'red'; own: CheckRun[]; others: CheckRun[] }
  /** All that fail, fail on the base as well. */
  | { type: 'baseRed'; others: CheckRun[] }
  /** So often mended, and red again; or the agent has nothing to mend. */
  | { type: 'stillRed'; own: CheckRun[]; rounds: number }
  | { type: 'slow'; pending: string[]; minutes: number }
  | { type: 'merged' }
  | { type: 'mainRed'; failed: CheckRun[] }
  | { type: 'landed' }
  | { type: 'closed'; by: Person | null }
  | { type: 'reopened' };

export interface Looked {
  next: Followed;
  happening: Happening | null;
}

/**
 * What is to be told and done, by how things stood at the last look. `isFree`: nobody is at work on the session and nothing of
 * it is on its way; while somebody is, only what people did to the pull request counts.
 */
export function lookAtProgress(
  before: Followed,
  progress: RequestProgress,
  policy: FollowPolicy,
  { isFree, now }: { isFree: boolean; now: number },
): Looked {
  const { state } = progress.request;
  if (state === 'merged') return lookAtMerge(before, progress, policy, now);
  if (state === 'closed')
    return before.phase === 'closed'
      ? same(before)
      : { next: { ...before, phase: 'closed' }, happening: { type: 'closed', by: progress.closedBy } };
  if (before.phase === 'closed')
    return { next: { ...before, phase: 'checking', headAt: now }, happening: { type: 'reopened' } };
  if (!isFree) return same(before);
  const isNew = before.head !== progress.head || before.phase === 'opening';
  const at: Followed = isNew
    ? { ...before, phase: 'checking', head: progress.head, headAt: now, toldSlow: false }
    : before;
  return lookAtChecks(at, progress, policy, now);
}

function lookAtChecks(at: Followed, progress: RequestProgress, policy: FollowPolicy, now: number): Looked {
  const verdict = judgeChecks(progress.checks);
  const { state, failed, pending } = verdict;
  if (state === 'green' || (state === 'none' && isSettled(at, policy, now))) {
    if (at.phase === 'green') return same(at);
    return { next: { ...at, phase: 'green' }, happening: greenOf(progress.checks, verdict) };
  }
  if (state === 'red') {
    const others = failsOnBase(failed, progress.baseChecks);
    const own = failed.filter((run) => !others.includes(run));
    if (at.phase === 'stuck') return same(at);
    if (own.length === 0) return { next: { ...at, phase: 'stuck' }, happening: { type: 'baseRed', others } };
    // The agent has looked at this very commit, and left it as it is.
    if (at.phase === 'mending' || at.rounds >= policy.rounds)
      return { next: { ...at, phase: 'stuck' }, happening: { type: 'stillRed', own, rounds: at.rounds } };
    return { next: { ...at, phase: 'mending', rounds: at.rounds + 1 }, happening: { type: 'red', own, others } };
  }
  const minutes = Math.floor((now - at.headAt) / 60_000);
  // Those that were run again may become green after all.
  const next: Followed = at.phase === 'green' ? { ...at, phase: 'checking', headAt: now } : at;
  if (minutes < policy.patienceMinutes || at.toldSlow) return { next, happening: null };
  return { next: { ...next, toldSlow: true }, happening: { type: 'slow', pending, minutes } };
}

function lookAtMerge(before: Followed, progress: RequestProgress, policy: FollowPolicy, now: number): Looked {
  if (before.phase === 'over') return same(before);
  if (before.phase !== 'landing') {
    const next: Followed = { ...before, phase: 'landing', head: progress.mergeCommit, headAt: now };
    return { next, happening: { type: 'merged' } };
  }
  const verdict = progress.mergeChecks ? judgeChecks(allCount(progress.mergeChecks)) : nothingToCheck;
  const over: Followed = { ...before, phase: 'over' };
  if (verdict.state === 'red') return { next: over, happening: { type: 'mainRed', failed: verdict.failed } };
  const isOld = now - before.headAt > policy.patienceMinutes * 60_000;
  const deploys = progress.deployments.some(({ isPreview, state }) => !isPreview && state === 'pending');
  const runs = verdict.state === 'pending' || deploys || (verdict.state === 'none' && !isSettled(before, policy, now));
  return runs && !isOld ? same(before) : { next: over, happening: { type: 'landed' } };
}

const nothingToCheck: ChecksVerdict = { state: 'none', pending: [], failed: [] };

/** What is required of a pull request may never run on the base. */
function allCount(report: CheckReport): CheckReport {
  return { ...report, required: null };
}

function isSettled({ headAt }: Followed, { settleSeconds }: FollowPolicy, now: number): boolean {
  return now - headAt >= settleSeconds * 1_000;
}

function greenOf({ runs, required }: CheckReport, { state }: ChecksVerdict): Happening {
  const passed = new Set(runs.filter((run) => run.state === 'passed').map(({ name }) => name));
  return {
    type: 'green',
    checks: state === 'none' ? 0 : (required?.length ?? passed.size),
    required: required !== null,
  };
}

function same(before: Followed): Looked {
  return { next: before, happening: null };
}

/** When it is to be looked at again, in seconds: soon while something runs; null: never. A webhook hastens it. */
export function lookAgainSeconds({ phase, headAt }: Followed, pollSeconds: number | null, now: number): number | null {
  if (phase === 'over' || phase === 'opening') return null;
  const isOld = now - headAt > 86_400_000;
  const waitsForMachines = phase === 'checking' || phase === 'mending' || phase === 'landing';
  const usual = waitsForMachines ? 30 : 300;
  if (pollSeconds === null) return usual;
  return isOld ? Math.max(pollSeconds, 120) : pollSeconds;
}
