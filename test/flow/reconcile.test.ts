import type { PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VendorError } from '../../src/core/vendor-error.ts';
import { conclude } from '../../src/flow/conclude.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import { acceptDelivery, reconcile, type SortDeps, sortDeliveries } from '../../src/flow.ts';
import { createLog } from '../../src/lib/log.ts';
import { createDatabase, createPool, type Database } from '../../src/store/database.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import { claimRun } from '../../src/store/runs.ts';
import type { BoardDelivery } from '../../src/trackers/board/delivery.ts';
import { type BoardDesk, createBoardDesk } from '../../src/trackers/board/desk.ts';
import { createBoardTracker } from '../../src/trackers/board/tracker.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { someone } from '../support/service.ts';

const agent = 'shipmate';
const secret = 'not much of one';
const never = new AbortController().signal;
const nothing = async () => {};

let database: TestDatabase;
let db: Database;
let tracker: Tracker;
let desk: BoardDesk;
let deps: SortDeps;
/** Webhooks that did not come. */
let lost: BoardDelivery[] = [];
/** Whether the next one gets lost. */
let loses = (): boolean => false;

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
      if (loses()) lost.push(delivery);
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
  lost = [];
  loses = () => false;
  deps = depsWith(tracker);
});

const query = (text: string, values: unknown[] = []) => database.pool.query(text, values);
const deliver = (tx: PoolClient, { source, headers, body }: BoardDelivery) =>
  acceptDelivery(
    { sources: new Map([['board', tracker]]), nudge: nothing, failpoint: () => {} },
    tx,
    source,
    headers,
    body,
  );
const round = (given: SortDeps) => reconcile(given, never, { againAfterMs: 20 });
const sort = () => sortDeliveries(deps, never);

function depsWith(board: Tracker): SortDeps {
  const log = createLog({ level: 'silent', format: 'json', secrets: [] });
  const policy = { runsPerHour: 20 };
  return {
    db,
    trackers: new Map([['board', board]]),
    policy,
    nudge: nothing,
    wake: () => {},
    failpoint: () => {},
    log,
  };
}

async function file(count: number): Promise<string[]> {
  const names = [];
  for (let made = 0; made < count; made++)
    names.push((await desk.createTicket({ title: `Ticket ${made}`, assignee: agent }, someone)).identifier);
  return names;
}

async function states(): Promise<string[]> {
  const { rows } = await query(
    'select s.state from sessions s join tickets t on t.id = s.ticket_id order by t.identifier',
  );
  return rows.map(({ state }) => state);
}

/** As if a run had asked and ended. */
async function waitForAnswer(): Promise<void> {
  await query(`update runs set ended_at = now(), outcome = '{"stopReason":"needsInput","message":"Which?"}'`);
  await query("update sessions set state = 'awaitingInput', answered_at = given_at");
  await query("update effects set state = 'done', settled_at = now()");
}

/** As if the tracker's clock went otherwise than ours, by so much. */
async function shiftTracker(by: string): Promise<void> {
  await query('update board_tickets set updated_at = updated_at + $1::interval', [by]);
  const moved = ['opened_at', 'given_at', 'closed_at', 'answered_at'].map((at) => `${at} = ${at} + $1::interval`);
  await query(`update sessions set ${moved}`, [by]);
}

/** What the tracker never gave out: the ticket is not to be found, as often as `fails` says. */
function withoutTickets(fails: () => boolean): Tracker {
  return {
    ...tracker,
    listAssigned: (cursor, signal) =>
      fails() ? Promise.resolve({ tickets: [], next: null }) : tracker.listAssigned(cursor, signal),
    readTicket: (hint, signal) =>
      fails()
        ? Promise.reject(new VendorError('not found', { code: 'not_found', retryable: false }))
        : tracker.readTicket(hint, signal),
  };
}

const violations = async () => (await checkInvariants(db, { live: true, days: null })).violations;

const said = async () =>
  (await query("select activity ->> 'body' as body from activities order by seq")).rows.map(({ body }) => body);

