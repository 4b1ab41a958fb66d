import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSentrySource } from '../../src/alerts/sentry/source.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { takeInSaid } from '../../src/flow/take-in-said.ts';
import { acceptDelivery, deleteSpentRows, fileAlerts, fileCaptures, fileNamed } from '../../src/flow.ts';
import { wantsCauseOnly } from '../../src/store/alerts.ts';
import { inTransaction } from '../../src/store/database.ts';
import { errorsOfTicket } from '../../src/store/ticket-errors.ts';
import { usualEvent } from '../stand-ins/sentry/hostile.ts';
import { type Sentry, startSentry } from '../stand-ins/sentry/server.ts';
import { sentryProject } from '../support/alerts.ts';
import { aCapture, capturing } from '../support/captures.ts';
import { compileCache } from '../support/compile-cache.ts';
import { someone } from '../support/service.ts';
import { agent, database, depsWith, desk, never, query, tracker, useBoard, violations } from './reconciling.ts';

useBoard();

let sentry: Sentry;
beforeEach(async () => {
  await query('truncate alerts, alert_days, captures, capture_keys, said_on_tickets, board_operations');
  sentry = await startSentry();
});
afterEach(() => sentry.close());

const settings = (perDay: number) => ({
  ...{ baseUrl: sentry.url, token: sentry.token, webhookSecrets: [sentry.integration.clientSecret] },
  projects: [sentryProject('acme/web', 'shop', { minEvents: 1, perDay, level: 'pull-request' })],
});

const named = (type: string) =>
  usualEvent({ exceptions: [{ type, value: 'Broke', frames: [{ filename: 'src/a.ts', function: type, lineNo: 3 }] }] });

/** Takes what was told, so many at the same time. Milliseconds. */
async function accept(perDay: number, atOnce = 20): Promise<number> {
  const source = createSentrySource(settings(perDay));
  const accepting = {
    sources: new Map([['sentry', { verifyDelivery: source.verifyDelivery, alerts: source }]]),
    nudge: async () => {},
    failpoint: () => {},
  };
  const all = sentry.outbox.told.map(({ headers, body }) => ({ headers, body }));
  const begun = performance.now();
  const next = async (): Promise<void> => {
    for (let one = all.pop(); one; one = all.pop()) {
      const { headers, body } = one;
      await inTransaction(database.pool, (tx) => acceptDelivery(accepting, tx, 'sentry', headers, body));
    }
  };
  await Promise.all([...Array(atOnce).keys()].map(next));
  return performance.now() - begun;
}

