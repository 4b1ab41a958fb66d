import { type Delivery, isSpoken, type Spoken, type TrackerEvent } from '../core/delivery.ts';
import type { Ticket, TicketHint } from '../core/ticket.ts';
import { listLate, settleLate, type UnsortedDelivery } from '../store/deliveries.ts';
import { noteGivenByBot } from '../store/sessions-at-work.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { applyNow, type SortDeps } from './sort.ts';

/** In one round so many are asked about with success; of those that cannot be read none holds up another. */
const most = 100;
/** A ticket that could not be read for so long will not be. */
const tryForMs = 86_400_000;

/** Of the tracker as it is now; undefined: it cannot be known. */
interface Asking {
  /** null: there is no such ticket. */
  read(hint: TicketHint): Promise<Ticket | null | undefined>;
  isAsked(hint: TicketHint): Promise<boolean | undefined>;
  /** Of a tracker that reads its deliveries again. */
  readAgain(delivery: Delivery): Promise<TrackerEvent[] | undefined>;
}

/**
 * What late deliveries tell is taken in where the tracker, asked now, says the same: the retry of one that we missed brings
 * its words, the mention that it begins with, too, and one that somebody kept and sent again brings nothing. Who has a
 * ticket and where it stands is the rest of reconcile's to find, but for who gave it: that a bot did is noted.
 */
export async function confirmLate(deps: SortDeps, tracker: Tracker, asking: Asking): Promise<void> {
  let settled = 0;
  for (let after = 0; settled < most; ) {
    const late = await listLate(deps.db, tracker.source, { after, most: most - settled });
    for (const delivery of late) {
      after = delivery.id;
      const isOld = Date.now() - delivery.receivedAt.getTime() > tryForMs;
      const isSettled = await confirm(deps, tracker, delivery, asking);
      if (!isSettled && !isOld) continue;
      if (!isSettled) await settleLate(deps.db, delivery.id, { outcome: unreadable });
      settled++;
    }
    if (late.length === 0) break;
  }
}

const unreadable = "late; for a day its ticket could not be read, or was not the agent's";

/** false: it has to wait for the next round. */
async function confirm(deps: SortDeps, tracker: Tracker, delivery: UnsortedDelivery, asking: Asking): Promise<boolean> {
  const all = tracker.readEvents(delivery);
  for (const event of all) if (isGift(event)) await noteGivenByBot(deps.db, event.ticket, event.at);
  const confirmed: TrackerEvent[] = [];
  let mayBeGiven = false;
  const spoken = await findSaid(tracker, delivery, all.filter(isSpoken), asking);
  if (spoken === undefined) return false;
  for (const event of spoken) {
    const isAsked = event.type === 'sessionCreated' && (await asking.isAsked(event.ticket));
    if (isAsked === undefined) return false;
    mayBeGiven ||= event.type === 'sessionCreated' && !isAsked;
    const { ticket: about, conversation, said } = event;
    confirmed.push(isAsked ? event : { type: 'prompted', ticket: about, conversation, said });
  }
  if (confirmed.length === 0) {
    await settleLate(deps.db, delivery.id, { outcome: 'late; nothing is taken from it' });
    return true;
  }
  let isSettled = true;
  await applyNow(
    deps,
    async () => confirmed,
    async (tx, waitsFor) => {
      // The session of one that was given with these words is taken up by the rest of this round, if it is still the agent's.
      isSettled = waitsFor === null || !mayBeGiven;
      if (!isSettled) return;
      const told = confirmed.map(({ type }) => type).join(', ');
      const outcome = waitsFor === null ? `late, and confirmed: ${told}` : `late; it waits for a session: ${told}`;
      await settleLate(tx, delivery.id, { outcome, ticket: waitsFor, events: confirmed });
    },
  );
  return isSettled;
}

/** Those whose words stand where they were said; a tracker that reads them again says, too, what they are. */
async function findSaid(
  { readAgain }: Tracker,
  delivery: Delivery,
  told: readonly Spoken[],
  asking: Asking,
): Promise<Spoken[] | undefined> {
  if (readAgain) return (await asking.readAgain(delivery))?.filter(isSpoken);
  const found: Spoken[] = [];
  for (const event of told) {
    const ticket = await asking.read(event.ticket);
    if (ticket === undefined) return undefined;
    if (ticket?.comments.some(({ id, author }) => id === event.said.key && !author.isBot)) found.push(event);
  }
  return found;
}

function isGift(event: TrackerEvent): event is Extract<TrackerEvent, { type: 'sessionCreated' }> {
  return event.type === 'sessionCreated' && event.by.isBot;
}
