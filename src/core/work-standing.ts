import type { Outcome, Wait } from './outcome.ts';
import { cleanLine } from './outside-text.ts';
import type { Plan } from './plan.ts';
import type { SessionState } from './session.ts';
import type { Person } from './ticket.ts';

/** What is known of the agent's work on a ticket. */
export interface WorkStanding {
  state: SessionState;
  plan: Plan;
  waits: readonly Pick<Wait, 'ticket'>[];
  /** How far its pull request is: "its checks run"; null: nobody knows, or there is none. */
  progress: string | null;
  /** Where its run waits for a worker: how many would be taken first, itself counted; null: it does not. */
  place: number | null;
  /** Of its last run; null: it has not ended. */
  outcome: Outcome | null;
}

const limits = { line: 300, question: 2_000 };

/** What becomes of a ticket, in a sentence without its end. `work`: null where the agent has nothing to do with it. */
export function describeStanding(work: WorkStanding | null, assignee: Person | null, isOver: boolean): string {
  if (work === null) {
    if (isOver) return 'it is over';
    return assignee === null ? 'nobody has it' : `${cleanLine(assignee.name, 100)} has it`;
  }
  const { state, plan, waits, progress, place, outcome } = work;
  const why = outcome === null ? '' : `: ${cleanLine(outcome.message.split('\n')[0] ?? '', limits.line)}`;
  switch (state) {
    case 'pending':
      return 'it begins in a moment';
    case 'active': {
      if (place !== null) return place === 1 ? 'it begins as soon as a worker is free' : `${place - 1} are before it`;
      const at = plan.findIndex(({ status }) => status === 'inProgress');
      const step = plan[at];
      return step ? `at work: step ${at + 1} of ${plan.length}, ${cleanLine(step.content, limits.line)}` : 'at work';
    }
    case 'awaitingInput':
      if (waits.length === 0) return 'waits for an answer';
      return `waits for ${waits.map(({ ticket }) => ticket.identifier).join(', ')}`;
    case 'complete':
      return progress === null ? 'done' : `done; of its pull request: ${progress}`;
    case 'error':
      return `it did not work${why}`;
    case 'stopped':
      return 'stopped';
  }
}

/** What people are asked, and have not answered; null: nothing. */
export function openQuestion(work: WorkStanding | null): string | null {
  if (work?.state !== 'awaitingInput' || work.outcome?.stopReason !== 'needsInput') return null;
  const { questions, message } = work.outcome;
  return (questions?.join('\n') ?? message).slice(0, limits.question).toWellFormed();
}
