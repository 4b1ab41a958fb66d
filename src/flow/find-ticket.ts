import type { Ticket, TicketHint, TrackerKind } from '../core/ticket.ts';
import { ticketNameIn } from '../core/ticket-name.ts';
import { VendorError } from '../core/vendor-error.ts';
import { orAborted } from '../lib/abort.ts';
import type { Tracker } from '../trackers/tracker.ts';

/** A ticket that nobody has read yet, by what people call it. */
function hintNamed(tracker: TrackerKind, name: string): TicketHint {
  const unknown = { title: '', url: '', priority: 'none' as const, team: null, project: null, ref: null };
  return { tracker, id: name, identifier: name, ...unknown };
}

/**
 * The ticket that somebody means, in whichever tracker it is: "eng-12", "#12", "acme/app#12", or its address. Throws
 * `VendorError`: `not_found` where each of them says that it has none, else what keeps one of them from being asked.
 */
export async function findTicket(
  trackers: ReadonlyMap<string, Tracker>,
  /** The one that is asked first. */
  preferred: TrackerKind,
  written: string,
  signal: AbortSignal,
): Promise<Ticket> {
  const name = ticketNameIn(written);
  // The board, which is always there and the first of all, has a "#12" of its own: it is asked last.
  const order = [...trackers.values()]
    .reverse()
    .sort((a, b) => Number(b.kind === preferred) - Number(a.kind === preferred));
  let trouble: unknown = null;
  if (name !== '')
    for (const tracker of order)
      try {
        return await orAborted(tracker.readTicket(hintNamed(tracker.kind, name), signal), signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof VendorError)) throw error;
        // What no ticket of that tracker is called like is another's.
        if (error.code !== 'not_found' && error.code !== 'invalid') trouble ??= error;
      }
  if (trouble !== null) throw trouble;
  const kinds = order.map(({ kind }) => kind).join(', ');
  throw new VendorError(
    `There is no ticket "${written.trim().slice(0, 200)}" that the agent can see (looked in: ${kinds}). Name it as it is called there, such as ENG-12 or owner/name#12, or by its address.`,
    { code: 'not_found', retryable: false },
  );
}

/** Throws `VendorError` where it is not configured. */
export function trackerOf(trackers: ReadonlyMap<string, Tracker>, kind: string): Tracker {
  const tracker = trackers.get(kind);
  if (tracker) return tracker;
  const known = [...trackers.keys()].join(', ');
  throw new VendorError(
    `The tracker "${kind}" is not configured${known === '' ? '' : ` (there are: ${known})`}. Set it up with \`shipmate connect\`, or name another under makeTicket.tracker in shipmate.yaml.`,
    { code: 'invalid', retryable: false },
  );
}
