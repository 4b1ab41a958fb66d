import { describeForEvent } from './comments.ts';
import type { GitHub } from './github.ts';
import {
  addBlocker,
  addChild,
  addLabel,
  assign,
  closeIssue,
  editIssue,
  fileIssue,
  removeLabel,
  reopenIssue,
  unassign,
} from './issue-acts.ts';
import { describeMilestone, detailsOf, homeOf, milestonesOf } from './issue-details.ts';
import { notFound, Refusal } from './refusal.ts';
import { type Call, type Routes, repositoryOf, route } from './rest.ts';
import { isVisible, levelOf } from './rights.ts';
import { fullName, type Issue, type Repository } from './rows.ts';
import { describeComment, describeLabel, describeUser } from './views.ts';

const reads = 'issues:read|pull_requests:read';

/** As `GET /issues/{number}` has it, pull requests among them. */
export function described(github: GitHub, repository: Repository, issue: Issue): Record<string, unknown> {
  const url = `${github.apiUrl}/repos/${fullName(repository)}/issues/${issue.number}`;
  return {
    ...describeForEvent(github, repository, issue),
    node_id: `I_${issue.id}`,
    labels_url: `${url}/labels{/name}`,
    events_url: `${url}/events`,
    closed_by: issue.closedBy && describeUser(github, issue.closedBy),
  };
}

type OnIssue = { github: GitHub; repository: Repository | null; path: object };

function issueIn(call: OnIssue): { repository: Repository; issue: Issue } {
  const repository = repositoryOf(call);
  if (!repository.hasIssues) throw new Refusal(410, 'Issues are disabled for this repo');
  const { issue_number: number } = call.path as { issue_number: number };
  const issue = repository.issues.get(number);
  if (!issue) throw notFound();
  const moved = issue.pull ? null : detailsOf(repository, issue).movedTo;
  if (!moved) return { repository, issue };
  const location = `${call.github.apiUrl}/repositories/${homeOf(moved).id}/issues/${moved.number}`;
  throw new Refusal(301, 'Moved Permanently', { headers: { location } });
}

function scene(call: OnIssue & Pick<Call, 'actor'>) {
  return { github: call.github, by: call.actor, ...issueIn(call) };
}

/** An issue of any repository that whoever asks may see, by its id. */
function issueWithId(call: Pick<Call, 'github' | 'token'>, id: number): Issue {
  for (const repository of call.github.repositories)
    for (const issue of repository.issues.values())
      if (issue.id === id && !issue.pull && isVisible(call.github, call.token, repository)) {
        detailsOf(repository, issue);
        return issue;
      }
  throw new Refusal(404, 'The provided issue does not exist');
}

const list = (call: OnIssue & Pick<Call, 'page'>, issues: Issue[]) => ({
  body: call.page(issues).map((issue) => described(call.github, homeOf(issue), issue)),
});

const named = (names: string, text: string | undefined) =>
  (text ?? '')
    .split(',')
    .filter(Boolean)
    .every((name) => names.includes(`\n${name.trim().toLowerCase()}\n`));

