import type { Plan } from '../../src/core/plan.ts';
import type { StateCategory, TeamPlace, TicketHint } from '../../src/core/ticket.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';

/** A webhook request as the tracker sends it. */
export interface SentDelivery {
  headers: Record<string, string>;
  body: Uint8Array;
}

/** A ticket as a person files it; `team` and `project` where the tracker has them. */
export interface PersonsDraft {
  title: string;
  description: string;
  labels?: string[];
  team?: string;
  project?: string;
}

/** A tracker, people at work in it, and what can be seen from outside without asking the adapter. */
export interface TrackerWorld {
  tracker: Tracker;
  /** How many tickets `listTickets` gives at once. */
  pageSize: number;
  /** Some of where tickets can be filed; none where that may be anywhere. */
  teams: TeamPlace[];
  /** A hint of a ticket that does not exist. */
  unknownTicket: TicketHint;
  person: {
    createTicket(draft: PersonsDraft): Promise<{ id: string; identifier: string }>;
    /** The ticket is given to the agent, in whatever way the tracker has for it. */
    give(ticketId: string): Promise<SentDelivery>;
    /** The ticket is given to somebody else. */
    giveAway(ticketId: string): Promise<void>;
    take(ticketId: string): Promise<SentDelivery>;
    say(ticketId: string, body: string): Promise<SentDelivery>;
    move(ticketId: string, to: StateCategory): Promise<SentDelivery>;
    /** A file is added to the ticket. */
    attach(ticketId: string, name: string, content: Uint8Array): Promise<SentDelivery>;
  };
  /** What the agent itself does, and another bot: the tracker tells of it as well. */
  agentSays(ticketId: string, body: string): Promise<SentDelivery>;
  botSays(ticketId: string, body: string): Promise<SentDelivery>;
  agentGives(ticketId: string): Promise<SentDelivery>;
  botGives(ticketId: string): Promise<SentDelivery>;
  botMoves(ticketId: string, to: StateCategory): Promise<SentDelivery>;
  /** Well signed, of a kind that the adapter has never heard of, and not even of the usual shape. */
  oddDeliveries(): SentDelivery[];
  /** The header that carries the signature. */
  signatureHeader: string;
  /** What a text says, in whatever marks; without it texts are kept to the letter, as Markdown that nothing alters. */
  plain?(text: string): string;
  outside: {
    /** The text of each activity on the ticket, oldest first. */
    activities(ticketId: string): Promise<string[]>;
    state(ticketId: string): Promise<StateCategory>;
    plan(ticketId: string): Promise<Plan>;
    attachments(ticketId: string): Promise<{ url: string; title: string }[]>;
    /** Pages of the agent's that are linked on the ticket, or beside its talk. */
    links(ticketId: string): Promise<string[]>;
  };
  close(): Promise<void>;
}
