import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepConnections } from '../../../src/app/connections.ts';
import { createLog } from '../../../src/lib/log.ts';
import { checkWebhooks, keepWebhooks } from '../../../src/trackers/jira/connecting/dynamic-webhooks.ts';
import { createInstalledSites } from '../../../src/trackers/jira/connecting/installed-sites.ts';
import { beginInstall, finishInstall } from '../../../src/trackers/jira/connecting/oauth-installs.ts';
import { createJiraTracker } from '../../../src/trackers/jira/tracker.ts';
import { type App, clickThrough } from '../../stand-ins/jira/oauth.ts';
import { somebody } from '../../stand-ins/jira/people.ts';
import { addProject } from '../../stand-ins/jira/projects.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { addWebhook } from '../../stand-ins/jira/webhook-routes.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { anySignal } from './desk.ts';

const redirectUri = 'https://shipmate.example.com/oauth/jira/callback';
const url = 'http://127.0.0.1:9/webhooks/jira';
const elsewhere = 'http://127.0.0.1:9/elsewhere/webhooks/jira';
const dayMs = 86_400_000;

let database: TestDatabase;
let jira: Jira;
let app: App;
beforeEach(async () => {
  [database, jira] = await Promise.all([createTestDatabase(), startJira()]);
  app = jira.oauth.addApp({ redirectUris: [redirectUri] });
  jira.site.addUser('Shipmate');
  addProject(jira.site, { key: 'OLD', name: 'Oldest' });
  addProject(jira.site, { key: 'ENG', name: 'Engineering' });
  await install();
});
afterEach(async () => {
  jira.expectClean();
  await jira.close();
  await database.drop();
});

const connections = () =>
  keepConnections({ db: database.db, log: createLog({ level: 'silent', format: 'json', secrets: [] }) }, 'jira');
const options = () => {
  const { apiUrl, authUrl } = jira;
  const { clientId, clientSecret } = app;
  return { apiUrl, authUrl, clientId, clientSecret, connections: connections() };
};
async function install(site = jira.site): Promise<void> {
  const { url: page } = await beginInstall(options(), redirectUri);
  const answer = Object.fromEntries((await clickThrough(page, { site })).searchParams);
  await finishInstall(options(), answer, anySignal());
}

/** Of another process each time. */
const keep = (to: string | null = url) => {
  const now = () => jira.clock.now();
  return keepWebhooks(
    { sites: createInstalledSites({ ...options(), now }), url: to, connections: connections(), now },
    anySignal(),
  );
};
/** Those of the app that have not ended. */
const webhooks = (site = jira.site) =>
  site.webhooks.filter((each) => each.app && (each.expiresAt ?? 0) > jira.clock.now());
const asked = (operation: string) => jira.counts()[`webhooks.${operation}`] ?? 0;

test('each site has them once, whoever looks and however often; a register whose answer was lost is found again', async () => {
  const globex = await jira.addSite({ name: 'globex' });
  globex.addUser('Shipmate');
  addProject(globex, { key: 'GLO', name: 'Globex' });
  await install(globex);
  jira.faults.add({ operation: 'webhooks.registerDynamicWebhooks', nth: 1, action: { type: 'loseReply' } });
  await expect(keep()).rejects.toMatchObject({ code: 'unavailable' });
  await Promise.all([keep(), keep(), keep()]);
  await keep();
  for (const site of [jira.site, globex]) {
    const oldest = Math.min(...site.projects.map(({ id }) => Number(id)));
    expect(webhooks(site).map((each) => [each.url, each.jqlFilter, each.events.length])).toEqual([
      [url, `project = ${oldest}`, 4],
      [url, `project != ${oldest}`, 4],
    ]);
  }
  expect(asked('registerDynamicWebhooks')).toBe(2);
  const { rows } = await database.pool.query("select about from connections where kind = 'jira-webhooks'");
  expect(rows.map(({ about }) => about.ids.length)).toEqual([2, 2]);
});