export const issueRoutes: Routes = {
  'issues/list-for-repo': route<'issues/list-for-repo'>(reads, (call) => {
    const { github, query } = call;
    const repository = repositoryOf(call);
    const { state = 'open', sort = 'created', direction = 'desc', labels, assignee, creator, since } = query;
    const time = (issue: Issue) => (sort === 'updated' ? issue.updatedAt : issue.createdAt);
    const found = [...repository.issues.values()]
      .filter((issue) => issue.pull || !detailsOf(repository, issue).movedTo)
      .filter((issue) => state === 'all' || issue.state === state)
      .filter((issue) => named(`\n${issue.labels.map(({ name }) => name.toLowerCase()).join('\n\n')}\n`, labels))
      .filter((issue) => creator === undefined || issue.user.login === creator)
      .filter((issue) => since === undefined || Date.parse(issue.updatedAt) >= Date.parse(since))
      .filter(({ assignees }) => {
        if (assignee === undefined) return true;
        if (assignee === 'none') return assignees.length === 0;
        return assignee === '*' ? assignees.length > 0 : assignees.some(({ login }) => login === assignee);
      })
      .toSorted((a, b) => (time(a) < time(b) ? -1 : 1));
    if (direction === 'desc') found.reverse();
    return { body: call.page(found).map((issue) => described(github, repository, issue)) };
  }),

  'issues/create': route<'issues/create'>('issues:write', (call) => {
    const { title, body, labels = [], assignees = [], milestone } = call.body;
    const names = (labels as (string | { name?: string })[]).map((each) =>
      typeof each === 'string' ? each : (each.name ?? ''),
    );
    const repository = repositoryOf(call);
    const issue = fileIssue(call.github, repository, call.actor, {
      title: String(title),
      body: body ?? null,
      labels: names,
      assignees,
      milestone: milestone == null ? null : Number(milestone),
    });
    return { status: 201, body: described(call.github, repository, issue) };
  }),

  'issues/get': route<'issues/get'>(reads, (call) => {
    const { repository, issue } = issueIn(call);
    return { body: described(call.github, repository, issue) };
  }),

  'issues/update': route<'issues/update'>('issues:write', (call) => {
    const at = scene(call);
    const { title, body, state, state_reason: reason } = call.body ?? {};
    editIssue(at, { ...(title != null && { title: String(title) }), ...(body !== undefined && { body }) });
    if (state === 'closed') closeIssue(at, reason ?? 'completed');
    if (state === 'open') reopenIssue(at);
    return { body: described(call.github, at.repository, at.issue) };
  }),

  'issues/list-comments-for-repo': route<'issues/list-comments-for-repo'>(reads, (call) => {
    const repository = repositoryOf(call);
    const { since, direction = 'asc' } = call.query;
    const all = [...repository.issues.values()].flatMap((issue) =>
      issue.comments.map((comment) => ({ issue, comment })),
    );
    const found = all
      .filter(({ comment }) => since === undefined || Date.parse(comment.updatedAt) >= Date.parse(since))
      .toSorted((a, b) => (a.comment.createdAt < b.comment.createdAt ? -1 : 1));
    if (direction === 'desc') found.reverse();
    return {
      body: call.page(found).map(({ issue, comment }) => describeComment(call.github, repository, issue, comment)),
    };
  }),

  'issues/list-events': route<'issues/list-events'>(reads, (call) => {
    const { repository, issue } = issueIn(call);
    const { github } = call;
    return {
      body: call.page(detailsOf(repository, issue).history).map(({ id, event, actor, at, label, assignee }) => ({
        id,
        node_id: `E_${id}`,
        url: `${github.apiUrl}/repos/${fullName(repository)}/issues/events/${id}`,
        event,
        actor: describeUser(github, actor),
        commit_id: null,
        commit_url: null,
        created_at: at,
        performed_via_github_app: null,
        ...(label !== undefined && { label: { name: label, color: 'ededed' } }),
        ...(assignee && { assignee: describeUser(github, assignee), assigner: describeUser(github, actor) }),
      })),
    };
  }),

  'issues/add-labels': route<'issues/add-labels'>('issues:write|pull_requests:write', (call) => {
    const at = scene(call);
    for (const each of (call.body?.labels ?? []) as (string | { name: string })[])
      addLabel(at, typeof each === 'string' ? each : each.name);
    return { body: at.issue.labels.map((label) => describeLabel(call.github, at.repository, label)) };
  }),

  'issues/remove-label': route<'issues/remove-label'>('issues:write|pull_requests:write', (call) => {
    const at = scene(call);
    removeLabel(at, call.path.name);
    return { body: at.issue.labels.map((label) => describeLabel(call.github, at.repository, label)) };
  }),

  'issues/add-assignees': route<'issues/add-assignees'>('issues:write', (call) => {
    const at = scene(call);
    assign(at, call.body?.assignees ?? []);
    return { status: 201, body: described(call.github, at.repository, at.issue) };
  }),

  'issues/remove-assignees': route<'issues/remove-assignees'>('issues:write', (call) => {
    const at = scene(call);
    unassign(at, call.body?.assignees ?? []);
    return { body: described(call.github, at.repository, at.issue) };
  }),

  'issues/get-parent': route<'issues/get-parent'>('issues:read', (call) => {
    const { repository, issue } = issueIn(call);
    const { parent } = detailsOf(repository, issue);
    if (!parent) throw notFound();
    return { body: described(call.github, homeOf(parent), parent) };
  }),

  'issues/list-sub-issues': route<'issues/list-sub-issues'>('issues:read', (call) => {
    const { repository, issue } = issueIn(call);
    return list(call, detailsOf(repository, issue).children);
  }),

  'issues/add-sub-issue': route<'issues/add-sub-issue'>('issues:write', (call) => {
    const at = scene(call);
    addChild(at, issueWithId(call, call.body.sub_issue_id));
    return { status: 201, body: described(call.github, at.repository, at.issue) };
  }),

  'issues/list-dependencies-blocked-by': route<'issues/list-dependencies-blocked-by'>('issues:read', (call) => {
    const { repository, issue } = issueIn(call);
    return list(call, detailsOf(repository, issue).blockedBy);
  }),

  'issues/list-dependencies-blocking': route<'issues/list-dependencies-blocking'>('issues:read', (call) => {
    const { repository, issue } = issueIn(call);
    return list(call, detailsOf(repository, issue).blocking);
  }),

  'issues/add-blocked-by-dependency': route<'issues/add-blocked-by-dependency'>('issues:write', (call) => {
    const at = scene(call);
    addBlocker(at, issueWithId(call, call.body.issue_id));
    return { status: 201, body: described(call.github, at.repository, at.issue) };
  }),

  'issues/list-milestones': route<'issues/list-milestones'>(reads, (call) => {
    const repository = repositoryOf(call);
    const all = call.page(milestonesOf(repository));
    return { body: all.map((milestone) => describeMilestone(call.github, repository, milestone)) };
  }),

  'repos/list-collaborators': route<'repos/list-collaborators'>('metadata:read', (call) => {
    const repository = repositoryOf(call);
    const { permission } = call.query;
    const users = [...repository.levels.keys()].flatMap((login) => call.github.users.get(login.toLowerCase()) ?? []);
    const found = users.filter(
      (user) => permission !== 'push' || ['admin', 'write'].includes(levelOf(repository, user)),
    );
    return {
      body: call
        .page(found)
        .map((user) => ({ ...describeUser(call.github, user), role_name: levelOf(repository, user) })),
    };
  }),
};
