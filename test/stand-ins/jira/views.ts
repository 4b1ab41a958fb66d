import { workflowOf } from './projects.ts';
import type {
  Adf,
  Attachment,
  Comment,
  Field,
  History,
  Issue,
  IssueState,
  IssueType,
  Link,
  Project,
  RemoteLink,
  Status,
  Transition,
  User,
} from './rows.ts';
import { describeCategory, type Site } from './site.ts';
import { wikiText } from './text.ts';
import { jiraTime } from './time.ts';

/** Who looks, and from where: links to itself are as the request was made, at the site or through the gateway. */
export interface Eye {
  site: Site;
  base: string;
  user: User | null;
}

type Json = Record<string, unknown>;

const timeFor = ({ user }: Eye, iso: string) => jiraTime(iso, user?.timeZone);

export function describeUser(eye: Eye, user: User): Json {
  const avatar = `${eye.site.mediaUrl}/avatar.png`;
  return {
    self: `${eye.base}/rest/api/3/user?accountId=${encodeURIComponent(user.accountId)}`,
    accountId: user.accountId,
    // Whoever does not show his address to all has none here.
    ...(user === eye.user && { emailAddress: user.emailAddress }),
    avatarUrls: { '48x48': avatar, '24x24': avatar, '16x16': avatar, '32x32': avatar },
    displayName: user.displayName,
    active: user.active,
    timeZone: user.timeZone,
    accountType: user.accountType,
  };
}

export function describeStatus(eye: Eye, status: Status): Json {
  const { base } = eye;
  return {
    self: `${base}/rest/api/3/status/${status.id}`,
    description: '',
    iconUrl: `${base}/images/icons/status.png`,
    name: status.name,
    id: status.id,
    statusCategory: describeCategory(status.category, base),
  };
}

export function describeIssueType({ base }: Eye, type: IssueType): Json {
  return {
    self: `${base}/rest/api/3/issuetype/${type.id}`,
    id: type.id,
    description: '',
    iconUrl: `${base}/images/icons/issuetypes/task.png`,
    name: type.name,
    subtask: type.hierarchyLevel === -1,
    hierarchyLevel: type.hierarchyLevel,
    ...(type.projectId !== null && { scope: { type: 'PROJECT', project: { id: type.projectId } } }),
  };
}

export function describeProject({ base }: Eye, project: Project): Json {
  return {
    self: `${base}/rest/api/3/project/${project.id}`,
    id: project.id,
    key: project.key,
    name: project.name,
    projectTypeKey: 'software',
    simplified: project.style === 'next-gen',
    style: project.style,
    isPrivate: false,
  };
}

export const describeNamed = ({ base }: Eye, kind: string, row: { id: string; name: string }): Json => ({
  self: `${base}/rest/api/3/${kind}/${row.id}`,
  ...row,
});

/** `wiki`: as webhooks have it, in Jira's older markup. */
export function describeComment(eye: Eye, issue: Issue, comment: Comment, wiki = false): Json {
  return {
    self: `${eye.base}/rest/api/${wiki ? 2 : 3}/issue/${issue.id}/comment/${comment.id}`,
    id: comment.id,
    author: describeUser(eye, comment.author),
    body: wiki ? wikiText(comment.body) : comment.body,
    updateAuthor: describeUser(eye, comment.updateAuthor),
    created: timeFor(eye, comment.created),
    updated: timeFor(eye, comment.updated),
    ...(comment.visibility !== null && { visibility: comment.visibility }),
    jsdPublic: true,
  };
}

export function describeAttachment(eye: Eye, attachment: Attachment): Json {
  const { base } = eye;
  return {
    self: `${base}/rest/api/3/attachment/${attachment.id}`,
    id: attachment.id,
    filename: attachment.filename,
    author: describeUser(eye, attachment.author),
    created: timeFor(eye, attachment.created),
    size: attachment.content.length,
    mimeType: attachment.mimeType,
    content: `${base}/rest/api/3/attachment/content/${attachment.id}`,
  };
}

export function describeHistory(eye: Eye, history: History): Json {
  const { id, author, created, items } = history;
  return { id, author: describeUser(eye, author), created: timeFor(eye, created), items };
}

export function describeRemoteLink(eye: Eye, issue: Issue, link: RemoteLink): Json {
  return {
    id: link.id,
    self: `${eye.base}/rest/api/3/issue/${issue.key}/remotelink/${link.id}`,
    ...(link.globalId !== null && { globalId: link.globalId }),
    application: link.application ?? {},
    ...(link.relationship !== null && { relationship: link.relationship }),
    object: { icon: {}, status: { icon: {} }, ...link.object },
  };
}

/** An issue as another one refers to it. */
function describeLinked(eye: Eye, issue: Issue): Json {
  return {
    id: issue.id,
    key: issue.key,
    self: `${eye.base}/rest/api/3/issue/${issue.id}`,
    fields: {
      summary: issue.summary,
      status: describeStatus(eye, issue.status),
      ...(issue.priority && { priority: describeNamed(eye, 'priority', issue.priority) }),
      issuetype: describeIssueType(eye, issue.issueType),
    },
  };
}

/** As one of its two sides sees a link: what is there is the other. */
export function describeLink(eye: Eye, link: Link, from: Issue | null): Json {
  return {
    id: link.id,
    self: `${eye.base}/rest/api/3/issueLink/${link.id}`,
    type: { ...link.type, self: `${eye.base}/rest/api/3/issueLinkType/${link.type.id}` },
    ...(from !== link.inward && { inwardIssue: describeLinked(eye, link.inward) }),
    ...(from !== link.outward && { outwardIssue: describeLinked(eye, link.outward) }),
  };
}

