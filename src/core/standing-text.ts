import type { Outcome, Wait } from './outcome.ts';
import { cleanText } from './outgoing-text.ts';
import { inOneSentence } from './question-text.ts';
import type { SessionState } from './session.ts';

/** What decides what is said of where a session stands. */
export interface Standing {
  state: SessionState;
  /** What it waits for that is not an answer. */
  waits: readonly Pick<Wait, 'ticket' | 'until'>[];
  /** Its last run; null before there is one. */
  run: { isBegun: boolean; isHeld: boolean; outcome: Outcome | null } | null;
  /** Of that run, where it waits for a worker: how many would be taken first, itself counted. */
  place: number | null;
  /** Of what people were asked to approve. */
  code: string | null;
}

/** For people who come from outside the ticket: a word, what it does or waits for, and what they can do about it there. */
export interface StandingText {
  word: string;
  now: string;
  options: string | null;
  next: string;
}

const stateWords: Record<SessionState, string> = {
  pending: 'Not begun',
  active: 'At work',
  awaitingInput: 'Waiting',
  complete: 'Finished',
  error: 'Failed',
  stopped: 'Stopped',
};

const goOn =
  'To have more done, write on the ticket what it is, or “continue”: the work goes on from here. A ticket that was closed, or given to somebody else, must be opened or given back first.';

const shownWaits = 10;

export function describeStanding(standing: Standing): StandingText {
  const { state, run, waits } = standing;
  const word = stateWords[state];
  const options = null;
  switch (state) {
    case 'pending':
      return { word, now: 'Nobody has asked for work yet.', options, next: 'Give the ticket to the agent to begin.' };
    case 'active':
      return {
        ...{ word, now: describeWork(standing), options },
        next: 'To stop it, write “stop” on the ticket: it ends within seconds, and what was done is kept. Anything else that is written there is read at the next turn.',
      };
    case 'awaitingInput':
      return isQuestion(standing) ? describeQuestion(standing) : describeWaiting(word, waits, run?.outcome ?? null);
    case 'complete':
      return { word, now: 'The work is done.', options, next: goOn };
    case 'error':
      return { word, now: 'The last run failed; the last activity says why.', options, next: goOn };
    case 'stopped':
      return { word, now: 'Nothing is done until people say so.', options, next: goOn };
  }
}

function describeWork({ run, place }: Standing): string {
  if (run?.isBegun && run.isHeld) return 'The agent is working on it.';
  if (run?.isBegun) return 'It waits for a service that it needs, or for a free worker, and is tried again.';
  return place === null ? 'It is about to begin.' : `It waits for a free worker: number ${place} in the queue.`;
}

function isQuestion({ run }: Standing): boolean {
  return run?.outcome != null && run.outcome.stopReason !== 'waiting';
}

function describeQuestion({ run, code }: Standing): StandingText {
  const outcome = run?.outcome as Outcome;
  const choices = outcome.proposal ? ['approve', 'reject'] : (outcome.options ?? []);
  return {
    word: 'Waiting for an answer',
    now: `It asks: ${inOneSentence(outcome, code)}`,
    options: choices.length === 0 ? null : choices.map((choice) => cleanText(choice, 300)).join(' · '),
    next: 'Answer on the ticket, and it goes on. To have it end here, write “stop”.',
  };
}

const untilWords: Record<Wait['until'], string> = {
  over: 'to be over',
  ready: 'to have a pull request',
  rests: 'to be at work no more',
};

function describeWaiting(word: string, waits: Standing['waits'], outcome: Outcome | null): StandingText {
  const named = waits
    .slice(0, shownWaits)
    .map(({ ticket, until }) => `${cleanText(ticket.identifier, 60)} ${untilWords[until]}`);
  const more = waits.length > shownWaits ? [`${waits.length - shownWaits} more`] : [];
  return {
    word,
    now:
      named.length === 0 ? cleanText(outcome?.message ?? '', 500) : `It waits for ${[...named, ...more].join(', ')}.`,
    options: null,
    next: outcome?.leads
      ? 'It goes on by itself. To have it end here, write “stop” on the ticket.'
      : 'It goes on by itself. To have it begin at once, write “continue” on the ticket; to have it end here, “stop”.',
  };
}
