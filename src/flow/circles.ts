import { awaitedBy, findCircle, writeCircle } from '../core/dependencies.ts';
import type { Ticket, TicketHint } from '../core/ticket.ts';
import type { Database } from '../store/database.ts';
import { sessionIdOf, ticketIdOf } from '../store/sessions.ts';
import { listOverridden } from '../store/waits.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { readIfThere } from './read-if-there.ts';

/** Of what a ticket waits for, and what that waits for, so many are read to find circles, so deep. */
const mostReads = 50;
const mostDeep = 10;

interface Deps {
  db: Database;
  trackers: ReadonlyMap<string, Tracker>;
}

export interface Around {
  /** Of tickets that were read, by their ids. */
  readings: Map<string, Ticket>;
  circle: Circle | null;
}

/** Tickets that wait for each other, as one comes to them. */
export interface Circle {
  ids: string[];
  /** Whether it leads back to the ticket from which one looked; else that only waits for it. */
  isOwn: boolean;
  /** "BOARD-1 waits for BOARD-2, which waits for BOARD-1". */
  words: string;
}

/** What those that a ticket waits for (`first`) wait for themselves, read from the tracker, the nearest first. */
export async function lookAround(
  { db, trackers }: Deps,
  ticket: Ticket,
  first: TicketHint[],
  signal: AbortSignal,
  /** What has been read just now. */
  read: Map<string, Ticket | null> = new Map(),
): Promise<Around> {
  const start = ticketIdOf(ticket);
  const names = new Map([ticket, ...first].map((each) => [ticketIdOf(each), each.identifier]));
  const readings = new Map<string, Ticket>();
  const awaited = new Map([[start, first.map(ticketIdOf)]]);
  let next = first;
  for (let depth = 0; depth < mostDeep && next.length > 0; depth++) {
    const further: TicketHint[] = [];
    for (const hint of next) {
      const id = ticketIdOf(hint);
      if (awaited.has(id) || readings.size >= mostReads) continue;
      awaited.set(id, []);
      const tracker = trackers.get(hint.tracker);
      if (tracker && !read.has(id)) read.set(id, await readIfThere(tracker, hint, signal));
      const reading = read.get(id);
      if (!reading) continue;
      readings.set(id, reading);
      const theirs = await notOverridden(db, reading, awaitedBy(reading));
      awaited.set(id, theirs.map(ticketIdOf));
      for (const each of theirs) names.set(ticketIdOf(each), each.identifier);
      further.push(...theirs);
    }
    next = further;
  }
  const ids = findCircle(start, awaited);
  const words = ids && writeCircle(ids.map((id) => names.get(id) ?? id));
  return { readings, circle: ids && { ids, isOwn: ids.at(-1) === start, words: words ?? '' } };
}

/** A ticket whose session people have told to begin anyway waits for nothing of that. */
export async function notOverridden(db: Database, ticket: Ticket, from: TicketHint[]): Promise<TicketHint[]> {
  const overridden = await listOverridden(db, sessionIdOf(ticket));
  return from.filter((each) => !overridden.has(ticketIdOf(each)));
}
