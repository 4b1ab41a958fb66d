import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCloudClient } from 'jira.js';
import { createClient } from 'jira.js/core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Token, usualScopes } from './oauth.ts';
import { somebody } from './people.ts';
import { addProject, deny } from './projects.ts';
import { type Jira, startJira } from './server.ts';
import { addWebhook } from './webhook-routes.ts';

let jira: Jira;
beforeAll(async () => {
  jira = await startJira({ language: 'de' });
});
afterEach(() => jira.expectClean());
afterAll(() => jira.close());

/** Somebody who listens, and answers so. */
async function listen(status: () => number) {
  const got: Record<string, string>[] = [];
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    got.push(request.headers as Record<string, string>);
    response.writeHead(status()).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => server.close() };
}

test('what happens is told in the older markup, signed, with names of fields that go by the language', () => {
  const { site, outbox } = jira;
  const [ada, bot] = [somebody(site, site.addUser('Ada')), site.addUser('Shipmate')];
  const project = addProject(site, { key: 'ENG', name: 'Engineering' });
  const webhook = addWebhook(site, { jqlFilter: 'project = ENG' });
  const other = addProject(site, { key: 'OPS', name: 'Operations' });
  ada.create({ project: other, summary: 'Not told' });
  expect(outbox.told).toEqual([]);
  const { issue } = ada.create({ project, summary: 'Told', description: 'All\n\nof it.' });
  const given = ada.assign(issue.key, bot).delivery('jira:issue_updated', 'issue_assigned');
  expect(given.payload).toMatchObject({
    timestamp: expect.any(Number),
    user: { accountId: ada.user.accountId, accountType: 'atlassian' },
    issue: {
      id: issue.id,
      key: 'ENG-1',
      fields: { description: 'All\n\nof it.', assignee: { accountId: bot.accountId } },
    },
    changelog: {
      items: [
        { field: 'Zugewiesene Person', fieldId: 'assignee', from: null, to: bot.accountId, toString: 'Shipmate' },
      ],
    },
  });
  const hmac = createHmac('sha256', webhook.secret ?? '')
    .update(given.body)
    .digest('hex');
  expect(given.headers['x-hub-signature']).toBe(`sha256=${hmac}`);
  const said = ada.mention(issue.key, bot, 'please');
  expect(said.told.map(({ event }) => event)).toEqual(['comment_created', 'jira:issue_updated']);
  expect(said.delivery('comment_created').payload).toMatchObject({
    comment: { body: `[~accountid:${bot.accountId}] please` },
    issue: { key: 'ENG-1' },
  });
  expect(said.delivery('comment_created').payload).not.toHaveProperty('user');
  const moved = ada.move(issue.key, 'Done').delivery('jira:issue_updated').payload;
  expect(moved).toMatchObject({ changelog: { items: [{ fieldId: 'status' }, { fieldId: 'resolution' }] } });
  expect(
    ada.attach(issue.key, 'a.txt', 'text/plain', new Uint8Array()).delivery('jira:issue_updated').payload,
  ).toMatchObject({ changelog: { items: [{ fieldId: 'attachment' }] } });
  expect(ada.delete(issue.key).told.map(({ event }) => event)).toEqual(['jira:issue_deleted']);
  expect(new Set(outbox.told.map(({ headers }) => headers['x-atlassian-webhook-identifier'])).size).toBe(
    outbox.told.length,
  );
});

test('a delivery is sent again where that may help, out of order, late and twice where a test says so', async () => {
  const { site, clock, outbox, faults } = jira;
  let status = 503;
  const listener = await listen(() => status);
  const ada = somebody(site, site.addUser('Ada B'));
  const project = addProject(site, { key: 'SENT', name: 'Sent' });
  addWebhook(site, {
    url: listener.url,
    events: ['jira:issue_created', 'jira:issue_deleted'],
    jqlFilter: 'project = SENT',
  });
  ada.create({ project, summary: 'Again' });
  for (let attempt = 1; attempt <= 8; attempt++) {
    await expect.poll(() => listener.got.length).toBe(Math.min(attempt, 6));
    await expect.poll(() => outbox.waiting()).toBe(0);
    clock.advance(15 * 60_000);
  }
  const of = (name: string) => listener.got.map((headers) => headers[name]);
  expect(of('x-atlassian-webhook-retry')).toEqual([undefined, '1', '2', '3', '4', '5']);
  expect(new Set(of('x-atlassian-webhook-identifier')).size).toBe(1);

  listener.got.length = 0;
  status = 404;
  ada.create({ project, summary: 'Refused' });
  await expect.poll(() => listener.got.length).toBe(1);
  await expect.poll(() => outbox.waiting()).toBe(0);
  clock.advance(15 * 60_000);
  status = 200;
  listener.got.length = 0;
  outbox.hold();
  const held = ['a', 'b'].flatMap((summary) => ada.create({ project, summary }).told);
  faults.add({ delivery: 'jira:issue_created', nth: 1, action: { type: 'late', ms: 60_000 } });
  faults.add({ delivery: 'jira:issue_created', nth: 2, action: { type: 'repeat', times: 1 } });
  outbox.release((all) => all.toReversed());
  const ids = held
    .filter(({ webhook }) => webhook.url !== null)
    .map(({ headers }) => headers['x-atlassian-webhook-identifier']);
  await expect.poll(() => of('x-atlassian-webhook-identifier')).toEqual([ids[0], ids[0]]);
  clock.advance(60_000);
  await expect.poll(() => of('x-atlassian-webhook-identifier')).toEqual([ids[0], ids[0], ids[1]]);
  await expect.poll(() => outbox.waiting()).toBe(0);
  faults.clear();
  listener.close();
});

