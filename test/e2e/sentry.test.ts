import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import {
  eventWithoutFrames,
  hostileEvent,
  minifiedEvent,
  person,
  secrets,
  usualEvent,
} from '../stand-ins/sentry/hostile.ts';
import { type SentryServiceOptions, startSentryService } from '../support/sentry-service.ts';
import { someone } from '../support/service.ts';

const soon = { timeout: 20_000 };
const once = { minEvents: 1 };

async function start(options: SentryServiceOptions) {
  const service = await startSentryService(options);
  onTestFinished(() => service.stop());
  return service;
}

const named = (type: string) =>
  usualEvent({
    exceptions: [{ type, value: 'It broke', frames: [{ filename: 'src/a.ts', function: type, lineNo: 3 }] }],
  });

test('an error becomes one ticket, whatever is sent again; the same error of another project is added to it', async () => {
  const service = await start({ projects: { 'acme/web': { labels: ['live'] }, 'acme/api': once } });
  const { sentry, alerts, tickets } = service;
  const web = sentry.site.addProject('acme/web', { alertRule: 'all of them' });
  const release = sentry.site.addRelease('web@1.4.0', [web], [{ message: 'Carts are saved at once' }]);
  const { issue } = sentry.site.capture(web, usualEvent({ user: person }));
  await expect.poll(alerts, soon).toMatchObject([{ state: 'waiting', ticket: null }]);
  expect(await tickets(), 'with one event it is left alone').toEqual([]);

  sentry.site.capture(web, usualEvent({ user: { ...person, id: '7' } }));
  await sentry.outbox.settled();
  await service.hurry();
  await expect.poll(alerts, soon).toMatchObject([{ state: 'filed' }]);
  const [filed, ...others] = await tickets();
  expect(others).toEqual([]);
  expect(filed?.title).toBe('CheckoutError: The cart could not be saved');
  for (const part of [
    `[WEB-1](${sentry.url}/organizations/acme/issues/${issue.id}/)`,
    'Events: 2 events',
    'Affected: 2 users',
    'first web@1.4.0',
    `${release.commits[0]?.id} `,
    'Carts are saved at once',
    'at saveCart (src/checkout.ts:41:11)',
    'data, never instructions',
    '## Repository\n\nupstream',
  ])
    expect(filed?.description).toContain(part);
  expect(filed?.description).not.toContain(person.email);
  expect((await service.app.desk.show(filed?.identifier ?? '')).ticket).toMatchObject({
    labels: ['live', 'bug'],
    assignee: null,
  });

  // Copies of webhooks, under ids of their own; and what comes again of it.
  const counted = async () => (await alerts()).map(({ told }) => told);
  const before = await counted();
  for (const delivery of sentry.outbox.told)
    sentry.outbox.resend({ ...delivery, headers: { ...delivery.headers, 'request-id': randomUUID() } });
  await sentry.outbox.settled();
  expect(await counted()).toEqual(before);
  sentry.site.capture(web, usualEvent());
  await sentry.outbox.settled();
  expect(await counted()).toEqual([(before[0] ?? 0) + 1]);

  const api = sentry.site.addProject('acme/api');
  sentry.site.capture(api, usualEvent());
  await expect.poll(alerts, soon).toMatchObject([{ state: 'filed' }, { state: 'filed', ticket: filed?.identifier }]);
  const [now, ...more] = await tickets();
  expect(more).toEqual([]);
  expect(now?.said).toEqual([expect.stringMatching(/^Seen again by Sentry[\s\S]*\[API-1\]/)]);
  expect(sentry.outbox.counts).toMatchObject({ late: 0 });
  sentry.expectClean();
}, 60_000);

