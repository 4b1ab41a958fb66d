import type { LinearClient } from '../client.ts';
import { begunBy, type Payload } from './mutations.ts';

/** An issue as it is before something is written to it. */
export interface IssueNow {
  id: string;
  stateId: string;
  teamId: string;
  delegateId: string | null;
  /** Whether our newest agent session on it began with a mention; null where nobody looked. */
  isMentioned: boolean | null;
}

/** The same, with what only some operations need. */
export interface Looked extends IssueNow {
  updatedAt: string;
  state: { name: string; type: string };
  delegate: { name: string } | null;
  assignee: { name: string } | null;
  /** Our own agent sessions on it, the newest first. */
  sessions: OwnSession[];
}

export interface OwnSession {
  id: string;
  urls: string[];
  /** The comment that holds its thread. */
  thread: string | null;
  /** The comment that it was asked for with, where that is another. */
  source: string | null;
}

export const lookedAt = `id updatedAt state { id name type } team { id } delegate { id name } assignee { id name }
    agentSessions(first: 20) { nodes { id createdAt appUser { id } ${begunBy} externalLinks { url } } }`;

export const lookDocument = `query LookAtIssue($id: String!) {
  issue(id: $id) { ${lookedAt} }
}`;

/** As `issueNow` selects it. */
interface IssueNode {
  id: string;
  state: { id: string };
  team: { id: string };
  delegate: { id: string } | null;
}

export interface LookedNode extends IssueNode {
  updatedAt: string;
  state: { id: string; name: string; type: string };
  delegate: { id: string; name: string } | null;
  assignee: { id: string; name: string } | null;
  agentSessions: {
    nodes: (SessionNode & {
      id: string;
      createdAt: string;
      appUser: { id: string };
      externalLinks: { url: string }[];
    })[];
  };
}

/** Throws `VendorError` `not_found`. */
export async function look(
  client: LinearClient,
  { workspace, appUser, issue: id }: { workspace: string; appUser: string; issue: string },
  signal: AbortSignal,
): Promise<Looked> {
  const { issue } = await client.request<{ issue: LookedNode }>(workspace, lookDocument, { id }, signal);
  return readLooked(issue, appUser);
}

export function readLooked(issue: LookedNode, appUser: string): Looked {
  const { updatedAt, state, delegate, assignee } = issue;
  const sessions = issue.agentSessions.nodes
    .filter((session) => session.appUser.id === appUser)
    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  return {
    ...readNow(issue, sessions[0] ?? null),
    ...{ updatedAt, state, delegate, assignee },
    sessions: sessions.map(({ id, externalLinks, comment, sourceComment }) => ({
      id,
      urls: externalLinks.map(({ url }) => url),
      thread: comment?.id ?? null,
      source: sourceComment?.id ?? null,
    })),
  };
}

/** The issue as the payload of a mutation tells of it; null where it does not. */
export function issueIn(payload: Payload | undefined): IssueNow | null {
  const { issue, attachment, agentSession, agentActivity } = (payload ?? {}) as {
    issue?: IssueNode | null;
    attachment?: { issue?: IssueNode };
    agentSession?: SessionNode;
    agentActivity?: { agentSession?: SessionNode };
  };
  const session = agentActivity?.agentSession ?? agentSession ?? null;
  const node = issue ?? attachment?.issue ?? session?.issue;
  return node?.state && node.team ? readNow(node, session) : null;
}

/** The agent session that was written to. */
export function sessionIn(payload: Payload): string | null {
  const { agentSession, agentActivity } = payload as {
    agentSession?: SessionNode;
    agentActivity?: { agentSession?: SessionNode };
  };
  return (agentActivity?.agentSession ?? agentSession)?.id ?? null;
}

interface SessionNode {
  id?: string;
  issue?: IssueNode | null;
  comment?: { id?: string; user: { app: boolean } | null } | null;
  sourceComment?: { id: string } | null;
}

function readNow({ id, state, team, delegate }: IssueNode, session: SessionNode | null): IssueNow {
  // What Linear writes itself to begin a thread with has no author.
  const isMentioned = session && (session.sourceComment != null || session.comment?.user?.app === false);
  return { id, stateId: state.id, teamId: team.id, delegateId: delegate?.id ?? null, isMentioned };
}
