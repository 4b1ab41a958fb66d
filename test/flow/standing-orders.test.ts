import { randomUUID } from 'node:crypto';
import { beforeEach, describe, test } from 'vitest';
import { judgeRating, type StandingOrder } from '../../src/core/standing-orders.ts';
import type { Ticket } from '../../src/core/ticket.ts';
import { defaultFieldNames } from '../../src/core/ticket-facts.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { conclude } from '../../src/flow/conclude.ts';
import { giveBack } from '../../src/flow/give-back.ts';
import { askToScope, dayOf, type OrderDeps, workOrders } from '../../src/flow.ts';
import { createLog } from '../../src/lib/log.ts';
import { addPick, demandOn, nextPlace, orderPaying, readDay, untouched } from '../../src/store/order-picks.ts';
import { readRound } from '../../src/store/order-rounds.ts';
import { rememberRoute } from '../../src/store/remembered-routes.ts';
import { claimRun } from '../../src/store/runs.ts';
import { lockSession } from '../../src/store/sessions.ts';
import { forgetWorker, noteWorker } from '../../src/store/workers.ts';
import type { TicketDraft } from '../../src/trackers/board/edit.ts';
import { sendOne, type Tracker } from '../../src/trackers/tracker.ts';
import { anOrder } from '../support/own-work.ts';
import { someone } from '../support/service.ts';
import {
  agent,
  db,
  depsWith,
  desk,
  endRuns,
  file as fileTickets,
  never,
  query,
  round,
  said,
  sort,
  states,
  tracker,
  useBoard,
  violations,
} from './reconciling.ts';

useBoard();

const order = (changes: Partial<StandingOrder> = {}) => anOrder({ labels: ['ready'], ...changes });

let repositories: OrderDeps['routing']['repositories'] = [];
const repository = (name: string) => ({ name, codeHost: 'local-git', location: name, base: null }) as const;
beforeEach(() => {
  repositories = [repository('web')];
});
let day = new Date('2026-11-21T12:00:00Z');
const ordering = (orders: StandingOrder[], board: Tracker = tracker, slots = 100): OrderDeps => ({
  ...depsWith(board),
  orders,
  routing: { repositories, rules: [], fields: defaultFieldNames },
  slots,
  now: () => day,
});
const work = (...orders: StandingOrder[]) => workOrders(ordering(orders), never);

const file = (count: number, draft: Partial<TicketDraft> = {}) => fileTickets(count, { labels: ['ready'], ...draft });

async function picks(): Promise<{ ticket: string; state: string; nth: number | null }[]> {
  const { rows } = await query(
    "select hint ->> 'identifier' as ticket, state, nth from order_picks order by at, hint ->> 'identifier'",
  );
  return rows;
}
const mine = async () => (await desk.list({ assignee: agent })).map(({ identifier }) => identifier).toReversed();
const sessionOf = async (ticket: string): Promise<string> =>
  (await query('select s.id from sessions s join tickets t on t.id = s.ticket_id where identifier = $1', [ticket]))
    .rows[0].id;
/** A worker takes what waits. */
const begin = () => query("update runs set worker = 'w', started_at = now() where ended_at is null");
const clear = () => query('truncate order_picks, order_rounds, order_passes, spending, workers');

