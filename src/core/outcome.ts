import type { ProofVerdict } from './evidence.ts';
import type { Plan } from './plan.ts';
import type { Proposal } from './proposal.ts';
import type { Confidence } from './scope.ts';
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
  /** What is asked, each by itself, where the message says more than that. */
  questions?: string[];
  /** Where people must act: what they need to know for that. `message` is its text. */
  escalation?: Escalation;
  /** What people are asked to approve. */
  proposal?: Proposal;
  /** It was stopped because people said no to what it proposed. */
  rejected?: true;
  /** Id of the approved proposal that it begins to carry out. */
  carriesOut?: string;
  /** What it waits for: it goes on when all of it has come. Where it asks, it does so without an answer, too. */
  waits?: Wait[];
  /** The circle of tickets that wait for each other, from its own and back, of which people are told: their ids. */
  circle?: string[];
  /** The ticket, which a standing order took, is given back for this rating; see `judgeRating`. */
  givesBack?: Confidence;
  /** By the rules of its repository (core/tiers.ts) it is not for the agent: why. */
  never?: string;
  /** It leads the sub-tickets of its ticket: how they stand, and where its own ticket goes now. */
  leads?: { overview: Plan; to: 'started' | 'done' | 'review' | null };
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

/** One structure wherever people must act, because Shipmate stops to ask them or gives up; see core/escalation.ts. */
export interface Escalation {
  /** What the agent was to do. */
  asked: string;
  tried: string[];
  /** What keeps it from going on, and why; its first line stands alone. */
  blocks: string;
  /** Where the plan stands; one line. */
  standing: string;
  /** What was run last, and what came of it. */
  evidence: string[];
  /** What the thing that failed said. */
  log: string | null;
  /** Where the work so far is; null where there is none that is not published. */
  snapshot: { branch: string } | { ticket: string; because: string } | null;
  /** What people can do now. */
  options: string[];
}