test("an app's webhooks are five, end after 30 days, and carry a token signed with the app's secret", async () => {
  const { site, oauth, clock, outbox } = jira;
  const bot = site.addUser('App user');
  const app = oauth.addApp();
  const token = {
    kind: 'oauth' as const,
    value: 'an-access-token',
    user: bot,
    scopes: new Set(usualScopes),
    sites: [site],
    app,
    expiresAt: Number.POSITIVE_INFINITY,
    isRevoked: false,
  } satisfies Token;
  oauth.tokens.push({ ...token });
  const { webhooks } = createCloudClient(
    createClient({
      host: jira.gatewayOf(site),
      auth: { type: 'bearer', token: token.value },
      onSchemaMismatch: 'throw',
    }),
  );
  const register = (...filters: string[]) =>
    webhooks.registerDynamicWebhooks({
      url: 'https://shipmate.example/hook',
      webhooks: filters.map((jqlFilter) => ({
        events: ['jira:issue_updated', 'comment_created'],
        jqlFilter,
        fieldIdsFilter: ['status'],
      })),
    });
  const project = addProject(site, { key: 'HOOK', name: 'Hooks' });
  const { webhookRegistrationResult: made = [] } = await register(
    'project = HOOK',
    'text ~ x',
    ...Array(5).fill('project = ENG'),
  );
  expect(made.map(({ errors }) => errors?.[0])).toEqual([
    undefined,
    'The clause text is unsupported',
    undefined,
    undefined,
    undefined,
    undefined,
    expect.stringMatching(/limit of 5/),
  ]);
  for (const { url } of site.webhooks.filter((each) => each.app)) expect(url).toBe('https://shipmate.example/hook');
  for (const webhook of site.webhooks) webhook.url = null;

  const ada = somebody(site, site.addUser('Ada C'));
  const { issue } = ada.create({ project, summary: 'One' });
  const own = () => outbox.told.filter(({ webhook }) => webhook.app).map(({ event }) => event);
  ada.change(issue.key, { summary: 'Not the status' });
  ada.move(issue.key, 'Done');
  expect(own()).toEqual(['jira:issue_updated']);
  const delivery = outbox.told.find(({ webhook }) => webhook.app);
  expect(delivery?.payload.matchedWebhookIds).toEqual([made[0]?.createdWebhookId]);
  const [head, claims, signature] = (delivery?.headers.authorization ?? '').replace('Bearer ', '').split('.');
  expect(signature).toBe(createHmac('sha256', app.clientSecret).update(`${head}.${claims}`).digest('base64url'));
  expect(delivery?.headers).not.toHaveProperty('x-hub-signature');

  clock.advance(29 * 86_400_000);
  const webhookIds = [made[0]?.createdWebhookId ?? 0];
  const { expirationDate } = await webhooks.refreshWebhooks({ webhookIds });
  clock.advance(2 * 86_400_000);
  const { values } = await webhooks.getDynamicWebhooksForApp();
  expect(values?.map(({ id, expirationDate: until }) => [id, until])).toEqual([[webhookIds[0], expirationDate]]);
  deny(project, bot, 'BROWSE_PROJECTS');
  ada.move(issue.key, 'To Do');
  expect(own()).toHaveLength(1);
  await webhooks.deleteWebhookById({ webhookIds });
  expect((await webhooks.getDynamicWebhooksForApp()).values).toEqual([]);
});

test('an administrator makes webhooks over REST, and nobody else', async () => {
  const { site, oauth } = jira;
  const [admin, bot] = [site.addUser('Admin', { isAdmin: true }), site.addUser('No admin')];
  const post = async (user: typeof bot, body: unknown) => {
    const basic = Buffer.from(`${user.emailAddress}:${oauth.addApiToken(site, user).value}`).toString('base64');
    const answer = await fetch(`${site.url}/rest/webhooks/1.0/webhook`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer.status;
  };
  const wanted = {
    name: 'Shipmate',
    url: 'https://shipmate.example/webhooks/jira',
    events: ['jira:issue_updated'],
    secret: 's',
  };
  expect(await post(bot, wanted)).toBe(403);
  expect(await post(admin, { ...wanted, url: 'no url' })).toBe(400);
  expect(await post(admin, wanted)).toBe(201);
  expect(site.webhooks.at(-1)).toMatchObject({ url: wanted.url, secret: 's', expiresAt: null });
  for (const webhook of site.webhooks) webhook.url = null;
});
