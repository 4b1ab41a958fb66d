import { attachmentOf } from '../../../core/media-types.ts';
import type { Person, RelationType, Ticket, TicketComment, TicketHint, TicketRelation } from '../../../core/ticket.ts';
import { type FileReader, findFiles } from '../../../lib/stored-files.ts';
import type { LinearClient } from '../client.ts';
import { disconnectedFrom } from '../connecting/disconnected.ts';
import type { LinearTokens, Workspace } from '../connecting/tokens.ts';
import { LinearError } from '../errors.ts';
import { unfoldFromLinear } from '../folds.ts';
import { hintOf, refOf } from '../hint.ts';
import { categoryOf, statesIn } from '../states.ts';
import type { WorkspaceCache } from '../workspace-cache.ts';
import type { IssueNow } from '../writing/look.ts';
import { storeOf } from './attachments.ts';
import {
  type CommentNode,
  type IssueNode,
  lastCommentsDocument,
  type RelatedNode,
  ticketDocument,
  type UserNode,
} from './issue-fields.ts';

export interface ReadDeps {
  apiUrl: string;
  client: LinearClient;
  tokens: LinearTokens;
  cache: WorkspaceCache;
  uploads: FileReader;
  /** Told how an issue was when it was read, asked for at this `performance.now()`: whoever writes to it need not look then. */
  seen(issue: IssueSeen, asked: number): void;
  /** Workspaces where the app may not see what customers ask for, and until when that is taken for so. */
  withoutNeeds: Map<string, number>;
  now(): number;
}

/** The app may be given a scope at any time; of that only the process is told that a webhook comes to. */
const withoutNeedsForMs = 60 * 60_000;

export type IssueSeen = Omit<IssueNow, 'isMentioned'>;

/** A ticket that a person named is looked for in each workspace; one that we know is in its own. */
export async function readTicket(deps: ReadDeps, hint: TicketHint, signal: AbortSignal): Promise<Ticket> {
  signal.throwIfAborted();
  const all = await deps.tokens.workspaces(signal);
  const ref = refOf(hint);
  const mine = ref ? all.filter(({ id }) => id === ref.workspace) : all;
  if (mine.length === 0) throw disconnectedFrom(hint);
  const id = asIdentifier(hint.id);
  for (const workspace of mine) {
    const asked = performance.now();
    const issue = await readIssue(deps, workspace.id, id, signal);
    if (issue) deps.seen(nowOf(issue), asked);
    if (issue && !issue.trashed) return ticketOf(deps, workspace, issue, signal);
  }
  const where = mine.map(({ name }) => name).join(', ');
  throw new LinearError(
    `Linear has no ticket "${hint.identifier || hint.id}" that the app can see (workspaces: ${where}). If it is there, give the app access to its team.`,
    { code: 'not_found', retryable: false },
  );
}

function nowOf({ id, state, team, delegate }: IssueNode): IssueSeen {
  return { id, stateId: state.id, teamId: team.id, delegateId: delegate?.id ?? null };
}

/** People write "eng-12", too. */
function asIdentifier(id: string): string {
  return /^[a-z0-9]+-\d+$/i.test(id.trim()) ? id.trim().toUpperCase() : id;
}

async function readIssue(
  deps: ReadDeps,
  workspace: string,
  id: string,
  signal: AbortSignal,
): Promise<IssueNode | null> {
  const read = async (needs: boolean) =>
    (await deps.client.request<{ issue: IssueNode | null }>(workspace, ticketDocument, { id, needs }, signal)).issue;
  try {
    return await read((deps.withoutNeeds.get(workspace) ?? 0) <= deps.now());
  } catch (error) {
    if (!(error instanceof LinearError)) throw error;
    if (error.code === 'not_found') return null;
    if (error.code !== 'invalid' || !error.path?.includes('needs')) throw error;
    deps.withoutNeeds.set(workspace, deps.now() + withoutNeedsForMs);
    return read(false);
  }
}

async function ticketOf(deps: ReadDeps, workspace: Workspace, issue: IssueNode, signal: AbortSignal): Promise<Ticket> {
  const { id, appUserId } = workspace;
  const hint = hintOf(id, issue);
  const states = statesIn(issue.team);
  deps.cache.keepStates(id, issue.team.id, states);
  const comments = await commentsOf(deps, workspace, issue, signal);
  const description = unfoldFromLinear(issue.description ?? '');
  const texts = [
    description,
    ...comments.map(({ body }) => body),
    ...requestsOf(issue),
    ...issue.attachments.nodes.map(asLink),
  ];
  const files = findFiles(texts, storeOf(deps.apiUrl));
  return {
    ...hint,
    description,
    labels: issue.labels.nodes.map(({ name }) => name),
    fields: fieldsOf(issue, appUserId, deps.apiUrl),
    state: {
      name: issue.state.name,
      category: categoryOf(states.find((state) => state.id === issue.state.id) ?? issue.state),
    },
    assignee: assigneeOf(issue, appUserId),
    comments,
    relations: relationsOf(id, issue),
    attachments: (await deps.uploads.describe(id, files, signal)).map(attachmentOf),
    updatedAt: issue.updatedAt,
  };
}

/** Whoever works on it. In Linear that is the delegate where it is an app; the assignee is the person responsible for it. */
function assigneeOf({ assignee, delegate }: IssueNode, appUser: string): Person | null {
  const who = delegate ?? assignee;
  return who && userOf(who, appUser);
}

function userOf({ id, name, app }: UserNode, appUser: string): Person {
  return { id, name, isBot: app || id === appUser };
}

