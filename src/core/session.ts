/** The last three are rests, not ends: a new prompt makes the session `active` again, on the same branch and pull request. */
export type SessionState = 'pending' | 'active' | 'awaitingInput' | 'complete' | 'error' | 'stopped';

/** `scope`: it only rates the ticket, which need not be the agent's. It says nothing there, and leaves the session `stopped`. */
export type RunPurpose = 'work' | 'scope';

/**
 * Every transition there is, and what makes it. `pending` is a session nobody has worked on yet. ARCHITECTURE.md draws this
 * table (`drawSession`).
 */
export const sessionTransitions: Record<SessionState, Partial<Record<SessionState, string>>> = {
  pending: { active: 'given, or to be rated', stopped: 'stopped, closed or given away' },
  active: {
    awaitingInput: 'asks, or waits',
    complete: 'finished',
    error: 'failed',
    stopped: 'stopped, closed, given away, gone, rejected, or only rated',
  },
  awaitingInput: {
    active: 'answered, taken as approved, or what it waited for has come',
    complete: 'the checks that people were asked about are green after all, or it was merged',
    stopped: 'stopped, closed, given away, gone, or unanswered for long',
  },
  complete: {
    active: 'a new wish, to be rated, or its parts are filed',
    error: 'what was to be published or filed failed for good',
    awaitingInput: 'too many runs in an hour, checks that stay red, or a pull request that cannot be looked at',
  },
  error: {
    active: 'a new wish, reopened, or to be rated',
    awaitingInput: 'too many runs in an hour, or checks that are red',
  },
  stopped: { active: 'a new wish, reopened, or to be rated', awaitingInput: 'too many runs in an hour' },
};

export const sessionStates = Object.keys(sessionTransitions) as SessionState[];

export function canMove(from: SessionState, to: SessionState): boolean {
  return from === to || sessionTransitions[from][to] !== undefined;
}

/** The table as a diagram in Mermaid. */
export function drawSession(): string {
  const moves = sessionStates.flatMap((from) =>
    Object.entries(sessionTransitions[from]).map(([to, why]) => `  ${from} --> ${to}: ${why}`),
  );
  return ['stateDiagram-v2', '  [*] --> pending: a ticket', ...moves].join('\n');
}
