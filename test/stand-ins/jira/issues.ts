import { randomUUID } from 'node:crypto';
import { workflowOf } from './projects.ts';
import type {
  Adf,
  Attachment,
  Change,
  Comment,
  Field,
  Issue,
  IssueState,
  IssueType,
  Link,
  LinkType,
  Project,
  Status,
  Transition,
  User,
} from './rows.ts';
import type { Site } from './site.ts';
import { fieldName, tellComment, tellIssue, tellProperty } from './telling.ts';
import { wikiText } from './text.ts';

/** What somebody does to issues. Nobody's rights are asked here: that is done where requests are answered. */

export interface NewIssue {
  project: Project;
  summary: string;
  issueType?: IssueType;
  description?: Adf | null;
  assignee?: User | null;
  reporter?: User | null;
  priority?: string;
  labels?: string[];
  components?: IssueState['components'];
  parentId?: string | null;
  duedate?: string | null;
  status?: Status;
  /** Of custom fields, by their ids. */
  values?: Record<string, unknown>;
}

export type IssueChanges = Partial<
  Pick<
    IssueState,
    | 'summary'
    | 'description'
    | 'assignee'
    | 'reporter'
    | 'priority'
    | 'labels'
    | 'components'
    | 'parentId'
    | 'duedate'
    | 'issueType'
    | 'status'
    | 'resolution'
    | 'values'
  >
>;

/** The index gets it, when its time has come. */
function index(site: Site, issue: Issue): void {
  const { oldKeys: _, remoteLinks: __, properties: ___, histories: ____, indexed, ...state } = issue;
  indexed.push({ at: site.clock.now(), state });
  const oldest = indexed.findLastIndex(({ at }) => at <= site.clock.now() - site.searchLagMs);
  if (oldest > 0) indexed.splice(0, oldest);
}

export function createIssue(site: Site, draft: NewIssue, by: User): Issue {
  const { project } = draft;
  const issueType = draft.issueType ?? (project.issueTypes[0] as IssueType);
  const at = site.clock.stamp();
  const medium = site.priorities.find(({ name }) => name === (draft.priority ?? 'Medium')) ?? null;
  project.lastNumber += 1;
  const issue: Issue = {
    id: site.nextId(),
    key: `${project.key}-${project.lastNumber}`,
    oldKeys: [],
    project,
    issueType,
    status: draft.status ?? workflowOf({ project, issueType }).initial,
    summary: draft.summary,
    description: draft.description ?? null,
    assignee: draft.assignee ?? null,
    reporter: draft.reporter ?? by,
    creator: by,
    priority: medium,
    resolution: null,
    labels: draft.labels ?? [],
    components: draft.components ?? [],
    parentId: draft.parentId ?? null,
    duedate: draft.duedate ?? null,
    values: { ...draft.values },
    comments: [],
    attachments: [],
    created: at,
    updated: at,
    statusChanged: at,
    remoteLinks: [],
    properties: new Map(),
    histories: [],
    indexed: [],
  };
  site.issues.set(issue.id, issue);
  index(site, issue);
  tellIssue(site, 'jira:issue_created', issue, by, { kind: 'issue_created' });
  return issue;
}

const item = (
  fieldId: string,
  was: [string | null, string | null],
  is: [string | null, string | null],
  field = fieldId,
): Change => ({
  field,
  fieldtype: fieldId.startsWith('customfield_') ? 'custom' : 'jira',
  fieldId,
  from: was[0],
  fromString: was[1],
  to: is[0],
  toString: is[1],
});

