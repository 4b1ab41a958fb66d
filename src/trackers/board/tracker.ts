import type { Pool } from 'pg';
import type { Check } from '../../core/check.ts';
import type { Tracker } from '../tracker.ts';
import { asVendor, boardDatabase, isAssignedTo } from './database.ts';
import { readEvents, verifyDelivery } from './delivery.ts';
import { sendOperation } from './send.ts';
import { finishedStates } from './states.ts';
import { hintOf, numberOf, readTicket } from './tickets.ts';

const pageSize = 50;

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
    verifyDelivery: (headers, body) => verifyDelivery(secret, headers, body),
    readEvents: (delivery) => readEvents(agent, delivery),
    readTicket: (hint, signal) => asVendor(() => readTicket(db, numberOf(hint.id), signal)),
    send: (hint, operation, signal) => asVendor(() => sendOperation(pool, hint, operation, signal)),

    listAssigned: (cursor, signal) =>
      asVendor(async () => {
        const rows = await db
          .selectFrom('board_tickets')
          .select(['number', 'title', 'priority', 'fields'])
          .where(isAssignedTo(agent))
          .where('state', 'not in', finishedStates)
          .where('number', '>', cursor === null ? 0 : Number(cursor))
          .orderBy('number')
          .limit(pageSize + 1)
          .execute({ signal });
        const page = rows.slice(0, pageSize);
        return { tickets: page.map(hintOf), next: rows.length > pageSize ? String(page.at(-1)?.number) : null };
      }),

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
