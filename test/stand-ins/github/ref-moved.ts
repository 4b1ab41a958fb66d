import { branchCommit, isAncestor, saysOf } from './git.ts';
import type { GitHub } from './github.ts';
import { describePull } from './pulls.ts';
import type { Issue, Repository, User } from './rows.ts';

const nothing = '0'.repeat(40);

export interface Move {
  branch: string;
  /** null: it was not there, or is there no more. */
  before: string | null;
  after: string | null;
  by: User;
}

/** A branch is elsewhere: who listens is told, and pull requests from and to it follow. */
export async function refMoved(github: GitHub, repository: Repository, move: Move): Promise<void> {
  const { branch, before, after, by } = move;
  if (before === after) return;
  const forced = before !== null && after !== null && !(await isAncestor(repository.dir, before, after));
  const subject = after === null ? '' : await saysOf(repository.dir, 'show', '-s', '--format=%s', after);
  github.emit('push', null, {
    sender: by,
    repository,
    payload: {
      ref: `refs/heads/${branch}`,
      before: before ?? nothing,
      after: after ?? nothing,
      created: before === null,
      deleted: after === null,
      forced,
      base_ref: null,
      compare: `${github.url}/compare`,
      commits: [],
      head_commit:
        after === null
          ? null
          : {
              id: after,
              message: subject.trimEnd(),
              timestamp: github.clock.stamp(),
              author: { name: by.login, email: null },
              committer: { name: by.login, email: null },
            },
      pusher: { name: by.login, email: null },
    },
  });
  for (const issue of repository.issues.values()) {
    const { pull } = issue;
    if (!pull || issue.state === 'closed') continue;
    if (pull.head === branch && !pull.fork) {
      if (after === null) await closePull(github, repository, issue, by);
      else {
        pull.headSha = after;
        issue.updatedAt = github.clock.stamp();
        const payload = {
          number: issue.number,
          before,
          after,
          pull_request: await describePull(github, repository, issue),
        };
        github.emit('pull_request', 'synchronize', { sender: by, repository, payload });
      }
    }
    if (pull.base === branch && after === null) await closePull(github, repository, issue, by);
    const head = await branchCommit(repository.dir, pull.head);
    if (pull.base === branch && after !== null && head !== null && (await isAncestor(repository.dir, head, after)))
      await closePull(github, repository, issue, by, after);
  }
}

/** `commit`: it is merged by it. */
export async function closePull(
  github: GitHub,
  repository: Repository,
  issue: Issue,
  by: User,
  commit?: string,
): Promise<void> {
  const { pull } = issue;
  if (!pull || issue.state === 'closed') return;
  const at = github.clock.stamp();
  pull.headSha = (await branchCommit(repository.dir, pull.head)) ?? pull.headSha;
  pull.baseSha = (await branchCommit(repository.dir, pull.base)) ?? pull.baseSha;
  if (commit !== undefined) pull.merged = { at, by, commit };
  Object.assign(issue, { state: 'closed', closedAt: at, updatedAt: at, closedBy: by });
  await emitPull(github, repository, issue, 'closed', by);
}

export async function emitPull(
  github: GitHub,
  repository: Repository,
  issue: Issue,
  action: string,
  by: User,
  more: object = {},
): Promise<void> {
  const payload = { number: issue.number, pull_request: await describePull(github, repository, issue), ...more };
  github.emit('pull_request', action, { sender: by, repository, payload });
}