function changeOf(site: Site, issue: Issue, name: keyof IssueChanges, to: unknown): Change[] {
  const was = issue[name];
  if (JSON.stringify(was) === JSON.stringify(to)) return [];
  const row = (value: unknown): [string | null, string | null] => {
    const found = value as { id: string; name: string } | null;
    return found === null ? [null, null] : [found.id, found.name];
  };
  const user = (value: unknown): [string | null, string | null] => {
    const found = value as User | null;
    return found === null ? [null, null] : [found.accountId, found.displayName];
  };
  switch (name) {
    case 'status':
    case 'priority':
    case 'resolution':
      return [item(name, row(was), row(to))];
    case 'issueType':
      return [item('issuetype', row(was), row(to))];
    case 'assignee':
    case 'reporter':
      return [item(name, user(was), user(to))];
    case 'labels':
      return [item(name, [null, (was as string[]).join(' ')], [null, (to as string[]).join(' ')])];
    case 'summary':
    case 'duedate':
      return [item(name, [null, was as string | null], [null, to as string | null])];
    case 'description':
      return [item(name, [null, was && wikiText(was)], [null, to === null ? null : wikiText(to)])];
    case 'components': {
      const [before, after] = [was, to] as IssueState['components'][];
      const gone = (before ?? []).filter((each) => !after?.includes(each));
      const come = (after ?? []).filter((each) => !before?.includes(each));
      return [
        ...gone.map((each) => item('components', row(each), [null, null], 'Component')),
        ...come.map((each) => item('components', [null, null], row(each), 'Component')),
      ];
    }
    case 'parentId': {
      const parent = (id: unknown): [string | null, string | null] => [
        id as string | null,
        site.issues.get(id as string)?.key ?? null,
      ];
      return [item('parent', parent(was), parent(to), 'IssueParentAssociation')];
    }
    case 'values':
      return Object.entries(to as Record<string, unknown>).flatMap(([id, value]) => {
        const before = issue.values[id] ?? null;
        if (JSON.stringify(before) === JSON.stringify(value)) return [];
        const field = site.fields.find((each) => each.id === id) as Field;
        return [item(id, ['', textOf(before)], ['', textOf(value)], field.name)];
      });
  }
}

/** A custom field's value, as histories write it. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  if (typeof value !== 'object') return String(value);
  const { type, value: option, name } = value as { type?: string; value?: string; name?: string };
  return type === 'doc' ? wikiText(value) : (option ?? name ?? '');
}

/** One entry in the history, and what is told of it; nothing of either where nothing is different. */
export function changeIssue(site: Site, issue: Issue, changes: IssueChanges, by: User, comment?: Comment): void {
  const items = (Object.keys(changes) as (keyof IssueChanges)[]).flatMap((name) =>
    changeOf(site, issue, name, changes[name]),
  );
  if (items.length === 0 && !comment) return;
  const { values, ...rest } = changes;
  if (changes.status && changes.status.category !== issue.status.category) issue.statusChanged = site.clock.stamp();
  Object.assign(issue, rest);
  if (values) issue.values = { ...issue.values, ...values };
  const ids = items.map(({ fieldId }) => fieldId);
  const kind = ids.includes('status') ? 'issue_generic' : ids.includes('assignee') ? 'issue_assigned' : 'issue_updated';
  record(site, issue, items, by, kind, comment);
}

export function record(site: Site, issue: Issue, items: Change[], by: User, kind: string, comment?: Comment): void {
  issue.updated = site.clock.stamp();
  const named = items.map((each) => ({ ...each, field: fieldName(site, each.field) }));
  const history = { id: site.nextId(), author: by, created: issue.updated, items: named };
  if (items.length > 0) issue.histories.push(history);
  index(site, issue);
  tellIssue(site, 'jira:issue_updated', issue, by, {
    kind,
    historyId: history.id,
    items: named,
    ...(comment && { comment }),
  });
}

/** Goes on by a transition; whatever leads to a "done" status also resolves it, and what leads back does not. */
export function carryOut(site: Site, issue: Issue, transition: Transition, by: User, also: IssueChanges = {}): void {
  const status = site.statuses.find(({ id }) => id === transition.to) as Status;
  const resolution = status.category === 'done' ? (issue.resolution ?? site.resolutions[0] ?? null) : null;
  changeIssue(site, issue, { status, resolution, ...also }, by);
}

export function addComment(
  site: Site,
  issue: Issue,
  draft: { body: Adf; visibility?: Comment['visibility']; properties?: Comment['properties'] },
  by: User,
): Comment {
  const at = site.clock.stamp();
  const { body, visibility = null, properties = [] } = draft;
  const comment: Comment = {
    id: site.nextId(),
    author: by,
    updateAuthor: by,
    body,
    created: at,
    updated: at,
    visibility,
    properties,
  };
  issue.comments = [...issue.comments, comment];
  issue.updated = at;
  index(site, issue);
  tellComment(site, 'comment_created', issue, comment);
  tellIssue(site, 'jira:issue_updated', issue, by, { kind: 'issue_commented', comment });
  return comment;
}

