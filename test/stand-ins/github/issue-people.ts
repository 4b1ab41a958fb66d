import { addComment, emitComment } from './comments.ts';
import type { GitHub } from './github.ts';
import {
  addLabel,
  assign,
  closeIssue,
  deleteIssue,
  editIssue,
  fileIssue,
  type NewIssue,
  removeLabel,
  reopenIssue,
  setMilestone,
  transfer,
  unassign,
} from './issue-acts.ts';
import type { Comment, Issue, Level, Repository, User } from './rows.ts';
import { addUpload } from './uploads.ts';
import type { HookDelivery } from './webhooks.ts';

/** What somebody does with issues in the browser. */
export interface Reporter {
  user: User;
  file(wanted: NewIssue): Issue;
  edit(issue: Issue, change: { title?: string; body?: string }): void;
  say(issue: Issue, body: string): Comment;
  editComment(issue: Issue, comment: Comment, body: string): void;
  deleteComment(issue: Issue, comment: Comment): void;
  label(issue: Issue, name: string): void;
  unlabel(issue: Issue, name: string): void;
  assign(issue: Issue, login: string): void;
  unassign(issue: Issue, login: string): void;
  close(issue: Issue, reason?: 'completed' | 'not_planned' | 'duplicate'): void;
  reopen(issue: Issue): void;
  plan(issue: Issue, milestone: string | null): void;
  transfer(issue: Issue, to: Repository): Issue;
  delete(issue: Issue): void;
  /** Written below the issue's text, as a file that is dropped there. */
  attach(issue: Issue, name: string, content: Uint8Array): string;
}

/** `level` null: somebody who only sees it. */
export function reporter(github: GitHub, repository: Repository, user: User, level: Level | null = 'write'): Reporter {
  if (level !== null && !repository.levels.has(user.login)) repository.levels.set(user.login, level);
  const on = (issue: Issue) => ({ github, repository, issue, by: user });
  return {
    user,
    file: (wanted) => fileIssue(github, repository, user, wanted),
    edit: (issue, change) => editIssue(on(issue), change),
    say: (issue, body) => addComment(github, repository, issue, user, body),
    editComment(issue, comment, body) {
      const changes = { body: { from: comment.body } };
      Object.assign(comment, { body, updatedAt: github.clock.stamp() });
      emitComment(github, repository, issue, comment, 'edited', user, { changes });
    },
    deleteComment(issue, comment) {
      issue.comments.splice(issue.comments.indexOf(comment), 1);
      emitComment(github, repository, issue, comment, 'deleted', user);
    },
    label: (issue, name) => addLabel(on(issue), name),
    unlabel: (issue, name) => removeLabel(on(issue), name),
    assign: (issue, login) => assign(on(issue), [login]),
    unassign: (issue, login) => unassign(on(issue), [login]),
    close: (issue, reason) => closeIssue(on(issue), reason),
    reopen: (issue) => reopenIssue(on(issue)),
    plan: (issue, milestone) => setMilestone(on(issue), milestone),
    transfer: (issue, to) => transfer(on(issue), to),
    delete: (issue) => deleteIssue(on(issue)),
    attach(issue, name, content) {
      const url = addUpload(github, repository, name, content);
      const link = name.endsWith('.png') ? `![${name}](${url})` : `[${name}](${url})`;
      editIssue(on(issue), { body: `${issue.body ?? ''}\n\n${link}` });
      return url;
    },
  };
}

/** What was told while `work` was done, of one event where `event` names it. */
export function told(github: GitHub, work: () => unknown, event?: string): HookDelivery[] {
  const from = github.outbox.log.length;
  work();
  return github.outbox.log.slice(from).filter((delivery) => event === undefined || delivery.event === event);
}
