import { EventEmitter, once } from 'node:events';
import { keepNewest } from '../../lib/keep-newest.ts';

/** That our account has changed the status of an issue, as a delivery tells. */
export interface OwnMove {
  /** The entry in the history. */
  history: string;
  from: string | null;
  to: string | null;
  at: string;
}

/** So long after something was heard of a site, more is expected. */
const hearsForMs = 10 * 60_000;
const moveWithinMs = 3_000;
const readingWithinMs = 500;
const mostTickets = 500;

/**
 * What deliveries and readings in this process tell of tickets, for those who would else ask Jira. Where deliveries go to other
 * processes, or do not come in time, it knows nothing, and Jira is asked.
 */
export interface News {
  delivered(host: string, ticketId: string, moves: readonly OwnMove[]): void;
  /** That the ticket was just given to the agent, or spoken of to it: it is about to be read. */
  given(ticketId: string): void;
  read(ticketId: string): void;
  /** Until what is about to be read was read, or that takes too long. */
  untilRead(ticketId: string, signal: AbortSignal): Promise<void>;
  /** Call it before a move; what it gives, after that: answers what is told of the move to this status. null: nothing is. */
  watch(host: string, ticketId: string): (to: string, signal: AbortSignal) => Promise<OwnMove | null>;
}

export function createNews(): News {
  const heard = new Map<string, number>();
  const moves = new Map<string, OwnMove[]>();
  const toBeRead = new Map<string, number>();
  const bell = new EventEmitter().setMaxListeners(0);

  async function until<T>(ticketId: string, look: () => T | null, withinMs: number, signal: AbortSignal) {
    const end = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(withinMs))]);
    for (;;) {
      const found = look();
      signal.throwIfAborted();
      if (found !== null || end.aborted) return found;
      await once(bell, ticketId, { signal: end }).catch(() => {});
    }
  }

  return {
    delivered(host, ticketId, told) {
      // Where a move of ours was not told of in time, only the next one that is shows that deliveries come here.
      if (told.length > 0 || heard.get(host) !== Number.NEGATIVE_INFINITY) heard.set(host, performance.now());
      const known = moves.get(ticketId) ?? [];
      const news = told.filter(({ history }) => known.every((each) => each.history !== history));
      if (news.length === 0) return;
      keepNewest(moves, ticketId, [...known, ...news].slice(-10), mostTickets);
      bell.emit(ticketId);
    },
    given: (ticketId) => keepNewest(toBeRead, ticketId, performance.now(), mostTickets),
    read(ticketId) {
      toBeRead.delete(ticketId);
      bell.emit(ticketId);
    },
    async untilRead(ticketId, signal) {
      const leftMs = (toBeRead.get(ticketId) ?? Number.NEGATIVE_INFINITY) + readingWithinMs - performance.now();
      if (leftMs > 0) await until(ticketId, () => (toBeRead.has(ticketId) ? null : true), leftMs, signal);
    },
    watch(host, ticketId) {
      const before = new Set(moves.get(ticketId));
      return async (to, signal) => {
        if (performance.now() - (heard.get(host) ?? Number.NEGATIVE_INFINITY) > hearsForMs) return null;
        const look = () => moves.get(ticketId)?.find((each) => each.to === to && !before.has(each)) ?? null;
        const found = await until(ticketId, look, moveWithinMs, signal);
        if (!found) heard.set(host, Number.NEGATIVE_INFINITY);
        return found;
      };
    },
  };
}
