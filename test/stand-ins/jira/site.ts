import { randomUUID } from 'node:crypto';
import type { Clock } from '../linear/clock.ts';
import { noIssue } from './refusal.ts';
import type { Field, Issue, Link, LinkType, Permission, Project, Status, StatusCategory, User } from './rows.ts';
import type { Outbox, Webhook } from './webhooks.ts';

/** One Jira: what it holds, who is who in it, and what it tells. */
export interface Site {
  cloudId: string;
  name: string;
  /** "https://acme.atlassian.net" */
  url: string;
  mediaUrl: string;
  clock: Clock;
  outbox: Outbox;
  users: User[];
  projects: Project[];
  statuses: Status[];
  fields: Field[];
  priorities: { id: string; name: string }[];
  resolutions: { id: string; name: string }[];
  linkTypes: LinkType[];
  issues: Map<string, Issue>;
  links: Link[];
  webhooks: Webhook[];
  /** So long after a change searches still show what was, but for issues that are to be reconciled. */
  searchLagMs: number;
  /** In which language histories and webhooks name the fields. */
  language: 'en' | 'de';
  /** Read to an anonymous visitor, as Jira does where a site's own token is wrong: nothing is there, in place of a 401. */
  isAnonymousOnBadToken: boolean;
  nextId(): string;
  addUser(name: string, also?: Partial<User>): User;
  status(name: string): Status;
  /** By id, key, or a key that it had; also of a deleted one: null. */
  find(idOrKey: string): Issue | null;
  /** As this user sees it. Throws what Jira answers. */
  see(idOrKey: string, user: User | null): Issue;
  project(keyOrId: string): Project | null;
  may(user: User | null, permission: Permission, project: Project | null): boolean;
}

const systemFields: [id: string, name: string, type: string, items?: string][] = [
  ['summary', 'Summary', 'string'],
  ['description', 'Description', 'string'],
  ['issuetype', 'Issue Type', 'issuetype'],
  ['project', 'Project', 'project'],
  ['parent', 'Parent', 'issuelink'],
  ['status', 'Status', 'status'],
  ['resolution', 'Resolution', 'resolution'],
  ['priority', 'Priority', 'priority'],
  ['assignee', 'Assignee', 'user'],
  ['reporter', 'Reporter', 'user'],
  ['creator', 'Creator', 'user'],
  ['labels', 'Labels', 'array', 'string'],
  ['components', 'Components', 'array', 'component'],
  ['duedate', 'Due date', 'date'],
  ['fixVersions', 'Fix versions', 'array', 'version'],
  ['environment', 'Environment', 'string'],
  ['created', 'Created', 'datetime'],
  ['updated', 'Updated', 'datetime'],
  ['statuscategorychangedate', 'Status Category Changed', 'datetime'],
  ['comment', 'Comment', 'comments-page'],
  ['attachment', 'Attachment', 'array', 'attachment'],
  ['issuelinks', 'Linked Issues', 'array', 'issuelinks'],
  ['subtasks', 'Sub-tasks', 'array', 'issuelinks'],
];

export function createSite(
  place: Pick<Site, 'cloudId' | 'name' | 'url' | 'mediaUrl' | 'clock' | 'outbox'>,
  options: Partial<Pick<Site, 'searchLagMs' | 'language' | 'isAnonymousOnBadToken'>> = {},
): Site {
  let lastId = 10_000;
  const named = (...names: string[]) => names.map((name, index) => ({ id: String(index + 1), name }));
  const site: Site = {
    ...place,
    users: [],
    projects: [],
    statuses: [],
    fields: systemFields.map(([id, name, type, items]) => ({
      id,
      name,
      custom: false,
      schema: { type, ...(items !== undefined && { items }), system: id },
      options: [],
      projectId: null,
    })),
    priorities: named('Highest', 'High', 'Medium', 'Low', 'Lowest'),
    resolutions: named('Done', "Won't Do", 'Duplicate'),
    linkTypes: [
      { id: '1', name: 'Blocks', inward: 'is blocked by', outward: 'blocks' },
      { id: '2', name: 'Relates', inward: 'relates to', outward: 'relates to' },
      { id: '3', name: 'Duplicate', inward: 'is duplicated by', outward: 'duplicates' },
    ],
    issues: new Map(),
    links: [],
    webhooks: [],
    searchLagMs: 0,
    language: 'en',
    isAnonymousOnBadToken: false,
    ...options,
    nextId: () => String(++lastId),
    addUser(name, also = {}) {
      const user: User = {
        accountId: `${also.accountType === 'app' ? '557058' : '712020'}:${randomUUID()}`,
        displayName: name,
        emailAddress: `${name.toLowerCase().replaceAll(/\W+/g, '.')}@example.org`,
        accountType: 'atlassian',
        active: true,
        isServiceAccount: false,
        isAdmin: false,
        roles: [],
        timeZone: 'Etc/UTC',
        ...also,
      };
      site.users.push(user);
      return user;
    },
    status(name) {
      const found = site.statuses.find((status) => status.name === name);
      if (!found) throw new Error(`There is no status "${name}".`);
      return found;
    },
    find(idOrKey) {
      const key = idOrKey.toUpperCase();
      for (const issue of site.issues.values())
        if (issue.id === idOrKey || issue.key === key || issue.oldKeys.includes(key)) return issue;
      // A key of a project that was renamed since leads on, too.
      const [, old, number] = /^(.+)-(\d+)$/.exec(key) ?? [];
      const project = site.projects.find(({ oldKeys }) => oldKeys.includes(old ?? ''));
      return project && project.key !== old ? site.find(`${project.key}-${number}`) : null;
    },
    see(idOrKey, user) {
      const issue = site.find(idOrKey);
      if (!issue || !site.may(user, 'BROWSE_PROJECTS', issue.project)) throw noIssue();
      return issue;
    },
    project: (keyOrId) =>
      site.projects.find(({ id, key, oldKeys }) => [id, key, ...oldKeys].includes(keyOrId)) ??
      site.projects.find(({ key }) => key === keyOrId.toUpperCase()) ??
      null,
    may(user, permission, project) {
      if (!user?.active) return false;
      if (permission === 'ADMINISTER') return user.isAdmin;
      if (permission === 'ASSIGNABLE_USER' && user.accountType !== 'atlassian') return false;
      return project !== null && !(project.denied.get(user.accountId)?.has(permission) ?? false);
    },
  };
  return site;
}

