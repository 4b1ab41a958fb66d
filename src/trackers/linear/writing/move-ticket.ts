import type { StateCategory } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { categoryOf, stateFor, type TeamState } from '../states.ts';
import { issueNow, type Mutation, type Payload, sessionNow } from './mutations.ts';

export type Move =
  /** Nothing is to be sent. */
  { answer: Record<string, unknown> } | { to: TeamState; from: TeamState };

/** Where a ticket goes instead, in a team that has no state of a category. */
const instead: Partial<Record<StateCategory, StateCategory>> = {
  review: 'started',
  started: 'review',
  backlog: 'unstarted',
  unstarted: 'backlog',
};

/** What becomes of a move while the issue is in the state `stateId`. */
export function decideMove(
  states: readonly TeamState[],
  stateId: string,
  { to: category, from }: { to: StateCategory; from: readonly StateCategory[] },
): Move {
  const now = states.find(({ id }) => id === stateId);
  if (now && categoryOf(now) === category) return { answer: { state: now.name } };
  const to = stateFor(category, states) ?? stateFor(instead[category] ?? category, states);
  if (!to) {
    const message = `The ticket's team has no state for "${category}". Add one to its workflow in Linear.`;
    throw new VendorError(message, { code: 'invalid', retryable: false });
  }
  if (now && categoryOf(now) === categoryOf(to))
    return { answer: { skipped: `The team has no state for "${category}", so the ticket stays in "${now.name}".` } };
  if (!now || !from.includes(categoryOf(now)))
    return { answer: { skipped: skipped(now?.name ?? 'another state', to) } };
  return { to, from: now };
}

/** `delegateId`: who works on it from now on; only given where nobody does. The human assignee is never touched. */
export function moveIssue(issueId: string, stateId: string, delegateId: string | null): Mutation {
  const value = { stateId, ...(delegateId !== null && { delegateId }) };
  return {
    field: 'issueUpdate',
    args: { id: { type: 'String!', value: issueId }, input: { type: 'IssueUpdateInput!', value } },
    selection: `success issue { ${issueNow} history(first: 5) { nodes { createdAt fromStateId toStateId } } }`,
  };
}

/** A move that was made, by the states of the issue's team. */
export interface Moved {
  to: TeamState;
  from: TeamState;
  allowed: readonly StateCategory[];
  states: readonly TeamState[];
}

/**
 * Changes nothing, and shows the issue as the move behind it finds it: an issue's history keeps quiet for its first three
 * minutes.
 */
export function glance(agentSessionId: string): Mutation {
  return {
    field: 'agentSessionUpdate',
    args: {
      id: { type: 'String!', value: agentSessionId },
      input: { type: 'AgentSessionUpdateInput!', value: { addedExternalUrls: [] } },
    },
    selection: `success agentSession { ${sessionNow} }`,
    isOptional: true,
  };
}

interface History {
  nodes: { createdAt: string; fromStateId: string | null; toStateId: string | null }[];
}

/**
 * The state that a person had chosen between our look at the issue and our move, which Linear cannot make depend on it;
 * null where nobody had. `before`: the state as the mutation right before the move saw it.
 */
export function overtaken(
  { to, from, allowed, states }: Moved,
  payload: Payload,
  before: string | null,
): TeamState | null {
  const history = (payload.issue as { history?: History } | null | undefined)?.history?.nodes ?? [];
  const ours = history
    .filter(({ toStateId }) => toStateId === to.id)
    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))[0];
  const left = before ?? ours?.fromStateId ?? null;
  if (left === null || left === from.id || left === to.id) return null;
  const state = states.find(({ id }) => id === left);
  return state && !allowed.includes(categoryOf(state)) ? state : null;
}

export function skipped(found: string, wanted: TeamState): string {
  return `A person moved the ticket to "${found}", so it was not moved to "${wanted.name}".`;
}
