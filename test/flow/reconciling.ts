import type { PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { SessionState } from '../../src/core/session.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { acceptDelivery, reconcile, type SortDeps, sortDeliveries } from '../../src/flow.ts';
import { createLog } from '../../src/lib/log.ts';
import { createDatabase, createPool, type Database } from '../../src/store/database.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import type { BoardDelivery } from '../../src/trackers/board/delivery.ts';
import { type BoardDesk, createBoardDesk } from '../../src/trackers/board/desk.ts';
import type { TicketDraft } from '../../src/trackers/board/edit.ts';
import { createBoardTracker } from '../../src/trackers/board/tracker.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { someone } from '../support/service.ts';

export const agent = 'shipmate';
const secret = 'not much of one';
export const never = new AbortController().signal;
const nothing = async () => {};

export let database: TestDatabase;
export let db: Database;
export let tracker: Tracker;
export let desk: BoardDesk;
export let deps: SortDeps;
/** Webhooks that did not come, and whether the next one gets lost. */
export const net = { lost: [] as BoardDelivery[], loses: (): boolean => false };

/** For a test file: a board over a database of its own, empty before each test. */
export function useBoard(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    const pool = createPool(database.url);
    db = createDatabase(pool);
    tracker = createBoardTracker({ pool, agent, secret });
    desk = createBoardDesk({
      pool,
      agent,
      secret,
      async accept(tx, delivery) {
        if (net.loses()) net.lost.push(delivery);
        else await deliver(tx, delivery);
      },
    });
  });
  afterAll(async () => {
    await db.destroy();
    await database.drop();
  });
  beforeEach(async () => {
    await query('truncate effects, activities, prompts, runs, sessions, tickets, deliveries, board_tickets cascade');
    net.lost = [];
    net.loses = () => false;
    deps = depsWith(tracker);
  });
}

export const query = (text: string, values: unknown[] = []) => database.pool.query(text, values);
export const deliver = (tx: PoolClient, { source, headers, body }: BoardDelivery) =>
  acceptDelivery(
    { sources: new Map([['board', tracker]]), nudge: nothing, failpoint: () => {} },
    tx,
    source,
    headers,
    body,
  );
export const round = (given: SortDeps, options: { hasWebhooks?: boolean } = {}) =>
  reconcile(given, never, { againAfterMs: 20, ...options });
export const sort = () => sortDeliveries(deps, never);

export function depsWith(board: Tracker): SortDeps {
  const log = createLog({ level: 'silent', format: 'json', secrets: [] });
  const policy = { runsPerHour: 20, people: { speak: [] }, approval: { by: [] } };
  return {
    db,
    trackers: new Map([['board', board]]),
    codeHosts: new Map(),
    repositories: new Map(),
    policy,
    name: agent,
    pageOf: null,
    nudge: nothing,
    wake: () => {},
    failpoint: () => {},
    log,
  };
}

export async function file(count: number, draft: Partial<TicketDraft> = { assignee: agent }): Promise<string[]> {
  const names = [];
  for (let made = 0; made < count; made++)
    names.push((await desk.createTicket({ title: `Ticket ${made}`, ...draft }, someone)).identifier);
  return names;
}

export async function states(): Promise<string[]> {
  const { rows } = await query(
    'select s.state from sessions s join tickets t on t.id = s.ticket_id order by t.identifier',
  );
  return rows.map(({ state }) => state);
}

/** As if what is at work had come to its end so, and what was to be written had left. */
export async function endRuns(state: SessionState, outcome: object = {}): Promise<void> {
  await query('update runs set ended_at = now(), outcome = $1, worker = null where ended_at is null', [outcome]);
  await query(
    "update sessions set state = $1, answered_at = greatest(given_at, over_at), updated_at = now() where state = 'active'",
    [state],
  );
  await query("update effects set state = 'done', settled_at = now()");
}

/** As if a run had asked and ended. */
export const waitForAnswer = () => endRuns('awaitingInput', { stopReason: 'needsInput', message: 'Which?' });

/** As if the tracker's clock went otherwise than ours, by so much. */
export async function shiftTracker(by: string): Promise<void> {
  await query('update board_tickets set updated_at = updated_at + $1::interval', [by]);
  const moved = ['opened_at', 'given_at', 'closed_at', 'over_at', 'answered_at'].map(
    (at) => `${at} = ${at} + $1::interval`,
  );
  await query(`update sessions set ${moved}`, [by]);
}

/** What the tracker never gave out: the ticket is not to be found, as often as `fails` says. */
export function withoutTickets(fails: () => boolean): Tracker {
  return {
    ...tracker,
    listTickets: (query, cursor, signal) =>
      fails() ? Promise.resolve({ tickets: [], next: null }) : tracker.listTickets(query, cursor, signal),
    readTicket: (hint, signal) =>
      fails()
        ? Promise.reject(new VendorError('not found', { code: 'not_found', retryable: false }))
        : tracker.readTicket(hint, signal),
  };
}

export const violations = async () => (await checkInvariants(db, { live: true, days: null })).violations;

export const said = async () =>
  (await query("select activity ->> 'body' as body from activities order by seq")).rows.map(({ body }) => body);
