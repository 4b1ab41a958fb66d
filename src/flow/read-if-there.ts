import type { Ticket, TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { Tracker } from '../trackers/tracker.ts';

/** A ticket as it stands now; null where it is not to be found. Throws whatever else keeps it from being read. */
export async function readIfThere(tracker: Tracker, hint: TicketHint, signal: AbortSignal): Promise<Ticket | null> {
  return tracker.readTicket(hint, signal).catch((error: unknown) => {
    if (error instanceof VendorError && error.code === 'not_found') return null;
    throw error;
  });
}
