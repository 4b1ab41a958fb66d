/** The last three are rests, not ends: a new prompt makes the session `active` again, on the same branch and pull request. */
export type SessionState = 'pending' | 'active' | 'awaitingInput' | 'complete' | 'error' | 'stopped';

/** `scope`: it only rates the ticket, which need not be the agent's. It says nothing there, and leaves the session `stopped`. */
export type RunPurpose = 'work' | 'scope';

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
  // Stopped, taken away or closed before its first run.
  pending: ['active', 'stopped'],
  // `stopped`: also when its ticket was only rated.
  active: ['awaitingInput', 'complete', 'error', 'stopped'],
  // `stopped`: its ticket was closed, given to someone else, or is gone.
  awaitingInput: ['active', 'stopped'],
  // `error`: its pull request, or what else it had to publish, failed for good. `awaitingInput`: it may not go on by
  // itself, because its ticket has started too many runs.
  complete: ['active', 'error', 'awaitingInput'],
  error: ['active', 'awaitingInput'],
  stopped: ['active', 'awaitingInput'],
};

export function canMove(from: SessionState, to: SessionState): boolean {
  return from === to || sessionTransitions[from].includes(to);
}
