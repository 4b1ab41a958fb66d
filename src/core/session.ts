/** The last three are rests, not ends: a new prompt makes the session `active` again, on the same branch and pull request. */
export type SessionState = 'pending' | 'active' | 'awaitingInput' | 'complete' | 'error' | 'stopped';

export const sessionStates: readonly SessionState[] = [
  'pending',
  'active',
  'awaitingInput',
  'complete',
  'error',
  'stopped',
];

/** Every transition there is. `pending` is a session nobody has worked on yet. */
export const sessionTransitions: Record<SessionState, readonly SessionState[]> = {
  pending: ['active'],
  active: ['awaitingInput', 'complete', 'error', 'stopped'],
  // `stopped`: its ticket was closed, given to someone else, or is gone.
  awaitingInput: ['active', 'stopped'],
  // Its pull request, or what else it had to publish, failed for good.
  complete: ['active', 'error'],
  error: ['active'],
  stopped: ['active'],
};

export function canMove(from: SessionState, to: SessionState): boolean {
  return from === to || sessionTransitions[from].includes(to);
}
