import type { GitHub } from './github.ts';
import { fullName, type Issue, type Repository, type User } from './rows.ts';
import { describeUser } from './views.ts';

export interface Milestone {
  id: number;
  number: number;
  title: string;
  createdAt: string;
}

/** One line of an issue's history. */
export interface HistoryEvent {
  id: number;
  event: string;
  actor: User;
  at: string;
  label?: string;
  assignee?: User;
}

/** What an issue has that a pull request is not asked for. */
export interface Details {
  home: Repository;
  milestone: Milestone | null;
  type: string | null;
  locked: boolean;
  history: HistoryEvent[];
  parent: Issue | null;
  children: Issue[];
  blockedBy: Issue[];
  blocking: Issue[];
  /** Where it went. */
  movedTo: Issue | null;
}

const details = new WeakMap<Issue, Details>();
const milestones = new WeakMap<Repository, Milestone[]>();

export function detailsOf(repository: Repository, issue: Issue): Details {
  const known = details.get(issue) ?? {
    home: repository,
    milestone: null,
    type: null,
    locked: false,
    history: [],
    parent: null,
    children: [],
    blockedBy: [],
    blocking: [],
    movedTo: null,
  };
  details.set(issue, known);
  return known;
}

/** Of an issue that somebody else is related to: where it is. */
export function homeOf(issue: Issue): Repository {
  const known = details.get(issue);
  if (!known) throw new Error(`Nobody knows where #${issue.number} is.`);
  return known.home;
}

export function milestonesOf(repository: Repository): Milestone[] {
  const known = milestones.get(repository) ?? [];
  milestones.set(repository, known);
  return known;
}

export function describeMilestone(github: GitHub, repository: Repository, milestone: Milestone) {
  const url = `${github.apiUrl}/repos/${fullName(repository)}/milestones/${milestone.number}`;
  return {
    id: milestone.id,
    node_id: `MI_${milestone.id}`,
    number: milestone.number,
    title: milestone.title,
    description: null,
    state: 'open',
    creator: describeUser(github, repository.owner),
    open_issues: 0,
    closed_issues: 0,
    created_at: milestone.createdAt,
    updated_at: milestone.createdAt,
    closed_at: null,
    due_on: null,
    url,
    html_url: `${github.url}/${fullName(repository)}/milestone/${milestone.number}`,
    labels_url: `${url}/labels`,
  };
}

export function describeDetails(github: GitHub, repository: Repository, issue: Issue): Record<string, unknown> {
  if (issue.pull) return {};
  const { milestone, type, locked, parent, children, blockedBy, blocking } = detailsOf(repository, issue);
  const open = (issues: Issue[]) => issues.filter(({ state }) => state === 'open').length;
  const done = children.length - open(children);
  const parentUrl = parent && `${github.apiUrl}/repos/${fullName(homeOf(parent))}/issues/${parent.number}`;
  return {
    locked,
    milestone: milestone && describeMilestone(github, repository, milestone),
    ...(type !== null && { type: { id: 1, node_id: 'IT_1', name: type, description: null } }),
    parent_issue_url: parentUrl,
    sub_issues_summary: {
      total: children.length,
      completed: done,
      percent_completed: children.length === 0 ? 0 : Math.round((100 * done) / children.length),
    },
    issue_dependencies_summary: {
      blocked_by: open(blockedBy),
      blocking: open(blocking),
      total_blocked_by: blockedBy.length,
      total_blocking: blocking.length,
    },
  };
}
