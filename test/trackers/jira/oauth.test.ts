import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepConnections } from '../../../src/app/connections.ts';
import { createLog } from '../../../src/lib/log.ts';
import { createInstalledSites } from '../../../src/trackers/jira/connecting/installed-sites.ts';
import { beginInstall, finishInstall } from '../../../src/trackers/jira/connecting/oauth-installs.ts';
import type { App } from '../../stand-ins/jira/oauth.ts';
import { clickThrough } from '../../stand-ins/jira/oauth.ts';
import { addProject } from '../../stand-ins/jira/projects.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { anySignal } from './desk.ts';

const redirectUri = 'https://shipmate.example.com/oauth/jira/callback';
const disconnected = { code: 'disconnected', retryable: true, retryAfterMs: 60_000 };

let database: TestDatabase;
let jira: Jira;
let app: App;
beforeEach(async () => {
  [database, jira] = await Promise.all([createTestDatabase(), startJira()]);
  app = jira.oauth.addApp({ redirectUris: [redirectUri] });
  jira.site.addUser('Shipmate');
  addProject(jira.site, { key: 'ENG', name: 'Engineering' });
});
afterEach(async () => {
  await jira.close();
  await database.drop();
});

const connections = () =>
  keepConnections({ db: database.db, log: createLog({ level: 'silent', format: 'json', secrets: [] }) }, 'jira');

/** As one process has it. */
const options = (changes: { clientSecret?: string } = {}) => {
  const { apiUrl, authUrl } = jira;
  const { clientId, clientSecret } = app;
  return { apiUrl, authUrl, clientId, clientSecret, connections: connections(), ...changes };
};
const open = (changes = {}) => createInstalledSites({ ...options(changes), now: () => jira.clock.now() });

async function consent(site = jira.site): Promise<Record<string, string>> {
  const { url } = await beginInstall(options(), redirectUri);
  return Object.fromEntries((await clickThrough(url, { site })).searchParams);
}
const install = async (site = jira.site) => finishInstall(options(), await consent(site), anySignal());

const lost = async () =>
  (await database.pool.query('select lost from connections order by id')).rows.map((row) => row.lost);
const grants = () => jira.requests.filter(({ operation }) => operation === 'oauth.token').length;
const firstOf = async (sites: ReturnType<typeof open>) => {
  const [site] = await sites.all(anySignal());
  if (!site) throw new Error('no site is open');
  return site;
};
const projectsOf = async (sites: ReturnType<typeof open>) =>
  (await (await firstOf(sites)).client.on(anySignal()).projects.searchProjects({})).values?.map(({ key }) => key);

/** Runs with a clock that is ahead of this machine's, as the stand-in's is. */
async function later<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const { now } = Date;
  jira.clock.advance(ms);
  const ahead = jira.clock.now() - now();
  Date.now = () => now() + ahead;
  jira.clock.advance(-ahead);
  try {
    return await work();
  } finally {
    Date.now = now;
    jira.clock.advance(ahead);
  }
}

test('a consent opens its sites, and what is kept of it is encrypted; the next start knows whose account is ours', async () => {
  await expect(open().all(anySignal())).rejects.toMatchObject({
    ...disconnected,
    message: expect.stringContaining('shipmate connect jira'),
  });
  const { url } = await beginInstall(options(), redirectUri);
  expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({
    audience: 'api.atlassian.com',
    response_type: 'code',
    prompt: 'consent',
    scope: 'read:jira-work write:jira-work read:jira-user manage:jira-webhook offline_access',
  });
  const [user] = jira.site.users;
  expect(await install()).toMatchObject({ accountId: user?.accountId, sites: [{ url: jira.site.url, name: 'acme' }] });
  expect(await projectsOf(open())).toEqual(['ENG']);
  const { rows } = await database.pool.query("select *, encode(sealed, 'escape') as shown from connections");
  for (const { value } of jira.oauth.tokens) expect(JSON.stringify(rows)).not.toContain(value);
  const recalled = createInstalledSites({ ...options(), recalled: await connections().list('jira-grant') });
  expect(recalled.known().map((site) => site.knownOwn())).toEqual([
    { accountId: user?.accountId, displayName: 'Shipmate' },
  ]);
  jira.expectClean();
});

