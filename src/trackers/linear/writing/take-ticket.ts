import { deterministicId } from '../../../lib/ids.ts';
import { finishedTypes } from '../states.ts';
import { postActivity } from './activities.ts';
import { execute } from './execute.ts';
import { type Looked, type LookedNode, lookedAt, readLooked } from './look.ts';
import { issueNow, type Mutation } from './mutations.ts';
import type { Asking } from './place.ts';

/** What the agent itself takes and gives up is the delegate; the assignee is a person and is never touched. */
export function delegate(issueId: string, delegateId: string | null): Mutation {
  return {
    field: 'issueUpdate',
    args: {
      id: { type: 'String!', value: issueId },
      input: { type: 'IssueUpdateInput!', value: { delegateId } },
    },
    selection: `success issue { updatedAt ${issueNow} }`,
  };
}

export const lookToTakeDocument = `query LookToTake($id: String!, $mark: AgentActivityFilter) {
  issue(id: $id) { ${lookedAt} }
  agentActivities(filter: $mark, first: 1, includeArchived: true) { nodes { id createdAt agentSession { id createdAt } } }
}`;

interface Taking extends Asking {
  appUser: string;
  issue: string;
}

/** A ticket that was taken, the agent session in which it is told of where one is known, or why it was not. */
export type Taken = { at: string; session: string | null } | { skipped: string };

/**
 * Takes an issue that nobody has. Linear keeps no list of what was asked of it, so it is marked: a thought under an id made
 * of the operation's, the first word of an agent session that is begun with it, or one more where there is a session of ours.
 * Where the mark is found the issue was taken, whoever has it now: since the session began, or since the mark. It is set when
 * Linear has said that the issue is taken: should the service fall just between the two, and people take the issue away before
 * it looks again, it would be taken a second time.
 */
export async function takeIssue(taking: Taking, operationId: string): Promise<Taken> {
  const { client, workspace, appUser, issue, signal } = taking;
  const marks = {
    first: deterministicId('linear/taken', operationId),
    oneMore: deterministicId('linear/taken/in-session', operationId),
  };
  const answer = await client.request<{
    issue: LookedNode;
    agentActivities: { nodes: { id: string; createdAt: string; agentSession: { id: string; createdAt: string } }[] };
  }>(workspace, lookToTakeDocument, { id: issue, mark: { id: { in: Object.values(marks) } } }, signal);
  const [marked] = answer.agentActivities.nodes;
  if (marked)
    return {
      at: marked.id === marks.first ? marked.agentSession.createdAt : marked.createdAt,
      session: marked.agentSession.id,
    };
  const looked = readLooked(answer.issue, appUser);
  const whyNot = taken(looked, appUser);
  if (whyNot !== null) return { skipped: whyNot };
  // Since its last change at the latest.
  if (looked.delegateId === appUser) return { at: looked.updatedAt, session: looked.sessions[0]?.id ?? null };
  const body = 'I take this ticket: nobody had it.';
  const [own] = looked.sessions;
  if (own) {
    const { payloads, refused } = await execute(taking, [delegate(issue, appUser)]);
    if (refused) throw refused;
    await execute(taking, [postActivity(marks.oneMore, own.id, { type: 'thought', body })]);
    const at = (payloads[0] as { issue?: { updatedAt?: string } } | undefined)?.issue?.updatedAt;
    return { at: at ?? looked.updatedAt, session: own.id };
  }
  const begun = await execute(taking, [begin(issue), delegate(issue, appUser)]);
  if (begun.refused) throw begun.refused;
  const session = (begun.payloads[0] as { agentSession?: { id: string; createdAt: string } }).agentSession;
  if (!session) throw new Error('Linear began an agent session and did not say which.');
  await execute(taking, [postActivity(marks.first, session.id, { type: 'thought', body })]);
  return { at: session.createdAt, session: session.id };
}

/** An agent session of our own on an issue. Linear takes no id for it: look before you make one. */
export function begin(issueId: string): Mutation {
  return {
    field: 'agentSessionCreateOnIssue',
    args: { input: { type: 'AgentSessionCreateOnIssue!', value: { issueId } } },
    selection: 'success agentSession { id createdAt }',
  };
}

function taken({ assignee, delegate, delegateId, state }: Looked, appUser: string): string | null {
  if (finishedTypes.includes(state.type)) return `The ticket is in "${state.name}".`;
  if (delegateId === appUser) return null;
  if (delegate) return `${delegate.name} has the ticket.`;
  return assignee ? `${assignee.name} has the ticket.` : null;
}
