import { addComment, emitComment } from './comments.ts';
import { branchCommit } from './git.ts';
import type { GitHub } from './github.ts';
import { mergePull, type NewPull, openPull, reopenPull } from './pulls.ts';
import { closePull, emitPull, refMoved } from './ref-moved.ts';
import { makeCommit, setBranch } from './repositories.ts';
import type { Comment, Issue, Level, Repository, User } from './rows.ts';

/** What a person does in a repository, in the browser or with git; who listens is told. */
export interface Somebody {
  user: User;
  open(wanted: NewPull): Promise<Issue>;
  merge(number: number, method?: 'merge' | 'squash' | 'rebase'): Promise<string>;
  close(number: number): Promise<void>;
  reopen(number: number): Promise<void>;
  edit(number: number, changes: { title?: string; body?: string }): Promise<void>;
  comment(number: number, body: string): Comment;
  editComment(number: number, id: number, body: string): void;
  /** One commit on a branch, which is made from the default branch where there is none. Answers the commit. */
  commit(branch: string, files: Record<string, string | null>, message?: string): Promise<string>;
  /** Moves or makes it, by force; null deletes it. */
  setBranch(branch: string, commit: string | null): Promise<void>;
}

export function somebody(github: GitHub, repository: Repository, login: string, level: Level = 'write'): Somebody {
  const user = github.addUser(login);
  if (!repository.levels.has(login)) repository.levels.set(login, level);
  const { dir } = repository;

  function issueOf(number: number): Issue {
    const issue = repository.issues.get(number);
    if (!issue) throw new Error(`There is no #${number}.`);
    return issue;
  }

  async function move(branch: string, commit: string | null): Promise<void> {
    const before = await branchCommit(dir, branch);
    await setBranch(dir, branch, commit);
    await refMoved(github, repository, { branch, before, after: commit, by: user });
  }

  return {
    user,
    open: (wanted) => openPull(github, repository, user, wanted),
    merge: (number, method) => mergePull(github, repository, issueOf(number), user, method),
    close: (number) => closePull(github, repository, issueOf(number), user),
    reopen: (number) => reopenPull(github, repository, issueOf(number), user),
    async edit(number, changes) {
      const issue = issueOf(number);
      const from = Object.fromEntries(
        Object.keys(changes).map((name) => [name, { from: issue[name as 'title'] ?? '' }]),
      );
      Object.assign(issue, changes, { updatedAt: github.clock.stamp() });
      await emitPull(github, repository, issue, 'edited', user, { changes: from });
    },
    comment: (number, body) => addComment(github, repository, issueOf(number), user, body),
    editComment(number, id, body) {
      const issue = issueOf(number);
      const comment = issue.comments.find((each) => each.id === id);
      if (!comment) throw new Error(`There is no comment ${id}.`);
      const changes = { body: { from: comment.body } };
      Object.assign(comment, { body, updatedAt: github.clock.stamp() });
      emitComment(github, repository, issue, comment, 'edited', user, { changes });
    },
    async commit(branch, files, message = 'A change') {
      const parent = (await branchCommit(dir, branch)) ?? (await branchCommit(dir, repository.defaultBranch));
      const commit = await makeCommit(dir, parent, files, message);
      await move(branch, commit);
      return commit;
    },
    setBranch: move,
  };
}