/** A field's value, as it is read. `wiki`: text as webhooks have it. */
function describeField(eye: Eye, issue: Issue, state: IssueState, field: Field, wiki = false, most = 5000): unknown {
  const { site } = eye;
  const user = (who: User | null) => (who === null ? null : describeUser(eye, who));
  const text = (document: Adf | null) => (wiki && document !== null ? wikiText(document) : document);
  const sees = (other: Issue) => site.may(eye.user, 'BROWSE_PROJECTS', other.project);
  const known: Record<string, () => unknown> = {
    summary: () => state.summary,
    description: () => text(state.description),
    issuetype: () => describeIssueType(eye, state.issueType),
    project: () => describeProject(eye, state.project),
    parent: () => {
      const parent = state.parentId === null ? undefined : site.issues.get(state.parentId);
      return parent && describeLinked(eye, parent);
    },
    status: () => describeStatus(eye, state.status),
    resolution: () => state.resolution && describeNamed(eye, 'resolution', state.resolution),
    priority: () => state.priority && describeNamed(eye, 'priority', state.priority),
    assignee: () => user(state.assignee),
    reporter: () => user(state.reporter),
    creator: () => user(state.creator),
    labels: () => state.labels,
    components: () => state.components.map((component) => describeNamed(eye, 'component', component)),
    duedate: () => state.duedate,
    fixVersions: () => state.values.fixVersions ?? [],
    environment: () => text((state.values.environment ?? null) as Adf | null),
    created: () => timeFor(eye, state.created),
    updated: () => timeFor(eye, state.updated),
    statuscategorychangedate: () => timeFor(eye, state.statusChanged),
    attachment: () => state.attachments.map((attachment) => describeAttachment(eye, attachment)),
    comment: () => {
      const shown = state.comments.filter((comment) => seesComment(eye, comment));
      return {
        comments: shown.slice(0, most).map((comment) => describeComment(eye, issue, comment, wiki)),
        self: `${eye.base}/rest/api/3/issue/${issue.id}/comment`,
        maxResults: Math.min(most, shown.length),
        total: shown.length,
        startAt: 0,
      };
    },
    issuelinks: () =>
      site.links
        .filter((link) => [link.inward, link.outward].includes(issue))
        .filter((link) => sees(link.inward === issue ? link.outward : link.inward))
        .map((link) => describeLink(eye, link, issue)),
    subtasks: () =>
      [...site.issues.values()]
        .filter(({ parentId, issueType }) => parentId === issue.id && issueType.hierarchyLevel === -1)
        .map((child) => describeLinked(eye, child)),
  };
  if (field.schema.custom?.endsWith(':gh-epic-link')) {
    const parent = state.parentId === null ? undefined : site.issues.get(state.parentId);
    return parent?.issueType.hierarchyLevel === 1 ? parent.key : null;
  }
  if (field.custom) {
    const value = state.values[field.id] ?? null;
    if (field.schema.items === 'user')
      return value && site.users.filter(({ accountId }) => (value as string[]).includes(accountId)).map(user);
    if (field.schema.type === 'user') return user(site.users.find(({ accountId }) => accountId === value) ?? null);
    return field.schema.custom?.endsWith(':textarea') ? text(value as Adf | null) : value;
  }
  return known[field.id]?.();
}

/** Only those of a role or a group see it, and whoever wrote it. */
export function seesComment({ user }: Eye, { visibility, author }: Comment): boolean {
  return (
    visibility === null || user?.isAdmin === true || author === user || user?.roles.includes(visibility.value) === true
  );
}

/** The fields of an issue; those of other team-managed projects are not there. */
export function fieldsOf(site: Site, project: Project): Field[] {
  return site.fields.filter(({ projectId }) => projectId === null || projectId === project.id);
}

export function describeIssue(
  eye: Eye,
  issue: Issue,
  asked: { fields: Field[]; state?: IssueState; wiki?: boolean; comments?: number },
): Json {
  const state = asked.state ?? issue;
  const fields: Json = {};
  for (const field of asked.fields)
    if (field.projectId === null || field.projectId === state.project.id) {
      const value = describeField(eye, issue, state, field, asked.wiki, asked.comments);
      if (value !== undefined) fields[field.id] = value;
    }
  return { id: issue.id, key: state.key, self: `${eye.base}/rest/api/3/issue/${issue.id}`, fields };
}

/** What this user may do with the issue now. */
export function transitionsFor({ site, user }: Eye, issue: Issue): Transition[] {
  if (!user || !site.may(user, 'TRANSITION_ISSUES', issue.project)) return [];
  return workflowOf(issue).transitions.filter(
    ({ from, to, allows }) =>
      (from === null ? to !== issue.status.id : from.includes(issue.status.id)) && allows(user, issue),
  );
}

export function describeTransition(eye: Eye, transition: Transition, fields?: Json): Json {
  const to = eye.site.statuses.find(({ id }) => id === transition.to) as Status;
  return {
    id: transition.id,
    name: transition.name,
    to: describeStatus(eye, to),
    hasScreen: transition.screen !== null,
    isGlobal: transition.from === null,
    isInitial: false,
    isAvailable: true,
    isConditional: false,
    isLooped: false,
    ...(fields && { fields }),
  };
}