describe('a standing order', () => {
  test('takes what nobody has, the most pressing first, says why, and stops at the number of the day', async ({
    expect,
  }) => {
    await clear();
    const [old = '', second = ''] = await file(2);
    const [urgent = ''] = await file(1, { priority: 'urgent' });
    await file(1, { labels: ['other'] });
    await file(1, { assignee: 'ada', priority: 'urgent' });
    const [blocked = ''] = await file(1, { priority: 'urgent' });
    await desk.relate(blocked, 'blockedBy', second, someone);
    const [epic = ''] = await file(1, { priority: 'urgent' });
    const [part = ''] = await file(1, { labels: ['other'] });
    await desk.relate(epic, 'child', part, someone);
    await sort();
    for (let rounds = 0; rounds < 3; rounds++) {
      await work(order({ perDay: 2 }));
      await begin();
    }
    expect(await picks()).toEqual([
      { ticket: urgent, state: 'taken', nth: 1 },
      { ticket: old, state: 'taken', nth: 2 },
    ]);
    expect(await mine()).toEqual([old, urgent]);
    expect(await states()).toEqual(['active', 'active']);
    expect((await said()).filter((body) => body.startsWith('I took this'))).toEqual([
      expect.stringContaining(
        'standing order "bugs" (1 of 2 today): nobody has it, it is labelled "ready", its priority is urgent',
      ),
      expect.stringContaining('(2 of 2 today)'),
    ]);
    // Nothing that was said to it is left, and no webhook or list says otherwise.
    await round(depsWith(tracker));
    expect(await states()).toEqual(['active', 'active']);
    await endRuns('complete');
    await work(order({ perDay: 2 }));
    expect(await picks()).toHaveLength(2);
    day = new Date('2026-11-22T00:00:01Z');
    await work(order({ perDay: 2 }));
    expect((await picks()).map(({ ticket }) => ticket)).toEqual([urgent, old, second]);
  });

  test('several processes at once do not pass the number of the day, and take each ticket once', async ({ expect }) => {
    await clear();
    await file(12);
    const orders = [order({ perDay: 3 }), order({ name: 'more', perDay: 4 })];
    for (let rounds = 0; rounds < 8; rounds++) {
      await Promise.all(Array.from({ length: 4 }, () => work(...orders)));
      await begin();
    }
    const taken = await picks();
    expect(taken.map(({ nth }) => nth).sort()).toEqual([1, 1, 2, 2, 3, 3, 4]);
    expect(new Set(taken.map(({ ticket }) => ticket)).size).toBe(7);
    expect(await mine()).toHaveLength(7);
    const { rows } = await query('select session_id from runs');
    expect(new Set(rows.map(({ session_id }) => session_id)).size).toBe(7);
    expect(rows).toHaveLength(7);
  });

  test('of many that have seen the same room for different tickets, one has it', async ({ expect }) => {
    await clear();
    const tickets = await Promise.all((await file(6)).map(async (name) => (await desk.show(name)).ticket));
    const three = order({ perDay: 3 });
    for (let rounds = 0; rounds < 5; rounds++) {
      const nth = (await nextPlace(db, three, '2026-11-21')) ?? 4;
      const pick = (ticket: Ticket) => ({
        ...{ id: randomUUID(), order: 'bugs', hint: ticket, why: '', day: '2026-11-21', nth },
        ...{ category: 'unstarted' as const, fingerprint: randomUUID() },
      });
      const added = await Promise.all(tickets.map((ticket) => addPick(db, three, pick(ticket))));
      expect(added.filter((isAdded) => isAdded)).toHaveLength(rounds < 3 ? 1 : 0);
    }
    expect((await readDay(db, 'bugs', '2026-11-21')).taken).toBe(3);
    expect((await readDay(db, 'bugs', '2026-11-22')).taken).toBe(0);
  });

  test('takes nothing while somebody waits for a worker, or all are busy', async ({ expect }) => {
    await clear();
    await file(4);
    const few = () => workOrders(ordering([order()], tracker, 2), never);
    await few();
    await few();
    expect(await picks(), 'the first one waits for a worker').toHaveLength(1);
    await begin();
    await few();
    await begin();
    await few();
    expect(await picks()).toHaveLength(2);
    await endRuns('complete');
    await few();
    expect(await picks()).toHaveLength(3);
  });

  test('has the room of all workers that live, not of one', async ({ expect }) => {
    await clear();
    await file(5);
    const few = async () => {
      await workOrders(ordering([order()], tracker, 1), never);
      await begin();
    };
    await noteWorker(db, 'one', 1);
    await noteWorker(db, 'two', 2);
    await noteWorker(db, 'fell', 8);
    await query("update workers set seen_at = now() - interval '1 minute' where name = 'fell'");
    for (let rounds = 0; rounds < 4; rounds++) await few();
    expect(await picks()).toHaveLength(3);
    await forgetWorker(db, 'two');
    await query('update runs set ended_at = now() where id in (select id from runs order by queued_at limit 1)');
    await few();
    expect(await picks()).toHaveLength(3);
  });

  test('stops when its money is spent, and says so once', async ({ expect }) => {
    await clear();
    const [first = ''] = await file(3);
    const told: string[] = [];
    const deps = ordering([order({ usdPerDay: 1 })], tracker, 1);
    deps.log = {
      ...createLog({ level: 'silent', format: 'json', secrets: [] }),
      info: (_: unknown, text: string) => void told.push(text),
    } as never;
    await workOrders(deps, never);
    const { rows } = await query('select id from runs where session_id = $1', [await sessionOf(first)]);
    expect(await orderPaying(db, rows[0].id)).toBe('bugs');
    await query(`insert into spending (account, usd) values ('order/bugs/' || $1, 1.25)`, [dayOf(day)]);
    await query("update runs set queued_at = now() + interval '25 hours'");
    expect(await orderPaying(db, rows[0].id), 'what comes later is not its own').toBe(null);
    await endRuns('complete');
    for (let times = 0; times < 3; times++) await workOrders(deps, never);
    expect(await picks()).toHaveLength(1);
    expect(told.filter((text) => text.includes('has cost 1.25 of 1 USD'))).toHaveLength(1);
  });

  test('one that fell between picking and taking, or taking and opening, goes on, and takes it once', async ({
    expect,
  }) => {
    await clear();
    const [first = ''] = await file(2);
    for (const falls of ['before', 'after'] as const) {
      const failing: Tracker = {
        ...tracker,
        async send(hint, operations, signal) {
          if (falls === 'after') await tracker.send(hint, operations, signal);
          throw new VendorError('away', { code: 'unavailable', retryable: true });
        },
      };
      await expect(workOrders(ordering([order({ perDay: 1 })], failing), never)).rejects.toThrow('away');
      expect(await picks()).toEqual([{ ticket: first, state: 'taking', nth: 1 }]);
    }
    await work(order({ perDay: 1 }));
    await work(order({ perDay: 1 }));
    expect(await picks()).toEqual([{ ticket: first, state: 'taken', nth: 1 }]);
    expect((await said()).filter((body) => body.startsWith('I took this'))).toHaveLength(1);
  });

  test('a ticket that a person takes at that moment is left alone, and does not count', async ({ expect }) => {
    await clear();
    const [first = '', second = ''] = await file(2);
    const quick: Tracker = {
      ...tracker,
      async send(hint, operations, signal) {
        if (hint.identifier === first) await desk.assign(first, 'ada', someone);
        return tracker.send(hint, operations, signal);
      },
    };
    await workOrders(ordering([order({ perDay: 1 })], quick), never);
    expect(await picks()).toEqual([
      { ticket: first, state: 'skipped', nth: null },
      { ticket: second, state: 'taken', nth: 1 },
    ]);
    expect((await desk.show(first)).ticket.assignee?.name).toBe('ada');
    expect(await states()).toEqual(['active']);
  });

  test('what a person takes from the agent it does not take again', async ({ expect }) => {
    await clear();
    const [first = ''] = await file(1);
    await work(order());
    await desk.unassign(first, someone);
    await sort();
    expect(await states()).toEqual(['stopped']);
    await endRuns('stopped');
    await query('truncate order_passes');
    await work(order());
    expect(await picks()).toEqual([{ ticket: first, state: 'taken', nth: 1 }]);
    expect(await mine()).toEqual([]);
  });

  test('what people gave to the agent and took from it stays theirs, though an order has picked it before', async ({
    expect,
  }) => {
    await clear();
    const [first = ''] = await file(1);
    const quick: Tracker = {
      ...tracker,
      async send(hint, operations, signal) {
        await desk.assign(first, 'ada', someone);
        return tracker.send(hint, operations, signal);
      },
    };
    await workOrders(ordering([order()], quick), never);
    await desk.assign(first, agent, someone);
    await desk.comment(first, 'stop', someone);
    await desk.unassign(first, someone);
    await sort();
    await endRuns('stopped');
    await desk.editTicket(first, { description: 'It says more.' }, someone);
    await query('truncate order_passes');
    await work(order());
    expect(await picks()).toEqual([{ ticket: first, state: 'skipped', nth: null }]);
    expect(await mine()).toEqual([]);
  });

  test('one that was only rated is taken like any other', async ({ expect }) => {
    await clear();
    const [first = ''] = await file(1);
    await askToScope(depsWith(tracker), (await desk.show(first)).ticket, false);
    await endRuns('stopped');
    await work(order());
    expect(await picks()).toEqual([{ ticket: first, state: 'taken', nth: 1 }]);
    expect(await states()).toEqual(['active']);
  });

  test('one that is given back goes where it stood, does not count, and is taken again when it says more', async ({
    expect,
  }) => {
    await clear();
    const [first = ''] = await file(1, { state: 'Backlog' });
    await work(order());
    const session = await sessionOf(first);
    expect(await demandOn(db, session)).toEqual({ order: 'bugs', rating: 'green' });
    await desk.move(first, 'In Progress', someone); // as the run's first effect does
    await db.transaction().execute(async (tx) => {
      await lockSession(tx, session);
      await giveBack(tx, session, null, 'red');
      await giveBack(tx, session, null, 'red');
    });
    expect(await demandOn(db, session)).toBe(null);
    const left = await query(
      "select operation from effects where operation ->> 'kind' in ('releaseTicket', 'moveTicket') order by seq desc limit 2",
    );
    await query(`update runs set ended_at = now(), outcome = '{"givesBack":"red"}'`);
    await query("update sessions set state = 'complete', answered_at = given_at");
    await round(depsWith(tracker)); // it is still the agent's in the tracker, and is not taken up for that
    expect(await states()).toEqual(['complete']);
    const { ticket } = await desk.show(first);
    for (const { operation } of left.rows.toReversed()) await sendOne(tracker, ticket, operation, never);
    await query("update effects set state = 'done', settled_at = now()");
    const back = (await desk.show(first)).ticket;
    expect([back.assignee, back.state.category]).toEqual([null, 'backlog']);

    for (let times = 0; times < 2; times++) await work(order());
    expect(await picks()).toEqual([{ ticket: first, state: 'declined', nth: null }]);
    const [fits] = await untouched(db, 'easier', [back]);
    expect(fits?.said, 'to another order it says nothing that was heard before').toBe(null);
    await desk.editTicket(first, { description: 'It is to be blue.' }, someone);
    await query('truncate order_passes'); // an hour later
    await work(order());
    expect((await picks()).map(({ state, nth }) => [state, nth])).toEqual([
      ['declined', null],
      ['taken', 1],
    ]);
    expect(await states()).toEqual(['active']);
    expect(await mine()).toEqual([first]);
  });

  test('a run that ends by giving its ticket back says so once, and leaves it as it was', async ({ expect }) => {
    await clear();
    const [first = ''] = await file(1);
    await work(order());
    const run = await claimRun(db, 'w');
    if (!run) throw new Error('there is no run');
    await desk.move(first, 'In Progress', someone); // as work that begins has it moved
    await sort();
    const outcome = judgeRating({ order: 'bugs', rating: 'green' }, 'yellow', ['Which of the two exports.']);
    if (!outcome) throw new Error('it was good enough');
    const deps = {
      ...depsWith(tracker),
      workspaces: {} as never,
      repositories: new Map(),
      policy: {} as never,
      knownSecrets: [],
    };
    expect(await conclude(deps, run, outcome, { work: null })).toBe(true);
    expect(await states()).toEqual(['complete']);
    expect((await said()).at(-1)).toContain('this one is yellow.\n\nWhat is missing:\n- Which of the two exports.');
    const { rows } = await query(
      "select operation from effects where operation ->> 'kind' <> 'postActivity' order by seq",
    );
    const { ticket } = await desk.show(first);
    for (const { operation } of rows) await sendOne(tracker, ticket, operation, never);
    expect(rows.map(({ operation }) => operation.kind)).toEqual(['moveTicket', 'releaseTicket']);
    expect((await desk.show(first)).ticket).toMatchObject({ assignee: null, state: { category: 'unstarted' } });
    await query("update effects set state = 'done', settled_at = now()");
    await round(depsWith(tracker));
    expect(await states()).toEqual(['complete']);
    expect((await query('select id from runs')).rows).toHaveLength(1);
    expect(await violations()).toEqual([]);
    await desk.assign(first, agent, someone);
    await sort();
    expect(await states(), 'a person gives it').toEqual(['active']);
    expect(await demandOn(db, run.sessionId)).toBe(null);
  });

  test('what people take from it, and give to it themselves before it was rated, is theirs', async ({ expect }) => {
    await clear();
    const [name = ''] = await file(1);
    await work(order());
    const { rows } = await query('select id from sessions');
    expect(await demandOn(db, rows[0].id)).toEqual({ order: 'bugs', rating: 'green' });
    await desk.assign(name, 'bob', someone);
    await sort();
    expect(await states()).toEqual(['stopped']);
    await desk.assign(name, agent, someone);
    await sort();
    expect([await states(), await demandOn(db, rows[0].id)]).toEqual([['active'], null]);
  });

  test('what people want once the work has finished is theirs, and is not given back for its rating', async ({
    expect,
  }) => {
    await clear();
    await file(1);
    await work(order());
    const run = await claimRun(db, 'w');
    if (!run) throw new Error('there is no run');
    expect(await demandOn(db, run.sessionId)).toEqual({ order: 'bugs', rating: 'green' });
    const say = (obeyed: boolean) =>
      query(
        `insert into prompts (id, session_id, key, author, body, said_at, read_at, obeyed)
         values (gen_random_uuid(), $1, gen_random_uuid(), '{"id": "ada", "name": "Ada", "isBot": false}', 'Blue, please', now(), now(), $2)`,
        [run.sessionId, obeyed],
      );
    await say(false);
    expect(await demandOn(db, run.sessionId)).not.toBe(null);
    await say(true);
    expect(await demandOn(db, run.sessionId), 'who talks about it wants it').toBe(null);
    await query('delete from prompts');
    await query(`update runs set ended_at = now(), worker = null, outcome = '{"stopReason": "finished"}'`);
    expect(await demandOn(db, run.sessionId)).toBe(null);
  });

  test('where a ticket leaves its repository open, it goes by what people answered before, and else leaves it alone', async ({
    expect,
  }) => {
    await clear();
    repositories = [repository('web'), repository('api')];
    const [first = ''] = await file(1, { fields: { project: 'Shop' } });
    await file(1);
    const ofWeb = order({ name: 'web', repository: 'web' });
    await work(order(), ofWeb);
    expect(await picks()).toEqual([]);
    const said = {
      scope: { kind: 'project', name: 'Shop' },
      repository: 'web',
      by: someone,
      at: '2026-11-21T08:00:00Z',
    } as const;
    await db.transaction().execute((tx) => rememberRoute(tx, { tracker: 'board', ...said }));
    await query('truncate order_passes');
    await work(order({ name: 'api', repository: 'api' }), ofWeb);
    expect((await query('select order_name, hint from order_picks')).rows).toMatchObject([
      { order_name: 'web', hint: { identifier: first } },
    ]);
    await query('truncate remembered_routes');
  });

  test('a summary of ours is not work, and a place in a list that is unknown by now is no end', async ({ expect }) => {
    await clear();
    const [first = '', second = ''] = await file(2);
    const { ticket } = await desk.show(first);
    await query(
      `insert into summaries (id, due_at, since, state, title, hint) values (gen_random_uuid(), now(), now(), 'filed', '', $1)`,
      [JSON.stringify(ticket)],
    );
    await query("insert into order_rounds (order_name, cursor) values ('bugs', 'of yesterday')");
    const forgetful: Tracker = {
      ...tracker,
      listTickets(query, cursor, signal) {
        if (cursor !== 'of yesterday') return tracker.listTickets(query, cursor, signal);
        return Promise.reject(new VendorError('no such cursor', { code: 'invalid', retryable: false }));
      },
    };
    await workOrders(ordering([order()], forgetful), never);
    expect((await picks()).map(({ ticket }) => ticket)).toEqual([second]);
    await query('truncate summaries');
  });

  test('of ten thousand tickets it looks at some at a time, tells that once, and comes to all of them', async ({
    expect,
  }) => {
    await clear();
    await query(
      `insert into board_tickets (title, description, priority, labels, fields, state)
       select 'Ticket ' || n, '', case n when 321 then 'urgent' when 9876 then 'urgent' else 'low' end, '{ready}', '{}', 'Todo'
       from generate_series(1, 10000) n`,
    );
    const read = { pages: 0, tickets: 0 };
    const counted: Tracker = {
      ...tracker,
      listTickets(...asked) {
        read.pages++;
        return tracker.listTickets(...asked);
      },
      readTicket(...asked) {
        read.tickets++;
        return tracker.readTicket(...asked);
      },
    };
    const warned: string[] = [];
    const deps = ordering([order({ perDay: 100 })], counted, 1);
    deps.log = { ...deps.log, info: () => {}, warn: (_: unknown, text: string) => void warned.push(text) } as never;
    const started = performance.now();
    await workOrders(deps, never);
    expect(read).toEqual({ pages: 10, tickets: 1 });
    const titles = async () =>
      (await query("select hint ->> 'title' as title from order_picks order by at")).rows.map(({ title }) => title);
    expect(await titles()).toEqual(['Ticket 321']);
    for (let rounds = 1; rounds < 20; rounds++) {
      await endRuns('complete');
      await workOrders(deps, never);
    }
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(read).toEqual({ pages: 200, tickets: 20 });
    expect((await titles()).at(-1)).toBe('Ticket 9876');
    expect(await readRound(db, 'bugs')).toEqual({ cursor: null, many: true });
    expect(warned).toEqual([expect.stringContaining('more than 1000 tickets')]);
  });

  test('of many that do not fit, none is read twice before all were', async ({ expect }) => {
    await clear();
    await query(
      `insert into board_tickets (title, description, priority, labels, fields, state)
       select case n when 450 then 'Bug: it breaks' else 'Ticket ' || n end, '', 'low', '{ready}', '{}', 'Todo'
       from generate_series(1, 1100) n`,
    );
    for (let rounds = 0; rounds < 31; rounds++) {
      await work(order({ kinds: 'bug' }));
      await query("update order_passes set at = at - interval '10 minutes'"); // a slow service
    }
    expect(await picks()).toMatchObject([{ state: 'taken' }]);
  });

  test('tickets that do not fit are read a few at a time, until one does', async ({ expect }) => {
    await clear();
    await query(
      `insert into board_tickets (title, description, priority, labels, fields, state)
       select case n when 120 then 'Bug: it breaks' else 'Ticket ' || n end, '', 'low', '{ready}', '{}', 'Todo'
       from generate_series(1, 200) n`,
    );
    let reads = 0;
    const counted: Tracker = {
      ...tracker,
      readTicket(...asked) {
        reads++;
        return tracker.readTicket(...asked);
      },
    };
    const deps = ordering([order({ kinds: 'bug' })], counted);
    const seen: number[] = [];
    for (let rounds = 0; rounds < 4; rounds++) {
      reads = 0;
      await workOrders(deps, never);
      seen.push(reads);
    }
    expect(seen).toEqual([50, 50, 20, 0]);
    expect(await picks()).toMatchObject([{ state: 'taken' }]);
  });
});
