import type { Commit } from './answers.ts';
import { when, word } from './tell-issue.ts';
import type { Written } from './written.ts';

/** As `git log --oneline` would, with the pull request that it came in. */
export function tellCommit(commit: Commit, written: Written): string {
  const { id, message, dateCreated, author, pullRequest, repository, suspectCommitType } = commit;
  const first = (message ?? '').trim().split('\n')[0];
  const pull =
    pullRequest?.id == null
      ? ''
      : `; pull request #${word(String(pullRequest.id))} ${written.line(pullRequest.title, 120)}`;
  const why = suspectCommitType ? `; ${written.line(suspectCommitType, 80)}` : '';
  return [
    `${word(id).slice(0, 40)} ${when(dateCreated)} ${written.line(first, 160)}`,
    `  by ${written.line(author?.name, 80) || 'somebody'} in ${written.line(repository?.name, 120) || 'an unknown repository'}${pull}${why}`,
  ].join('\n');
}