const categoryIds = { new: 2, indeterminate: 4, done: 3 };
const categoryNames = { new: 'To Do', indeterminate: 'In Progress', done: 'Done' };

export function describeCategory(category: StatusCategory, base: string): Record<string, unknown> {
  const id = categoryIds[category];
  const colorName = { new: 'blue-gray', indeterminate: 'yellow', done: 'green' }[category];
  const name = categoryNames[category];
  return { self: `${base}/rest/api/3/statuscategory/${id}`, id, key: category, colorName, name };
}

export function readCategory(text: string): StatusCategory | null {
  const lower = text.toLowerCase();
  const all = Object.keys(categoryIds) as StatusCategory[];
  return (
    all.find(
      (key) => key === lower || categoryNames[key].toLowerCase() === lower || String(categoryIds[key]) === text,
    ) ?? null
  );
}

/** A field of its own; `kind` as Jira's own types of fields are called. */
export function addField(
  site: Site,
  name: string,
  kind: keyof typeof fieldKinds,
  also: { options?: string[]; project?: Project } = {},
): Field {
  const number = Number(site.nextId());
  const { type, items, custom } = fieldKinds[kind];
  const field: Field = {
    id: `customfield_${number}`,
    name,
    custom: true,
    schema: { type, ...(items !== undefined && { items }), custom, customId: number },
    options: (also.options ?? []).map((value) => ({ id: site.nextId(), value })),
    projectId: also.project?.id ?? null,
  };
  site.fields.push(field);
  return field;
}

const own = 'com.atlassian.jira.plugin.system.customfieldtypes';
const fieldKinds: Record<
  | 'text'
  | 'textarea'
  | 'select'
  | 'multiselect'
  | 'checkboxes'
  | 'number'
  | 'date'
  | 'datetime'
  | 'user'
  | 'url'
  | 'labels'
  | 'sprint'
  | 'epicLink'
  | 'flagged'
  | 'cascade'
  | 'users'
  | 'version'
  | 'team',
  { type: string; items?: string; custom: string }
> = {
  text: { type: 'string', custom: `${own}:textfield` },
  textarea: { type: 'string', custom: `${own}:textarea` },
  select: { type: 'option', custom: `${own}:select` },
  multiselect: { type: 'array', items: 'option', custom: `${own}:multiselect` },
  checkboxes: { type: 'array', items: 'option', custom: `${own}:multicheckboxes` },
  number: { type: 'number', custom: `${own}:float` },
  date: { type: 'date', custom: `${own}:datepicker` },
  datetime: { type: 'datetime', custom: `${own}:datetime` },
  user: { type: 'user', custom: `${own}:userpicker` },
  url: { type: 'string', custom: `${own}:url` },
  labels: { type: 'array', items: 'string', custom: `${own}:labels` },
  sprint: { type: 'array', items: 'json', custom: 'com.pyxis.greenhopper.jira:gh-sprint' },
  epicLink: { type: 'any', custom: 'com.pyxis.greenhopper.jira:gh-epic-link' },
  cascade: { type: 'option-with-child', custom: `${own}:cascadingselect` },
  users: { type: 'array', items: 'user', custom: `${own}:multiuserpicker` },
  version: { type: 'array', items: 'version', custom: `${own}:multiversion` },
  team: { type: 'team', custom: 'com.atlassian.jira.plugin.system.customfieldtypes:atlassian-team' },
  flagged: { type: 'array', items: 'option', custom: `${own}:multicheckboxes` },
};
