import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TicketHint } from '../../../src/core/ticket.ts';
import type { Connection, Connections } from '../../../src/trackers/connections.ts';
import { createTokenSites } from '../../../src/trackers/jira/connecting/token-sites.ts';
import { findIssue } from '../../../src/trackers/jira/reading/find-issue.ts';
import { locate } from '../../../src/trackers/jira/writing/place.ts';
import { addProject } from '../../stand-ins/jira/projects.ts';
import type { User } from '../../stand-ins/jira/rows.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { anySignal } from './desk.ts';

const scopes = ['read:jira-work', 'write:jira-work', 'read:jira-user'];

let jira: Jira;
let globex: Jira['site'];
let bot: User;
beforeAll(async () => {
  jira = await startJira();
  globex = await jira.addSite({ name: 'globex' });
  bot = jira.site.addUser('Shipmate', { isServiceAccount: true });
  globex.users.push(bot);
  for (const site of [jira.site, globex]) addProject(site, { key: 'ENG', name: 'Engineering' });
});
afterEach(() => {
  jira.faults.clear();
  jira.expectClean();
});
afterAll(() => jira.close());

function token(options: { scopes?: string[] } = {}): string {
  const made = jira.oauth.addApiToken(jira.site, bot, options);
  made.sites.push(globex);
  return made.value;
}

/** What processes share. */
function keepIn(kept: Map<string, Connection>): Pick<Connections, 'update'> {
  return {
    async update(_kind, id, work) {
      const next = await work(kept.get(id) ?? null);
      if (next) kept.set(id, { id, ...next });
      return kept.get(id) ?? null;
    },
  };
}

function open(
  apiToken: string,
  kept = new Map<string, Connection>(),
  email = bot.emailAddress,
  { urls = [jira.site.url, globex.url], apiUrl = jira.apiUrl } = {},
) {
  return createTokenSites({
    urls,
    auth: { type: 'basic', email, apiToken },
    apiUrl,
    connections: keepIn(kept),
    recalled: [...kept.values()],
  });
}

const hostOf = ({ url }: { url: string }) => new URL(url).host;

test.each([
  ['with scopes goes to the gateway', { scopes }, true],
  ['without goes to the site itself', {}, false],
])('a token %s, which is found by trying, once', async (_, options, isGateway) => {
  jira.requests.length = 0;
  const sites = open(token(options));
  for (let times = 0; times < 2; times++) {
    const all = await sites.all(anySignal());
    expect(all.map((site) => [site.host, site.client.baseUrl.includes('/ex/jira/')])).toEqual([
      [hostOf(jira.site), isGateway],
      [hostOf(globex), isGateway],
    ]);
  }
  const { 'myself.getCurrentUser': asked } = jira.counts();
  expect(asked).toBe(isGateway ? 2 : 4);
});

test('one that is refused is told, with the site; a site that is away, asleep or shows a web page holds up no other', async () => {
  await expect(open('ATATT-wrong').all(anySignal())).rejects.toMatchObject({
    code: 'disconnected',
    account: hostOf(jira.site),
  });
  const html = { type: 'status', status: 200, commit: 'before', body: '<html></html>' } as const;
  jira.faults.add({ operation: 'myself.getCurrentUser', nth: 1, action: html });
  const sites = open(token({ scopes }));
  const [first, ...more] = await sites.all(anySignal());
  expect(more).toEqual([]);
  const [away] = (await sites.lost?.()) ?? [];
  expect(away).toMatchObject({ code: 'unavailable', message: expect.stringContaining('web page in place of Jira') });
  expect([first?.host, away?.account].sort()).toEqual([hostOf(jira.site), hostOf(globex)].sort());
  // It is asked for again with each look.
  expect(await sites.all(anySignal())).toHaveLength(2);
  expect(await sites.lost?.()).toEqual([]);
});

test('whose account is ours is known to the next process at once, but not of another account', async () => {
  const kept = new Map<string, Connection>();
  const value = token({ scopes });
  expect(open(value, kept).known()).toEqual([]);
  await open(value, kept).all(anySignal());
  expect(JSON.stringify([...kept.values()])).not.toContain(value);
  const own = { accountId: bot.accountId, displayName: 'Shipmate' };
  expect(
    open(value, kept)
      .known()
      .map((site) => site.knownOwn()),
  ).toEqual([own, own]);
  expect(open(value, kept, 'another@example.org').known()).toEqual([]);
  // What was remembered says nothing of how a new token is to be used.
  const [site] = await open(token(), kept).all(anySignal());
  expect(site?.client.baseUrl).toBe(jira.site.url);
});

test('one that takes each request and answers none holds up the others for a moment only, and its tickets are not said to be lost', async () => {
  let isSilent = false;
  const silent = createServer((request) => (isSilent ? undefined : request.destroy()));
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  try {
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const sites = open(token(), undefined, undefined, { urls: [jira.site.url, url] });
    expect(await sites.all(anySignal())).toHaveLength(1);
    isSilent = true;
    const since = performance.now();
    expect(await Promise.all([sites.all(anySignal()), sites.all(anySignal())])).toHaveLength(2);
    expect(performance.now() - since).toBeLessThan(5_000);
    const ref = { site: hostOf({ url }), issueId: '1', projectId: null };
    const hint = { id: `${ref.site}/1`, identifier: 'ENG-1', ref } as TicketHint;
    const away = { code: 'unavailable', account: ref.site };
    await expect(locate(sites, hint, anySignal())).rejects.toMatchObject(away);
    const named = { id: 'ENG-9', identifier: 'ENG-9', ref: null };
    await expect(findIssue(sites, named, { fields: [] }, anySignal())).rejects.toMatchObject(away);
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

test('where the gateway cannot be reached, a token for the site works, and one for the gateway says what is away', async () => {
  const elsewhere = { apiUrl: 'http://127.0.0.1:1' };
  expect(await open(token(), undefined, undefined, elsewhere).all(anySignal())).toHaveLength(2);
  const scoped = open(token({ scopes }), undefined, undefined, elsewhere);
  await expect(scoped.all(anySignal())).rejects.toMatchObject({
    ...{ code: 'unavailable', message: expect.stringContaining('asked by 127.0.0.1:1') },
  });
});