test('an answer counts once, for its own request, within ten minutes', async () => {
  const invalid = { code: 'invalid', message: expect.stringContaining('shipmate connect jira') };
  const finish = (answer: Record<string, string>) => finishInstall(options(), answer, anySignal());
  const answer = await consent();
  await expect(finish({ ...answer, state: 'forged' })).rejects.toMatchObject(invalid);
  await finish(answer);
  await expect(finish(answer)).rejects.toMatchObject(invalid);
  await expect(finish({})).rejects.toMatchObject(invalid);
  const late = await consent();
  await database.pool.query("update connection_requests set created_at = now() - interval '11 minutes'");
  await expect(finish(late)).rejects.toMatchObject(invalid);
  const { url } = await beginInstall(options(), redirectUri);
  const declined = await clickThrough(url, { decision: 'cancel' });
  await expect(finish(Object.fromEntries(declined.searchParams))).rejects.toMatchObject({
    message: expect.stringContaining('declined'),
  });
  await expect(finish({ ...(await consent()), code: 'stolen' })).rejects.toMatchObject({
    ...invalid,
    message: expect.stringContaining('invalid_grant'),
  });
  expect(JSON.stringify((await database.pool.query('select id from connection_requests')).rows)).not.toContain(
    answer.state,
  );
});

test('a refresh token is used once, however many processes want to, and what comes of it is kept before it is used', async () => {
  await install();
  const processes = [open(), open(), open()];
  for (const each of processes) expect(await projectsOf(each)).toEqual(['ENG']);
  const before = grants();
  // They end after an hour.
  await later(3_600_000, async () => {
    expect(await Promise.all(processes.map(projectsOf))).toEqual([['ENG'], ['ENG'], ['ENG']]);
    expect(grants()).toBe(before + 1);
    // One that is refused before its time.
    for (const { value, kind } of jira.oauth.tokens) if (kind === 'oauth') jira.oauth.revoke(value);
    expect(await Promise.all(processes.map(projectsOf))).toEqual([['ENG'], ['ENG'], ['ENG']]);
    expect(grants()).toBe(before + 2);
    expect(await projectsOf(open())).toEqual(['ENG']);
    expect(grants()).toBe(before + 2);
  });
});

test.each([
  ['where Jira takes the old one again for some minutes, nobody notices', 600_000, ['ENG'], null],
  ['where it does not, the connection is lost, and people are told', 0, null, 'unauthorized_client'],
])('the answer of a refresh that was lost: %s', async (_, reuseWithinMs, found, why) => {
  jira.oauth.reuseWithinMs = reuseWithinMs;
  await install();
  await later(3_590_000, async () => {
    const sites = open();
    jira.faults.add({ operation: 'oauth.token', nth: 1, action: { type: 'loseReply' } });
    // The old one lasts some seconds more, and is gone on with for a minute.
    expect(await projectsOf(sites)).toEqual(['ENG']);
    expect(await lost()).toEqual([null]);
  });
  await later(11_000, async () => {
    if (found) return expect(await projectsOf(open())).toEqual(found);
    await expect(open().all(anySignal())).rejects.toMatchObject({
      ...disconnected,
      account: new URL(jira.site.url).host,
      message: expect.stringContaining('shipmate connect jira'),
    });
    expect(await lost()).toEqual([expect.stringContaining(why)]);
  });
});

test('what was taken back is lost for every process, until somebody consents again', async () => {
  await install();
  const [one, other] = [open(), open()];
  const site = await firstOf(one);
  await firstOf(other);
  jira.oauth.disconnect(app);
  const host = new URL(jira.site.url).host;
  await expect(site.client.on(anySignal()).projects.searchProjects({})).rejects.toMatchObject({
    ...disconnected,
    account: host,
    message: expect.stringMatching(/unauthorized_client.*"Shipmate" consented.*shipmate connect jira/),
  });
  for (const each of [one, other]) await expect(each.all(anySignal())).rejects.toMatchObject(disconnected);
  expect(await one.lost?.()).toMatchObject([{ account: host }]);
  await install();
  expect(await projectsOf(one)).toEqual(['ENG']);
  expect(await projectsOf(other)).toEqual(['ENG']);
  expect(await one.lost?.()).toEqual([]);
});