/**
 * What people and other apps said, oldest first: our own activities come back as comments of ours, and the comment that holds
 * the thread of a session is nobody's. A stop by the button is no comment in Linear, and said all the same. Of a thread of more than a hundred the newest are kept.
 */
async function commentsOf(
  { client }: ReadDeps,
  { id: workspace, appUserId }: Workspace,
  { id, comments, agentSessions }: IssueNode,
  signal: AbortSignal,
): Promise<TicketComment[]> {
  let nodes = comments.nodes;
  const isNewestFirst = (nodes[0]?.createdAt ?? '') >= (nodes.at(-1)?.createdAt ?? '');
  if (comments.pageInfo.hasNextPage && !isNewestFirst) {
    const last = await client.request<{ issue: { comments: { nodes: CommentNode[] } } }>(
      workspace,
      lastCommentsDocument,
      { id },
      signal,
    );
    nodes = last.issue.comments.nodes;
  }
  const prompts = agentSessions.nodes
    .filter(({ appUser }) => appUser.id === appUserId)
    .flatMap(({ activities }) => activities.nodes)
    .map(({ content: { body }, ...node }) => ({
      ...{ ...node, body },
      ...{ externalUser: null, botActor: null, agentSession: null },
    }));
  return [...nodes, ...prompts]
    .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : a.id < b.id ? -1 : 1))
    .flatMap((node): TicketComment[] => {
      const author = authorOf(node, appUserId);
      return author && author.id !== appUserId ? [{ id: node.id, author, body: node.body, at: node.createdAt }] : [];
    });
}

function authorOf({ user, externalUser, botActor, agentSession }: CommentNode, appUser: string): Person | null {
  if (user) {
    const person = userOf(user, appUser);
    return { ...person, isBot: person.isBot || botActor !== null };
  }
  if (externalUser) return { ...externalUser, isBot: false };
  if (agentSession) return null;
  return { id: botActor?.id ?? 'automation', name: botActor?.name ?? 'Linear', isBot: true };
}

/** "Deadline" is our own name for it, which is understood whatever names a team has set. */
function fieldsOf(issue: IssueNode, appUser: string, apiUrl: string): Record<string, string> {
  const { estimate, dueDate, cycle, projectMilestone, needs } = issue;
  const more = needs?.pageInfo.hasNextPage ? ['There are more of them in Linear.'] : [];
  const cycleName = cycle && [`Cycle ${cycle.number}`, cycle.name].filter(Boolean).join(' ');
  return {
    ...(dueDate && { Deadline: dueDate }),
    ...(estimate !== null && { Estimate: String(estimate) }),
    ...(cycle && { Cycle: `${cycleName}, until ${cycle.endsAt.slice(0, 10)}` }),
    ...(projectMilestone && { 'Project milestone': projectMilestone.name }),
    ...listed('Customer requests', [...requestsOf(issue), ...more]),
    ...listed('Links', linksOf(issue, appUser, apiUrl)),
  };
}

/** What customers ask for, each on one line. */
function requestsOf({ needs }: IssueNode): string[] {
  return (needs?.nodes ?? []).flatMap(({ content, body, priority, customer }) => {
    const text = (content || body || '').replace(/\s+/g, ' ').trim();
    const important = priority > 0 ? ' (important)' : '';
    return text === '' ? [] : [`${customer?.name ?? 'A customer'}${important}: ${text}`];
  });
}

function listed(name: string, lines: string[]): Record<string, string> {
  return lines.length === 0 ? {} : { [name]: lines.join('\n') };
}

/**
 * What people linked. Not pull requests, ours or those that an integration adds: they come with the work and change with
 * it, and would look like edits of the ticket. Nor files: those are attachments.
 */
function linksOf({ attachments }: IssueNode, appUser: string, apiUrl: string): string[] {
  return attachments.nodes
    .filter(
      ({ creator, sourceType, url }) =>
        creator?.id !== appUser &&
        !(creator === null && /^git(hub|lab)/i.test(sourceType ?? '')) &&
        storeOf(apiUrl)(url) === null,
    )
    .map(({ title, subtitle, url }) => `${title}${subtitle ? ` (${subtitle})` : ''}: ${url}`);
}

/** As people would have written it. */
function asLink({ title, url }: { title: string; url: string }): string {
  return `[${title.replace(/[[\]\s]+/g, ' ')}](${url})`;
}

const forward: Record<string, RelationType> = { blocks: 'blocks', duplicate: 'duplicateOf' };
const backward: Record<string, RelationType> = { blocks: 'blockedBy' };

type Child = IssueNode['children']['nodes'][number];

/** As people see sub-issues, and put them in order; Linear answers with the newest first. */
function asListed(a: Child, b: Child): number {
  const [one, other] = [a, b].map(({ subIssueSortOrder }) => subIssueSortOrder ?? 0) as [number, number];
  return one - other || Date.parse(a.createdAt) - Date.parse(b.createdAt);
}

function relationsOf(
  workspace: string,
  { id, parent, children, relations, inverseRelations }: IssueNode,
): TicketRelation[] {
  const related = (type: RelationType, issue: RelatedNode): TicketRelation[] =>
    issue.trashed || issue.id === id
      ? []
      : [{ type, ticket: hintOf(workspace, issue), category: categoryOf(issue.state) }];
  return [
    ...(parent ? related('parent', parent) : []),
    ...children.nodes.toSorted(asListed).flatMap((child) => related('child', child)),
    ...relations.nodes.flatMap(({ type, relatedIssue }) => related(forward[type] ?? 'relatedTo', relatedIssue)),
    ...inverseRelations.nodes.flatMap(({ type, issue }) => related(backward[type] ?? 'relatedTo', issue)),
  ];
}