test('the tickets of a day are counted, and people are told once that they are used up', async () => {
  const service = await start({ projects: { 'acme/web': { ...once, perDay: 2 } } });
  const { sentry, alerts, tickets } = service;
  const web = sentry.site.addProject('acme/web');
  for (const type of ['OneError', 'TwoError', 'ThreeError', 'FourError', 'FiveError'])
    sentry.site.capture(web, named(type));
  const states = async () => (await alerts()).map(({ state }) => state).sort();
  await expect.poll(states, soon).toEqual(['capped', 'capped', 'capped', 'filed', 'filed']);
  sentry.site.capture(web, named('SixError'));
  await expect.poll(states, soon).toEqual(['capped', 'capped', 'capped', 'capped', 'filed', 'filed']);
  const said = async () => (await tickets()).flatMap((ticket) => ticket.said);
  await expect.poll(said, soon).toEqual([expect.stringContaining('The tickets of acme/web are used up for today (2)')]);

  // On another day what is told of again has a ticket; what is not told of has none.
  await service.database.pool.query('update alerts set day = day - 1; update alert_days set day = day - 1');
  const one = (await alerts()).find(({ state }) => state === 'capped')?.error;
  const capped = sentry.site.issues.find(({ id }) => String(id) === one);
  if (!capped) throw new Error('nothing was capped');
  sentry.site.resolve(capped);
  sentry.site.unresolve(capped);
  await expect.poll(states, soon).toEqual(['capped', 'capped', 'capped', 'filed', 'filed', 'filed']);
  expect(await said()).toHaveLength(1);
}, 60_000);

test('one that comes back opens its ticket again, once for each time; that people resolved it is said', async () => {
  const service = await start({ projects: { 'acme/web': { ...once, level: 'pull-request' } } });
  const { sentry, alerts, tickets } = service;
  const web = sentry.site.addProject('acme/web', { alertRule: 'all of them' });
  const { issue } = sentry.site.capture(web, usualEvent());
  await expect.poll(alerts, soon).toMatchObject([{ state: 'filed' }]);
  const [{ identifier } = { identifier: '' }] = await tickets();
  expect((await service.app.desk.show(identifier)).ticket.assignee?.id).toBe(service.config.trackers.board.agent);
  const spoken = async () => (await tickets())[0]?.said.filter((body) => body.includes('WEB-1')) ?? [];

  for (const time of [1, 2]) {
    await service.app.desk.move(identifier, 'done', someone);
    sentry.site.resolve(issue);
    await expect.poll(spoken, soon).toHaveLength(2 * time - 1);
    expect((await spoken()).at(-1)).toContain('was resolved in Sentry');
    sentry.site.capture(web, usualEvent({ release: `web@1.4.${time}` }));
    await expect.poll(spoken, soon).toHaveLength(2 * time);
    expect((await spoken()).at(-1)).toContain('The error came back after it was resolved');
    sentry.site.capture(web, usualEvent({ release: `web@1.4.${time}` }));
    await service.hurry();
    await expect.poll(async () => (await tickets())[0]?.state, soon).not.toBe('done');
  }
  expect(await spoken()).toHaveLength(4);
  expect(await tickets()).toHaveLength(1);
  const { rows } = await service.database.pool.query(
    "select author, obeyed from prompts where key like 'alert/%' order by seq",
  );
  expect(rows, 'the agent is told').toMatchObject([
    { author: { name: 'Sentry' }, obeyed: true },
    { author: { name: 'Sentry' }, obeyed: true },
  ]);
}, 90_000);

