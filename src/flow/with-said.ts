import type { Database } from '../store/database.ts';
import { listSaidOn } from '../store/said-on-tickets.ts';
import type { Tracker } from '../trackers/tracker.ts';

/**
 * What people said on a ticket from elsewhere stands there as ours, and an adapter leaves out what is ours: whoever reads the
 * ticket has it with the others' comments, as theirs.
 */
export function withSaid(db: Database, tracker: Tracker): Tracker {
  return {
    ...tracker,
    async readTicket(hint, signal, options) {
      const ticket = await tracker.readTicket(hint, signal, options);
      const said = await listSaidOn(db, ticket);
      if (said.length === 0) return ticket;
      return { ...ticket, comments: [...ticket.comments, ...said].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)) };
    },
  };
}
