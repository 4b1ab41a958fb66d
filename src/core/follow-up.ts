import { cleanText } from './outgoing-text.ts';
import type { PullRequest } from './pull-request.ts';

/** What a session that has a pull request goes on with when somebody speaks again. */
export type FollowUp =
  /** The same branch, the same pull request. */
  | 'goOn'
  /** It was merged: the newest base, another branch, another pull request. */
  | 'beginAnew'
  /** It was closed unmerged: people say whether there is to be another one. */
  | 'ask'
  /** They were asked, and spoke: another branch and another pull request, with the same work. */
  | 'openAnother';

/** `state` is null where the pull request is not to be found any more. */
export function followUp(state: PullRequest['state'] | null, wasAsked: boolean): FollowUp {
  if (state === 'open') return 'goOn';
  if (state === 'merged') return 'beginAnew';
  return wasAsked ? 'openAnother' : 'ask';
}

/** `name-2` after `name`, and `name-3` after that. `isSecond`: the name has no number of ours yet. */
export function nextBranch(branch: string, isSecond: boolean): string {
  const numbered = isSecond ? null : /^(.*)-(\d{1,6})$/.exec(branch);
  return numbered ? `${numbered[1]}-${Number(numbered[2]) + 1}` : `${branch}-2`;
}

export function askAboutClosed(pullRequest: { number: number; url: string }): string {
  return (
    `My pull request #${pullRequest.number} was closed without being merged: ${pullRequest.url}\n\n` +
    'Is there to be another one? Tell me how to go on, and I open a new pull request from a new branch; or reopen that one, ' +
    'and I go on in it. My work is kept.'
  );
}

/** What the model is told in each run until the new pull request is there. */
export function noteOfFollowUp(follows: { number: number }, merged: boolean, baseBranch: string): string {
  return merged
    ? `Your pull request #${follows.number} was merged meanwhile. The workspace now stands on the newest ${baseBranch}, which has it; ` +
        'what you change from here on becomes a new pull request.'
    : `Your pull request #${follows.number} was closed without being merged. The workspace holds all of your work; what you finish now ` +
        'becomes a new pull request.';
}

/** Where people have moved a branch of ours. */
export interface Pushed {
  branch: string;
  /** Where it is now. */
  head: string;
  /** What they added to it, as they wrote it; null: they rewrote it, and our newest commit is not in it. */
  commits: { commit: string; author: string; subject: string }[] | null;
}

const namedCommits = 5;
const namedConflicts = 20;

/** What is said on the ticket, and to the model, when the work goes on from there. `conflicts` are paths. */
export function tellPushed({ branch, head, commits }: Pushed, conflicts: readonly string[]): string {
  const said = commits
    ? `Since I left it, \`${branch}\` was given ${nameCommits(commits)}. I go on from there.`
    : `\`${branch}\` was rewritten since I left it: I go on from it as it is now, at ${short(head)}.`;
  if (conflicts.length === 0) return said;
  const names = conflicts.slice(0, namedConflicts).map((path) => cleanText(path, 200));
  return `${said} What I had changed and not published conflicts with it, which I resolve first: ${names.join(', ')}.`;
}

function nameCommits(commits: NonNullable<Pushed['commits']>): string {
  const newest = commits.slice(-namedCommits);
  const named = newest.map(
    ({ commit, author, subject }) => `${short(commit)} by ${cleanText(author, 60)} ("${cleanText(subject, 100)}")`,
  );
  const more = commits.length - newest.length;
  return `${named.join(', ')}${more > 0 ? ` and at least ${more} more` : ''}`;
}

function short(commit: string): string {
  return commit.slice(0, 7);
}

/** The model hears it in the words of the ticket. */
export function noteOfPushed(told: string): string {
  return (
    'People have pushed to your branch since you last worked on it. The workspace holds what they pushed, with what you had ' +
    "changed and not published put on top, so files may not be as you remember them; what conflicts is between git's marks. " +
    `Keep what they did unless it is wrong. On the ticket this was told as: ${told}`
  );
}

export function askAboutRewritten(identifier: string, { branch, head }: Pushed, left: string): string {
  return (
    `My branch \`${branch}\` was rewritten: it is at ${short(head)}, and my commit ${short(left)} is not in it any more. ` +
    'I have begun nothing.\n\n' +
    `Say "continue", and I go on from the branch as it is now; what it has no more stays out. To have my commit back, put the ` +
    `branch back to ${short(left)} first. \`shipmate pull ${identifier}\` brings my work into your clone, if you would rather go ` +
    'on yourself.'
  );
}

/** Whether somebody wants the work on the newest commit of its base. */
export function wantsRebase(body: string): boolean {
  return /\brebas(e|ed|ing)\b|\b(merge|resolve)\b[^.\n]{0,40}\bconflicts?\b|\bupdate (the|your|this) branch\b/i.test(
    body,
  );
}

/** What is said on the ticket when that was done. `conflicts` are paths. */
export function tellRebased(
  { branch, commit }: { branch: string; commit: string },
  conflicts: readonly string[],
): string {
  const said = `Put the work on the newest \`${cleanText(branch, 100)}\` (${short(commit)}).`;
  if (conflicts.length === 0) return `${said} It merges cleanly; I verify it again.`;
  const names = conflicts.slice(0, namedConflicts).map((path) => cleanText(path, 200));
  return `${said} Both have changed the same lines, which I resolve first: ${names.join(', ')}.`;
}

/** The model hears it in the words of the ticket. */
export function noteOfRebased(told: string): string {
  return (
    'The workspace stands on the newest commit of the base branch now, with your change put on top, so files may not be as you ' +
    `remember them; what conflicts is between git's marks. On the ticket this was told as: ${told}`
  );
}
