import { beforeEach, describe, test } from 'vitest';
import type { Automation } from '../../src/core/automation-templates.ts';
import type { SessionState } from '../../src/core/session.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import {
  type AutomationDeps,
  beginAutomation,
  fileAutomations,
  fileNoted,
  fileSummary,
  nameOf,
  summaryNow,
} from '../../src/flow.ts';
import { listAutomationRuns, pause, readRecurring, resume } from '../../src/store/automation-runs.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { anAutomation as automation } from '../support/own-work.ts';
import { someone } from '../support/service.ts';
import {
  agent,
  db,
  depsWith,
  desk,
  endRuns,
  never,
  query,
  round,
  said,
  sort,
  states,
  tracker,
  useBoard,
} from './reconciling.ts';

useBoard();

let now = new Date();
const at = (text: string) => {
  now = new Date(`2026-11-${text}:00Z`);
};
const filing = (automations: Automation[], board: Tracker = tracker): AutomationDeps => ({
  ...depsWith(board),
  automations,
  now: () => now,
});
const file = (...automations: Automation[]) => fileAutomations(filing(automations), never);
const runs = async () =>
  (await listAutomationRuns(db, {}))
    .toReversed()
    .map(({ dueAt, state, hint }) => [dueAt.toISOString().slice(8, 16), state, hint?.identifier ?? null]);
/** `url`: of the pull request that it came to. */
async function end(state: SessionState, words = 'It is done.', url: string | null = null): Promise<void> {
  await endRuns(state);
  if (url !== null)
    await query("update sessions set branch = 'b', pull_request = $1", [JSON.stringify({ number: 1, url })]);
  await query(`insert into activities (id, session_id, activity) select gen_random_uuid(), id, $1 from sessions`, [
    JSON.stringify({ type: 'response', body: words }),
  ]);
}
const close = async (ticket: string, state = 'Done') => {
  await desk.move(ticket, state, someone);
  await sort();
};

beforeEach(async () => {
  await query('truncate automation_runs, recurring, summaries, order_picks, usage');
  at('18T12:00');
});

