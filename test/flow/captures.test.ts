import { beforeEach, describe, test } from 'vitest';
import type { Capture } from '../../src/core/capture.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { type CaptureDeps, fileCaptures, makeTicket } from '../../src/flow.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { aCapture, aConcern, capturing } from '../support/captures.ts';
import { someone } from '../support/service.ts';
import { agent, depsWith, desk, endRuns, never, query, states, tracker, useBoard, violations } from './reconciling.ts';

useBoard();
beforeEach(async () => {
  await query('truncate captures, capture_keys, board_operations');
});

const on = (board: Tracker, changes: Partial<CaptureDeps> = {}) => capturing(depsWith(board), changes);
const make = (capture: Capture, deps = on(tracker), by = someone) => makeTicket(deps, capture, by, never);
const rows = async () =>
  (await query('select state, tries, hint, reason from captures order by created_at, place')).rows;
const tickets = async () => (await desk.list()).map(({ identifier }) => identifier).toReversed();
const shown = async (ticket: string) =>
  (await desk.show(ticket)).activities.map(({ activity }) => ('body' in activity ? activity.body : ''));
/** As if so much time had gone by. */
const later = () => query("update captures set try_at = now() - interval '1 second'");

const away = new VendorError('The board is away.', { code: 'unavailable', retryable: true });
const refusal = new VendorError('No permission on the project "Web". Have somebody give it.', {
  code: 'unauthorized',
  retryable: false,
});
/** The board, of which some members fail as often as `fails` says. */
function failing(members: (keyof Tracker)[], fails: () => boolean, error: VendorError = away): Tracker {
  const wrapped = members.map((name) => {
    const member = tracker[name] as (...given: unknown[]) => Promise<unknown>;
    return [name, (...given: unknown[]) => (fails() ? Promise.reject(error) : member(...given))];
  });
  return { ...tracker, ...Object.fromEntries(wrapped) };
}

