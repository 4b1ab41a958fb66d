import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepConnections } from '../../src/app/connections.ts';
import { createApp, shippedAdapters } from '../../src/app.ts';
import { createLog } from '../../src/lib/log.ts';
import { beginInstall } from '../../src/trackers/jira/connecting/oauth-installs.ts';
import { clickThrough } from '../stand-ins/jira/oauth.ts';
import { freePort } from '../support/free-port.ts';
import { type JiraService, startJiraService } from '../support/jira-service.ts';

const callback = 'https://shipmate.example.com/oauth/jira/callback';
const app = { clientId: 'jira-client-id', clientSecret: 'jira-client-secret' };

const script = `
tickets:
  Fix the ship:
    - { until: revoked, calls: [{ tool: write, input: { path: two.txt, content: "two\\n" } }] }
    - calls: [{ tool: finish, input: { title: Add two, summary: Two is there. } }]
`;

let service: JiraService;
beforeAll(async () => {
  const port = await freePort();
  service = await startJiraService({
    script,
    files: { 'one.txt': 'one\n' },
    change(config) {
      const { jira } = config.trackers;
      const byConsent = jira && {
        ...{ ...jira, ...app, install: true, sites: [], email: null, apiToken: null, webhookSecrets: [] },
        ...{ authUrl: jira.apiUrl, webhookUrl: `http://127.0.0.1:${port}/webhooks/jira` },
      };
      return { ...config, http: { ...config.http, port }, trackers: { ...config.trackers, jira: byConsent } };
    },
  });
  service.jira.oauth.addApp({ ...app, redirectUris: [callback] });
  service.jira.site.webhooks.length = 0; // no admin has made one
});
afterAll(() => service?.stop());

/** The agent's account consents, as the page of `connect jira` has it, and its browser comes back to the service. */
async function consent(): Promise<string> {
  const { jira, database } = service;
  const { apiUrl, authUrl } = jira;
  const log = createLog({ level: 'silent', format: 'json', secrets: [] });
  const connections = keepConnections({ db: database.db, log }, 'jira');
  const { url } = await beginInstall({ ...app, apiUrl, authUrl, connections }, callback);
  const back = await fetch(`${service.url}/oauth/jira/callback${(await clickThrough(url)).search}`);
  return `${back.status} ${await back.text()}`;
}

const lost = async () =>
  (await service.database.pool.query("select lost from connections where kind = 'jira-grant'")).rows.map(
    (row) => row.lost,
  );

test('what is taken back in mid-run holds up what is to be said, and lets it out once when somebody consents again', async () => {
  const { jira } = service;
  const host = new URL(jira.site.url).host;
  expect(await consent()).toContain(`200 Shipmate is a member of ${host} now`);
  // With the consent come the webhooks, by which the service hears of what follows.
  expect(jira.site.webhooks.map(({ url }) => url)).toEqual(Array(2).fill(`${service.url}/webhooks/jira`));
  const issue = service.give('Fix the ship');
  await expect.poll(() => service.seen(issue).shown.length, { timeout: 30_000 }).toBe(1);
  await expect
    .poll(async () => (await service.app.sessions.view(issue.key))?.firstModelCallAt, { timeout: 30_000 })
    .toBeTruthy();

  const standIn = jira.oauth.apps.find(({ clientId }) => clientId === app.clientId);
  if (standIn) jira.oauth.disconnect(standIn);
  await service.letGo('revoked');
  await expect.poll(lost, { timeout: 30_000 }).toEqual([expect.stringContaining('unauthorized_client')]);
  const [first] = (await service.app.trackers.get('jira')?.check()) ?? [];
  expect(first).toMatchObject({ status: 'missing', message: expect.stringContaining('shipmate connect jira') });
  const health = async () => (await fetch(`${service.url}/health`)).json();
  await expect
    .poll(health, { timeout: 30_000 })
    .toMatchObject({ status: 'ok', closed: { [`tracker/jira/${host}`]: 'disconnected' } });
  const before = service.seen(issue);

  expect(await consent()).toContain('200');
  const view = await service.rest(issue.key);
  expect([view.state, view.unsent]).toEqual(['complete', []]);
  expect(await lost()).toEqual([null]);
  expect(await health()).not.toHaveProperty('closed');
  const after = service.seen(issue);
  expect(before.said.filter((text) => text.includes('Two is there'))).toEqual([]);
  expect([...after.said, ...after.shown].join('\n').match(/Two is there/g)).toHaveLength(1);
  expect(after.shown).toHaveLength(1);
});

test('a process that starts sees that the webhooks are there, and knows from its first moment whose account is ours', async () => {
  const { jira, bot, database } = service;
  const { pool } = database;
  jira.site.webhooks.length = 0;
  await pool.query("update schedules set ran_at = 'epoch' where name = 'upkeep of jira'");
  jira.faults.add({ operation: 'myself.getCurrentUser', action: { type: 'status', status: 503, commit: 'before' } });
  const log = createLog({ level: 'silent', format: 'json', secrets: [] });
  const second = await createApp(service.config, log, shippedAdapters);
  try {
    const { issue, told } = service.ada.create({ project: service.project, summary: 'For whom?', assignee: bot });
    expect(told).toEqual([]);
    const webhookEvent = 'jira:issue_created';
    const self = `${jira.site.url}/rest/api/2/issue/${issue.id}`;
    const fields = { summary: issue.summary, assignee: { accountId: bot.accountId } };
    const body = Buffer.from(
      JSON.stringify({ timestamp: Date.now(), webhookEvent, issue: { id: issue.id, key: issue.key, self, fields } }),
    );
    const tracker = second.trackers.get('jira');
    expect(tracker?.readEvents({ body } as never)).toMatchObject([{ type: 'sessionCreated' }]);
    await second.startWeb(false);
    await expect.poll(() => jira.site.webhooks.length, { timeout: 20_000 }).toBe(2);
  } finally {
    await second.stop();
    jira.faults.clear();
  }
});
