import type { LinearClient } from '../client.ts';
import type { Payload } from './mutations.ts';

/** That an issue was moved. */
export interface StateChange {
  createdAt: string;
  /** null: an integration, or Linear itself. */
  actor: { id: string; app: boolean } | null;
  fromStateId: string | null;
  toStateId: string;
}

interface History {
  nodes: (Omit<StateChange, 'toStateId'> & { toStateId: string | null })[];
}

export const changeFields = 'createdAt actor { id app } fromStateId toStateId';

export const historyDocument = `query StateHistory($id: String!) {
  issue(id: $id) {
    history(first: 50) { nodes { ${changeFields} } }
    agentSessions(first: 20) { nodes { createdAt appUser { id } } }
  }
}`;

interface Answer {
  issue: { history: History; agentSessions: { nodes: { createdAt: string; appUser: { id: string } }[] } };
}

/** The newest first. */
export function changesIn(history: History | null | undefined): StateChange[] {
  return (history?.nodes ?? [])
    .filter((change): change is StateChange => change.toStateId !== null)
    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
}

/** The same of the issue that a mutation answers with. */
export function changesAfter(payload: Payload): StateChange[] {
  return changesIn((payload.issue as { history?: History } | null | undefined)?.history);
}

/**
 * Whether a person has put the issue into the state in which it is, since we had begun to work on it: since we last moved
 * it, or were last asked to. An issue's first three minutes are in no history.
 */
export async function isChosen(
  {
    client,
    workspace,
    appUser,
    signal,
  }: { client: LinearClient; workspace: string; appUser: string; signal: AbortSignal },
  { id, stateId }: { id: string; stateId: string },
): Promise<boolean> {
  const { issue } = await client.request<Answer>(workspace, historyDocument, { id }, signal);
  const changes = changesIn(issue.history);
  const [newest] = changes;
  if (newest?.toStateId !== stateId || newest.actor === null || newest.actor.app) return false;
  const ours = [
    ...changes.filter(({ actor }) => actor?.id === appUser),
    ...issue.agentSessions.nodes.filter((session) => session.appUser.id === appUser),
  ];
  return ours.every(({ createdAt }) => Date.parse(createdAt) < Date.parse(newest.createdAt));
}