describe('an automation', () => {
  test('files its ticket at its time, once however many ask, and the agent begins', async ({ expect }) => {
    await file(automation());
    expect(await runs(), 'what was due before is not made up for').toEqual([]);
    at('19T06:00');
    await Promise.all(Array.from({ length: 4 }, () => file(automation())));
    await file(automation());
    const [ticket] = (await desk.list()).map(({ identifier }) => identifier);
    expect(await runs()).toEqual([['19T06:00', 'filed', ticket]]);
    expect((await desk.show(ticket ?? '')).ticket).toMatchObject({
      title: 'Tidy dependencies (2026-11-19)',
      labels: ['chore'],
      priority: 'low',
      assignee: { id: agent },
    });
    expect(await states()).toEqual(['active']);
    await round(depsWith(tracker));
    expect((await query('select id from runs')).rows).toHaveLength(1);
  });

  test('of what was missed files the last one, once', async ({ expect }) => {
    await file(automation());
    at('22T09:00');
    await file(automation());
    await file(automation());
    expect(await runs()).toEqual([['22T06:00', 'filed', expect.any(String)]]);
  });

  test('that is interrupted anywhere goes on, and files one ticket', async ({ expect }) => {
    await file(automation());
    at('19T06:00');
    const away = new VendorError('away', { code: 'unavailable', retryable: true });
    const failing: Partial<Tracker>[] = [
      { createTicket: () => Promise.reject(away) },
      { createTicket: (filing, signal) => tracker.createTicket(filing, signal).then(() => Promise.reject(away)) },
      { send: () => Promise.reject(away) },
      { send: (...sent) => tracker.send(...sent).then(() => Promise.reject(away)) },
    ];
    for (const fails of failing) {
      const deps = filing([automation()], { ...tracker, ...fails });
      await expect(fileAutomations(deps, never)).rejects.toThrow('away');
      expect((await runs()).map(([, state]) => state)).toEqual(['filing']);
    }
    await file(automation());
    expect(await desk.list()).toHaveLength(1);
    expect((await runs()).map(([, state]) => state)).toEqual(['filed']);
    expect(await states()).toEqual(['active']);
  });

  test('whose last ticket is not over is skipped, and that is said on the ticket once', async ({ expect }) => {
    await file(automation());
    at('19T06:00');
    await file(automation());
    const ticket = (await desk.list())[0]?.identifier ?? '';
    await end('complete', 'It is done.', 'http://host/1');
    for (const day of ['20T06:00', '21T06:00']) {
      at(day);
      await file(automation());
    }
    expect(await runs()).toEqual([
      ['19T06:00', 'filed', ticket],
      ['20T06:00', 'skipped', null],
      ['21T06:00', 'skipped', null],
    ]);
    const shown = (await desk.show(ticket)).activities.map(({ activity }) => ('body' in activity ? activity.body : ''));
    expect(shown.filter((body) => body.includes('filed nothing, because this ticket is not over yet'))).toHaveLength(1);
    await close(ticket);
    at('22T06:00');
    await file(automation());
    expect((await runs()).at(-1)).toEqual(['22T06:00', 'filed', expect.not.stringMatching(ticket)]);
  });

  test('that found nothing to change files the next one, whether anybody closed its ticket or not', async ({
    expect,
  }) => {
    await file(automation());
    at('19T06:00');
    await file(automation());
    await end('complete', 'Nothing fails.');
    await query("update sessions set branch = 'b'"); // a change that is on its way to its pull request
    at('20T06:00');
    await file(automation());
    expect((await runs()).map(([, state]) => state)).toEqual(['filed', 'skipped']);
    await query('update sessions set branch = null');
    at('21T06:00');
    await file(automation());
    expect((await runs()).map(([, state]) => state)).toEqual(['filed', 'skipped', 'filed']);
    expect(await desk.list()).toHaveLength(2);
  });

  test('whose last ticket failed or was stopped holds it up all the same, until that is over', async ({ expect }) => {
    await file(automation());
    for (const [day, state] of [
      ['19T06:00', 'error'],
      ['20T06:00', 'stopped'],
    ] as const) {
      at(day);
      await file(automation());
      await end(state);
    }
    expect((await runs()).map(([, state]) => state)).toEqual(['filed', 'skipped']);
    await close((await desk.list())[0]?.identifier ?? '', 'Canceled');
    at('21T06:00');
    await file(automation());
    expect((await runs()).map(([, state]) => state)).toEqual(['filed', 'skipped', 'filed']);
  });

  test('that several begin at the same moment files one ticket', async ({ expect }) => {
    const deps = filing([automation()]);
    const moments = [1, 2, 3, 4].map((second) => new Date(`2026-11-18T12:00:0${second}Z`));
    await Promise.all(moments.map((moment) => beginAutomation(deps, automation(), moment, never)));
    await fileNoted(deps, automation(), never);
    expect((await runs()).map(([, state]) => state).sort()).toEqual(['filed', 'skipped', 'skipped', 'skipped']);
    expect(await desk.list()).toHaveLength(1);
  });

  test('that has failed three times is paused until it is resumed, and says so on the last ticket', async ({
    expect,
  }) => {
    const once = automation();
    let last = '';
    await file(once);
    for (const day of ['19', '20', '21']) {
      at(`${day}T06:00`);
      await file(once);
      await end(day === '20' ? 'awaitingInput' : 'error', 'It does not build.');
      last = (await desk.list())[0]?.identifier ?? '';
      await close(last, 'Canceled');
    }
    expect((await runs()).map(([, state]) => state)).toEqual(['filed', 'filed', 'filed']);
    at('22T06:00');
    await file(once);
    expect(await runs()).toHaveLength(3);
    const { paused } = await readRecurring(db, nameOf(once), now);
    expect(paused?.why).toBe('3 of its runs have failed, one after the other');
    const told = (await desk.show(last)).activities.map(({ activity }) => ('body' in activity ? activity.body : ''));
    expect(told.filter((body) => body.includes('The automation "nightly" is paused: 3 of its runs'))).toHaveLength(1);
    at('23T06:00');
    expect(await resume(db, nameOf(once), now)).toBe(true);
    await file(once);
    expect(await runs(), 'what was due meanwhile').toHaveLength(3);
    at('24T06:00');
    await file(once);
    expect((await runs()).at(-1)).toEqual(['24T06:00', 'filed', expect.any(String)]);
    expect((await readRecurring(db, nameOf(once), now)).paused).toBe(null);
  });

  test('that people pause files nothing until they resume it, or while the configuration says so', async ({
    expect,
  }) => {
    await file(automation());
    expect(await pause(db, nameOf(automation()), 'by a person', now)).toBe(true);
    expect(await pause(db, nameOf(automation()), 'by another', now)).toBe(false);
    at('19T06:00');
    await file(automation(), automation({ name: 'off', paused: true }));
    at('20T06:00');
    await file(automation(), automation({ name: 'off', paused: true }));
    expect(await runs()).toEqual([]);
    expect((await readRecurring(db, nameOf(automation()), now)).paused?.why).toBe('by a person');
  });

  test('whose tickets are refused three times is paused too', async ({ expect }) => {
    const refusing: Tracker = {
      ...tracker,
      createTicket: () => Promise.reject(new VendorError('no such team', { code: 'invalid', retryable: false })),
    };
    for (const day of ['18', '19', '20', '21', '22', '23']) {
      at(`${day}T12:00`);
      await fileAutomations(filing([automation()], refusing), never);
    }
    expect((await runs()).map(([, state]) => state)).toEqual(['failed', 'failed', 'failed']);
    expect((await readRecurring(db, nameOf(automation()), now)).paused).not.toBe(null);
  });

  test('may leave its ticket to people, and lists what is to be sorted', async ({ expect }) => {
    const triage = automation({ template: 'triage-tickets', assign: false });
    await desk.createTicket({ title: 'Nobody has looked at this', description: 'It is blue.' }, someone);
    await desk.createTicket({ title: 'Somebody has this', assignee: 'ada' }, someone);
    await file(triage);
    at('19T06:00');
    await file(triage);
    const { ticket } = await desk.show((await desk.list())[0]?.identifier ?? '');
    expect(ticket.assignee).toBe(null);
    expect(ticket.description).toContain('Nobody has looked at this ("It is blue.")');
    expect(ticket.description).not.toContain('Somebody has this');
    expect((await query('select id from sessions')).rows).toEqual([]);
  });

  test('that sorts tickets comes to all of them, the new ones first, and to none of ours', async ({ expect }) => {
    const triage = automation({ template: 'triage-tickets' });
    const add = (from: number, to: number) =>
      query(
        `insert into board_tickets (title, description, priority, labels, fields, state)
         select 'Ticket ' || n, 'It says ' || n, 'low', '{}', '{}', 'Todo' from generate_series($1::int, $2::int) n`,
        [from, to],
      );
    let reads = 0;
    const failing: Tracker = {
      ...tracker,
      readTicket(hint, signal) {
        reads++;
        const code = { 70: 'not_found', 68: 'unavailable' }[Number(hint.title.slice(7))] as 'not_found' | undefined;
        if (!code) return tracker.readTicket(hint, signal);
        return Promise.reject(new VendorError(code, { code, retryable: code !== 'not_found' }));
      },
    };
    /** Numbers of the tickets that the next one lists. */
    const sorted = async (board: Tracker = tracker) => {
      await fileAutomations(filing([triage], board), never);
      await end('complete', 'Sorted.');
      const [last] = await listAutomationRuns(db, { automation: triage.name, limit: 1 });
      return (last?.draft.description ?? '').match(/- BOARD-.*/g) ?? [];
    };
    const numbers = (lines: string[]) => lines.map((line) => Number(/Ticket (\d+)/.exec(line)?.[1]));
    const range = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, index) => from - index);
    await add(1, 70);
    const own = await desk.createTicket({ title: 'What Shipmate did by itself' }, someone);
    await query(
      `insert into summaries (id, due_at, since, state, title, hint) values (gen_random_uuid(), now(), now(), 'filed', '', $1)`,
      [JSON.stringify((await desk.show(own.identifier)).ticket)],
    );
    await file(automation({ name: 'left to people', assign: false }), triage);
    at('19T06:00');
    await file(automation({ name: 'left to people', assign: false }));
    const first = await sorted(failing);
    expect(numbers(first)).toEqual(range(70, 21));
    expect(first.slice(0, 4)).toEqual([
      expect.stringMatching(/Ticket 70$/),
      expect.stringMatching(/Ticket 69 \("It says 69"\)$/),
      expect.stringMatching(/Ticket 68$/),
      expect.stringMatching(/Ticket 67$/),
    ]);
    expect(reads, 'a tracker that is away is asked no further').toBe(3);
    await add(71, 75);
    at('20T06:00');
    expect(numbers(await sorted())).toEqual([...range(75, 71), ...range(20, 1), ...range(70, 46)]);
    at('21T06:00');
    const third = await sorted();
    expect(numbers(third).slice(0, 25), 'those of the day before yesterday').toEqual(range(45, 21));
    expect((await listAutomationRuns(db, { limit: 1 }))[0]?.draft.description).toContain('There are 25 more; ');
  });
});

