import type { Check } from '../core/check.ts';
import type { Delivery, TrackerEvent } from '../core/delivery.ts';
import type { TicketOperation } from '../core/effect.ts';
import type { Ticket, TicketDraft, TicketHint, TicketQuery, TrackerKind } from '../core/ticket.ts';

/**
 * A place where tickets live and where the agent is a member. Adapters return plain, resolved core data; a vendor's ids
 * stay inside `ref`.
 */
export interface Tracker {
  readonly kind: TrackerKind;

  /** Checks the signature on the raw bytes and finds the delivery's id. Throws `VendorError` `unauthorized` or `invalid`. */
  verifyDelivery(headers: Record<string, string>, body: Uint8Array): { deliveryId: string };

  /**
   * What a verified delivery means; all of it about one ticket. Unknown events mean nothing: `[]`. What apps did, and our
   * own account, says so by `isBot`. Never throws for a verified delivery's content.
   */
  readEvents(delivery: Delivery): TrackerEvent[];

  /**
   * The whole ticket as it stands now. `hint.id` may also be the ticket's identifier, as people write it. Throws `VendorError`
   * (`not_found`, `unauthorized`, `unavailable`).
   */
  readTicket(hint: TicketHint, signal: AbortSignal): Promise<Ticket>;

  /**
   * The content of a file that people attached (`Ticket.attachments`), of 10 MB at most. Throws `VendorError` (`not_found`,
   * `invalid` for one that is too large, `unauthorized`, `unavailable`).
   */
  readAttachment(hint: TicketHint, attachmentId: string, signal: AbortSignal): Promise<Uint8Array>;

  /**
   * Carries one operation out. The same operation (same `id`) sent again changes nothing and answers the same: the outside
   * sees it once. A `moveTicket` that a person has overtaken answers `{ skipped: reason }`. Throws `VendorError`.
   */
  send(hint: TicketHint, operation: TicketOperation, signal: AbortSignal): Promise<Record<string, unknown>>;

  /**
   * Files a ticket that nobody has and that belongs to no other. The same `id` sent again, however late, files nothing and
   * answers the same ticket. Throws `VendorError`.
   */
  createTicket(filing: { id: string; draft: TicketDraft }, signal: AbortSignal): Promise<TicketHint>;

  /**
   * Tickets that are not finished and fit the query, a page at a time, oldest first; `next` is null on the last. What is
   * neither changed nor finished while the pages are read is on one of them, once.
   */
  listTickets(query: TicketQuery, cursor: string | null, signal: AbortSignal): Promise<TicketPage>;

  /** Whether this tracker can be reached and is set up. Never throws. */
  check(): Promise<Check[]>;
}

export type Sent = { result: Record<string, unknown> } | { error: unknown };

export interface TicketPage {
  tickets: TicketHint[];
  next: string | null;
}
