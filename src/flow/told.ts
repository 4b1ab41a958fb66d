import { actorOf, type TrackerEvent } from '../core/delivery.ts';
import { unmarkedParts } from '../core/marking.ts';
import { isOver } from '../core/ticket.ts';
import { isEdit } from '../core/ticket-change.ts';
import type { AttentionRow } from '../store/attention.ts';
import type { UnsortedDelivery } from '../store/deliveries.ts';
import type { Told } from '../store/sessions.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { type Heeded, heed, type PeoplePolicy } from './strangers.ts';

/** What a delivery tells: what people did, and what bots did. */
export interface ToldOf {
  delivery: UnsortedDelivery;
  events: TrackerEvent[];
  fromBots: TrackerEvent[];
}

/** Nobody may talk to himself, and two agents not to one another: what bots do means nothing. */
export function readDelivery(trackers: ReadonlyMap<string, Tracker>, delivery: UnsortedDelivery): ToldOf {
  const tracker = () => [...trackers.values()].find(({ source }) => source === delivery.source);
  const all = delivery.events ?? tracker()?.readEvents(delivery) ?? [];
  const isFromBot = (event: TrackerEvent) => actorOf(event).isBot;
  return { delivery, events: all.filter((event) => !isFromBot(event)), fromBots: all.filter(isFromBot) };
}

/** What an event says to its session's registers. */
export function toldBy(event: TrackerEvent, policy: PeoplePolicy): Told {
  switch (event.type) {
    case 'sessionCreated': {
      const { at, category } = event;
      return { at, given: true, opens: true, ...(category !== undefined && { closed: isOver(category) }) };
    }
    case 'unassigned':
      return { at: event.at, given: false };
    case 'ticketChanged':
      return { at: event.at, closed: isOver(event.category), edited: isEdit(unmarkedParts(event, policy.approval)) };
    case 'prompted':
      return { at: event.said.at, ...spokenBy(heed(event.said, policy)) };
    default: {
      const never: never = event;
      throw new Error(`an event of a kind that nobody handles: ${JSON.stringify(never)}`);
    }
  }
}

/** Words that are not followed move no register. */
export function spokenBy({ obeyed, signal }: Heeded): Pick<Told, 'spoke'> {
  return obeyed ? { spoke: signal === 'stop' ? 'stop' : 'word' } : {};
}

/** What there is to do for a session that was just opened, and of which nothing else was told. */
export function blank({ at, given = true, closed = false }: Told): AttentionRow {
  const never = {
    ...{ stopAt: null, spokeAt: null, answeredAt: null, due: false },
    ...{ editedAt: null, editsReadAt: null, asked: false, scopeAskedAt: null, scopedAt: null },
  };
  const registers = { given, givenAt: at, closed, closedAt: closed ? at : null, overAt: closed ? at : null, ...never };
  return { registers, unread: false, run: null, lastRun: 0, runs: 0, runsInHour: 0, conversations: 1 };
}
