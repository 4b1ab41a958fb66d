import { inEscalation } from './escalation.ts';
import type { Happening, RequestPhase } from './following.ts';
import { inline } from './markdown.ts';
import { cleanLine, markOutside } from './outside-text.ts';
import type { PullRequest } from './pull-request.ts';
import type { CheckRun } from './request-progress.ts';

type Of<T extends Happening['type']> = Extract<Happening, { type: T }>;

/** A check that failed, with what it logged. */
export interface FailedCheck {
  run: CheckRun;
  log: string | null;
}

/** What is told when a pull request is opened whose checks are still to come. */
export const opened = 'Pull request: {link}. Its checks run now; when they have ended, I say here what came of them.';

export function writeGreen(closing: string, request: PullRequest, { checks, required }: Of<'green'>): string {
  const kind = required ? 'required check' : 'check';
  const line =
    checks === 0
      ? 'The repository has no checks of its own.'
      : `${checks === 1 ? `Its ${kind} is green.` : `All ${checks} of its ${kind}s are green.`}`;
  return `${closing.replaceAll('{link}', request.url)}\n\n${line}`;
}

/** For people, when the agent begins to mend. */
export function writeMending({ own, others }: Of<'red'>, round: number, rounds: number): string {
  return `${named(own)} on the pull request: I mend that now (round ${round} of ${rounds}).${alsoOnBase(others)}`;
}

/** For the agent: what failed and what was logged, which others wrote. */
export function writeRed(
  request: PullRequest,
  head: string,
  failed: readonly FailedCheck[],
  others: readonly CheckRun[],
): string {
  const parts = failed.slice(0, 5).map(({ run, log }) => {
    const said = [run.summary, log ?? 'There is no log of it.'].filter((text) => text !== '').join('\n\n');
    return markOutside(`check ${cleanLine(run.name, 100)}`, said);
  });
  const more = failed.length > parts.length ? [`and ${failed.length - parts.length} more`] : [];
  return [
    `On pull request #${request.number} these checks failed for ${head.slice(0, 12)}: ${names(failed.map(({ run }) => run))}. ` +
      'Find out why, mend it on the same branch, and call finish. If the change is not to blame, finish with an answer that says so.',
    ...(others.length > 0 ? [`Not yours to mend: ${names(others)}, which fail on ${request.base}, too.`] : []),
    ...parts,
    ...more,
  ].join('\n\n');
}

export function writeStillRed({ own, rounds }: Of<'stillRed'>, request: PullRequest, log: string | null): string {
  const tried = rounds === 0 ? [] : [`Mended it in ${rounds} ${rounds === 1 ? 'round' : 'rounds'}`];
  return inEscalation('needsInput', {
    tried,
    blocks: `${named(own)} on ${request.url}, and I do not get ${own.length === 1 ? 'it' : 'them'} green.`,
    evidence: links(own),
    log,
    options: [
      'Tell me how to go on, here or on the pull request',
      'Run the checks again, if they are not to be trusted: I notice when they are green',
      'Take over: the branch is yours to push to',
    ],
  }).message;
}

export function writeBaseRed({ others }: Of<'baseRed'>, request: PullRequest): string {
  return inEscalation('needsInput', {
    blocks: `${named(others)} on ${request.url}, and on \`${inline(request.base, 100)}\` as well: this change is not to blame, so I leave ${others.length === 1 ? 'it' : 'them'} alone.`,
    evidence: links(others),
    options: [
      `Mend \`${inline(request.base, 100)}\` and run the checks again: I notice when they are green`,
      'Tell me to mend it here',
    ],
  }).message;
}

export function writeSlow({ pending, minutes }: Of<'slow'>, request: PullRequest): string {
  const waits = pending.length === 0 ? 'no check has begun' : `not ended: ${pending.slice(0, 10).map(code).join(', ')}`;
  return `The checks of ${request.url} take long: after ${minutes} min ${waits}. I go on looking, and say when they have ended. Until then it is not done.`;
}

export function writeMerged(request: PullRequest): string {
  return `${request.url} was merged. I look after what runs on \`${inline(request.base, 100)}\` now.`;
}

export function tellRetargeted(request: PullRequest, base: string): string {
  return `${code(request.base)} was merged, so ${request.url} is for ${code(base)} from now on.`;
}

/** For people, where nothing but a rebase helps. */
export function writeConflict(request: PullRequest): string {
  return `${request.url} conflicts with \`${inline(request.base, 100)}\`, which has changed the same lines since. Say "rebase", here or on the pull request, and I resolve that and verify it again.`;
}

export function writeRebasing(request: PullRequest): string {
  return `\`${inline(request.base, 100)}\` has moved, and ${request.url} must have its newest commits before it may be merged: I put it on them, and verify it again.`;
}

/** For people: nobody puts it on its base for ever. */
export function writeStale(request: PullRequest): string {
  return `\`${inline(request.base, 100)}\` has moved again, and ${request.url} must have its newest commits before it may be merged. Say "rebase", here or on the pull request, when you are about to merge it.`;
}

