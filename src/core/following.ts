import { type ChecksVerdict, failsOnBase, judgeChecks } from './judge-checks.ts';
import type { CheckReport, CheckRun, RequestProgress } from './request-progress.ts';
import type { Person } from './ticket.ts';

/**
 * How far a pull request has come: `opening` it is on its way; `checking` its checks run; `mending` the agent was told that
 * some are red; `stuck` people were asked about them; `green` people may review it; `closed` a person closed it; `landing` it
 * was merged, and what runs on the base since is looked at; `landed` the base is fine with it, and somebody may still take
 * it back; `over` there is nothing left to do.
 */
export type RequestPhase =
  | 'opening'
  | 'checking'
  | 'mending'
  | 'stuck'
  | 'green'
  | 'closed'
  | 'landing'
  | 'landed'
  | 'over';

/** For people who look at a session. */
export const phaseWords: Record<RequestPhase, string> = {
  opening: 'on its way',
  checking: 'its checks run',
  mending: 'its checks are red: being mended',
  stuck: 'its checks are red: waiting for people',
  green: 'its checks are green: up for review',
  closed: 'closed',
  landing: 'merged: what runs on the base since is looked at',
  landed: 'merged',
  over: 'merged',
};

export interface Followed {
  phase: RequestPhase;
  /** The commit that the phase is about. */
  head: string | null;
  /** Since when that is known: milliseconds. */
  headAt: number;
  /** Rounds of mending since people last spoke. */
  rounds: number;
  /** What people were told of this commit, and need not be told again. */
  told: string[];
}

export interface FollowPolicy {
  /** So often red checks are mended, then people are asked. */
  rounds: number;
  /** So long one waits for a first check, where none is required. */
  settleSeconds: number;
  /** Where checks have not ended after so long, people are told. */
  patienceMinutes: number;
  /** Of what was merged: people are told when this environment has it; null: of none. */
  environment: string | null;
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
  /** It cannot be merged as it is: its base has changed the same lines. */
  | { type: 'conflict' }
  /** It may not be merged before its base's newest commits are in it. */
  | { type: 'behind' }
  /** The same once more, and it was put on them often enough. */
  | { type: 'stale' }
  | { type: 'merged' }
  | { type: 'deployed'; environment: string; url: string | null }
  | { type: 'reverted'; by: Person | null; url: string }
  | { type: 'mainRed'; failed: CheckRun[] }
  /** `unended` has not come to an end in all the time; `others` failed on the base before it was merged as well. */
  | { type: 'landed'; unended: string[]; others: CheckRun[] }
  | { type: 'closed'; by: Person | null }
  | { type: 'reopened' };

/** How far one may go: `mend` what is red; only `ask` people about it; or `tell` no more than that all is well. */
export type Reach = 'mend' | 'ask' | 'tell';

export interface Looked {
  next: Followed;
  happening: Happening | null;
}

/**
 * What is to be told and done, by how things stood at the last look. `isFree`: nobody is at work on the session and nothing of
 * it is on its way; while somebody is, only what people did to the pull request counts. `isAtWork`: a run is, or pushes. What is
 * red and may not be told is looked at again as long as it is.
 */
export function lookAtProgress(
  before: Followed,
  progress: RequestProgress,
  policy: FollowPolicy,
  {
    isFree,
    isAtWork = false,
    reach = 'mend',
    now,
  }: { isFree: boolean; isAtWork?: boolean; reach?: Reach; now: number },
): Looked {
  const { state } = progress.request;
  if (state === 'merged') return lookAtMerge(before, progress, policy, { isAtWork, now });
  if (state === 'closed')
    return before.phase === 'closed'
      ? same(before)
      : { next: { ...before, phase: 'closed' }, happening: { type: 'closed', by: progress.closedBy } };
  if (before.phase === 'closed')
    return { next: { ...before, phase: 'checking', headAt: now }, happening: { type: 'reopened' } };
  if (!isFree) return same(before);
  const isNew = before.head !== progress.head || before.phase === 'opening';
  const at: Followed = isNew ? { ...before, phase: 'checking', head: progress.head, headAt: now, told: [] } : before;
  const may = reach === 'mend' ? policy : { ...policy, rounds: 0 };
  const checked = lookAtChecks(at, progress, may, now);
  const looked = checked.happening ? checked : lookAtBase(checked.next, progress, may);
  return reach === 'tell' && looked.happening && looked.happening.type !== 'green' ? same(at) : looked;
}

/** What its base makes of it; told after what its checks say. */
function lookAtBase(at: Followed, { mergeable }: RequestProgress, policy: FollowPolicy): Looked {
  const rests = at.phase === 'green' || at.phase === 'checking';
  if (mergeable === 'conflict' && rests) return once(at, 'conflict', { type: 'conflict' });
  if (mergeable !== 'behind' || at.phase !== 'green') return same(at);
  if (at.rounds >= policy.rounds) return once(at, 'stale', { type: 'stale' });
  return { next: { ...at, phase: 'mending', rounds: at.rounds + 1 }, happening: { type: 'behind' } };
}

function once(at: Followed, word: string, happening: Happening): Looked {
  return at.told.includes(word) ? same(at) : { next: { ...at, told: [...at.told, word] }, happening };
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
    if (at.phase === 'mending' || at.rounds >= policy.rounds || own.every((run) => run.isForPeople))
      return { next: { ...at, phase: 'stuck' }, happening: { type: 'stillRed', own, rounds: at.rounds } };
    return { next: { ...at, phase: 'mending', rounds: at.rounds + 1 }, happening: { type: 'red', own, others } };
  }
  const minutes = Math.floor((now - at.headAt) / 60_000);
  // Those that were run again may become green after all.
  const next: Followed = at.phase === 'green' ? { ...at, phase: 'checking', headAt: now } : at;
  if (minutes < policy.patienceMinutes) return same(next);
  return once(next, 'slow', { type: 'slow', pending, minutes });
}