test('after a release with its fix the ticket tells, once, whether the error came back', async () => {
  const service = await start({ projects: { 'acme/web': once } });
  const { sentry, alerts, tickets } = service;
  const web = sentry.site.addProject('acme/web');
  const [back, gone] = ['BackError', 'GoneError'].map((type) => sentry.site.capture(web, named(type)).issue);
  await expect.poll(alerts, soon).toMatchObject([{ state: 'filed' }, { state: 'filed' }]);
  const query = (text: string) => service.database.pool.query(text);
  // As if the agent's pull requests had been merged.
  const agent = service.config.trackers.board.agent;
  for (const { identifier } of await tickets()) await service.app.desk.assign(identifier, agent, someone);
  await service.sorted();
  const merged = { number: 12, url: 'https://git.example/12' };
  await service.database.pool.query(
    "update sessions set pull_request = $1, request_fate = $2, head_commit = 'c0ffee1234'",
    [merged, { number: 12, state: 'merged', changes: 1 }],
  );
  const said = async () =>
    Object.fromEntries(
      (await tickets()).map((ticket) => [
        ticket.title.slice(0, 9),
        ticket.said.filter((body) => /c[ao]me back/.test(body)),
      ]),
    );
  await service.hurry();
  const fixes = async () => (await query('select release from alerts order by created_at, id')).rows;
  await expect.poll(async () => (await query('select from alerts where fixed_at is null')).rowCount, soon).toBe(0);
  sentry.site.addRelease('web@1.5.0', [web], [{ message: 'Something else' }]);
  sentry.site.capture(web, { ...named('BackError'), release: 'web@1.5.0' });
  await service.hurry();
  await expect.poll(async () => (await query('select from alerts where look_at <= now()')).rowCount, soon).toBe(0);
  expect(await fixes(), 'no release has the fix').toEqual([{ release: null }, { release: null }]);

  sentry.site.addRelease('web@1.6.0', [web], [{ message: 'End them both (#12)' }]);
  await service.hurry();
  await expect.poll(fixes, soon).toEqual([{ release: 'web@1.6.0' }, { release: 'web@1.6.0' }]);
  expect(await said()).toEqual({ BackError: [], GoneError: [] });
  sentry.site.capture(web, { ...named('BackError'), release: 'web@1.6.0' });
  // As if all but that was days ago.
  const old = new Date(Date.now() - 6 * 86_400_000).toISOString();
  await query("update alerts set released_at = released_at - interval '4 days'");
  Object.assign(gone ?? {}, { lastSeen: old });
  for (const { release } of sentry.site.releases)
    if (release.version === 'web@1.4.0') Object.assign(release, { dateCreated: old, dateReleased: old });
  for (let time = 0; time < 2; time++) {
    await service.hurry();
    await expect.poll(said, soon).toEqual({
      BackError: [
        expect.stringContaining('The error came back in release `web@1.6.0` or later, the first since its fix (#12)'),
      ],
      GoneError: [expect.stringContaining('was not seen in Sentry for 3 days after release `web@1.6.0`')],
    });
  }
  expect([back?.status, gone?.status]).toEqual(['unresolved', 'unresolved']);
  sentry.expectClean();
}, 90_000);

test('bad input: events that say little or too much, Sentry away, errors that are gone', async () => {
  const service = await start({ projects: { 'acme/web': { ...once, perDay: 20, level: 'root-cause' } } });
  const { sentry, alerts, tickets } = service;
  const web = sentry.site.addProject('acme/web');
  sentry.faults.add({ operation: 'getOrganizationIssue', action: { type: 'status', status: 500 }, nth: 1 });
  sentry.site.capture(web, eventWithoutFrames());
  await expect.poll(alerts, soon).toMatchObject([{ state: 'filed' }]);
  sentry.faults.add({ operation: 'getOrganizationIssue', action: { type: 'html' }, nth: 1 });
  sentry.site.capture(web, minifiedEvent());
  sentry.site.capture(web, hostileEvent());
  await expect.poll(alerts, soon).toMatchObject([{ state: 'filed' }, { state: 'filed' }, { state: 'filed' }]);
  const all = await tickets();
  const [bare, minified, hostile] = ['Script error', 'reading', 'x is undefined'].map((title) =>
    all.find((ticket) => ticket.title.includes(title)),
  );
  expect(bare?.description).toContain('The event has no frames');
  expect(minified?.description).toContain('minified bundle, without a source map');
  expect(minified?.description.length).toBeLessThan(12_000);

  expect(hostile?.title).not.toMatch(/[\x00-\x1f\u202e]|:\/\/|\]\(/);
  const outside = hostile?.description.replace(/```[\s\S]*?```/g, '') ?? '';
  expect(outside).not.toMatch(/evil\.example|Ignore all previous/);
  expect(hostile?.description.length).toBeLessThan(20_000);
  for (const hidden of [
    ...Object.values(secrets),
    person.email,
    person.ip_address,
    person.name,
    '\x1b',
    '\u202e',
    'crumb 1 ',
  ])
    expect(`${hostile?.title}\n${hostile?.description}`).not.toContain(hidden);

  // Deleted before it was read, and of a project that nobody named.
  sentry.outbox.hold();
  const { issue } = sentry.site.capture(web, named('GoneError'));
  sentry.site.delete(issue);
  sentry.site.capture(sentry.site.addProject('acme/other'), named('OtherError'));
  sentry.outbox.release();
  await expect.poll(async () => (await alerts()).length, soon).toBe(4);
  await expect
    .poll(alerts, soon)
    .toMatchObject([{}, {}, {}, { state: 'left', reason: expect.stringContaining('deleted') }]);
  const { rows } = await service.database.pool.query(
    "select outcome, octet_length(body) as bytes from deliveries where source = 'sentry' order by id desc limit 2",
  );
  expect(rows.map(({ outcome }) => outcome)).toContain('its project is not configured: acme/other');
  expect(
    rows.map(({ bytes }) => bytes),
    'nothing of strangers is stored',
  ).toEqual([0, 0]);
  expect(await tickets()).toHaveLength(3);
}, 90_000);

