import { notStarted, type StateCategory } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { categoryOf, isOfPeople, stateFor, type TeamState } from '../states.ts';
import { issueNow, type Mutation, type Payload, sessionNow } from './mutations.ts';
import { changeFields, changesAfter } from './state-history.ts';

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
  { to: category, from, named }: { to: StateCategory; from: readonly StateCategory[]; named?: string },
): Move {
  const now = states.find(({ id }) => id === stateId);
  if (now && categoryOf(now) === category) return { answer: { state: now.name } };
  const to =
    states.find((state) => state.name === named && categoryOf(state) === category) ??
    stateFor(category, states) ??
    stateFor(instead[category] ?? category, states);
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
    selection: `success issue { ${issueNow} history(first: 5) { nodes { ${changeFields} } } }`,
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

/**
 * The state that a person had chosen without our seeing it, which Linear cannot make a move depend on; null where nobody had.
 * `before`: the state as the mutation right before the move saw it.
 */
export function overtaken(
  { to, from, allowed, states }: Moved,
  payload: Payload,
  before: string | null,
): TeamState | null {
  const changes = changesAfter(payload);
  const left = before ?? changes.find(({ toStateId }) => toStateId === to.id)?.fromStateId ?? null;
  if (left !== null && left !== from.id && left !== to.id) {
    const state = states.find(({ id }) => id === left);
    return state && (!allowed.includes(categoryOf(state)) || isOfPeople(state, states)) ? state : null;
  }
  // What we have begun is taken back only while nobody has begun it, too.
  const begun = notStarted.includes(categoryOf(to)) && changes.find(({ toStateId }) => toStateId === from.id);
  return begun && begun.actor?.app === false ? from : null;
}

export function skipped(found: string, wanted: TeamState): string {
  return `A person moved the ticket to "${found}", so it was not moved to "${wanted.name}".`;
}