function lookAtMerge(
  before: Followed,
  progress: RequestProgress,
  policy: FollowPolicy,
  { isAtWork, now }: { isAtWork: boolean; now: number },
): Looked {
  if (before.phase === 'over') return same(before);
  if (before.phase === 'landed') return lookForRevert(before, progress, now);
  if (before.phase !== 'landing') {
    const next: Followed = { ...before, phase: 'landing', head: progress.mergeCommit, headAt: now, told: [] };
    return { next, happening: { type: 'merged' } };
  }
  const { environment: wanted } = policy;
  const deployed = progress.deployments.find(({ environment, state }) => state === 'ready' && environment === wanted);
  if (deployed && !before.told.includes('deployed'))
    return once(before, 'deployed', { type: 'deployed', environment: deployed.environment, url: deployed.url });
  const verdict = progress.mergeChecks ? judgeChecks(allCount(progress.mergeChecks)) : nothingToCheck;
  const others = failsOnBase(verdict.failed, progress.baseChecks);
  const failed = verdict.failed.filter((run) => !others.includes(run));
  const isRed = verdict.state === 'red' && failed.length > 0;
  if (isRed && !before.told.includes(mainRed)) return once(before, mainRed, { type: mainRed, failed });
  // People mend it, take it back, or have the checks run again.
  if (progress.reverted || isRed) return lookForRevert(before, progress, now);
  const isOld = now - before.headAt > policy.patienceMinutes * 60_000;
  const deploys = progress.deployments.filter(({ isPreview, state }) => !isPreview && state === 'pending');
  const unended = [...verdict.pending, ...deploys.map(({ environment }) => environment)];
  const runs = unended.length > 0 || (verdict.state === 'none' && !isSettled(before, policy, now));
  // What somebody is at work on since may become a pull request of its own; then this one was not the end of it.
  if ((runs && !isOld) || isAtWork) return same(before);
  return { next: { ...before, phase: 'landed', headAt: now }, happening: { type: 'landed', unended, others } };
}

const mainRed = 'mainRed';

/** So long somebody who takes it back is noticed. */
const revertWithinMs = 3 * 86_400_000;

function lookForRevert(before: Followed, { reverted }: RequestProgress, now: number): Looked {
  const over: Followed = { ...before, phase: 'over' };
  if (reverted) return { next: over, happening: { type: 'reverted', ...reverted } };
  return now - before.headAt > revertWithinMs ? { next: over, happening: null } : same(before);
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
export function lookAgainSeconds(
  { phase, headAt, told }: Followed,
  pollSeconds: number | null,
  now: number,
): number | null {
  if (phase === 'over') return null;
  if (phase === 'landed') return 1800;
  const isOld = now - headAt > 86_400_000;
  // Those that nobody merges grow in number for ever.
  const isForgotten = now - headAt > 7 * 86_400_000;
  if (isForgotten) return phase === 'closed' ? 6 * 3_600 : pollSeconds === null ? 1_800 : Math.max(pollSeconds, 600);
  const waitsForMachines =
    phase === 'opening' ||
    phase === 'checking' ||
    phase === 'mending' ||
    (phase === 'landing' && !told.includes(mainRed));
  // A webhook may come before we know the commit that it is about.
  const isNew = now - headAt < 120_000;
  const usual = waitsForMachines ? (isNew ? 5 : 30) : 300;
  if (pollSeconds === null) return usual;
  return isOld ? Math.max(pollSeconds, 120) : pollSeconds;
}
