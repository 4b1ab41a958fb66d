import { describeForEvent } from './comments.ts';
import type { GitHub } from './github.ts';
import { describeMilestone, detailsOf, homeOf, milestonesOf } from './issue-details.ts';
import { addIssue, labelOf } from './pulls.ts';
import { Refusal } from './refusal.ts';
import type { Issue, Repository, User } from './rows.ts';
import { describeLabel, describeRepository, describeUser } from './views.ts';

/** What is done to an issue, by whomever: it is in the history, and who listens is told. */

interface Scene {
  github: GitHub;
  repository: Repository;
  issue: Issue;
  by: User;
}

export function tell({ github, repository, issue, by }: Scene, action: string, more: object = {}): void {
  const payload = { issue: describeForEvent(github, repository, issue), ...more };
  github.emit('issues', action, { sender: by, repository, payload });
}

function note(scene: Scene, event: string, more: { label?: string; assignee?: User } = {}): void {
  const { github, repository, issue, by } = scene;
  const at = github.clock.stamp();
  issue.updatedAt = at;
  detailsOf(repository, issue).history.push({ id: github.nextId(), event, actor: by, at, ...more });
}

export interface NewIssue {
  title: string;
  body?: string | null;
  labels?: string[];
  assignees?: string[];
  milestone?: number | null;
}

const longest = { title: 256, body: 65_536 };

export function checkTexts({ title, body }: { title?: unknown; body?: unknown }): void {
  const tooLong = (field: string, value: unknown, limit: number) => {
    if (typeof value === 'string' && [...value].length > limit)
      throw new Refusal(422, 'Validation Failed', {
        errors: [
          {
            resource: 'Issue',
            code: 'custom',
            field,
            message: `${field} is too long (maximum is ${limit} characters)`,
          },
        ],
      });
  };
  tooLong('title', title, longest.title);
  tooLong('body', body, longest.body);
}

export function fileIssue(github: GitHub, repository: Repository, by: User, wanted: NewIssue): Issue {
  if (!repository.hasIssues) throw new Refusal(410, 'Issues are disabled for this repo');
  checkTexts(wanted);
  const { title, body = null, labels = [], assignees = [], milestone = null } = wanted;
  const issue = addIssue(github, repository, by, { title, body });
  const known = detailsOf(repository, issue);
  known.milestone = milestonesOf(repository).find(({ number }) => number === milestone) ?? null;
  const scene = { github, repository, issue, by };
  for (const name of labels) if (!has(issue, name)) issue.labels.push(labelOf(github, repository, name));
  for (const login of assignees) issue.assignees.push(github.addUser(login));
  tell(scene, 'opened');
  for (const label of issue.labels) {
    note(scene, 'labeled', { label: label.name });
    tell(scene, 'labeled', { label: describeLabel(github, repository, label) });
  }
  for (const assignee of issue.assignees) {
    note(scene, 'assigned', { assignee });
    tell(scene, 'assigned', { assignee: describeUser(github, assignee) });
  }
  return issue;
}

const has = (issue: Issue, name: string) =>
  issue.labels.some((label) => label.name.toLowerCase() === name.toLowerCase());

/** A label that the repository does not have is made. */
export function addLabel(scene: Scene, name: string): void {
  const { github, repository, issue } = scene;
  if (has(issue, name)) return;
  const label = labelOf(github, repository, name);
  issue.labels.push(label);
  if (issue.pull) return;
  note(scene, 'labeled', { label: label.name });
  tell(scene, 'labeled', { label: describeLabel(github, repository, label) });
}

export function removeLabel(scene: Scene, name: string): void {
  const { github, repository, issue } = scene;
  const label = issue.labels.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (!label) throw new Refusal(404, 'Label does not exist');
  issue.labels.splice(issue.labels.indexOf(label), 1);
  if (issue.pull) return;
  note(scene, 'unlabeled', { label: label.name });
  tell(scene, 'unlabeled', { label: describeLabel(github, repository, label) });
}

/** Who may not be assigned is left out, without a word. An App may not. */
export function assign(scene: Scene, logins: readonly string[]): void {
  const { github, repository, issue } = scene;
  for (const login of logins) {
    const user = github.users.get(login.toLowerCase());
    const isIn = user && (repository.owner === user || repository.levels.has(user.login));
    if (!user || !isIn || user.type === 'Bot' || issue.assignees.includes(user)) continue;
    issue.assignees.push(user);
    note(scene, 'assigned', { assignee: user });
    tell(scene, 'assigned', { assignee: describeUser(github, user) });
  }
}

export function unassign(scene: Scene, logins: readonly string[]): void {
  const { github, issue } = scene;
  for (const user of issue.assignees.filter(({ login }) =>
    logins.some((each) => each.toLowerCase() === login.toLowerCase()),
  )) {
    issue.assignees.splice(issue.assignees.indexOf(user), 1);
    note(scene, 'unassigned', { assignee: user });
    tell(scene, 'unassigned', { assignee: describeUser(github, user) });
  }
}

