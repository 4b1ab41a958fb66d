import type { SortDeps } from '../flow.ts';
import { type DeadLetters, listDeadLetters, redriveDeliveries, redriveTicket } from '../store/dead-letters.ts';
import { checkInvariants, type InvariantOptions, type InvariantReport } from '../store/invariants.ts';
import { requestStop } from '../store/queued-runs.ts';
import { compareRatings, type RatingStanding } from '../store/ratings.ts';
import { findSessionByIdentifier } from '../store/sessions.ts';
import { createScoping, type Scoping } from './scoping.ts';

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
  /** Has tickets rated without working on them. */
  scoping: Scoping;
  /** How ratings and what came of them compare. */
  compareRatings(): Promise<RatingStanding[]>;
  /** Has the deliveries that could not be sorted sorted again. How many. */
  redriveDeliveries(): Promise<number>;
}

/** The workers of any process find within a second what is to be done again. */
export function createOperations(deps: SortDeps): Operations {
  const { db } = deps;
  return {
    scoping: createScoping(deps),
    async stopSession(identifier) {
      const session = await findSessionByIdentifier(db, identifier);
      return session && db.transaction().execute((tx) => requestStop(tx, session.id));
    },
    checkInvariants: (options) => checkInvariants(db, options),
    listDeadLetters: (most) => listDeadLetters(db, most),
    redriveTicket: (identifier) => redriveTicket(db, identifier),
    compareRatings: () => compareRatings(db),
    redriveDeliveries: () => redriveDeliveries(db),
  };
}
