import type { IssueType, Project, Status, StatusCategory, Transition, User, Workflow } from './rows.ts';
import type { Site } from './site.ts';

export interface NewProject {
  key: string;
  name: string;
  style?: Project['style'];
  lead?: User;
  workflow?: Workflow;
  components?: string[];
}

/** As Jira sets up a new board, with a status before it and one for reviews. */
export const usualStatuses: [name: string, category: StatusCategory][] = [
  ['Backlog', 'new'],
  ['To Do', 'new'],
  ['In Progress', 'indeterminate'],
  ['In Review', 'indeterminate'],
  ['Done', 'done'],
  ["Won't Do", 'done'],
];

/** A status of that name; of a team-managed project one of its own, else the site's. */
export function addStatus(site: Site, name: string, category: StatusCategory, isOwn = false): Status {
  const known = isOwn ? undefined : site.statuses.find((status) => status.name === name);
  if (known) return known;
  const status: Status = { id: site.nextId(), name, category };
  site.statuses.push(status);
  return status;
}

/** `paths`: ["Start work", "To Do", "In Progress"]; "*": from any. Without paths each status is reached from any. */
export function makeWorkflow(
  site: Site,
  statuses: [name: string, category: StatusCategory][],
  options: { initial?: string; paths?: [name: string, from: string, to: string][]; isOwn?: boolean } = {},
): Workflow {
  const made = statuses.map(([name, category]) => addStatus(site, name, category, options.isOwn));
  const named = (name: string) => {
    const found = made.find((status) => status.name === name);
    if (!found) throw new Error(`There is no status "${name}" in this workflow.`);
    return found;
  };
  const paths = options.paths ?? statuses.map(([name]): [string, string, string] => [name, '*', name]);
  const transitions = new Map<string, Transition>();
  for (const [name, from, to] of paths) {
    const known = transitions.get(`${name} ${to}`);
    if (known?.from) known.from.push(named(from).id);
    else
      transitions.set(`${name} ${to}`, {
        id: String((transitions.size + 1) * 10 + 1),
        name,
        from: from === '*' ? null : [named(from).id],
        to: named(to).id,
        screen: null,
        required: [],
        allows: () => true,
        refuses: () => null,
      });
  }
  const initial = named(options.initial ?? statuses.find(([name]) => name === 'To Do')?.[0] ?? statuses[0]?.[0] ?? '');
  return { statuses: made, initial, transitions: [...transitions.values()] };
}

export function transitionOf(workflow: Workflow, name: string): Transition {
  const found = workflow.transitions.find((transition) => transition.name === name);
  if (!found) throw new Error(`There is no transition "${name}".`);
  return found;
}

export function addProject(site: Site, wanted: NewProject): Project {
  const style = wanted.style ?? 'classic';
  const isOwn = style === 'next-gen';
  const id = site.nextId();
  const type = (name: string, hierarchyLevel: number): IssueType => {
    const known = isOwn
      ? undefined
      : site.projects
          .flatMap(({ issueTypes }) => issueTypes)
          .find((each) => each.name === name && each.projectId === null);
    return known ?? { id: site.nextId(), name, hierarchyLevel, projectId: isOwn ? id : null };
  };
  const project: Project = {
    id,
    key: wanted.key,
    oldKeys: [],
    name: wanted.name,
    style,
    issueTypes: [
      type('Task', 0),
      type('Bug', 0),
      type('Story', 0),
      type('Epic', 1),
      type(isOwn ? 'Subtask' : 'Sub-task', -1),
    ],
    workflow: wanted.workflow ?? makeWorkflow(site, usualStatuses, { isOwn }),
    workflows: new Map(),
    components: (wanted.components ?? []).map((name) => ({ id: site.nextId(), name })),
    lead: wanted.lead ?? site.users[0] ?? site.addUser('Project Lead'),
    required: [],
    // A team-managed project has no components.
    hidden: new Set(isOwn ? ['components'] : []),
    denied: new Map(),
    lastNumber: 0,
  };
  site.projects.push(project);
  return project;
}

/** Gets a new key, and its issues with it; the old ones lead on. */
export function renameProject(site: Site, project: Project, to: { key?: string; name?: string }): void {
  if (to.name !== undefined) project.name = to.name;
  if (to.key === undefined || to.key === project.key) return;
  project.oldKeys.push(project.key);
  project.key = to.key;
  for (const issue of site.issues.values())
    if (issue.project === project) {
      issue.oldKeys.push(issue.key);
      issue.key = issue.key.replace(/^.+-/, `${to.key}-`);
    }
}

export function workflowOf({ project, issueType }: { project: Project; issueType: IssueType }): Workflow {
  return project.workflows.get(issueType.id) ?? project.workflow;
}

export function deny(project: Project, user: User, ...what: Parameters<Site['may']>[1][]): void {
  const known = project.denied.get(user.accountId) ?? new Set();
  for (const permission of what) known.add(permission);
  project.denied.set(user.accountId, known);
}

export function allow(project: Project, user: User): void {
  project.denied.delete(user.accountId);
}
