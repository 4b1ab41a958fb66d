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

export interface Fault {
  /** Without one: every kind of call, deliveries excepted. */
  call?: WorldCall;
  /** "BOARD-12"; without one: whatever it is about. */
  ticket?: string;
  /** Only the nth that matches, from 1; without one: each. */
  nth?: number;
  /** Every so many that match; with a random phase it is a storm. */
  every?: number;
  action: FaultAction;
}

export interface Faults {
  add(faults: Fault[]): void;
  clear(): void;
  /** What is to go wrong with this call; counts it. */
  of(call: WorldCall, ticket: string | null): FaultAction[];
}

export function createFaults(): Faults {
  let armed: { fault: Fault; seen: number }[] = [];
  return {
    add: (faults) => void armed.push(...faults.map((fault) => ({ fault, seen: 0 }))),
    clear() {
      armed = [];
    },
    of: (call, ticket) =>
      armed.flatMap((each) => {
        const { fault } = each;
        if (fault.call === undefined ? call === 'delivery' : fault.call !== call) return [];
        if (fault.ticket !== undefined && fault.ticket !== ticket) return [];
        each.seen += 1;
        const hits =
          fault.nth !== undefined
            ? each.seen === fault.nth
            : fault.every === undefined || each.seen % fault.every === 0;
        return hits ? [fault.action] : [];
      }),
  };
}