describe('what is brought', () => {
  test('is filed once, however often and by however many at once the same is sent', async ({ expect }) => {
    const capture = aCapture();
    const first = await make(capture);
    expect(first).toMatchObject({ status: 'filed', tickets: [{ title: capture.title, isAssigned: false }] });
    expect(await make(capture), 'the same id').toEqual(first);
    const again = await make(aCapture());
    expect(again, 'the same words').toMatchObject({ status: 'filed', tickets: 'tickets' in first && first.tickets });
    expect(again.notes).toContain('The same was brought a moment ago: no other ticket was filed.');
    const bob = { id: 'bob', name: 'Bob', isBot: false };
    const atOnce = Array.from({ length: 8 }, () =>
      make(aCapture({ title: 'Slow search', notes: '' }), on(tracker), bob),
    );
    const answers = await Promise.all(atOnce);
    const [, slow] = await tickets();
    expect(answers.map((each) => 'tickets' in each && each.tickets[0]?.identifier)).toEqual(Array(8).fill(slow));
    const ids = aCapture({ title: 'Sent twice', notes: '' });
    let filings = 0;
    const counting: Tracker = {
      ...tracker,
      createTicket(filing, signal) {
        filings += 1;
        return tracker.createTicket(filing, signal);
      },
    };
    await Promise.all([1, 2, 3].map(() => make(ids, on(counting))));
    expect([filings, (await tickets()).length], 'a tracker may not know that it is the same').toEqual([1, 3]);
    expect(await make(capture, on(tracker), bob), "another person's id is not his").toMatchObject({
      status: 'duplicates',
    });
    expect(await violations()).toEqual([]);
  });

  test('is shown, and nothing is written, where it is only to be shown', async ({ expect }) => {
    const capture = aCapture({ dryRun: true, assign: true, also: [aConcern('Another')] });
    const { drafts } = (await make(capture)) as { drafts: unknown[] };
    expect(drafts).toMatchObject([{ title: capture.title, assign: true }, { title: 'Another' }]);
    expect([await rows(), await tickets()]).toEqual([[], []]);
    expect(await make({ ...capture, dryRun: false })).toMatchObject({ status: 'filed' });
  });

  test('holds no secret in anything that is written, and that is said', async ({ expect }) => {
    const token = `ghp_${'A1b2C3d4E5f6'.repeat(3)}`;
    const own = 'correct-horse-battery';
    const capture = aCapture({
      title: `Login with ${own} fails`,
      notes: `It says ${token}`,
      places: [{ path: 'src/a.ts', from: 1, to: 1, snippet: `const key = '${token}'` }],
      labels: [own],
    });
    const result = await make(capture, on(tracker, { secrets: [own] }));
    expect(result.notes.join()).toMatch(/^\d things that look like secrets were taken out \(.*1 in the notes/);
    const [ticket = ''] = await tickets();
    const all = JSON.stringify([result, await desk.show(ticket), (await query('select * from captures')).rows]);
    expect(all).toContain('[redacted]');
    expect(all).not.toMatch(new RegExp(`${token}|${own}`));
  });

  test('and is likely known is told, and filed only where people say so', async ({ expect }) => {
    const output = 'TypeError: cannot read "day" of null\n    at format (/home/ada/src/date.ts:12:7)\n';
    const error = { command: 'npm test', exitCode: 1, output };
    await make(aCapture({ error }));
    const [known] = await tickets();
    const alike = aCapture({ title: 'Tests are red', notes: 'Since today.', error, also: [aConcern('Another')] });
    const answer = await make(alike);
    expect(answer).toMatchObject({
      status: 'duplicates',
      duplicates: [{ identifier: known, why: 'error', isLikely: true }],
      drafts: [{ title: 'Tests are red' }, { title: 'Another' }],
    });
    expect(answer.notes).toContain(`"Tests are red" may be ${known}.`);
    expect([await tickets(), await rows()]).toEqual([[known], [expect.anything()]]);
    expect(await make({ ...alike, anyway: true })).toMatchObject({ status: 'filed', tickets: [{}, {}] });
    await desk.move(known ?? '', 'Done', someone);
    const after = await make(aCapture({ title: 'It is back', error }), on(tracker), { ...someone, id: 'eve' });
    expect(after.status, 'of the two that say it one is open').toBe('duplicates');
  });

  test('is added to a ticket that was there, once, and its agent hears it', async ({ expect }) => {
    const { identifier } = await desk.createTicket({ title: 'Dates' }, someone);
    const plain = aCapture({ addTo: identifier.toLowerCase() });
    const answers = [await make(plain), await make(plain), await make({ ...plain, id: aCapture().id })];
    expect(answers[0]).toMatchObject({ status: 'added', tickets: [{ identifier, isAssigned: false }] });
    expect(answers[1]).toEqual(answers[0]);
    expect(await shown(identifier)).toEqual([expect.stringContaining(plain.notes)]);

    await make(aCapture({ addTo: identifier, notes: 'Take this one, too.', assign: true }));
    expect((await desk.show(identifier)).ticket.assignee).toMatchObject({ id: agent });
    const heard = aCapture({ addTo: identifier, notes: 'And in the tests.' });
    expect(await make(heard)).toMatchObject({ status: 'added', tickets: [{ isAssigned: true }] });
    await make(heard);
    const { rows: prompts } = await query('select body from prompts');
    expect(prompts).toEqual([{ body: expect.stringContaining('And in the tests.') }]);
    await expect(make(aCapture({ addTo: 'BOARD-999' }))).rejects.toThrow('There is no ticket "BOARD-999"');
    expect(await desk.list(), 'nothing was filed').toHaveLength(1);
  });

  test('with several concerns is one ticket each, related to the first, and to what the person names', async ({
    expect,
  }) => {
    const { identifier: named } = await desk.createTicket({ title: 'Before' }, someone);
    const capture = aCapture({ also: [aConcern('Second'), aConcern('Third')], related: ['BOARD-999', named] });
    const result = await make(capture);
    expect(result.notes.join()).toContain('"BOARD-999" was not found');
    const [, first = '', second = '', third = ''] = await tickets();
    const related = async (ticket: string) =>
      (await desk.show(ticket)).ticket.relations.map((each) => [each.type, each.ticket.identifier]);
    expect(await related(first)).toEqual([named, second, third].map((each) => ['relatedTo', each]));
    expect(await related(third)).toEqual([['relatedTo', first]]);
    expect(await make(capture)).toEqual(result);
  });
});

test('of several, what was refused is not tried again while somebody is at the others', async ({ expect }) => {
  const capture = aCapture({ also: [aConcern('Second')] });
  await make(capture, on(failing(['createTicket'], () => true)));
  await query(`update captures set state = case place when 0 then 'refused' else state end,
    try_at = now() + interval '10 seconds'`);
  expect(await make(capture)).toMatchObject({ status: 'kept', drafts: [{}, {}] });
  expect(await tickets()).toEqual([]);
  await later();
  expect(await make(capture)).toMatchObject({ status: 'filed', tickets: [{}, {}] });
});

describe('the agent', () => {
  test('is filed where a ticket of the same title has another error', async ({ expect }) => {
    const description = 'It fails.\n\nError fingerprint: `0123456789abcdef`';
    const { title } = aCapture();
    await desk.createTicket({ title, description }, someone);
    const error = { command: 'npm test', exitCode: 1, output: 'TypeError: cannot read "day" of null' };
    const result = await make(aCapture({ title, error }));
    expect(result).toMatchObject({ status: 'filed', duplicates: [{ why: 'title', isLikely: false }] });
  });

  test('is given what is filed, once, where the person may give it', async ({ expect }) => {
    const capture = aCapture({ assign: true });
    expect(await make(capture)).toMatchObject({ status: 'filed', tickets: [{ isAssigned: true }] });
    await make(capture);
    expect(await states()).toEqual(['active']);
    await endRuns('complete');
    await make(capture);
    expect(await states(), 'it is not given again').toEqual(['complete']);

    const deps = on(tracker, { assign: true });
    const policy = { ...deps.policy, people: { speak: ['bob'] } };
    const result = await make(aCapture({ title: 'Not hers to give' }), { ...deps, policy });
    expect(result).toMatchObject({ status: 'filed', tickets: [{ isAssigned: false }] });
    expect(result.notes.join()).toContain('orders are taken from bob only');
    expect(await states()).toEqual(['complete']);
  });

  test('gets it as soon as the tracker answers again', async ({ expect }) => {
    let isAway = true;
    const deps = on(failing(['send'], () => isAway));
    const result = await make(aCapture({ assign: true }), deps);
    expect(result).toMatchObject({ status: 'filed', tickets: [{ isAssigned: false }] });
    expect(result.notes).toContain('The agent is given it in a moment.');
    isAway = false;
    await later();
    await fileCaptures(deps, never);
    expect([await states(), await tickets()]).toEqual([['active'], [expect.any(String)]]);
  });
});

describe('a tracker', () => {
  test('that is away gets what was kept for it when it is back', async ({ expect }) => {
    let isAway = true;
    const deps = on(failing(['createTicket', 'searchTickets', 'readTicket'], () => isAway));
    const capture = aCapture({ also: [aConcern('Second')] });
    const kept = await make(capture, deps);
    expect(kept).toMatchObject({ status: 'kept', drafts: [{ title: capture.title }, { title: 'Second' }] });
    expect(kept.notes.join()).toContain(
      'cannot take it now (The board is away). It is kept, and filed as soon as it can be.',
    );
    const addition = aCapture({ addTo: 'BOARD-1' });
    expect(await make(addition, deps)).toMatchObject({ status: 'kept', drafts: [{ title: addition.title }] });
    await fileCaptures(deps, never);
    expect(
      (await rows()).map(({ tries }) => tries),
      'it has its time',
    ).toEqual([1, 1, 1]);
    await later();
    await fileCaptures(deps, never);
    expect((await rows()).map(({ state, tries }) => [state, tries])).toEqual(Array(3).fill(['filing', 2]));
    isAway = false;
    await later();
    await Promise.all([fileCaptures(deps, never), fileCaptures(deps, never)]);
    expect(await tickets()).toHaveLength(2);
    expect(await make(capture, deps)).toMatchObject({ status: 'filed', tickets: [{}, {}] });
  });

  test('that answers too slowly holds nobody up', async ({ expect }) => {
    const hangs = () => new Promise<never>(() => {});
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    let filings = 0;
    const slow: Tracker = {
      ...tracker,
      searchTickets: hangs,
      listTeams: hangs,
      async createTicket(filing) {
        filings += 1;
        await answered; // whoever asked may have gone: it files it all the same
        return tracker.createTicket(filing, never);
      },
    };
    const began = performance.now();
    const result = await make(aCapture(), on(slow));
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(result.status).toBe('kept');
    expect(result.notes.join()).toContain('The tracker could not be searched');
    await fileCaptures(on(slow), never);
    expect(filings, 'nobody asks again while it may be at it').toBe(1);
    answer();
    await expect.poll(rows).toMatchObject([{ state: 'filed', tries: 1 }]);
    expect([filings, (await tickets()).length]).toEqual([1, 1]);
  });

  test('that refuses what nobody named gets it without; else it is told, and kept', async ({ expect }) => {
    const rule = { paths: ['src/**'], team: 'Web', project: 'Site', repository: 'app' };
    const places = [{ path: 'src/a.ts', from: null, to: null, snippet: null }];
    const picky: Tracker = {
      ...tracker,
      createTicket: (filing, signal) =>
        filing.draft.team === null ? tracker.createTicket(filing, signal) : Promise.reject(refusal),
    };
    const app = { name: 'app', codeHost: 'local-git', location: '/nowhere', base: null };
    const deps = on(picky, { routes: [rule], repositories: new Map([['app', app]]) });
    const routed = await make(aCapture({ places }), deps);
    expect(routed).toMatchObject({ status: 'filed' });
    expect(routed.notes.join()).toContain('It was filed without the team "Web" and the project "Site"');
    const named = aCapture({ title: 'Hers', notes: '', team: 'Web' });
    await expect(make(named, deps)).rejects.toThrow('No permission on the project "Web". Have somebody give it.');
    await expect(make(named, deps), 'and again').rejects.toThrow('when that is mended, send it again');
    expect((await rows()).map(({ state }) => state)).toEqual(['filed', 'refused']);
    expect(await make(named)).toMatchObject({ status: 'filed', tickets: [{ title: 'Hers' }] });
    await expect(make(aCapture(), on(tracker, { tracker: 'jira' }))).rejects.toThrow(
      'The tracker "jira" is not configured (there are: board).',
    );
  });
});
