import type { Activity } from '../../../src/core/activity.ts';
import type { WorldCall } from './faults.ts';

/** Something that the outside took in and now shows. What was refused as known, or changed nothing, is none. */
export interface Write {
  /** Milliseconds since 1970. */
  at: number;
  call: WorldCall;
  /** The id that the sender chose. */
  id: string;
  /** "BOARD-12"; null: nobody can tell. */
  ticket: string | null;
  content: unknown;
}

/** Every request that came in, refused ones too. */
export interface Asked {
  at: number;
  account: 'tracker' | 'code-host';
  call: WorldCall;
  ticket: string | null;
  id: string | null;
  status: number;
}

/** What there is to see of one ticket, counted by the outside. */
export interface TicketCounts {
  activities: Record<Activity['type'], number>;
  /** Each activity that was shown before word for word, as text. */
  duplicates: string[];
  /** Activities that end something: responses, errors, questions. */
  closing: number;
  stateChanges: string[];
  plans: number;
  attachments: number;
  /** Pages of the agent's that were linked. */
  links: number;
  /** Names of the branches that we moved, once each. */
  branches: string[];
  pushes: number;
  pullRequests: number;
}

export interface Ledger {
  writes: Write[];
  requests: Asked[];
  write(call: WorldCall, id: string, ticket: string | null, content: unknown): void;
  counts(tickets: Iterable<string>): Record<string, TicketCounts>;
  /** Of writes other than words in passing: whether anything moves. */
  moves(): number;
}

const closing: Activity['type'][] = ['response', 'error', 'elicitation'];

export function createLedger(): Ledger {
  const writes: Write[] = [];
  const known = new Map<string, { counts: TicketCounts; shown: Set<string> }>();
  let moves = 0;
  return {
    writes,
    requests: [],
    write(call, id, ticket, content) {
      const write = { at: Date.now(), call, id, ticket, content };
      writes.push(write);
      if (call !== 'postActivity' || closing.includes((content as Activity).type)) moves += 1;
      if (ticket === null) return;
      const { counts, shown } = known.get(ticket) ?? { counts: nothing(), shown: new Set<string>() };
      known.set(ticket, { counts, shown });
      count(counts, write, shown);
    },
    counts: (tickets) =>
      Object.fromEntries([...tickets].map((ticket) => [ticket, known.get(ticket)?.counts ?? nothing()])),
    moves: () => moves,
  };
}

function nothing(): TicketCounts {
  return {
    activities: { thought: 0, action: 0, elicitation: 0, response: 0, error: 0 },
    duplicates: [],
    closing: 0,
    stateChanges: [],
    plans: 0,
    attachments: 0,
    links: 0,
    branches: [],
    pushes: 0,
    pullRequests: 0,
  };
}

function count(counts: TicketCounts, { call, content }: Write, shown: Set<string>): void {
  switch (call) {
    case 'postActivity': {
      const activity = content as Activity;
      const text = JSON.stringify(activity);
      counts.activities[activity.type] += 1;
      if (closing.includes(activity.type)) counts.closing += 1;
      if (shown.has(text)) counts.duplicates.push(text);
      shown.add(text);
      return;
    }
    case 'moveTicket':
      counts.stateChanges.push(String(content));
      return;
    case 'updatePlan':
      counts.plans += 1;
      return;
    case 'attachPullRequest':
      counts.attachments += 1;
      return;
    case 'linkSession':
      counts.links += 1;
      return;
    case 'pushBranch': {
      const { branch } = content as { branch: string };
      counts.pushes += 1;
      if (!counts.branches.includes(branch)) counts.branches.push(branch);
      return;
    }
    case 'openPullRequest':
      counts.pullRequests += 1;
      return;
    default:
      return;
  }
}
