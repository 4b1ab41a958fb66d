import type { Check } from '../core/check.ts';
import type { Delivery, TrackerEvent } from '../core/delivery.ts';
import type { TicketOperation } from '../core/effect.ts';
import type { MarkingBy } from '../core/marking.ts';
import type { Repository } from '../core/repository.ts';
import type { Suggestion } from '../core/routing.ts';
import type {
  TeamPlace,
  Ticket,
  TicketDraft,
  TicketHint,
  TicketMatch,
  TicketQuery,
  TrackerKind,
} from '../core/ticket.ts';
import type { VendorError } from '../core/vendor-error.ts';

/**
 * A place where tickets live and where the agent is a member. Adapters return plain, resolved core data; a vendor's ids
 * stay inside `ref`.
 */
export interface Tracker {
  readonly kind: TrackerKind;

  /** The webhook source (`POST /webhooks/:source`) whose deliveries it reads. */
  readonly source: string;

  /**
   * What the agent shows in passing is gathered so long, to be sent together, and some times longer in a run that has been at
   * work for minutes; 0: each leaves at once.
   */
  readonly gatherMs: number;

  /**
   * Checks the signature on the raw bytes and finds the delivery's id. `isLate`: it was signed too long ago to be acted on as
   * it is, and may have been sent by anybody who saw it. `isBroad`: it is about no one ticket, but about which of them the
   * agent may see; all are looked at again. `isUrgent`: somebody speaks to the agent and waits for its first word. `isHint`: what
   * stands in it is not to be believed as it is, and `readAgain` says what it means. Throws `VendorError` `unauthorized` or
   * `invalid`.
   */
  verifyDelivery(
    headers: Record<string, string>,
    body: Uint8Array,
  ): { deliveryId: string; isLate?: boolean; isBroad?: boolean; isUrgent?: boolean; isHint?: boolean };

  /**
   * What a verified delivery means; all of it about one ticket. Unknown events mean nothing: `[]`. What apps did, and our
   * own account, says so by `isBot`. Never throws for a verified delivery's content.
   */
  readEvents(delivery: Delivery): TrackerEvent[];

  /**
   * What a verified delivery means, as the tracker itself says it now: the words that it tells of are read where they stand.
   * What is gone, or is not for us, means nothing: `[]`. For trackers some of whose deliveries are only hints. Throws `VendorError`
   * where it cannot be known now.
   */
  readAgain?(delivery: Delivery, signal: AbortSignal): Promise<TrackerEvent[]>;

  /**
   * The whole ticket as it stands now. `hint.id` may also be the ticket's identifier, as people write it. Throws `VendorError`
   * (`not_found`, `unauthorized`, `unavailable`).
   */
  readTicket(hint: TicketHint, signal: AbortSignal, options?: ReadingOptions): Promise<Ticket>;

  /**
   * The content of a file that people attached (`Ticket.attachments`), of 10 MB at most. Throws `VendorError` (`not_found`,
   * `invalid` for one that is too large, `unauthorized`, `unavailable`).
   */
  readAttachment(hint: TicketHint, attachmentId: string, signal: AbortSignal): Promise<Uint8Array>;

  /**
   * Carries operations on one ticket out, in their order, in as few requests as that takes. The same operation (same `id`)
   * sent again changes nothing and answers the same: the outside sees it once. A `moveTicket` that a person has overtaken
   * answers `{ skipped: reason }`. One answer each; the first error (a `VendorError`) is the last answer, and nothing after
   * it was tried.
   */
  send(hint: TicketHint, operations: readonly TicketOperation[], signal: AbortSignal): Promise<Sent[]>;

  /**
   * Files a ticket that nobody has and that belongs to no other. The same `id` sent again, however late, files nothing and
   * answers the same ticket. A label that is not there is made where that may be; one that cannot be had is left out, and is no error.
   * `since` (ISO 8601): when that id was made; no ticket of before has it. Throws `VendorError`.
   */
  createTicket(filing: { id: string; draft: TicketDraft; since?: string }, signal: AbortSignal): Promise<TicketHint>;

