import type { ProofVerdict } from './evidence.ts';
import type { Plan } from './plan.ts';
import type { Proposal } from './proposal.ts';
import type { Rating } from './standing-orders.ts';
import type { TicketHint } from './ticket.ts';

/** `waiting`: for something that is not an answer, such as another ticket; it goes on by itself, or when people say so. */
export type StopReason =
  | 'finished'
  | 'needsInput'
  | 'waiting'
  | 'budgetExceeded'
  | 'loopDetected'
  | 'stopped'
  | 'failed';

/** How a run ended. `message` is for people; `options` are the answers offered where a question was asked. */
export interface Outcome {
  stopReason: StopReason;
  message: string;
  options?: string[];
  /** What people are asked to approve. */
  proposal?: Proposal;
  /** It was stopped because people said no to what it proposed. */
  rejected?: true;
  /** Id of the approved proposal that it begins to carry out. */
  carriesOut?: string;
  /** What it waits for: it goes on when all of it has come. */
  waits?: Wait[];
  /** The ticket, which a standing order took, is given back for this rating; see `judgeRating`. */
  givesBack?: Rating;
  /** It leads the sub-tickets of its ticket: how they stand, and where its own ticket goes when all of them are over. */
  leads?: { overview: Plan; to: 'done' | 'review' | null };
  /** Of a change that was published. */
  proof?: ProofVerdict;
}

/**
 * A ticket that is to be `over` (done or canceled; one that blocks the waiting ticket or is a part of it), or whose session
 * is to have a pull request that waits for review (`ready`), or is to be at work no more (`rests`).
 */
export interface Wait {
  ticket: TicketHint;
  until: 'over' | 'ready' | 'rests';
}

/** One structure wherever Shipmate stops to ask people. */
export interface Escalation {
  asked: string;
  tried: string[];
  blocks: string;
  options: string[];
  evidence: string[];
  log: string | null;
}
