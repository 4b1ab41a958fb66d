import type { StateCategory } from '../../core/ticket.ts';

/** A state of a team's workflow. */
export interface TeamState {
  id: string;
  name: string;
  /** triage, backlog, unstarted, started, completed, canceled, duplicate; and what Linear may add. */
  type: string;
  /** Where it stands among those of its type. */
  position: number;
}

/** What a started state has in its name, in any letter case, where a team uses it for review; filters ask for the same. */
export const reviewWord = 'review';

/** Linear has no type for review: it is a started state like any other, told by its name. */
export function categoryOf({ name, type }: Pick<TeamState, 'name' | 'type'>): StateCategory {
  switch (type) {
    case 'unstarted':
      return 'unstarted';
    case 'started':
      return saysReview(name) ? 'review' : 'started';
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

/**
 * The state that a ticket of this category is moved to: the first of its kind, and of those for review the last, because
 * nothing but the merge comes after it. null: the team has none, and the ticket stays where it is.
 */
export function stateFor(category: StateCategory, states: readonly TeamState[]): TeamState | null {
  const ordered = states
    .filter((state) => categoryOf(state) === category && state.type !== 'triage' && state.type !== 'duplicate')
    .toSorted((a, b) => a.position - b.position);
  if (category === 'review') return ordered.at(-1) ?? null;
  const [first] = ordered;
  if (first || category !== 'started') return first ?? null;
  // Of a team that has no other started state.
  return states.filter(({ type }) => type === 'started').toSorted((a, b) => a.position - b.position)[0] ?? null;
}

function saysReview(name: string): boolean {
  return name.toLowerCase().includes(reviewWord);
}
