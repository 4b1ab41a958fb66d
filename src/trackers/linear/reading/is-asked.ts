import type { TicketHint } from '../../../core/ticket.ts';
import type { LinearClient } from '../client.ts';
import { disconnectedFrom } from '../connecting/disconnected.ts';
import type { LinearTokens } from '../connecting/tokens.ts';
import { refOf } from '../hint.ts';

export const askedDocument = `query IsAsked($id: String!) {
  issue(id: $id) {
    delegate { id }
    agentSessions(first: 20) {
      nodes {
        createdAt appUser { id } sourceComment { id } comment { user { app } }
        plan activities(first: 1, filter: { type: { eq: "action" } }) { nodes { id } }
      }
    }
    history(first: 50) { nodes { createdAt fromDelegate { id } } }
  }
}`;

interface SessionNode {
  createdAt: string;
  appUser: { id: string };
  sourceComment: { id: string } | null;
  comment: { user: { app: boolean } | null } | null;
  plan: unknown;
  activities: { nodes: { id: string }[] };
}

interface Answer {
  issue: {
    delegate: { id: string } | null;
    agentSessions: { nodes: SessionNode[] };
    history: { nodes: { createdAt: string; fromDelegate: { id: string } | null }[] };
  };
}

/**
 * Whether our newest agent session on an issue began with a mention, and the issue was not taken from us since. Until work
 * begins, or where somebody else is the delegate, nothing else says that we may have it.
 */
export async function isAsked(
  { client, tokens }: { client: LinearClient; tokens: LinearTokens },
  hint: TicketHint,
  signal: AbortSignal,
): Promise<boolean> {
  const ref = refOf(hint);
  const workspace = (await tokens.workspaces(signal)).find(({ id }) => id === ref?.workspace);
  if (!workspace) throw disconnectedFrom(hint);
  const { issue } = await client.request<Answer>(workspace.id, askedDocument, { id: hint.id }, signal);
  const sessions = issue.agentSessions.nodes;
  const [newest] = sessions
    .filter(({ appUser }) => appUser.id === workspace.appUserId)
    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  // What Linear writes itself to begin a thread with has no author.
  if (!newest || (newest.sourceComment === null && newest.comment?.user?.app !== false)) return false;
  const isSince = ({ createdAt }: { createdAt: string }) => Date.parse(createdAt) > Date.parse(newest.createdAt);
  // An issue's first three minutes are in no history: what is there now has to tell.
  const { delegate } = issue;
  if (delegate === null && hasBegun(newest)) return false;
  if (
    sessions.some(
      (session) => session.appUser.id === delegate?.id && delegate.id !== workspace.appUserId && isSince(session),
    )
  )
    return false;
  return !issue.history.nodes.some((change) => change.fromDelegate?.id === workspace.appUserId && isSince(change));
}

/** Then the issue was ours, or somebody else's. */
function hasBegun({ plan, activities }: SessionNode): boolean {
  return (Array.isArray(plan) && plan.length > 0) || activities.nodes.length > 0;
}
