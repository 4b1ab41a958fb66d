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