describe('the summary of the day', () => {
  const summing = (board = tracker, ticket: string | null = null) => ({
    ...filing([], board),
    summary: { at: '08:00', timezone: 'UTC', tracker: 'board' as const, ticket },
  });
  const summaries = async () => (await query('select state, body, hint from summaries order by due_at')).rows;

  test('tells once a day what was found and what waits; where there is nothing, nothing is filed', async ({
    expect,
  }) => {
    await fileSummary(summing(), never);
    at('19T06:00');
    await query("insert into recurring (name, since) values ('automation/nightly', '2026-11-18T00:00:00Z')");
    await file(automation(), automation({ name: 'other', cron: '0 5 * * *' }));
    await end('complete', 'All of it is new.');
    at('19T08:00');
    await Promise.all(Array.from({ length: 4 }, () => fileSummary(summing(), never)));
    await fileSummary(summing(), never);
    const [told] = (await desk.list()).filter(({ title }) => title.startsWith('What Shipmate did'));
    const { ticket } = await desk.show(told?.identifier ?? '');
    expect(ticket.title).toBe('What Shipmate did by itself (2026-11-19)');
    expect(ticket.assignee).toBe(null);
    expect(ticket.description).toMatch(
      /## What automations found\n\n- nightly: BOARD-\d+ "Tidy dependencies \(2026-11-19\)": done: All of it is new\./,
    );
    expect(await desk.list()).toHaveLength(2);

    at('20T08:00');
    await fileSummary(summing(), never);
    expect(await desk.list()).toHaveLength(2);
    expect((await summaries()).map(({ state }) => state)).toEqual(['filed', 'nothing']);
  });

  test('what waits for people is news once, and is told beside other things', async ({ expect }) => {
    await fileSummary(summing(), never);
    await desk.createTicket({ title: 'Which one', assignee: agent }, someone);
    await sort();
    await end('awaitingInput', 'The left or the right?');
    expect(await summaryNow(summing())).toContain('## What waits for people\n\n- BOARD-');
    await query('update sessions set waiting = true');
    expect(await summaryNow(summing()), 'for another ticket').toBe(null);
    await query('update sessions set waiting = false');
    at('19T08:00');
    await fileSummary(summing(), never);
    at('20T08:00');
    await fileSummary(summing(), never);
    expect((await summaries()).map(({ state }) => state)).toEqual(['filed', 'nothing']);
    expect((await summaries())[0]?.body).toContain('"Which one": The left or the right?');
    expect(await said()).toContain('The left or the right?');
  });

  test('what the agent says is told beside its pull request, until that is not the last it did', async ({ expect }) => {
    await fileSummary(summing(), never);
    await file(automation());
    at('19T06:00');
    await file(automation());
    await end('complete', 'Pull request: {link} (proved)\n\nTests: 1 passed.', 'http://host/1');
    await query('update runs set outcome = $1', [
      JSON.stringify({
        stopReason: 'finished',
        proof: 'proved',
        message: 'Mended one.\n\nA person must decide on two.',
      }),
    ]);
    const told = async () => (await summaryNow(summing()))?.split('\n').find((line) => line.startsWith('- nightly'));
    expect(await told()).toMatch(/: done: Mended one\. A person must decide on two\., http:\/\/host\/1$/);
    await query(`insert into runs (id, session_id, number, ended_at, outcome)
      select gen_random_uuid(), id, 2, now(), '{"stopReason": "finished", "message": "Answered."}' from sessions`);
    await end('complete', 'It was the left one.');
    expect(await told()).toMatch(/: done: It was the left one\., http:\/\/host\/1$/);
  });

  test('what an order gave back is told as that', async ({ expect }) => {
    await fileSummary(summing(), never);
    const { identifier } = await desk.createTicket({ title: 'Unclear', assignee: agent }, someone);
    await sort();
    await end('complete', 'I give this back: it is red.');
    await query(
      `insert into order_picks (id, order_name, day, ticket_id, hint, category, why, demand, fingerprint, state, session_id)
       select gen_random_uuid(), 'bugs', now()::date, t.id, hint, 'backlog', '', 'green', gen_random_uuid(), 'declined', s.id
       from sessions s join tickets t on t.id = s.ticket_id`,
    );
    expect(await summaryNow(summing())).toContain(`- bugs: ${identifier} "Unclear": given back`);
  });

  test('is told on a ticket that is named, once, though the answer was lost; where that is not there, in one of its own', async ({
    expect,
  }) => {
    const { identifier } = await desk.createTicket({ title: 'Daily' }, someone);
    await fileSummary(summing(), never);
    await desk.createTicket({ title: 'Which one', assignee: agent }, someone);
    await sort();
    await end('awaitingInput', 'The left or the right?');
    at('19T08:00');
    const away = new VendorError('away', { code: 'unavailable', retryable: true });
    const losing: Tracker = { ...tracker, send: (...sent) => tracker.send(...sent).then(() => Promise.reject(away)) };
    await expect(fileSummary(summing(losing, identifier), never)).rejects.toThrow('away');
    await fileSummary(summing(tracker, identifier), never);
    expect((await desk.show(identifier)).activities).toHaveLength(1);
    expect((await summaries()).map(({ state }) => state)).toEqual(['filed']);

    await query('truncate summaries');
    await fileSummary(summing(tracker, 'BOARD-999999'), never);
    const [{ state, hint }] = await summaries();
    expect(state).toBe('filed');
    const { ticket } = await desk.show(hint.identifier);
    expect(ticket.description).toMatch(
      /^There is no BOARD-999999, where this is to be told .*The left or the right\?/s,
    );

    await query('truncate summaries');
    const refusing: Tracker = {
      ...tracker,
      createTicket: () => Promise.reject(new VendorError('no', { code: 'invalid', retryable: false })),
    };
    await fileSummary(summing(refusing), never);
    expect((await summaries()).map(({ state }) => state)).toEqual(['failed']);
    at('20T08:00');
    expect(await summaryNow(summing()), 'what was not told is still to be told').toContain('The left or the right?');
    await fileSummary(summing(), never);
    const told = (await summaries()).find(({ state }) => state === 'filed');
    expect((await desk.show(told.hint.identifier)).ticket.description).toContain('The left or the right?');
  });
});