  /**
   * Tickets that are not finished and fit the query, a page at a time, oldest first; `next` is null on the last. What is
   * neither changed nor finished while the pages are read is on one of them, once, unless it is in an account that is passed
   * over. `closed`: accounts that asked us to wait, each with why; a tracker that keeps to that by itself need not look. Throws
   * `VendorError`.
   */
  listTickets(
    query: TicketQuery,
    cursor: string | null,
    signal: AbortSignal,
    closed?: readonly VendorError[],
  ): Promise<TicketPage>;

  /**
   * Tickets in whose title or description any of these words stand, the best match first, `limit` of them at most; also those
   * that are over. What was written a moment ago may be missing. `words` is as people type it, however long, and means nothing
   * but words; of very many some may not count. Of several accounts all are asked, and those that answer do. Throws `VendorError`.
   */
  searchTickets(words: string, limit: number, signal: AbortSignal): Promise<TicketMatch[]>;

  /** Where tickets can be filed, by name; `[]` where a draft may name any team, or none. Throws `VendorError`. */
  listTeams(signal: AbortSignal): Promise<TeamPlace[]>;

  /**
   * Whether the agent was asked to work on a ticket that is not on its list: it was mentioned there, and nobody has taken
   * the ticket from it since. Throws `VendorError`.
   */
  isAsked(hint: TicketHint, signal: AbortSignal): Promise<boolean>;

  /**
   * Who has changed labels and fields of a ticket since then (ISO 8601), and how, each as its delivery tells it. Where a tracker has no
   * history of that, only deliveries tell. Throws `VendorError`.
   */
  readMarkings?(hint: TicketHint, since: string, signal: AbortSignal): Promise<MarkingBy[]>;

  /**
   * Which of these repositories a ticket may be about, as the tracker itself thinks; `[]` where it has no opinion. Throws
   * `VendorError`.
   */
  suggestRepositories(
    hint: TicketHint,
    candidates: readonly Pick<Repository, 'name' | 'location'>[],
    signal: AbortSignal,
  ): Promise<Suggestion[]>;

  /**
   * Renews what ends by itself where nobody does, such as webhooks that the vendor forgets after weeks. One process does it, after
   * each start and every hour; however often, it comes to the same. Absent: nothing ends. Throws `VendorError`.
   */
  keepUp?(signal: AbortSignal): Promise<void>;

  /** Whether this tracker can be reached and is set up. Never throws. */
  check(): Promise<Check[]>;
}

export interface ReadingOptions {
  /** A reading of some seconds ago will do: what was edited since will be told, or found. */
  mayBeOld?: boolean;
}

export type Sent = { result: Record<string, unknown> } | { error: unknown };

/** Throws what the tracker answers as an error. */
export async function sendOne(
  tracker: Tracker,
  hint: TicketHint,
  operation: TicketOperation,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const [sent] = await tracker.send(hint, [operation], signal);
  if (!sent) throw new Error(`${tracker.kind} did not answer to ${operation.kind}`);
  if ('error' in sent) throw sent.error;
  return sent.result;
}

/** `Tracker.send` of a tracker whose requests carry one operation. */
export function oneByOne(
  sendOperation: (
    hint: TicketHint,
    operation: TicketOperation,
    signal: AbortSignal,
  ) => Promise<Record<string, unknown>>,
): Tracker['send'] {
  return async (hint, operations, signal) => {
    const sent: Sent[] = [];
    for (const operation of operations) {
      try {
        sent.push({ result: await sendOperation(hint, operation, signal) });
      } catch (error) {
        return [...sent, { error }];
      }
    }
    return sent;
  };
}

export interface TicketPage {
  tickets: TicketHint[];
  next: string | null;
  /**
   * Of a tracker with several accounts, those whose tickets are on no page from here on, for nothing may be asked of them now:
   * why, with `account`.
   */
  passedOver?: VendorError[];
}