export function closeIssue(scene: Scene, reason = 'completed'): void {
  const { issue, by, github } = scene;
  if (issue.state === 'closed' && issue.stateReason === reason) return;
  note(scene, 'closed');
  Object.assign(issue, { state: 'closed', stateReason: reason, closedAt: issue.updatedAt, closedBy: by });
  void github;
  tell(scene, 'closed');
}

export function reopenIssue(scene: Scene): void {
  const { issue } = scene;
  if (issue.state === 'open') return;
  note(scene, 'reopened');
  Object.assign(issue, { state: 'open', stateReason: 'reopened', closedAt: null, closedBy: null });
  tell(scene, 'reopened');
}

export function editIssue(scene: Scene, { title, body }: { title?: string; body?: string | null }): void {
  const { issue } = scene;
  checkTexts({ title, body });
  const changes = {
    ...(title !== undefined && title !== issue.title ? { title: { from: issue.title } } : {}),
    ...(body !== undefined && body !== issue.body ? { body: { from: issue.body ?? '' } } : {}),
  };
  if (Object.keys(changes).length === 0) return;
  if (title !== undefined) issue.title = title;
  if (body !== undefined) issue.body = body;
  issue.updatedAt = scene.github.clock.stamp();
  tell(scene, 'edited', { changes });
}

export function setMilestone(scene: Scene, title: string | null): void {
  const { github, repository, issue } = scene;
  const known = detailsOf(repository, issue);
  const before = known.milestone;
  known.milestone = title === null ? null : addMilestone(github, repository, title);
  const about = known.milestone ?? before;
  if (!about) return;
  note(scene, known.milestone ? 'milestoned' : 'demilestoned');
  tell(scene, known.milestone ? 'milestoned' : 'demilestoned', {
    milestone: describeMilestone(github, repository, about),
  });
}

export function addMilestone(github: GitHub, repository: Repository, title: string) {
  const all = milestonesOf(repository);
  const known = all.find((each) => each.title === title);
  if (known) return known;
  const made = { id: github.nextId(), number: all.length + 1, title, createdAt: github.clock.stamp() };
  all.push(made);
  return made;
}

/** Both sides are told. */
export function addChild(scene: Scene, child: Issue): void {
  const { github, repository, issue, by } = scene;
  const [home, known] = [homeOf(child), detailsOf(homeOf(child), child)];
  if (known.parent)
    throw new Refusal(
      422,
      'An error occurred while adding the sub-issue to the parent issue. Issue may not contain duplicate sub-issues and Sub issue may only have one parent',
    );
  known.parent = issue;
  detailsOf(repository, issue).children.push(child);
  const [parentNow, childNow] = [describeForEvent(github, repository, issue), describeForEvent(github, home, child)];
  const ids = { parent_issue_id: issue.id, parent_issue: parentNow, sub_issue_id: child.id, sub_issue: childNow };
  const places = {
    sub_issue_repo: describeRepository(github, home),
    parent_issue_repo: describeRepository(github, repository),
  };
  github.emit('sub_issues', 'sub_issue_added', { sender: by, repository, payload: { ...ids, ...places } });
  github.emit('sub_issues', 'parent_issue_added', { sender: by, repository: home, payload: { ...ids, ...places } });
}

export function addBlocker(scene: Scene, blocker: Issue): void {
  const { github, repository, issue, by } = scene;
  const home = homeOf(blocker);
  const known = detailsOf(repository, issue);
  if (known.blockedBy.includes(blocker)) throw new Refusal(422, 'Issue dependency has already been taken');
  known.blockedBy.push(blocker);
  detailsOf(home, blocker).blocking.push(issue);
  const payload = {
    blocked_issue_id: issue.id,
    blocked_issue: describeForEvent(github, repository, issue),
    blocked_issue_repo: describeRepository(github, repository),
    blocking_issue_id: blocker.id,
    blocking_issue: describeForEvent(github, home, blocker),
    blocking_issue_repo: describeRepository(github, home),
  };
  github.emit('issue_dependencies', 'blocked_by_added', { sender: by, repository, payload });
  github.emit('issue_dependencies', 'blocking_added', { sender: by, repository: home, payload });
}

/** It goes on under a number of its new repository, and the old address leads there. */
export function transfer(scene: Scene, target: Repository): Issue {
  const { github, repository, issue, by } = scene;
  const { title, body } = issue;
  const moved = addIssue(github, target, issue.user, { title, body });
  detailsOf(target, moved);
  Object.assign(moved, { createdAt: issue.createdAt, assignees: [...issue.assignees], comments: [...issue.comments] });
  for (const { name } of issue.labels) moved.labels.push(labelOf(github, target, name));
  detailsOf(repository, issue).movedTo = moved;
  const changes = {
    new_issue: describeForEvent(github, target, moved),
    new_repository: describeRepository(github, target),
  };
  tell(scene, 'transferred', { changes });
  const old = {
    old_issue: describeForEvent(github, repository, issue),
    old_repository: describeRepository(github, repository),
  };
  tell({ github, repository: target, issue: moved, by }, 'opened', { changes: old });
  return moved;
}

export function deleteIssue(scene: Scene): void {
  const { repository, issue } = scene;
  tell(scene, 'deleted');
  repository.issues.delete(issue.number);
}
