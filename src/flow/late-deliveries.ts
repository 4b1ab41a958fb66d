import type { TrackerEvent } from '../core/delivery.ts';
import type { Ticket, TicketHint } from '../core/ticket.ts';
import { listLate, settleLate, type UnsortedDelivery } from '../store/deliveries.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { applyNow, type SortDeps } from './sort.ts';

/** In one round so many are asked about with success; of those that cannot be read none holds up another. */
const most = 100;
/** A ticket that could not be read for so long will not be. */
const tryForMs = 86_400_000;

/** null: there is no such ticket; undefined: it cannot be read now. */
type Read = (hint: TicketHint) => Promise<Ticket | null | undefined>;

/**
 * What late deliveries tell is taken in where the tracker, asked now, says the same: the retry of one that we missed brings
 * its words, and one that somebody kept and sent again brings nothing. Who has a ticket and where it stands is the rest of
 * reconcile's to find.
 */
export async function confirmLate(deps: SortDeps, tracker: Tracker, read: Read): Promise<void> {
  let settled = 0;
  for (let after = 0; settled < most; ) {
    const late = await listLate(deps.db, tracker.kind, { after, most: most - settled });
    for (const delivery of late) {
      after = delivery.id;
      const isOld = Date.now() - delivery.receivedAt.getTime() > tryForMs;
      const outcome = (await confirm(deps, tracker, delivery, read)) ?? (isOld ? unreadable : null);
      if (outcome === null) continue;
      await settleLate(deps.db, delivery.id, outcome);
      settled++;
    }
    if (late.length === 0) break;
  }
}

const unreadable = 'late; its ticket could not be read for a day';

/** null: it has to wait for the next round. */
async function confirm(
  deps: SortDeps,
  tracker: Tracker,
  delivery: UnsortedDelivery,
  read: Read,
): Promise<string | null> {
  const said = tracker.readEvents(delivery).filter(hasWords);
  const confirmed: TrackerEvent[] = [];
  for (const event of said) {
    const ticket = await read(event.ticket);
    if (ticket === undefined) return null;
    const isThere = ticket?.comments.some(({ id, author }) => id === event.said.key && !author.isBot);
    if (isThere)
      confirmed.push({ type: 'prompted', ticket: event.ticket, conversation: event.conversation, said: event.said });
  }
  if (confirmed.length === 0) return 'late; nothing is taken from it';
  await applyNow(deps, async () => confirmed);
  return 'late, and confirmed: prompted';
}

type Spoken = Extract<TrackerEvent, { type: 'prompted' | 'sessionCreated' }>;

function hasWords(event: TrackerEvent): event is Spoken & { said: NonNullable<Spoken['said']> } {
  return (
    (event.type === 'prompted' || event.type === 'sessionCreated') && event.said !== null && !event.said.author.isBot
  );
}