describe('reconcile', () => {
  test('takes up what was given to the agent while one webhook in ten got lost', async ({ expect }) => {
    let sent = 0;
    loses = () => sent++ % 10 === 3;
    await file(200);
    await sort();
    expect([(await states()).length, lost.length]).toEqual([180, 20]);
    await round(deps);
    expect(await states()).toEqual(Array(200).fill('active'));
    const { rows } = await query('select count(*)::int as runs, count(distinct session_id)::int as sessions from runs');
    expect(rows).toEqual([{ runs: 200, sessions: 200 }]);
    const acknowledged = (await said()).filter((body) => body.startsWith('On it'));
    expect(acknowledged).toHaveLength(200);
  });

  test('a webhook that comes after it changes nothing, nor does another round', async ({ expect }) => {
    loses = () => true;
    await file(1);
    await round(deps);
    const countEffects = async () => (await query('select count(*)::int as n from effects')).rows[0].n;
    const effects = await countEffects();
    await query("update runs set ended_at = now(), outcome = '{}'");
    await query("update sessions set state = 'complete', answered_at = given_at");
    const client = await database.pool.connect();
    for (const delivery of lost) await deliver(client, delivery);
    client.release();
    await sort();
    await round(deps);
    const { rows } = await query('select number from runs');
    expect([rows, await countEffects(), await states()]).toEqual([[{ number: 1 }], effects, ['complete']]);
  });

  test('several processes that do it at once, beside the webhooks, open each session once', async ({ expect }) => {
    let sent = 0;
    loses = () => sent++ % 2 === 0;
    await file(40);
    await Promise.all([round(deps), round(deps), sort(), round(deps)]);
    const { rows } = await query('select session_id from runs');
    expect([rows.length, new Set(rows.map((row) => row.session_id)).size]).toEqual([40, 40]);
    expect((await said()).filter((body) => body.startsWith('On it'))).toHaveLength(40);
  });

  test('what is at work on a ticket that was closed, deleted or given away while we were down is stopped', async ({
    expect,
  }) => {
    const [closed = '', deleted = '', given = '', kept = ''] = await file(4);
    await sort();
    await query("update effects set state = 'done', settled_at = now()");
    await query(
      `update runs set worker = 'at work' where session_id in (
        select s.id from sessions s join tickets t on t.id = s.ticket_id where t.identifier = $1)`,
      [given],
    );
    loses = () => true;
    await desk.move(closed, 'Done', someone);
    await desk.assign(given, 'ada', someone);
    await query('delete from board_tickets where number = $1', [Number(deleted.slice(6))]);
    await round(deps);
    const { rows } = await query(
      `select t.identifier, s.state, r.stop_requested_at is not null as asked, r.outcome ->> 'message' as message
       from sessions s join tickets t on t.id = s.ticket_id join runs r on r.session_id = s.id order by t.identifier`,
    );
    const gone = 'Stopped: the ticket was not to be found any more.';
    expect(rows).toEqual([
      { identifier: closed, state: 'stopped', asked: false, message: 'Stopped: the ticket was closed.' },
      { identifier: deleted, state: 'stopped', asked: false, message: gone },
      { identifier: given, state: 'active', asked: true, message: null },
      { identifier: kept, state: 'active', asked: false, message: null },
    ]);
    const before = await said();
    expect(before.slice(4)).toEqual(
      expect.arrayContaining([expect.stringContaining(gone), expect.stringContaining('the ticket was closed')]),
    );
    expect(before).toHaveLength(6);
    await round(deps);
    expect(await said()).toEqual(before);
  });

  test('a ticket that was taken away and given back, or closed and reopened, goes on although no webhook said so', async ({
    expect,
  }) => {
    const [given = '', reopened = ''] = await file(2);
    await sort();
    await desk.assign(given, 'ada', someone);
    await desk.move(reopened, 'Done', someone);
    await sort();
    expect(await states()).toEqual(['stopped', 'stopped']);
    loses = () => true;
    await desk.assign(given, agent, someone);
    await desk.move(reopened, 'Todo', someone);
    await round(deps);
    await round(deps);
    expect(await states()).toEqual(['active', 'active']);
    const { rows } = await query('select number from runs where ended_at is null');
    expect(rows).toEqual([{ number: 2 }, { number: 2 }]);
  });

  test('what waited for an answer on such a ticket says so once and rests as stopped', async ({ expect }) => {
    const [closed = '', deleted = '', given = ''] = await file(3);
    await sort();
    await waitForAnswer();
    loses = () => true;
    await desk.move(closed, 'Canceled', someone);
    await desk.unassign(given, someone);
    await query('delete from board_tickets where number = $1', [Number(deleted.slice(6))]);
    await round(deps);
    await round(deps);
    expect(await states()).toEqual(['stopped', 'stopped', 'stopped']);
    expect((await said()).slice(3).sort()).toEqual([
      expect.stringMatching(/^Stopped: the ticket was closed\./),
      expect.stringMatching(/^Stopped: the ticket was given to someone else\./),
      expect.stringMatching(/^Stopped: the ticket was not to be found any more\./),
    ]);
  });

  test('what was still to be written to a deleted ticket fails with the reason instead of being tried for ever', async ({
    expect,
  }) => {
    const [deleted = ''] = await file(1);
    await sort();
    await query('delete from board_tickets where number = $1', [Number(deleted.slice(6))]);
    await round(deps);
    const { rows } = await query('select distinct state, error from effects');
    expect(rows).toEqual([{ state: 'failed', error: `the ticket is gone: ${deleted} was not found` }]);
    const { violations } = await checkInvariants(db, { live: false, days: null });
    expect(violations).toEqual([]);
  });

  test('a ticket that was given to the agent while the list was read is left for the next round', async ({
    expect,
  }) => {
    await file(1);
    await sort();
    let lists = 0;
    const late: Tracker = {
      ...tracker,
      listAssigned: async (cursor, signal) =>
        ++lists === 1 ? { tickets: [], next: null } : tracker.listAssigned(cursor, signal),
    };
    await round(depsWith(late));
    const { rows } = await query('select stop_requested_at, ended_at from runs');
    expect([rows, lists]).toEqual([[{ stop_requested_at: null, ended_at: null }], 2]);
  });

  test.each(['-1 hour', '1 hour'])('a tracker whose clock is off by %s is understood all the same', async (by) => {
    const [taken = ''] = await file(1);
    await sort();
    loses = () => true;
    await desk.assign(taken, 'ada', someone);
    loses = () => false;
    let between = true;
    const racing: Tracker = {
      ...tracker,
      async listAssigned(cursor, signal) {
        const page = await tracker.listAssigned(cursor, signal);
        if (between) {
          between = false;
          await file(1);
          await sort();
          await shiftTracker(by);
        }
        return page;
      },
    };
    await round(depsWith(racing));
    expect(await states()).toEqual(['stopped', 'active']);
    await round(deps);
    expect(await states()).toEqual(['stopped', 'active']);
  });

  test('a ticket that is listed is taken up although its session was told at the same time, or later, that it is not ours', async ({
    expect,
  }) => {
    await file(4);
    await sort();
    const past = (number: number, changes: string) =>
      query(
        `update sessions s set ${changes} from tickets t, board_tickets b
         where t.id = s.ticket_id and b.number = t.external_id::int and b.number = $1`,
        [number],
      );
    await query("update runs set ended_at = now(), outcome = '{}'");
    await query("update sessions set state = 'stopped', answered_at = given_at");
    await query("update board_tickets set updated_at = updated_at + interval '1 minute'");
    const [first] = (await query('select min(number) as n from board_tickets')).rows;
    await past(first.n, 'given = false, given_at = b.updated_at');
    await past(first.n + 1, "given = false, given_at = b.updated_at + interval '1 hour'");
    await past(first.n + 2, 'given = false, given_at = b.updated_at, closed = true, closed_at = b.updated_at');
    await round(deps);
    expect(await states()).toEqual(['active', 'active', 'active', 'stopped']);
    await round(deps);
    const { rows } = await query('select number from runs where ended_at is null');
    expect(rows).toEqual([{ number: 2 }, { number: 2 }, { number: 2 }]);
  });

  test('a ticket that is taken away between the two lists stays with whom its webhook gave it to', async ({
    expect,
  }) => {
    const [ticket = ''] = await file(1);
    await sort();
    await query("update runs set ended_at = now(), outcome = '{}'");
    await query("update sessions set state = 'stopped', given = false, given_at = given_at + interval '1 hour'");
    let lists = 0;
    const racing: Tracker = {
      ...tracker,
      async listAssigned(cursor, signal) {
        const page = await tracker.listAssigned(cursor, signal);
        if (++lists === 2) {
          await desk.assign(ticket, 'ada', someone);
          await query("update board_tickets set updated_at = updated_at + interval '2 hours'");
          await sort();
          await query("update sessions set given_at = given_at + interval '2 hours'");
        }
        return page;
      },
    };
    await round(depsWith(racing));
    expect([await states(), lists]).toEqual([['stopped'], 2]);
  });

  test('a ticket that is not to be found once, and is there some seconds later, goes on undisturbed', async ({
    expect,
  }) => {
    await file(1);
    await sort();
    const before = await said();
    let calls = 0;
    await round(depsWith(withoutTickets(() => ++calls <= 2)));
    const { rows } = await query(
      "select stop_requested_at, ended_at, (select count(*)::int from effects where state = 'failed') as failed from runs",
    );
    expect(rows).toEqual([{ stop_requested_at: null, ended_at: null, failed: 0 }]);
    expect([await said(), await states()]).toEqual([before, ['active']]);
  });

  test('a ticket that was not to be found for a while is taken up again when it is listed, as often as that happens', async ({
    expect,
  }) => {
    await file(1);
    await sort();
    for (const number of [2, 3]) {
      await round(depsWith(withoutTickets(() => true)));
      await round(depsWith(withoutTickets(() => true)));
      const { rows } = await query('select state, given, closed from sessions');
      expect([rows, await violations()]).toEqual([[{ state: 'stopped', given: true, closed: false }], []]);
      await round(deps);
      await round(deps);
      const runs = await query('select number from runs where ended_at is null');
      expect([await states(), runs.rows]).toEqual([['active'], [{ number }]]);
    }
  });

  test('so is one whose session waited for an answer', async ({ expect }) => {
    await file(1);
    await sort();
    await waitForAnswer();
    await round(depsWith(withoutTickets(() => true)));
    expect(await states()).toEqual(['stopped']);
    await round(deps);
    expect([await states(), (await said()).at(-1)]).toEqual([['active'], 'On it: picking the work up again.']);
  });

  test('a run at work on a ticket that is gone ends with that as its reason, and nothing starts until the ticket is back', async ({
    expect,
  }) => {
    await file(1);
    await sort();
    const run = await claimRun(db, 'host:1:1');
    await round(depsWith(withoutTickets(() => true)));
    const worker = { ...deps, policy: { runsPerHour: null }, repositories: new Map() } as unknown as RunDeps;
    const finished = { stopReason: 'needsInput', message: 'Which?' } as const;
    if (run) await conclude(worker, run, finished, { work: null });
    const { rows } = await query("select outcome ->> 'message' as message from runs");
    expect([await states(), rows]).toEqual([
      ['stopped'],
      [{ message: 'Stopped: the ticket was not to be found any more.' }],
    ]);
    await round(deps);
    expect(await states()).toEqual(['active']);
  });

  test('words on a ticket that was not to be found for a while go on with it; a stop on it holds', async ({
    expect,
  }) => {
    const [spoken = '', halted = ''] = await file(2);
    await desk.comment(spoken, 'mind the gap', someone);
    await sort();
    await round(depsWith(withoutTickets(() => true)));
    await sort();
    expect(await states()).toEqual(['stopped', 'stopped']);
    await desk.comment(spoken, 'continue', someone);
    await desk.comment(halted, 'stop', someone);
    await sort();
    expect(await states()).toEqual(['active', 'stopped']);
    await round(deps);
    await round(deps);
    expect(await states()).toEqual(['active', 'stopped']);
    const { rows } = await query('select number from runs where ended_at is null');
    expect(rows).toEqual([{ number: 2 }]);
    expect(await said()).not.toContainEqual(expect.stringContaining('closed'));
  });

  test('a tracker that fails in the middle of the pages is asked again; one that goes on failing loses nothing', async ({
    expect,
  }) => {
    loses = () => true;
    await file(120);
    let calls = 0;
    const failing = (fails: (call: number) => VendorError | null): Tracker => ({
      ...tracker,
      async listAssigned(cursor, signal) {
        const error = fails(++calls);
        if (error) throw error;
        return tracker.listAssigned(cursor, signal);
      },
    });
    const limited = new VendorError('slow down', { code: 'rate_limited', retryable: true, retryAfterMs: 20 });
    const broken = new VendorError('500', { code: 'unavailable', retryable: true, retryAfterMs: 600_000 });
    // The third page asks for a wait that is longer than a round may take.
    await expect(round(depsWith(failing((call) => (call === 3 ? broken : null))))).rejects.toThrow('500');
    expect(await states()).toHaveLength(100);
    calls = 0;
    await round(depsWith(failing((call) => (call === 2 ? limited : null))));
    expect([(await states()).length, calls]).toEqual([120, 4]);
  });

  test('a half-read list stops nobody', async ({ expect }) => {
    await file(60);
    await sort();
    const broken = new VendorError('500', { code: 'unavailable', retryable: false });
    const half: Tracker = {
      ...tracker,
      listAssigned: (cursor, signal) =>
        cursor === null ? tracker.listAssigned(cursor, signal) : Promise.reject(broken),
    };
    await expect(round(depsWith(half))).rejects.toThrow('500');
    const { rows } = await query('select count(*)::int as asked from runs where stop_requested_at is not null');
    expect(rows).toEqual([{ asked: 0 }]);
  });

  test('tickets that fit the list are not read; of those that do not, fifty a round and the longest unread first', async ({
    expect,
  }) => {
    const names = await file(70);
    await sort();
    await waitForAnswer();
    loses = () => true;
    for (const name of names.slice(5)) await desk.move(name, 'Done', someone);
    const read: string[] = [];
    const counting: Tracker = {
      ...tracker,
      readTicket(hint, signal) {
        read.push(hint.identifier);
        return tracker.readTicket(hint, signal);
      },
    };
    await round(depsWith(counting));
    expect(read).toHaveLength(50);
    await round(depsWith(counting));
    expect(read.sort()).toEqual(names.slice(5).sort());
  });
});