test('they tell of all projects, also of a new one, and what they tell is known to be of ours', async () => {
  await keep();
  const [bot] = jira.site.users;
  const tracker = createJiraTracker({
    sites: createInstalledSites({ ...options(), recalled: await connections().list('jira-grant') }),
    ...{ agent: 'shipmate', label: null, status: null, jql: null, states: { review: null } },
    secrets: { webhooks: [], apps: [app.clientSecret] },
  });
  const ada = somebody(jira.site, jira.site.addUser('Ada'));
  const events = ['OLD', 'ENG', 'NEW'].map((key) => {
    const project = jira.site.project(key) ?? addProject(jira.site, { key, name: 'New' });
    const { told } = ada.create({ project, summary: 'A ship', ...(bot && { assignee: bot }) });
    const [delivery] = told;
    if (!delivery || told.length > 1) throw new Error(`told ${told.length} times`);
    const { headers, body } = delivery;
    expect(headers).not.toHaveProperty('x-hub-signature');
    expect(() => tracker.verifyDelivery({ ...headers, authorization: 'Bearer a.b.c' }, body)).toThrow(
      'JIRA_WEBHOOK_SECRET',
    );
    expect(tracker.verifyDelivery(headers, body)).toMatchObject({ isLate: false, isUrgent: true });
    return tracker.readEvents({ source: 'jira', headers, body } as never);
  });
  expect(events.flat().map(({ type, ticket }) => `${type} ${ticket.identifier}`)).toEqual([
    'sessionCreated OLD-1',
    'sessionCreated ENG-1',
    'sessionCreated NEW-1',
  ]);
});

test('they are renewed before their thirty days are over, and made anew when nobody could', async () => {
  await keep();
  const ids = () => webhooks().map(({ id }) => id);
  const first = ids();
  for (let day = 5; day <= 40; day += 5) {
    jira.clock.advance(5 * dayMs);
    await keep();
  }
  expect(ids()).toEqual(first);
  expect(asked('refreshWebhooks')).toBe(4);
  const told = async () => {
    const recalled = await connections().list('jira-grant');
    const sites = createInstalledSites({ ...options(), recalled });
    return checkWebhooks({ sites, url, connections: connections(), now: () => jira.clock.now() });
  };
  expect(await told()).toEqual([]);
  jira.clock.advance(31 * dayMs);
  expect(ids()).toEqual([]);
  expect(await told()).toMatchObject([{ status: 'warning', message: expect.stringContaining('have ended') }]);
  await keep();
  expect([ids().length, await told()]).toEqual([2, []]);
});

test('where the address changes, those that led elsewhere go; what another installation has registered stays', async () => {
  const [bot] = jira.site.users;
  await keep(elsewhere);
  const foreign = addWebhook(jira.site, {
    url: 'http://127.0.0.1:9/staging',
    jqlFilter: 'project = ENG',
    secret: null,
  });
  const { clientId, clientSecret } = app;
  const expiresAt = jira.clock.now() + 30 * dayMs;
  Object.assign(foreign, { app: { clientId, clientSecret, accountId: bot?.accountId }, expiresAt });
  await keep();
  const urls = () => webhooks().map((each) => each.url);
  expect(urls()).toEqual([foreign.url, url, url]);
  // As where it is asked every few seconds instead.
  await keep(null);
  expect(urls()).toEqual([foreign.url]);
});

test('what a site tells that let us in while a process was at work means what it says, read again', async () => {
  const sites = createInstalledSites({ ...options(), recalled: await connections().list('jira-grant') });
  const tracker = createJiraTracker({
    sites,
    ...{ agent: 'shipmate', label: null, status: null, jql: null, states: { review: null } },
    secrets: { webhooks: [], apps: [app.clientSecret] },
  });
  await sites.all(anySignal());
  const globex = await jira.addSite({ name: 'globex' });
  const initech = await jira.addSite({ name: 'initech' });
  const [bot] = [globex, initech].map((site) => site.addUser('Shipmate'));
  for (const site of [globex, initech]) await install(site);
  const project = addProject(globex, { key: 'GLO', name: 'Globex' });
  await keep();
  const { told } = somebody(globex, globex.addUser('Ada')).create({
    project,
    summary: 'A ship',
    ...(bot && { assignee: bot }),
  });
  const [{ headers, body } = expect.fail('nothing was told')] = told;
  expect(tracker.verifyDelivery(headers, body)).toMatchObject({ isHint: true });
  expect(tracker.readEvents({ headers, body } as never)).toEqual([]);
  const events = await tracker.readAgain?.({ headers, body } as never, anySignal());
  expect(events).toMatchObject([{ type: 'sessionCreated', ticket: { identifier: 'GLO-1' } }]);
});

test('a site that takes none is told, and keeps no other from having them', async () => {
  const globex = await jira.addSite({ name: 'globex' });
  globex.addUser('Shipmate');
  addProject(globex, { key: 'GLO', name: 'Globex' });
  await install(globex);
  const [bot] = jira.site.users;
  const { clientId, clientSecret } = app;
  for (let made = 0; made < 5; made++)
    Object.assign(addWebhook(jira.site, { url: 'http://127.0.0.1:9/staging', secret: null }), {
      app: { clientId, clientSecret, accountId: bot?.accountId },
      expiresAt: jira.clock.now() + 30 * dayMs,
    });
  await expect(keep()).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(/does not take.*limit of 5/),
  });
  expect(webhooks(globex)).toHaveLength(2);
});