export function editComment(
  site: Site,
  issue: Issue,
  id: string,
  changes: Partial<Pick<Comment, 'body' | 'visibility' | 'properties'>>,
  by: User,
): Comment | null {
  const known = issue.comments.find((comment) => comment.id === id);
  if (!known) return null;
  const comment = { ...known, ...changes, updateAuthor: by, updated: site.clock.stamp() };
  issue.comments = issue.comments.map((each) => (each === known ? comment : each));
  issue.updated = comment.updated;
  index(site, issue);
  tellComment(site, 'comment_updated', issue, comment);
  tellIssue(site, 'jira:issue_updated', issue, by, { kind: 'issue_comment_edited', comment });
  return comment;
}

export function deleteComment(site: Site, issue: Issue, id: string): boolean {
  const known = issue.comments.find((comment) => comment.id === id);
  if (!known) return false;
  issue.comments = issue.comments.filter((comment) => comment !== known);
  issue.updated = site.clock.stamp();
  index(site, issue);
  tellComment(site, 'comment_deleted', issue, known);
  return true;
}

/** `inward` blocks `outward`, where the type is "Blocks". The same once more is no other link. */
export function addLink(site: Site, type: LinkType, inward: Issue, outward: Issue, by: User): Link {
  const known = site.links.find((link) => link.type === type && link.inward === inward && link.outward === outward);
  if (known) return known;
  const link: Link = { id: site.nextId(), type, inward, outward };
  site.links.push(link);
  const told = (issue: Issue, other: Issue, words: string) =>
    record(
      site,
      issue,
      [item('issuelinks', [null, null], [other.key, `This issue ${words} ${other.key}`], 'Link')],
      by,
      'issue_updated',
    );
  told(inward, outward, type.outward);
  told(outward, inward, type.inward);
  return link;
}

export function removeLink(site: Site, link: Link, by: User): void {
  site.links.splice(site.links.indexOf(link), 1);
  for (const [issue, other] of [
    [link.inward, link.outward],
    [link.outward, link.inward],
  ] as const)
    record(site, issue, [item('issuelinks', [other.key, link.type.name], [null, null], 'Link')], by, 'issue_updated');
}

export function addAttachment(
  site: Site,
  issue: Issue,
  file: Pick<Attachment, 'filename' | 'mimeType' | 'content'>,
  by: User,
): Attachment {
  const attachment: Attachment = {
    ...file,
    id: site.nextId(),
    mediaId: randomUUID(),
    author: by,
    created: site.clock.stamp(),
  };
  issue.attachments = [...issue.attachments, attachment];
  record(
    site,
    issue,
    [item('attachment', [null, null], [attachment.id, file.filename], 'Attachment')],
    by,
    'issue_updated',
  );
  return attachment;
}

export function setProperty(site: Site, issue: Issue, key: string, value: unknown, by: User): void {
  issue.properties.set(key, value);
  tellProperty(site, 'issue_property_set', issue, by, key);
}

export function deleteProperty(site: Site, issue: Issue, key: string, by: User): void {
  issue.properties.delete(key);
  tellProperty(site, 'issue_property_deleted', issue, by, key);
}

/** It is another project's then, under another key; the old one leads on. Statuses that are not there are the first. */
export function moveIssue(site: Site, issue: Issue, project: Project, by: User): void {
  const [old, from] = [issue.key, issue.project];
  project.lastNumber += 1;
  issue.oldKeys.push(old);
  issue.key = `${project.key}-${project.lastNumber}`;
  issue.project = project;
  issue.issueType =
    project.issueTypes.find(({ name }) => name === issue.issueType.name) ?? (project.issueTypes[0] as IssueType);
  const { statuses, initial } = workflowOf(issue);
  issue.status =
    statuses.find(({ id }) => id === issue.status.id) ??
    statuses.find(({ name }) => name === issue.status.name) ??
    initial;
  const items = [
    item('project', [from.id, from.name], [project.id, project.name]),
    item('issuekey', [null, old], [null, issue.key], 'Key'),
  ];
  record(site, issue, items, by, 'issue_moved');
}

export function deleteIssue(site: Site, issue: Issue, by: User): void {
  for (const child of site.issues.values()) if (child.parentId === issue.id) deleteIssue(site, child, by);
  site.links = site.links.filter(({ inward, outward }) => inward !== issue && outward !== issue);
  site.issues.delete(issue.id);
  tellIssue(site, 'jira:issue_deleted', issue, by, { kind: 'issue_deleted' });
}
