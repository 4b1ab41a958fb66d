import type { Database } from '../store/database.ts';
import { type DeadLetters, listDeadLetters, redriveDeliveries, redriveTicket } from '../store/dead-letters.ts';
import { checkInvariants, type InvariantOptions, type InvariantReport } from '../store/invariants.ts';
import { requestStop } from '../store/queued-runs.ts';
import { forgetRoutes, listRememberedRoutes, type RememberedRoute } from '../store/remembered-routes.ts';
import { findSessionByIdentifier } from '../store/sessions.ts';

/** What the people who run the service do with its work. */
export interface Operations {
  /** Asks for a stop. Whether anything was running; null: the ticket has no session. */
  stopSession(identifier: string): Promise<boolean | null>;
  /** Whether the database holds what it must. */
  checkInvariants(options: InvariantOptions): Promise<InvariantReport>;
  /** What failed for good, newest first. */
  listDeadLetters(most: number): Promise<DeadLetters>;
  /** Has what failed of a ticket sent again. How many effects; null: the ticket has no session. */
  redriveTicket(identifier: string): Promise<number | null>;
  /** Has the deliveries that could not be sorted sorted again. How many. */
  redriveDeliveries(): Promise<number>;
  /** Which repositories people named for projects and teams. */
  listRoutes(): Promise<RememberedRoute[]>;
  /** Forgets them for those of a name. How many there were. */
  forgetRoutes(name: string): Promise<number>;
}

/** The workers of any process find within a second what is to be done again. */
export function createOperations(db: Database): Operations {
  return {
    async stopSession(identifier) {
      const session = await findSessionByIdentifier(db, identifier);
      return session && db.transaction().execute((tx) => requestStop(tx, session.id));
    },
    checkInvariants: (options) => checkInvariants(db, options),
    listDeadLetters: (most) => listDeadLetters(db, most),
    redriveTicket: (identifier) => redriveTicket(db, identifier),
    redriveDeliveries: () => redriveDeliveries(db),
    listRoutes: () => listRememberedRoutes(db),
    forgetRoutes: (name) => forgetRoutes(db, name),
  };
}
