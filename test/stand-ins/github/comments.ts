import type { GitHub } from './github.ts';
import { describeDetails } from './issue-details.ts';
import { notFound, Refusal } from './refusal.ts';
import { type Routes, repositoryOf, route } from './rest.ts';
import type { Comment, Issue, Repository, User } from './rows.ts';
import { associationOf, describeComment, describeLabel, describeUser } from './views.ts';

export function addComment(github: GitHub, repository: Repository, issue: Issue, user: User, body: string): Comment {
  const at = github.clock.stamp();
  const viaApp = user === github.apps.app.bot;
  const comment: Comment = { id: github.nextId(), body, user, viaApp, createdAt: at, updatedAt: at };
  issue.comments.push(comment);
  issue.updatedAt = at;
  emitComment(github, repository, issue, comment, 'created', user);
  return comment;
}

export function emitComment(
  github: GitHub,
  repository: Repository,
  issue: Issue,
  comment: Comment,
  action: string,
  by: User,
  more: object = {},
): void {
  const payload = {
    issue: describeForEvent(github, repository, issue),
    comment: describeComment(github, repository, issue, comment),
    ...more,
  };
  github.emit('issue_comment', action, { sender: by, repository, payload });
}

/** The issue as events have it. */
export function describeForEvent(github: GitHub, repository: Repository, issue: Issue): Record<string, unknown> {
  const name = `${repository.owner.login}/${repository.name}`;
  const url = `${github.apiUrl}/repos/${name}/issues/${issue.number}`;
  const html = `${github.url}/${name}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`;
  return {
    id: issue.id,
    number: issue.number,
    title: issue.title,
    body: issue.body,
    user: describeUser(github, issue.user),
    state: issue.state,
    state_reason: issue.stateReason,
    locked: false,
    labels: issue.labels.map((label) => describeLabel(github, repository, label)),
    assignees: issue.assignees.map((user) => describeUser(github, user)),
    assignee: issue.assignees[0] ? describeUser(github, issue.assignees[0]) : null,
    author_association: associationOf(repository, issue.user),
    comments: issue.comments.length,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    active_lock_reason: null,
    url,
    html_url: html,
    comments_url: `${url}/comments`,
    repository_url: `${github.apiUrl}/repos/${name}`,
    ...describeDetails(github, repository, issue),
    ...(issue.pull
      ? {
          pull_request: {
            url: url.replace('/issues/', '/pulls/'),
            html_url: html,
            diff_url: `${html}.diff`,
            patch_url: `${html}.patch`,
            merged_at: issue.pull.merged?.at ?? null,
          },
        }
      : {}),
  };
}

export function issueOf(call: { repository: Repository | null; path: object }): {
  repository: Repository;
  issue: Issue;
} {
  const repository = repositoryOf(call);
  const issue = repository.issues.get((call.path as { issue_number: number }).issue_number);
  if (!issue) throw notFound();
  if (!issue.pull && !repository.hasIssues) throw new Refusal(410, 'Issues are disabled for this repo');
  return { repository, issue };
}

export function commentOf(call: { repository: Repository | null; path: object }) {
  const repository = repositoryOf(call);
  const { comment_id: id } = call.path as { comment_id: number };
  for (const issue of repository.issues.values()) {
    const comment = issue.comments.find((each) => each.id === id);
    if (comment) return { repository, issue, comment };
  }
  throw notFound();
}

const reads = 'issues:read|pull_requests:read';
const writes = 'issues:write|pull_requests:write';

export const commentRoutes: Routes = {
  'issues/list-comments': route<'issues/list-comments'>(reads, (call) => {
    const { repository, issue } = issueOf(call);
    const { since } = call.query;
    const found = issue.comments.filter((each) => since === undefined || each.updatedAt >= since);
    return { body: call.page(found).map((each) => describeComment(call.github, repository, issue, each)) };
  }),

  'issues/create-comment': route<'issues/create-comment'>(writes, (call) => {
    const { repository, issue } = issueOf(call);
    const comment = addComment(call.github, repository, issue, call.actor, call.body.body);
    return { status: 201, body: describeComment(call.github, repository, issue, comment) };
  }),

  'issues/get-comment': route<'issues/get-comment'>(reads, (call) => {
    const { repository, issue, comment } = commentOf(call);
    return { body: describeComment(call.github, repository, issue, comment) };
  }),

  'issues/update-comment': route<'issues/update-comment'>(writes, (call) => {
    const { github, actor } = call;
    const { repository, issue, comment } = commentOf(call);
    if (comment.user !== actor && call.token?.installation)
      throw new Refusal(403, 'Resource not accessible by integration');
    const changes = { body: { from: comment.body } };
    Object.assign(comment, { body: call.body.body, updatedAt: github.clock.stamp() });
    emitComment(github, repository, issue, comment, 'edited', actor, { changes });
    return { body: describeComment(github, repository, issue, comment) };
  }),

  'issues/delete-comment': route<'issues/delete-comment'>(writes, (call) => {
    const { repository, issue, comment } = commentOf(call);
    issue.comments.splice(issue.comments.indexOf(comment), 1);
    emitComment(call.github, repository, issue, comment, 'deleted', call.actor);
    return { status: 204 };
  }),
};
