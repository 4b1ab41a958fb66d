import type { Check } from '../core/check.ts';
import type { Person } from '../core/ticket.ts';
import { type DeadLetters, listDeadLetters, redriveDeliveries, redriveTicket } from '../store/dead-letters.ts';
import { checkInvariants, type InvariantOptions, type InvariantReport } from '../store/invariants.ts';
import { compareRatings, type RatingStanding } from '../store/ratings.ts';
import { forgetRoutes, listRememberedRoutes, type RememberedRoute } from '../store/remembered-routes.ts';
import type { Adapters } from './adapters.ts';
import { createHandovers, type HandoverDeps, type Handovers } from './handover.ts';
import type { OwnWork } from './own-work.ts';
import { type Stopped, stopSession } from './say.ts';
import { createScoping, type Scoping } from './scoping.ts';
import { createTokens, type Tokens, type TokensDeps } from './tokens.ts';
import { createOtherServers, type OtherServers, type OtherServersDeps } from './tool-servers.ts';

/** What the people who run the service do with its work. */
export interface Operations extends Handovers {
  /** What the agent begins by itself. */
  ownWork: OwnWork;
  /** What lets people's editors and terminals in. */
  tokens: Tokens;
  /** Tool servers that are not ours. */
  otherServers: OtherServers;
  /** Whether what tells of errors can be read. */
  checkAlerts(): Promise<Check[]>;
  /** Whether the database holds what it must. */
  checkInvariants(options: InvariantOptions): Promise<InvariantReport>;
  /** What failed for good, newest first. */
  listDeadLetters(most: number): Promise<DeadLetters>;
  /** Has what failed of a ticket sent again. How many effects; null: the ticket has no session. */
  redriveTicket(identifier: string): Promise<number | null>;
  /** The same as "stop" on the ticket; null: the ticket has no session. Throws `Refusal` where this person may not. */
  stopSession(identifier: string, by: Person): Promise<Stopped | null>;
  /** Has tickets rated without working on them. */
  scoping: Scoping;
  /** How ratings and what came of them compare. */
  compareRatings(): Promise<RatingStanding[]>;
  /** Has the deliveries that could not be sorted sorted again. How many. */
  redriveDeliveries(): Promise<number>;
  /** Which repositories people named for projects and teams. */
  listRoutes(): Promise<RememberedRoute[]>;
  /** Forgets them for those of a name. How many there were. */
  forgetRoutes(name: string): Promise<number>;
}

/** The workers of any process find within a second what is to be done again. */
export function createOperations(
  deps: HandoverDeps & TokensDeps & Pick<OtherServersDeps, 'driver'> & Pick<Adapters, 'alerts'>,
  ownWork: OwnWork,
): Operations {
  const { db } = deps;
  return {
    ...createHandovers(deps),
    ownWork,
    tokens: createTokens(deps),
    otherServers: createOtherServers({ ...deps, settings: deps.config.toolServers }),
    scoping: createScoping(deps),
    checkAlerts: async () => (await Promise.all([...deps.alerts.values()].map((source) => source.check()))).flat(),
    checkInvariants: (options) => checkInvariants(db, options),
    listDeadLetters: (most) => listDeadLetters(db, most),
    redriveTicket: (identifier) => redriveTicket(db, identifier),
    stopSession: (identifier, by) => stopSession(deps, identifier, by),
    compareRatings: () => compareRatings(db),
    redriveDeliveries: () => redriveDeliveries(db),
    listRoutes: () => listRememberedRoutes(db),
    forgetRoutes: (name) => forgetRoutes(db, name),
  };
}
