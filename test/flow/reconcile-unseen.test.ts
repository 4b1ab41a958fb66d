import { describe, test } from 'vitest';
import { VendorError } from '../../src/core/vendor-error.ts';
import { conclude } from '../../src/flow/conclude.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import { claimRun } from '../../src/store/runs.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { someone } from '../support/service.ts';
import {
  db,
  deps,
  depsWith,
  desk,
  file,
  net,
  query,
  round,
  said,
  sort,
  states,
  tracker,
  useBoard,
  violations,
  waitForAnswer,
  withoutTickets,
} from './reconciling.ts';

useBoard();

describe('reconcile, with a tracker that does not show what is there', () => {
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
    const worker = {
      ...deps,
      policy: { runsPerHour: null, approval: { by: [] } },
      repositories: new Map(),
    } as unknown as RunDeps;
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
    net.loses = () => true;
    await file(120);
    let calls = 0;
    const failing = (fails: (call: number) => VendorError | null): Tracker => ({
      ...tracker,
      async listTickets(query, cursor, signal) {
        const error = query.assignee === 'agent' ? fails(++calls) : null;
        if (error) throw error;
        return tracker.listTickets(query, cursor, signal);
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

  test('a ticket that cannot be read keeps no other from being found, or let go', async ({ expect }) => {
    const [ended = '', sick = ''] = await file(2);
    await sort();
    await waitForAnswer();
    net.loses = () => true;
    await desk.move(sick, 'Done', someone);
    await desk.move(ended, 'Done', someone);
    const [unseen = ''] = await file(1);
    // The longest unread: it comes first in every round.
    await query('update tickets set read_at = case when identifier = $1 then null else now() end', [sick]);
    const broken = new VendorError('500', { code: 'unavailable', retryable: true, retryAfterMs: 600_000 });
    const failing: Tracker = {
      ...tracker,
      readTicket: (hint, signal) =>
        hint.identifier === sick ? Promise.reject(broken) : tracker.readTicket(hint, signal),
    };
    await expect(round(depsWith(failing))).rejects.toThrow('500');
    const { rows } = await query(
      'select identifier, state from sessions s join tickets t on t.id = s.ticket_id order by identifier',
    );
    expect(rows).toEqual([
      { identifier: ended, state: 'stopped' },
      { identifier: sick, state: 'awaitingInput' },
      { identifier: unseen, state: 'active' },
    ]);
  });

  test('a half-read list stops nobody', async ({ expect }) => {
    await file(60);
    await sort();
    const broken = new VendorError('500', { code: 'unavailable', retryable: false });
    const half: Tracker = {
      ...tracker,
      listTickets: (query, cursor, signal) =>
        cursor === null ? tracker.listTickets(query, cursor, signal) : Promise.reject(broken),
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
    net.loses = () => true;
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

  test('one that the agent was only asked on is left, also while nobody can say; when it was taken from it it rests', async ({
    expect,
  }) => {
    await file(1);
    await sort();
    const unlisted = { ...tracker, listTickets: async () => ({ tickets: [], next: null }) };
    await round(depsWith({ ...unlisted, isAsked: async () => true }));
    expect([await states(), (await query('select stop_requested_at from runs')).rows]).toEqual([
      ['active'],
      [{ stop_requested_at: null }],
    ]);
    const away = new VendorError('away', { code: 'invalid', retryable: false });
    await expect(round(depsWith({ ...unlisted, isAsked: () => Promise.reject(away) }))).rejects.toThrow('away');
    expect(await states()).toEqual(['active']);
    await round(depsWith({ ...unlisted, isAsked: async () => false }));
    expect(await states()).toEqual(['stopped']);
  });
});
