import type { StateCategory } from '../../core/ticket.ts';
import { VendorError } from '../../core/vendor-error.ts';

/** The board's states, in the order in which a ticket passes through them. One for each category. */
export const boardStates = [
  { name: 'Backlog', category: 'backlog' },
  { name: 'Todo', category: 'unstarted' },
  { name: 'In Progress', category: 'started' },
  { name: 'In Review', category: 'review' },
  { name: 'Done', category: 'done' },
  { name: 'Canceled', category: 'canceled' },
] as const satisfies readonly { name: string; category: StateCategory }[];

export type BoardState = (typeof boardStates)[number]['name'];

export const finishedStates: BoardState[] = ['Done', 'Canceled'];

export function categoryOf(state: BoardState): StateCategory {
  const found = boardStates.find(({ name }) => name === state);
  if (!found) throw new Error(`the board has no state "${state}"`);
  return found.category;
}

export function stateOf(category: StateCategory): BoardState {
  const found = boardStates.find((state) => state.category === category);
  if (!found) throw new Error(`the board has no state of category "${category}"`);
  return found.name;
}

/** The state that a person means, however they write it: "in progress", "In-Progress". */
export function stateNamed(written: string): BoardState {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[\s_-]/g, '');
  const found = boardStates.find(({ name }) => plain(name) === plain(written));
  if (found) return found.name;
  const names = boardStates.map(({ name }) => name).join(', ');
  throw new VendorError(`The board has no state "${written}". Its states: ${names}.`, {
    code: 'invalid',
    retryable: false,
  });
}
