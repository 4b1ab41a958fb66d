import { mediaTypeOf } from '../../../core/media-types.ts';
import type { Attachment, RelationType, Ticket, TicketComment, TicketRelation } from '../../../core/ticket.ts';
import type { Desks } from '../desks.ts';
import { hintOf } from '../hint.ts';
import { linkPrefix, markKey } from '../markers.ts';
import { isOwn, type Own, personOf } from '../people.ts';
import type { Site } from '../sites.ts';
import { categoryOf, type StatusNames } from '../states.ts';
import { markdownOf, spokenOf } from '../text.ts';
import { type Found, findIssue, type IssueName } from './find-issue.ts';
import { commentList, type Issue, type IssueComment, type LinkedIssue, listOf, readIssueNode } from './issue.ts';
import { fieldsOf } from './issue-fields.ts';
import { remoteLink } from './remote-link.ts';

const commentsAtOnce = 100;
/** Of a longer talk the newest are kept. */
const mostComments = 500;
const mostChildren = 100;

/** With what whoever writes wants to know of an issue, too. */
export const wholeIssue = { fields: ['*all', '-worklog'], expand: ['names', 'schema', 'changelog', 'transitions'] };

/**
 * In one request, and one more each where we have written on it, it has children of its own kind, or links to what is not in Jira.
 * `found`: the issue, if it was asked for already.
 */
export async function readTicket(
  desks: Desks,
  hint: IssueName,
  signal: AbortSignal,
  found?: Pick<Found, 'site' | 'issue'>,
): Promise<Ticket> {
  const { site, issue } = found ?? (await findIssue(desks.sites, hint, wholeIssue, signal));
  const own = await site.own(signal);
  const [comments, children, links] = await Promise.all([
    readComments(site, issue, own, signal),
    readChildren(site, issue, signal),
    readLinks(site, issue, signal),
  ]);
  const { fields, names, schema } = issue;
  return {
    ...hintOf(site, issue),
    description: markdownOf(fields.description),
    labels: fields.labels ?? [],
    fields: { ...fieldsOf(fields, names, schema), ...(links.length > 0 && { Links: links.join('\n') }) },
    state: { name: fields.status?.name ?? '', category: categoryOf(fields.status, desks.states, fields.resolution) },
    assignee: fields.assignee ? personOf(fields.assignee, own) : null,
    comments: comments.map((comment) => commentOf(comment, own, desks.agent)),
    relations: relationsOf(site, issue, children, desks.states),
    attachments: fields.attachment.map((each) => attachmentOf(each, own)),
    updatedAt: fields.updated,
  };
}

function attachmentOf(
  { id, filename: name, author, mimeType, size = 0 }: Issue['fields']['attachment'][number],
  own: Own,
): Attachment {
  const mediaType = mediaTypeOf(name) ?? mimeType ?? 'application/octet-stream';
  return { id, name, mediaType, bytes: size, ...(isOwn(author, own) && { isOwn: true }) };
}

function commentOf({ id, author, body, created }: IssueComment, own: Own, agent: string): TicketComment {
  return { id, author: personOf(author, own), body: spokenOf(body, own, agent), at: created };
}

/**
 * What others said, oldest first. The issue has its comments with it, but not their marks, which are asked for only where our
 * account has written.
 */
async function readComments(
  site: Site,
  { id, fields: { comment } }: Issue,
  own: Own,
  signal: AbortSignal,
): Promise<IssueComment[]> {
  const there = comment?.comments ?? [];
  const isWhole = there.length >= (comment?.total ?? 0);
  if (isWhole && !there.some(({ author }) => isOwn(author, own))) return there;
  const found: IssueComment[] = [];
  for (let startAt = 0; startAt < mostComments; startAt += commentsAtOnce) {
    const asked = { issueIdOrKey: id, startAt, maxResults: commentsAtOnce, orderBy: '-created' as const };
    const page = await site.client.on(signal).issueComments.getComments({ ...asked, expand: 'properties' as never });
    const read = commentList.parse(page.comments);
    found.push(...read);
    if (startAt + commentsAtOnce >= (page.total ?? 0)) break;
  }
  return found
    .filter(({ author, properties = [] }) => !(isOwn(author, own) && properties.some(({ key }) => key === markKey)))
    .reverse();
}

/** Sub-tasks come with the issue; what an epic has does not. */
async function readChildren(site: Site, issue: Issue, signal: AbortSignal): Promise<LinkedIssue[]> {
  if ((issue.fields.issuetype?.hierarchyLevel ?? 0) < 1) return issue.fields.subtasks;
  const { issues = [] } = await site.client.on(signal).issueSearch.searchAndReconsileIssuesUsingJqlPost({
    jql: `parent = ${issue.id} ORDER BY created ASC, key ASC`,
    fields: ['summary', 'status', 'priority', 'resolution'],
    maxResults: mostChildren,
  });
  return issues.flatMap((each) => {
    const child = readIssueNode(each);
    return child ? [{ id: child.id, key: child.key, fields: child.fields }] : [];
  });
}

/**
 * What people and other tools linked; the issue's history knows whether there was ever any. Our own pull request comes with the
 * work, and would look like an edit of the ticket.
 */
async function readLinks(site: Site, { id, changelog }: Issue, signal: AbortSignal): Promise<string[]> {
  const { histories = [], total = histories.length } = changelog ?? {};
  const isWhole = changelog !== undefined && total <= histories.length;
  if (isWhole && !histories.some(({ items }) => items.some(({ fieldId }) => fieldId === 'RemoteIssueLink'))) return [];
  const answer = await site.client.on(signal).issueRemoteLinks.getRemoteIssueLinks({ issueIdOrKey: id });
  return listOf(remoteLink)
    .parse(answer)
    .flatMap(({ globalId, relationship, object: { url, title, summary } }) => {
      if (globalId?.startsWith(linkPrefix) || !url) return [];
      const more = [relationship, summary].filter((text) => text?.trim()).join(': ');
      return [`${title ?? url}${more === '' ? '' : ` (${more})`}: ${url}`];
    });
}

function relationsOf(
  site: Site,
  { id, fields }: Issue,
  children: readonly LinkedIssue[],
  states: StatusNames,
): TicketRelation[] {
  const { project } = fields;
  const related = (type: RelationType, other: LinkedIssue | null | undefined): TicketRelation[] => {
    if (!other || other.id === id) return [];
    // Jira does not say in which project another one is; but its key begins with the project's.
    const isHere = other.key.replace(/-\d+$/, '') === project?.key;
    const ticket = hintOf(site, isHere ? { ...other, fields: { ...other.fields, project } } : other);
    return [{ type, ticket, category: categoryOf(other.fields.status, states) }];
  };
  return [
    ...related('parent', fields.parent),
    ...children.flatMap((child) => related('child', child)),
    ...fields.issuelinks.flatMap(({ type, inwardIssue, outwardIssue }) => [
      // The issue at the inward end of "Blocks" is the one that blocks.
      ...related(relationType(type, 'inward'), inwardIssue),
      ...related(relationType(type, 'outward'), outwardIssue),
    ]),
  ];
}

/** Sites name their links as they like, and in their language; these are as Jira has them to begin with. */
function relationType(
  { name, inward, outward }: { name: string; inward: string; outward: string },
  end: 'inward' | 'outward',
): RelationType {
  const words = [name, inward, outward].join(' ').toLowerCase();
  if (/\bblock/.test(words)) return end === 'inward' ? 'blockedBy' : 'blocks';
  if (/\bduplicat/.test(words)) return end === 'inward' ? 'relatedTo' : 'duplicateOf';
  return 'relatedTo';
}
