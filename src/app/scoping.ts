import type { TicketHint, TicketQuery } from '../core/ticket.ts';
import { askToScope, type SortDeps } from '../flow.ts';
import { isAnyAtWork, readScopings, type Scoping as ScopingRow } from '../store/scope-asked.ts';

export interface Scoping {
  /** Open tickets of these identifiers, in this order; `missing` are those that no tracker lists. */
  find(identifiers: string[], signal: AbortSignal): Promise<{ found: TicketHint[]; missing: string[] }>;
  /** Open tickets that fit, at most so many; `isMore`: there are others that do. */
  list(query: TicketQuery, limit: number, signal: AbortSignal): Promise<{ found: TicketHint[]; isMore: boolean }>;
  /** See `askToScope`. */
  ask(ticket: TicketHint, told: boolean): Promise<{ sessionId: string; isGiven: boolean }>;
  /** How what was asked for stands. */
  read(sessionIds: string[]): Promise<ScopingRow[]>;
  /** Whether any worker is known to live. */
  isAnyAtWork(): Promise<boolean>;
}

export function createScoping(deps: SortDeps): Scoping {
  async function* open(query: TicketQuery, signal: AbortSignal): AsyncGenerator<TicketHint> {
    for (const tracker of deps.trackers.values())
      for (let cursor: string | null = null, isLast = false; !isLast; ) {
        const page = await tracker.listTickets(query, cursor, signal);
        yield* page.tickets;
        cursor = page.next;
        isLast = cursor === null;
      }
  }

  return {
    async find(identifiers, signal) {
      const wanted = new Map(identifiers.map((identifier) => [identifier.toUpperCase(), null as TicketHint | null]));
      let left = wanted.size;
      for await (const ticket of open({}, signal)) {
        if (wanted.get(ticket.identifier.toUpperCase()) !== null) continue;
        wanted.set(ticket.identifier.toUpperCase(), ticket);
        left -= 1;
        if (left === 0) break;
      }
      const found = [...wanted.values()].filter((ticket) => ticket !== null);
      return { found, missing: [...wanted].flatMap(([identifier, ticket]) => (ticket === null ? [identifier] : [])) };
    },
    async list(query, limit, signal) {
      const found: TicketHint[] = [];
      for await (const ticket of open(query, signal)) {
        if (found.length >= limit) return { found, isMore: true };
        found.push(ticket);
      }
      return { found, isMore: false };
    },
    ask: (ticket, told) => askToScope(deps, ticket, told),
    read: (sessionIds) => readScopings(deps.db, sessionIds),
    isAnyAtWork: () => isAnyAtWork(deps.db),
  };
}
