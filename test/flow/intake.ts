import type pg from 'pg';
import { acceptDelivery, type SortDeps, sortDeliveries } from '../../src/flow.ts';
import { createLog } from '../../src/lib/log.ts';
import { createDatabase, createPool, type Database, inTransaction } from '../../src/store/database.ts';
import { type BoardDelivery, type DeliveryBody, signDelivery } from '../../src/trackers/board/delivery.ts';
import { type BoardDesk, createBoardDesk } from '../../src/trackers/board/desk.ts';
import { createBoardTracker } from '../../src/trackers/board/tracker.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { createTestDatabase } from '../support/database.ts';

export const agent = 'shipmate';
const secret = 'a secret of the board';

/** Accept and sort over a database of their own, as one instance of the service has them; nobody works on runs. */
export interface Intake {
  pool: pg.Pool;
  db: Database;
  tracker: Tracker;
  deps: SortDeps;
  /** What people do on its board is accepted. */
  desk: BoardDesk;
  accept(delivery: DeliveryBody): Promise<void>;
  /** Several in one transaction, in this order. */
  acceptAll(deliveries: DeliveryBody[]): Promise<void>;
  /** Drains the table, as `sorters` processes would at the same time. */
  sort(sorters?: number): Promise<void>;
  close(): Promise<void>;
}

export async function openIntake({
  runsPerHour = null,
  speak = [],
}: {
  runsPerHour?: number | null;
  /** Whose words are followed; everyone's where it is empty. */
  speak?: string[];
} = {}): Promise<Intake> {
  const database = await createTestDatabase();
  const pool = createPool(database.url, 24);
  const db = createDatabase(pool);
  const tracker = createBoardTracker({ pool, agent, secret });
  const trackers = new Map([['board', tracker]]);
  const deps: SortDeps = {
    db,
    trackers,
    codeHosts: new Map(),
    repositories: new Map(),
    policy: { runsPerHour, people: { speak }, approval: { by: [] } },
    name: agent,
    pageOf: null,
    nudge: async () => {},
    wake: () => {},
    failpoint: () => {},
    log: createLog({ level: 'silent', format: 'json', secrets: [] }),
  };
  const never = new AbortController().signal;
  const accepting = { sources: trackers, nudge: async () => {}, failpoint: () => {} };
  const accept = (tx: pg.PoolClient, { source, headers, body }: BoardDelivery) =>
    acceptDelivery(accepting, tx, source, headers, body);
  const acceptAll = (deliveries: DeliveryBody[]) =>
    inTransaction(pool, async (tx) => {
      for (const delivery of deliveries) await accept(tx, signDelivery(secret, delivery));
    });
  return {
    pool,
    db,
    tracker,
    deps,
    desk: createBoardDesk({ pool, agent, secret, accept }),
    accept: (delivery) => acceptAll([delivery]),
    acceptAll,
    async sort(sorters = 1) {
      await Promise.all(Array.from({ length: sorters }, () => sortDeliveries(deps, never)));
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}