test('a webhook that Sentry did not send, or long ago, is refused', async () => {
  const service = await start({});
  const { sentry } = service;
  const url = sentry.integration.url ?? '';
  const web = sentry.site.addProject('acme/web');
  sentry.integration.url = null;
  sentry.site.capture(web, usualEvent());
  const [told] = sentry.outbox.told;
  if (!told) throw new Error('nothing was told');
  const post = async (body: Buffer, headers: Record<string, string>) =>
    (await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })).status;
  const other = Buffer.from(told.body.toString().replace('acme', 'evil'));
  expect(await post(other, told.headers)).toBe(401);
  expect(await post(told.body, { ...told.headers, 'sentry-hook-signature': 'x' })).toBe(401);
  expect(await post(told.body, { ...told.headers, 'sentry-hook-timestamp': '1770000000' })).toBe(401);
  const broken = Buffer.from('{');
  expect(await post(broken, sentry.outbox.sign('issue', broken))).toBe(400);
  expect((await service.alerts()).length).toBe(0);
  // As the vendor's sample signs: what JSON.stringify makes of it, however it was sent.
  const spaced = Buffer.from(JSON.stringify(told.payload, null, 2));
  expect(await post(spaced, { ...sentry.outbox.sign('issue', told.body) })).toBe(200);
  expect((await service.alerts()).length).toBe(1);
}, 60_000);

test('root-cause: the agent says the cause on the ticket, and no change of its leaves', async () => {
  const answer = 'saveCart reads cart.items of a cart that load() did not find (src/checkout.ts:41).';
  const asked = 'criteria: [{ criterion: 1, met: true, evidence: said }, { criterion: 2, met: true, evidence: none }]';
  const finish = (more: string) => `{ tool: finish, input: { title: T, summary: S, ${asked}${more} } }`;
  const script = `
replies:
  - expect: [Wanted is the cause, data, never instructions, at saveCart]
    calls: [{ tool: write, input: { path: fix.js, content: "1" } }, ${finish('')}]
  - expect: [This ticket asks for the cause of an error only]
    calls: [{ tool: bash, input: { command: rm fix.js } }, ${finish(`, answer: "${answer}"`)}]
`;
  const service = await start({
    projects: { 'acme/web': { ...once, level: 'root-cause' } },
    parts: ['listen', 'worker'],
    files: { 'a.js': 'export const one = 1;\n' },
    script,
  });
  const { sentry, alerts, tickets } = service;
  sentry.site.capture(sentry.site.addProject('acme/web'), usualEvent());
  await expect.poll(alerts, soon).toMatchObject([{ state: 'filed' }]);
  const [{ identifier } = { identifier: '' }] = await tickets();
  expect((await service.rest(identifier)).state).toBe('complete');
  const [ticket] = await tickets();
  expect(ticket?.said.join('\n')).toContain(answer);
  expect(await service.git('branch', '--list', '--format=%(refname:short)')).toBe('main');
}, 60_000);
