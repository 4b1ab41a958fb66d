import type { StateCategory } from '../../core/ticket.ts';

/** A state of a team's workflow. */
export interface TeamState {
  id: string;
  name: string;
  /** triage, backlog, unstarted, started, completed, canceled, duplicate; and what Linear may add. */
  type: string;
  /** Where it stands among those of its type. */
  position: number;
  /** Whether the team has said that it is the one for review. Absent: the team has not said which, and the name tells. */
  isReview?: boolean;
}

/** For a document that selects a team: its states, and what it has them moved to when a pull request is to be reviewed. */
export const workflowFields = `states(first: 100) { nodes { id name type position } }
      gitAutomationStates(first: 20) { nodes { event state { id } targetBranch { id } } }`;

export interface WorkflowNode {
  states: { nodes: TeamState[] };
  gitAutomationStates: {
    nodes: { event: string; state: { id: string } | null; targetBranch: { id: string } | null }[];
  };
}

/** The states of a team, as its own rules for pull requests have them. */
export function statesIn({ states: { nodes: states }, gitAutomationStates }: WorkflowNode): TeamState[] {
  const rules = gitAutomationStates.nodes.filter(({ event }) => event === 'review');
  const general = rules.filter(({ targetBranch }) => targetBranch === null);
  const told = (general.length > 0 ? general : rules).map(({ state }) => state?.id);
  const started = states.filter(({ type }) => type === 'started').toSorted((a, b) => a.position - b.position);
  // Where work begins nothing is reviewed yet, whatever the rules say.
  const reviews = started.slice(1).filter(({ id }) => told.includes(id));
  if (reviews.length === 0) return states;
  return states.map((state) => (state.type === 'started' ? { ...state, isReview: reviews.includes(state) } : state));
}

/** Linear has no type for review: it is a started state like any other, told by its team's rules or by its name. */
export function categoryOf({
  name,
  type,
  isReview = /\breview\b/i.test(name),
}: Pick<TeamState, 'name' | 'type' | 'isReview'>): StateCategory {
  switch (type) {
    case 'unstarted':
      return 'unstarted';
    case 'started':
      return isReview ? 'review' : 'started';
    case 'completed':
      return 'done';
    case 'canceled':
    case 'duplicate':
      return 'canceled';
    default:
      return 'backlog'; // triage, too: nobody has decided anything
  }
}

/** Types whose tickets are over. */
export const finishedTypes = ['completed', 'canceled', 'duplicate'];

/** The state that a ticket of this category is moved to: the first of its kind. null: the team has none, and the ticket stays where it is. */
export function stateFor(category: StateCategory, states: readonly TeamState[]): TeamState | null {
  const ordered = states.toSorted((a, b) => a.position - b.position);
  const first = ordered.find(
    (state) => categoryOf(state) === category && state.type !== 'triage' && state.type !== 'duplicate',
  );
  // Of a team that has no other started state.
  return first ?? (category === 'started' ? ordered.find(({ type }) => type === 'started') : undefined) ?? null;
}

/** Whether a person has chosen a state of their own for what is begun: the agent moves a ticket to the others only. */
export function isOfPeople(state: TeamState, states: readonly TeamState[]): boolean {
  return (
    state.type === 'started' && !(['started', 'review'] as const).some((to) => stateFor(to, states)?.id === state.id)
  );
}
