import { describe, expect, test } from 'vitest';
import { checkInvariants } from '../../src/store/invariants.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { someone } from '../support/service.ts';
import {
  agent,
  database,
  db,
  deliver,
  deps,
  depsWith,
  desk,
  file,
  net,
  query,
  round,
  said,
  shiftTracker,
  sort,
  states,
  tracker,
  useBoard,
  waitForAnswer,
} from './reconciling.ts';

useBoard();

describe('reconcile', () => {
  test('takes up what was given to the agent while one webhook in ten got lost', async ({ expect }) => {
    let sent = 0;
    net.loses = () => sent++ % 10 === 3;
    await file(200);
    await sort();
    expect([(await states()).length, net.lost.length]).toEqual([180, 20]);
    await round(deps);
    expect(await states()).toEqual(Array(200).fill('active'));
    const { rows } = await query('select count(*)::int as runs, count(distinct session_id)::int as sessions from runs');
    expect(rows).toEqual([{ runs: 200, sessions: 200 }]);
    const acknowledged = (await said()).filter((body) => body.startsWith('On it'));
    expect(acknowledged).toHaveLength(200);
  });

  test('a webhook that comes after it changes nothing, nor does another round', async ({ expect }) => {
    net.loses = () => true;
    await file(1);
    await round(deps);
    const countEffects = async () => (await query('select count(*)::int as n from effects')).rows[0].n;
    const effects = await countEffects();
    await query("update runs set ended_at = now(), outcome = '{}'");
    await query("update sessions set state = 'complete', answered_at = given_at");
    const client = await database.pool.connect();
    for (const delivery of net.lost) await deliver(client, delivery);
    client.release();
    await sort();
    await round(deps);
    const { rows } = await query('select number from runs');
    expect([rows, await countEffects(), await states()]).toEqual([[{ number: 1 }], effects, ['complete']]);
  });

  test('several processes that do it at once, beside the webhooks, open each session once', async ({ expect }) => {
    let sent = 0;
    net.loses = () => sent++ % 2 === 0;
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
    net.loses = () => true;
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
    net.loses = () => true;
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
    net.loses = () => true;
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
    const { rows } = await query('select distinct state, error from effects order by state');
    expect(rows).toEqual([
      { state: 'dropped', error: null },
      { state: 'failed', error: `the ticket is gone: ${deleted} was not found` },
    ]);
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
      listTickets: async (query, cursor, signal) =>
        query.assignee === 'agent' && ++lists === 1
          ? { tickets: [], next: null }
          : tracker.listTickets(query, cursor, signal),
    };
    await round(depsWith(late));
    const { rows } = await query('select stop_requested_at, ended_at from runs');
    expect([rows, lists]).toEqual([[{ stop_requested_at: null, ended_at: null }], 2]);
  });

  test.each(['-1 hour', '1 hour'])('a tracker whose clock is off by %s is understood all the same', async (by) => {
    const [taken = ''] = await file(1);
    await sort();
    net.loses = () => true;
    await desk.assign(taken, 'ada', someone);
    net.loses = () => false;
    let between = true;
    const racing: Tracker = {
      ...tracker,
      async listTickets(query, cursor, signal) {
        const page = await tracker.listTickets(query, cursor, signal);
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
      async listTickets(wanted, cursor, signal) {
        const page = await tracker.listTickets(wanted, cursor, signal);
        if (wanted.assignee === 'agent' && ++lists === 2) {
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
});
