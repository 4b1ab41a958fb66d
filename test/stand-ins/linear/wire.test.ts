import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LinearClient } from '@linear/sdk';
import { LinearWebhookClient } from '@linear/sdk/webhooks';
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import { type Somebody, somebody } from './people.ts';
import { type Linear, startLinear } from './server.ts';
import { tellTeamAccess } from './tellings.ts';
import { checkPayload } from './webhooks.ts';
import { addTeam, addUser } from './workspace.ts';

let linear: Linear;
let client: LinearClient;
let ada: Somebody;
let teamId: string;

beforeAll(async () => {
  linear = await startLinear({ requestsPerHour: 300 });
  client = new LinearClient({ accessToken: linear.token, apiUrl: linear.url });
  teamId = addTeam(linear.workspace, { key: 'ENG', name: 'Engineering' }).id;
  ada = somebody(linear.workspace, addUser(linear.workspace, 'Ada'), linear.baseUrl);
});
afterEach(() => {
  linear.faults.clear();
  linear.outbox.urls.length = 0;
});
afterAll(async () => {
  await linear.close();
});

async function ask(query: string, variables: object = {}, token = linear.token) {
  const answer = await fetch(linear.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json');
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}

const create = 'mutation ($input: IssueCreateInput!) { issueCreate(input: $input) { issue { id title } } }';
const titled = (title: string) =>
  [...linear.workspace.tables.Issue.values()].filter((issue) => issue.title === title).length;

test('what is wrong with a request is said as Linear says it', async ({ expect }) => {
  const said = async (asked: ReturnType<typeof ask>) => {
    const { status, body } = await asked;
    return [status, body.errors[0].extensions.code, body.errors[0].extensions.type];
  };
  expect(await said(ask('{ viewer {'))).toEqual([400, 'GRAPHQL_PARSE_FAILED', 'graphql error']);
  expect(await said(ask('{ viewer { mood } }'))).toEqual([400, 'GRAPHQL_VALIDATION_FAILED', 'graphql error']);
  const wrong = { input: { teamId, title: 'x', mood: 'good' } };
  expect(await said(ask(create, wrong))).toEqual([400, 'BAD_USER_INPUT', 'graphql error']);
  expect(await said(ask('{ viewer { id } }', {}, 'no-token'))).toEqual([
    401,
    'AUTHENTICATION_ERROR',
    'authentication error',
  ]);
  expect(await said(ask('{ issue(id: "ENG-999") { id } }'))).toEqual([200, 'INPUT_ERROR', 'invalid input']);
  expect(await said(ask('{ rateLimitStatus { kind } }'))).toEqual([200, 'INTERNAL_SERVER_ERROR', 'internal error']);
  const issues = 'issues(first: 100) { nodes { comments(first: 100) { nodes { id } } } }';
  expect(await said(ask(`{ ${issues} }`))).toEqual([400, 'INPUT_ERROR', 'invalid input']);
});

test('mutations of one document are done in their order, up to the one that is refused', async ({ expect }) => {
  linear.faults.add({ field: 'issueCreate', nth: 2, action: { type: 'invalid', why: 'Not today.' } });
  const one = (alias: string) => `${alias}: issueCreate(input: { teamId: "${teamId}", title: "${alias}" }) { success }`;
  const { status, body } = await ask(`mutation { ${one('first')} ${one('second')} ${one('third')} }`);
  expect([status, body.data, body.errors[0].path]).toEqual([200, null, ['second']]);
  expect(body.errors[0].extensions.userPresentableMessage).toBe('Not today.');
  expect(['first', 'second', 'third'].map(titled)).toEqual([1, 0, 0]);
});

test('a request costs what its document may bring, and the hour has a budget', async ({ expect }) => {
  const { headers } = await ask('{ viewer { id name } teams(first: 10) { nodes { id } } }');
  expect(headers.get('x-complexity')).toBe('12.2');
  const left = Number(headers.get('x-ratelimit-requests-remaining'));
  expect(headers.get('x-ratelimit-requests-limit')).toBe('300');
  const { headers: next } = await ask('{ viewer { id } }');
  expect(Number(next.get('x-ratelimit-requests-remaining'))).toBe(left - 1);
  expect(Number(next.get('x-ratelimit-requests-reset'))).toBeGreaterThan(linear.clock.now());
  for (const [shape, type] of [
    ['code', 'Unknown'],
    ['type', 'Ratelimited'],
  ] as const) {
    linear.faults.add({ nth: 1, action: { type: 'rateLimit', shape, ms: 60_000 } });
    await expect(client.viewer).rejects.toMatchObject({ type });
    const refused = await ask('{ viewer { id } }');
    expect([refused.status, refused.headers.get('x-ratelimit-requests-remaining')]).toEqual([400, '0']);
    linear.clock.advance(60_000);
    expect((await client.viewer).id).toBe(linear.workspace.appUser.id);
    linear.faults.clear();
  }
});

test('an answer may be lost on the way, or come before its time', async ({ expect }) => {
  const draft = (title: string) => ({ input: { teamId, title } });
  const failing = (action: Parameters<Linear['faults']['add']>[0]['action']) => {
    linear.faults.clear();
    linear.faults.add({ field: 'issueCreate', nth: 1, action } as never);
  };
  failing({ type: 'status', status: 502, commit: 'before' });
  expect((await ask(create, draft('before'))).status).toBe(502);
  failing({ type: 'status', status: 500, commit: 'after' });
  expect((await ask(create, draft('after'))).status).toBe(500);
  failing({ type: 'loseReply' });
  await expect(ask(create, draft('lost'))).rejects.toThrow('fetch failed');
  expect(['before', 'after', 'lost'].map(titled)).toEqual([0, 1, 1]);

  failing({ type: 'hide', ms: 5_000 });
  const { body } = await ask(create, draft('hidden'));
  const { id } = body.data.issueCreate.issue;
  const seen = async () => (await ask(`{ issues(filter: { title: { eq: "hidden" } }) { nodes { id } } }`)).body.data;
  expect(await seen()).toEqual({ issues: { nodes: [] } });
  expect((await ask(`{ issue(id: "${id}") { id } }`)).body.data).toBe(null);
  linear.clock.advance(5_000);
  expect(await seen()).toEqual({ issues: { nodes: [{ id }] } });

  const token = linear.oauth.issue(linear.workspace.organizationId).value;
  linear.faults.add({ field: 'viewer', nth: 1, action: { type: 'revoke' } });
  expect((await ask('{ viewer { id } }', {}, token)).status).toBe(401);
  expect((await ask('{ viewer { id } }', {}, token)).status).toBe(401);
  expect((await ask('{ viewer { id } }')).status).toBe(200);
});

test('what a token may not do is forbidden', async ({ expect }) => {
  const reader = linear.oauth.issue(linear.workspace.organizationId, ['read']).value;
  const refused = async (query: string, token: string) => (await ask(query, {}, token)).body.errors[0].extensions.code;
  const begin = 'mutation { agentSessionCreateOnIssue(input: { issueId: "ENG-1" }) { success } }';
  const change = 'mutation { issueUpdate(id: "ENG-1", input: { title: "x" }) { success } }';
  expect(await refused(change, reader)).toBe('FORBIDDEN');
  const writer = linear.oauth.issue(linear.workspace.organizationId, ['read', 'write']).value;
  expect(await refused(begin, writer)).toBe('FORBIDDEN');
  expect((await ask('{ viewer { isAssignable } }', {}, writer)).body.data).toEqual({ viewer: { isAssignable: false } });
  ada.create({ teamId, title: 'Ordered' });
  expect(await refused('{ issue(id: "ENG-1") { needs { nodes { id } } } }', writer)).toBe('FORBIDDEN');
});

/** Somebody who listens, and answers so. */
async function listen(status: () => number) {
  const got: { id: string; type: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    got.push({
      id: String(request.headers['linear-delivery']),
      type: JSON.parse(Buffer.concat(chunks).toString()).type,
    });
    response.writeHead(status()).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => server.close() };
}

test('webhooks are signed as the SDK checks it, and of the shape that the schema says', async ({ expect }) => {
  // The SDK goes by the time of day, which the tests before have left behind.
  const { workspace, outbox, baseUrl, close } = await startLinear();
  const team = addTeam(workspace, { key: 'ENG', name: 'Engineering' });
  const bob = somebody(workspace, addUser(workspace, 'Bob'), baseUrl);
  const issue = bob.create({ teamId: team.id, title: 'Told', description: 'All of it.' });
  bob.delegate(issue.id);
  bob.say(issue.id, 'Please');
  bob.undelegate(issue.id);
  bob.change(issue.id, { trashed: true });
  tellTeamAccess(workspace, { added: [team.id] });
  const { told } = outbox;
  const kinds = told.map(({ payload: { type, action } }) => `${type} ${action}`);
  expect(kinds).toEqual([
    'Issue create',
    'Issue update',
    'AppUserNotification issueAssignedToYou',
    'AgentSessionEvent created',
    'Comment create',
    'AgentSessionEvent prompted',
    'Issue update',
    'AppUserNotification issueUnassignedFromYou',
    'Issue remove',
    'PermissionChange teamAccessChanged',
  ]);
  expect(told[1]?.payload).toMatchObject({
    actor: { type: 'user', id: bob.user.id },
    data: { delegateId: workspace.appUser.id, delegate: { name: 'Shipmate' } },
    updatedFrom: { delegateId: null, assigneeId: null },
  });
  const webhooks = new LinearWebhookClient(outbox.secret);
  for (const { headers, body } of told)
    expect(webhooks.verify(body, headers['linear-signature'] ?? '', undefined as never)).toBe(true);
  expect(new Set(told.map(({ headers }) => headers['linear-delivery'])).size).toBe(told.length);
  const { payload } = told[3] ?? {};
  const broken = { ...(payload as object), agentSession: { id: 1 }, mood: 'good' };
  expect(() => checkPayload('AgentSessionEventWebhookPayload', broken)).toThrow(/mood is unknown.*id is no String/);
  await close();
});

test('a delivery is sent again until somebody says 200, after a minute, an hour, six', async ({ expect }) => {
  let status = 503;
  const listener = await listen(() => status);
  linear.outbox.urls.push(listener.url);
  ada.create({ teamId, title: 'Sent' });
  const waits = [0, 60_000, 3_600_000, 6 * 3_600_000, 24 * 3_600_000];
  for (const [index, wait] of waits.entries()) {
    linear.clock.advance(wait);
    await expect.poll(() => listener.got.length).toBe(Math.min(index + 1, 4));
    await expect.poll(() => linear.outbox.waiting()).toBe(0);
  }
  expect(new Set(listener.got.map(({ id }) => id)).size).toBe(1);

  status = 200;
  listener.got.length = 0;
  linear.faults.add({ delivery: 'Issue', nth: 1, action: { type: 'drop' } });
  linear.faults.add({ delivery: 'Issue', nth: 2, action: { type: 'repeat', times: 2 } });
  linear.faults.add({ delivery: '*', nth: 3, action: { type: 'late', ms: 90_000 } });
  for (const title of ['dropped', 'repeated', 'late']) ada.create({ teamId, title });
  await expect.poll(() => listener.got.length).toBe(3);
  linear.clock.advance(90_000);
  await expect.poll(() => listener.got.length).toBe(4);
  linear.clock.advance(24 * 3_600_000);
  await expect.poll(() => linear.outbox.waiting()).toBe(0);
  expect(listener.got).toHaveLength(4);
  listener.close();
});
