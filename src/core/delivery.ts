import type { Marking } from './marking.ts';
import type { Signal } from './prompt.ts';
import { isOver, type Person, type StateCategory, type TicketHint, type TicketPart } from './ticket.ts';

/** One webhook request as it came: the raw bytes are what was signed. Header names are lower case. */
export interface Delivery {
  /** The adapter that knows it: a tracker's or code host's kind. */
  source: string;
  /** The sender's id of this delivery; the same on its retries. */
  deliveryId: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** Where in a ticket people and agent talk. `key` identifies it within its tracker; `ref` is the adapter's handle. */
export interface ConversationHint {
  key: string;
  ref: unknown;
  /** Where it is exactly, another delivery of the same words may say, before or after; what that says holds. */
  isProvisional?: true;
}

/** Something a person said. `key` identifies it within its tracker, so that a repeated delivery adds nothing. */
export interface Said {
  key: string;
  author: Person;
  body: string;
  signal: Signal | null;
  /** ISO 8601, to the microsecond where the tracker tells it. */
  at: string;
}

/**
 * What a delivery means, in our words. Adapters produce these; `flow/sort.ts` applies them.
 * - `sessionCreated`: the ticket was given to the agent (assigned, delegated, mentioned).
 * - `prompted`: somebody spoke in a ticket that may have a session; it waits for one that is opened later.
 * - `unassigned`: the ticket was taken from the agent.
 * - `ticketChanged`: text, fields or state were changed.
 *
 * `at` is when it happened by the tracker's own clock, as finely as that tells it: what holds is decided by it, never by
 * the order of arrival. Who did it is a bot when it was an app, or the agent's own account: sort pays no heed to them.
 */
export type TrackerEvent =
  | {
      type: 'sessionCreated';
      at: string;
      ticket: TicketHint;
      conversation: ConversationHint;
      said: Said | null;
      by: Person;
      /** Where the ticket stands, if the delivery tells. */
      category?: StateCategory;
      /** What those who administer the tracker want agents to heed here, the nearest team's first; '': nothing any more. */
      guidance?: string;
    }
  | { type: 'prompted'; ticket: TicketHint; conversation: ConversationHint; said: Said }
  | { type: 'unassigned'; at: string; ticket: TicketHint; by: Person }
  | {
      type: 'ticketChanged';
      at: string;
      ticket: TicketHint;
      category: StateCategory;
      by: Person;
      /** What was changed, if the delivery tells: else an edit is noticed only when the next run begins. */
      changed?: TicketPart[];
      /** Which labels and fields, if it tells that, too. */
      marking?: Marking;
    };

/** A person has said something by it. */
export type Spoken = Extract<TrackerEvent, { type: 'prompted' | 'sessionCreated' }> & { said: Said };

export function isSpoken(event: TrackerEvent): event is Spoken {
  return 'said' in event && event.said !== null && !event.said.author.isBot;
}

export function actorOf(event: TrackerEvent): Person {
  return event.type === 'prompted' ? event.said.author : event.by;
}

/** Tickets that these events say are over. */
export function overIn(events: readonly TrackerEvent[]): TicketHint[] {
  return events.flatMap((event) =>
    'category' in event && event.category !== undefined && isOver(event.category) ? [event.ticket] : [],
  );
}