const filing = (perDay: number) => ({
  ...capturing(depsWith(tracker)),
  alerts: new Map([['sentry', createSentrySource(settings(perDay))]]),
});
/** How a process ends that is to file what is due. */
async function dieAt(failpoint: string): Promise<unknown[]> {
  const main = join(import.meta.dirname, 'doomed-alert.ts');
  const child = spawn(process.execPath, [main, database.url, failpoint, JSON.stringify(settings(5))], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return once(child, 'exit');
}

const due = () => query('update alerts set look_at = now() where look_at is not null');

test('ten thousand alerts in a minute: one ticket for each error until the day is full, and Sentry is asked little', async () => {
  const web = sentry.site.addProject('acme/web', { alertRule: 'all of them' });
  const count = 1_000;
  const errors = 100;
  for (let each = 0; each < count; each++)
    sentry.site.capture(web, named(`Number${Math.floor((each * errors) / count)}Error`));
  const perDay = 10;
  const ms = await accept(perDay);
  const { rows } = await query('select count(*)::int as errors, sum(told)::int as told from alerts');
  expect(rows).toEqual([{ errors, told: count + errors }]);
  expect(ms, `${Math.round((count + errors) / (ms / 60_000))} a minute`).toBeLessThan((60_000 * count) / 10_000);
  for (let round = 0; round < 4; round++) {
    await Promise.all([fileAlerts(filing(perDay), never), fileAlerts(filing(perDay), never)]);
    await due();
  }
  expect((await desk.list()).map(({ title }) => title).sort()).toHaveLength(perDay);
  const states = await query('select state, count(*)::int as count from alerts group by state order by state');
  expect(states.rows).toEqual([
    { state: 'capped', count: errors - perDay },
    { state: 'filed', count: perDay },
  ]);
  // What has no ticket is forgotten in a month, and nothing else is.
  await query("update alerts set told_at = now() - interval '31 days'");
  await deleteSpentRows(depsWith(tracker).db, { deliveriesDays: 1, stepsDays: null, workspaceHours: 1 }, never);
  expect((await query('select from alerts')).rowCount).toBe(perDay);
  const asked = sentry.requests.filter(({ operation }) => operation === 'getOrganizationIssue').length;
  expect(asked, 'what has no place is not read').toBeLessThan(errors);
}, 60_000);

test('whoever files an error is killed, at each step: it has one ticket, which the agent has', async () => {
  const points = ['alert/noted', 'capture/created', 'capture/taken', 'alert/filed'];
  const web = sentry.site.addProject('acme/web');
  for (const point of points) {
    sentry.site.capture(web, named(`${point.replace(/\W/, '').toUpperCase()}Error`));
    await accept(5);
    expect(await dieAt(point), point).toEqual([null, 'SIGKILL']);
  }
  // As if its leases had run out.
  await query("update captures set try_at = now() - interval '1 second' where state = 'filing'");
  const deps = filing(5);
  for (let round = 0; round < 3; round++) {
    await due();
    await Promise.all([fileAlerts(deps, never), fileAlerts(deps, never), fileCaptures(deps, never)]);
  }
  const filed = await desk.list();
  expect(filed).toHaveLength(points.length);
  for (const { identifier } of filed) expect((await desk.show(identifier)).ticket.assignee?.id).toBe(agent);
  const { rows } = await query("select state, hint ->> 'identifier' as ticket from alerts order by nth");
  expect(rows.map(({ state }) => state)).toEqual(points.map(() => 'filed'));
  expect(rows.map(({ ticket }) => ticket).sort()).toEqual(filed.map(({ identifier }) => identifier).sort());

  // One that comes back.
  const { error, ticket } = (await query("select error, hint ->> 'identifier' as ticket from alerts limit 1")).rows[0];
  const issue = sentry.site.issues.find(({ id }) => String(id) === error);
  if (!issue) throw new Error('there is no such issue');
  await desk.move(ticket, 'done', someone);
  sentry.site.resolve(issue);
  await accept(5);
  await fileAlerts(deps, never);
  sentry.site.capture(web, issue.events[0]?.input ?? {});
  await accept(5);
  for (const point of ['alert/reopened', 'alert/told']) {
    await due();
    expect(await dieAt(point), point).toEqual([null, 'SIGKILL']);
  }
  for (let round = 0; round < 2; round++) {
    await due();
    await fileAlerts(deps, never);
  }
  expect((await desk.show(ticket)).ticket.state.category).toBe('unstarted');
  const said = await query("select body from prompts where key like 'alert/%'");
  expect(said.rows).toEqual([{ body: expect.stringContaining('The error came back after it was resolved') }]);
  expect((await query('select max(returns) as returns from alerts')).rows).toEqual([{ returns: 1 }]);
  expect(await violations()).toEqual([]);
}, 60_000);

const people = ['ada', 'bob'].map((name) => ({ id: name, name, isBot: false }));
const byHand = (error: string) => {
  const from = `${sentry.url}/organizations/acme/issues/${error}/`;
  return aCapture({ title: from, notes: '', kind: null, from });
};
const alerts = () => query('select state, error, reason from alerts order by created_at, error');

test('people name an error while others file it: it has one ticket', async () => {
  const web = sentry.site.addProject('acme/web');
  sentry.site.capture(web, named('TwiceError'));
  const id = sentry.site.issues[0]?.id;
  const deps = filing(5);
  const both = await Promise.all(people.map((by) => fileNamed(deps, byHand(String(id)), by, never)));
  expect(both.map(({ status }) => status).sort()).toEqual(['filed', 'kept']);

  // The service has read one when somebody names it.
  sentry.site.capture(web, named('OvertakenError'));
  await accept(5);
  await query("delete from alerts where state = 'filed'");
  const [source] = deps.alerts.values();
  if (!source) throw new Error('there is no source');
  const readError: typeof source.readError = async (key, signal) => {
    const error = await source.readError(key, signal);
    await fileNamed(deps, byHand(key.error), someone, never);
    return error;
  };
  await fileAlerts({ ...deps, alerts: new Map([['sentry', { ...source, readError }]]) }, never);
  await due();
  await fileAlerts(deps, never);
  const [, overtaken] = sentry.site.issues;
  expect((await alerts()).rows).toContainEqual({ state: 'filed', error: String(overtaken?.id), reason: null });
  expect(await desk.list()).toHaveLength(2);
  expect((await query("select from captures where comment is not null or state <> 'filed'")).rowCount).toBe(0);
});

test('the ticket of an error was refused: by hand, or when it is told of again, it is tried once more', async () => {
  const web = sentry.site.addProject('acme/web', { alertRule: 'all of them' });
  for (const type of ['HandError', 'ToldError']) sentry.site.capture(web, named(type));
  await accept(5);
  const refuse = async () => {
    throw new VendorError('There is no such label.', { code: 'invalid', retryable: false });
  };
  const deps = filing(5);
  const { trackers } = depsWith({ ...tracker, createTicket: refuse });
  await fileAlerts({ ...deps, trackers }, never);
  const left = { state: 'left', reason: 'There is no such label.' };
  expect((await alerts()).rows).toEqual([left, left].map((each) => expect.objectContaining(each)));
  const [hand, told] = sentry.site.issues.map(({ id }) => String(id));
  expect((await fileNamed(deps, byHand(hand ?? ''), someone, never)).status).toBe('filed');
  await query('update alerts set look_at = now() where error = $1', [told]);
  await fileAlerts(deps, never);
  expect((await alerts()).rows.map(({ state }) => state)).toEqual(['filed', 'filed']);
});

test('only the cause is wanted of what was filed for it, until a person says more', async () => {
  sentry.site.capture(sentry.site.addProject('acme/web'), named('CauseError'));
  await accept(5);
  await fileAlerts(filing(5), never);
  await query("update alerts set level = 'root-cause'");
  const { rows } = await query("select s.id, hint ->> 'identifier' as ticket from sessions s, alerts");
  const [{ id, ticket }] = rows;
  const { db } = depsWith(tracker);
  const isWanted = async () => [
    (await errorsOfTicket(db, id)).map(({ causeOnly }) => causeOnly),
    await wantsCauseOnly(db, id),
  ];
  expect(await isWanted()).toEqual([[true], true]);
  await query("update captures set add_to = $1, comment = 'Seen again'", [ticket]);
  expect(await isWanted(), 'on a ticket of people').toEqual([[false], false]);
  await query('update captures set add_to = null, comment = null');
  const said = { key: 'more', by: someone, body: 'Mend it, too.', signal: null, shown: 'Mend it, too.' };
  await takeInSaid(depsWith(tracker), id, said, never);
  expect(await isWanted()).toEqual([[false], false]);
});

test('an error of a canceled ticket comes back: it is told there, and the ticket stays as people left it', async () => {
  const web = sentry.site.addProject('acme/web');
  sentry.site.capture(web, named('DroppedError'));
  const deps = filing(5);
  const look = async () => {
    await accept(5);
    await due();
    await fileAlerts(deps, never);
  };
  await look();
  const [{ identifier } = { identifier: '' }] = await desk.list();
  await desk.move(identifier, 'canceled', someone);
  const [issue] = sentry.site.issues;
  if (!issue) throw new Error('there is no issue');
  sentry.site.resolve(issue);
  await look();
  sentry.site.capture(web, issue.events[0]?.input ?? {});
  await look();
  const { ticket, ...rest } = await desk.show(identifier);
  expect(ticket.state.category).toBe('canceled');
  expect(JSON.stringify(rest)).toContain('it stays closed');
  expect((await query('select returns from alerts')).rows).toEqual([{ returns: 1 }]);
  expect((await query("select from prompts where key like 'alert/%'")).rowCount).toBe(0);
});