test.each([
  ['a 403 of a firewall', { type: 'status', status: 403, commit: 'before', body: '<html>Denied</html>' }],
  ['a 503 in words of OAuth', { type: 'status', status: 503, commit: 'before', body: { error: 'invalid_grant' } }],
] as const)('%s does not lose one', async (_, action) => {
  await install();
  await later(3_600_001, async () => {
    jira.faults.add({ operation: 'oauth.token', nth: 1, action });
    const site = await firstOf(open());
    await expect(site.client.on(anySignal()).myself.getCurrentUser({})).resolves.toBeTruthy();
    expect(await lost()).toEqual([null]);
  });
});

test('several sites, by one account or two; one that goes away holds up no other, and costs no token', async () => {
  const globex = await jira.addSite({ name: 'globex' });
  const initech = await jira.addSite({ name: 'initech' });
  const [own] = jira.site.users;
  if (own) globex.users.push(own);
  initech.addUser('Shipmate of Initech');
  for (const site of [jira.site, globex, initech]) await install(site);
  const hosts = (sites: readonly { host: string }[]) => sites.map(({ host }) => host).sort();
  const hostsOf = (...sites: { url: string }[]) => sites.map(({ url }) => new URL(url).host).sort();
  const sites = open();
  expect(hosts(await sites.all(anySignal()))).toEqual(hostsOf(jira.site, globex, initech));
  expect(new Set(await lost())).toEqual(new Set([null]));

  const gone = (await sites.all(anySignal())).find(({ host }) => hostsOf(globex).includes(host));
  jira.oauth.disconnect(app, globex);
  const before = grants();
  const taken = { ...disconnected, account: hostsOf(globex)[0], message: expect.stringContaining('taken back') };
  await expect(gone?.client.on(anySignal()).projects.searchProjects({})).rejects.toMatchObject(taken);
  expect(hosts(await sites.all(anySignal()))).toEqual(hostsOf(jira.site, initech));
  expect(await sites.lost?.()).toMatchObject([taken]);
  expect(grants()).toBe(before);

  // Another account consents for it: it is entered as that one, and no more as the other.
  const second = globex.addUser('Second');
  globex.users.reverse();
  await install(globex);
  const all = await open().all(anySignal());
  expect(all.map((site) => site.knownOwn()?.displayName).sort()).toEqual(['Second', 'Shipmate', 'Shipmate of Initech']);
  expect(second.displayName).toBe('Second');
});

test('tokens that another secret has encrypted are of no use, and people are told', async () => {
  await install();
  await expect(open({ clientSecret: 'another-client-secret' }).all(anySignal())).rejects.toMatchObject({
    ...disconnected,
    message: expect.stringMatching(/cannot be decrypted.*JIRA_CLIENT_SECRET/),
  });
});

test('a site that answers with a web page is away, not lost', async () => {
  await install();
  const sites = open();
  jira.faults.add({
    operation: 'oauth.resources',
    action: { type: 'status', status: 200, commit: 'before', body: '<html></html>' },
  });
  jira.faults.add({
    operation: 'projects.searchProjects',
    action: { type: 'status', status: 200, commit: 'before', body: '<html></html>' },
  });
  await expect(projectsOf(sites)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  expect([await lost(), await sites.lost?.()]).toEqual([[null], []]);

  // Which sites are open is not asked again each time.
  const asked = () => jira.counts()['oauth.resources'];
  const before = asked();
  await expect(projectsOf(sites)).rejects.toMatchObject({ code: 'unavailable' });
  expect(asked()).toBe(before);
  jira.clock.advance(61_000);
  await sites.all(anySignal());
  expect(asked()).toBe((before ?? 0) + 1);
});
