import type { Pool } from 'pg';
import type { Check } from '../../core/check.ts';
import { oneByOne, type Tracker } from '../tracker.ts';
import { asVendor, boardDatabase } from './database.ts';
import { readEvents, verifyDelivery } from './delivery.ts';
import { readFile } from './files.ts';
import { listOpen } from './list-open.ts';
import { searchTickets } from './search.ts';
import { fileTicket, sendOperation } from './send.ts';
import { numberOf, readTicket } from './tickets.ts';

/** The board as the agent sees it: a tracker whose tickets lie in our own database. People use `createBoardDesk`. */
export function createBoardTracker(options: {
  pool: Pool;
  /** The agent's account: tickets assigned to this name are its own. */
  agent: string;
  /** Signs the board's deliveries. */
  secret: string;
}): Tracker {
  const { pool, agent, secret } = options;
  const db = boardDatabase(pool);
  return {
    kind: 'board',
    source: 'board',
    gatherMs: 0,
    verifyDelivery: (headers, body) => verifyDelivery(secret, headers, body),
    readEvents: (delivery) => readEvents(agent, delivery),
    readTicket: (hint, signal) => asVendor(() => readTicket(db, numberOf(hint.id), signal)),
    readAttachment: (hint, id, signal) => asVendor(() => readFile(db, numberOf(hint.id), id, signal)),
    send: oneByOne((hint, operation, signal) =>
      asVendor(() => sendOperation({ pool, agent, hint, signal }, operation)),
    ),
    createTicket: (filing, signal) => asVendor(() => fileTicket(pool, filing, signal)),
    listTickets: (query, cursor, signal) => asVendor(() => listOpen(db, agent, query, cursor, signal)),
    searchTickets: (words, limit, signal) => asVendor(() => searchTickets(db, words, limit, signal)),
    listTeams: async () => [], // a draft's team is a field, which may say anything
    isAsked: async () => false, // a mention there gives nobody a ticket
    suggestRepositories: async () => [],

    async check(): Promise<Check[]> {
      const name = 'tracker board';
      try {
        const { count } = await db
          .selectFrom('board_tickets')
          .select((select) => select.fn.countAll<string>().as('count'))
          .executeTakeFirstOrThrow();
        return [{ name, status: 'ok', message: `${count} tickets; the agent is "${agent}"` }];
      } catch (error) {
        const message = `the board's tables cannot be read: ${(error as Error).message}`;
        const remedy = 'Run `shipmate migrate`; if the database itself is away, start it or correct DATABASE_URL.';
        return [{ name, status: 'missing', message, remedy }];
      }
    },
  };
}
