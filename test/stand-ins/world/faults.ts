import { armFaults, type Which } from '../faults.ts';

/** What a caller of the world asks for, by its own name. A fault, a limit and the log go by these. */
export type WorldCall =
  | 'readTicket'
  | 'readAttachment'
  | 'listTickets'
  | 'searchTickets'
  | 'postActivity'
  | 'updatePlan'
  | 'moveTicket'
  | 'attachPullRequest'
  | 'linkSession'
  | 'leaveConversation'
  | 'createTicket'
  | 'takeTicket'
  | 'releaseTicket'
  | 'attachFile'
  | 'locate'
  | 'pushBranch'
  | 'openPullRequest'
  | 'updatePullRequest'
  | 'findPullRequest'
  | 'readPullRequest'
  | 'delivery';

export type FaultAction =
  /** Answers late: what was asked for is done before the wait, or (`'before'`) after it. */
  | { type: 'late'; ms: number; wait?: 'before' | 'after' }
  /** Does it, and the connection breaks instead of an answer. */
  | { type: 'loseReply' }
  /** Does it, and reads do not show it for so long. */
  | { type: 'hide'; ms: number }
  /** Does nothing and answers this status. */
  | { type: 'fail'; status: number }
  /** Does nothing, answers 429 with Retry-After, and so to everything of that account until the time has come. */
  | { type: 'rateLimit'; seconds: number }
  /** A delivery is sent this many times more, each after another wait of `ms`. */
  | { type: 'repeat'; times: number; ms: number };

export interface Fault extends Which {
  /** Without one: every kind of call, deliveries excepted. */
  call?: WorldCall;
  /** "BOARD-12"; without one: whatever it is about. */
  ticket?: string;
  action: FaultAction;
}

export interface Faults {
  add(faults: Fault[]): void;
  clear(): void;
  /** What is to go wrong with this call; counts it. */
  of(call: WorldCall, ticket: string | null): FaultAction[];
}

export function createFaults(): Faults {
  const { add, clear, hits } = armFaults<Fault>();
  return {
    add: (faults) => add(...faults),
    clear,
    of: (call, ticket) =>
      hits(
        (fault) =>
          (fault.call === undefined ? call !== 'delivery' : fault.call === call) &&
          (fault.ticket === undefined || fault.ticket === ticket),
      ).map(({ action }) => action),
  };
}