/** For the agent. */
export function writeBehind(request: PullRequest): string {
  return `The base of pull request #${request.number} has moved, so the work is put on it (rebase). Check that it still does what it should, mend what does not fit any more, and call finish.`;
}

export function writeDeployed(
  { environment, url }: Of<'deployed'>,
  request: PullRequest,
  tell: readonly string[],
): string {
  const who = tell.length === 0 ? '' : `${tell.map((name) => (name.startsWith('@') ? name : `@${name}`)).join(' ')} `;
  return `${who}${request.url} is on ${code(environment)} now${url === null ? '' : `: ${url}`}.`;
}

export function writeReverted({ by, url }: Of<'reverted'>, request: PullRequest): string {
  return `${by ? inline(by.name, 80) : 'Somebody'} took ${request.url} back: ${url}. Say what should be different, and I begin anew from there.`;
}

export function writeLanded({ unended, others }: Of<'landed'>, request: PullRequest, report: string): string {
  const base = `\`${inline(request.base, 100)}\``;
  const waits = `I have waited long for ${unended.slice(0, 10).map(code).join(', ')} there, and look no more.`;
  const said = [
    `Done: ${request.url} is merged${unended.length + others.length === 0 ? `, and ${base} is fine with it` : ''}.`,
    ...(others.length === 0 ? [] : [`${named(others)} on ${base}, as before it.`]),
    ...(unended.length === 0 ? [] : [waits]),
  ].join(' ');
  return `${said}${report === '' ? '' : `\n\n${report}`}`;
}

export function writeMainRed({ failed }: Of<'mainRed'>, request: PullRequest, revert: string | null): string {
  return inEscalation('needsInput', {
    blocks: `\`${inline(request.base, 100)}\` is red since ${request.url} was merged: ${names(failed)}.`,
    evidence: links(failed),
    options: [
      revert === null
        ? 'Revert it: what came after it touches the same lines, so that takes a person'
        : `Merge the revert that I have prepared as a draft: ${revert}`,
      'Run the checks again, if they are not to be trusted: I notice when they are green',
      'Tell me what to mend, and I go on from there',
    ],
  }).message;
}

export function writeClosed({ by }: Of<'closed'>, request: PullRequest): string {
  const who = by ? inline(by.name, 80) : 'Somebody';
  return `${who} closed ${request.url} without merging it. I leave it at that: say here what should be different, or reopen it, and I go on.`;
}

/** Notes of a pull request that could not be looked at: seen once, and told. */
export const unreadable = { seen: 'unread', told: 'unreadable' };

export function writeUnreadable(url: string, why: string): string {
  return inEscalation('needsInput', {
    blocks: `I cannot look at ${url}, so I hear nothing of its checks and reviews. ${why}`,
    options: ['Mend that: I notice by myself, and go on', 'If it is gone for good, tell me what to do instead'],
  }).message;
}

export function writeReadable(url: string): string {
  return `I can look at ${url} again, and go on from there.`;
}

export function writeReopened(request: PullRequest): string {
  return `${request.url} is open again; I look after its checks and reviews.`;
}

/** What stands in the one comment on the pull request. */
export function writeStatus(happening: Happening, { round, rounds }: { round: number; rounds: number }): string | null {
  switch (happening.type) {
    case 'green':
      return happening.checks === 0 ? 'Ready for review.' : 'Ready for review: the checks that count are green.';
    case 'red':
      return `Mending ${names(happening.own)} (round ${round} of ${rounds}).${alsoOnBase(happening.others)}`;
    case 'stillRed':
      return `Waiting for people: ${names(happening.own)} did not get green.`;
    case 'baseRed':
      return `Waiting: ${names(happening.others)} fail on the base, too.`;
    case 'slow':
      return 'Waiting for checks that take long.';
    case 'landed':
      return happening.unended.length + happening.others.length > 0
        ? 'Merged.'
        : 'Merged, and the base is fine with it.';
    case 'mainRed':
      return `The base is red since this was merged: ${names(happening.failed)}.`;
    default:
      return null;
  }
}

/** The same, by where it stands alone. */
export function writePhase(phase: RequestPhase): string {
  if (phase === 'green') return 'Ready for review.';
  if (phase === 'mending') return 'Mending what its checks found.';
  return phase === 'stuck' ? 'Waiting for people.' : 'Its checks run.';
}

function alsoOnBase(others: readonly CheckRun[]): string {
  return others.length === 0 ? '' : ` ${named(others)} on its base, too; I leave that alone.`;
}

function named(runs: readonly CheckRun[]): string {
  return `${names(runs)} ${runs.length === 1 ? 'fails' : 'fail'}`;
}

function names(runs: readonly CheckRun[]): string {
  const shown = runs.slice(0, 10).map(({ name }) => code(name));
  return [...shown, ...(runs.length > shown.length ? [`${runs.length - shown.length} more`] : [])].join(', ');
}

function code(name: string): string {
  return `\`${inline(name, 100).replaceAll('`', "'")}\``;
}

function links(runs: readonly CheckRun[]): string[] {
  return runs.slice(0, 10).flatMap(({ name, url }) => (url === null ? [] : [`${name}: ${url}`]));
}
