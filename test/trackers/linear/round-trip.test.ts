import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openConnectDesk } from '../../../src/app/connecting.ts';
import type { Config } from '../../../src/config.ts';
import { loadConfig } from '../../../src/config.ts';
import { createLog } from '../../../src/lib/log.ts';
import { signatureMatches } from '../../../src/lib/signature.ts';
import { noteRefusedWebhook } from '../../../src/store/connections.ts';
import { addDelivery } from '../../../src/store/deliveries.ts';
import { linear as linearDefinition } from '../../../src/trackers/linear/definition.ts';
import { type Linear, startLinear } from '../../stand-ins/linear/server.ts';
import { addTeam, addUser } from '../../stand-ins/linear/workspace.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const { signal } = new AbortController();
const log = createLog({ level: 'silent', format: 'json', secrets: [] });
const webhookSecret = 'the-signing-secret-of-the-app';

let database: TestDatabase;
let linear: Linear;
let receiver: Server;
beforeEach(async () => {
  [database, linear] = await Promise.all([createTestDatabase(), startLinear({ webhookSecret })]);
  addTeam(linear.workspace, { key: 'ENG', name: 'Engineering' });
  addTeam(linear.workspace, { key: 'OPS', name: 'Operations' });
  receiver = createServer((_request, response) => response.writeHead(404).end());
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  receiver.close();
  await linear.close();
  await database.drop();
});

/** What the running service does with webhooks, as far as the check can see it. */
function receive({ isLate = false } = {}): void {
  receiver.removeAllListeners('request').on('request', async (request, response) => {
    if (request.method === 'GET') return void response.end('{"status":"ok"}');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const headers = request.headers as Record<string, string>;
    const isOurs = signatureMatches(webhookSecret, body, headers['linear-signature']);
    const deliveryId = headers['linear-delivery'] ?? '';
    const kept = isOurs
      ? addDelivery(database.pool, { source: 'linear', deliveryId, headers, body }, { isLate })
      : noteRefusedWebhook(database.db, 'linear');
    await kept.catch(() => {}); // what comes after the test's end is nobody's
    response.writeHead(isOurs ? 200 : 401).end();
  });
}

const receiverUrl = () => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;

/** What the check says of each step, and the remedies. */
async function check(
  options: { token?: string; waitMs?: number; team?: string; publicUrl?: string; signal?: AbortSignal } = {},
) {
  const env = {
    DATABASE_URL: database.url,
    LINEAR_API_URL: linear.url,
    LINEAR_WEBHOOK_SECRET: webhookSecret,
    ...(options.token === undefined
      ? { LINEAR_CLIENT_ID: 'linear-client-id', LINEAR_CLIENT_SECRET: 'linear-client-secret' }
      : { LINEAR_ACCESS_TOKEN: options.token }),
  };
  const loaded = loadConfig({ cwd: '/', env });
  const config: Config = { ...loaded, http: { ...loaded.http, publicUrl: options.publicUrl ?? receiverUrl() } };
  if (config.trackers.linear && options.team) config.trackers.linear.team = options.team;
  const { desk, close } = await openConnectDesk(config, log, linearDefinition);
  try {
    if (!desk) throw new Error('Linear is off');
    const account = linear.workspace.organizationId;
    const checks = await desk.check({
      account,
      signal: options.signal ?? signal,
      waitMs: options.waitMs ?? 5_000,
    });
    return checks.map(({ name, status, message, remedy }) => ({ name, status, text: `${message} ${remedy ?? ''}` }));
  } finally {
    await close();
  }
}

const issues = () => [...linear.workspace.tables.Issue.values()];
const isTidy = () => issues().every(({ archivedAt }) => archivedAt != null);
const lastBut = (checks: Awaited<ReturnType<typeof check>>) => checks.filter(({ name }) => name !== 'clean-up').at(-1);

test('a workspace in which everything is set up', async () => {
  receive();
  linear.outbox.urls.push(receiverUrl());
  const checks = await check({ team: 'ops' });
  expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'token ok',
    'ticket ok',
    'delegate ok',
    'activity ok',
    'webhooks ok',
    'clean-up ok',
  ]);
  expect(issues()).toMatchObject([{ identifier: 'OPS-1', delegateId: linear.workspace.appUser.id }]);
  expect(isTidy()).toBe(true);
});

describe('what is wrong is told apart', () => {
  test('a token that is refused', async () => {
    expect(lastBut(await check({ token: 'lin_oauth_gone' }))).toMatchObject({
      name: 'token',
      status: 'missing',
      text: expect.stringMatching(/LINEAR_ACCESS_TOKEN/),
    });
  });

  test('a scope that is missing', async () => {
    const { value } = linear.oauth.issue(linear.workspace.organizationId, ['read']);
    expect(lastBut(await check({ token: value }))).toMatchObject({
      name: 'ticket',
      status: 'missing',
      text: expect.stringMatching(/scope is missing.*issues:create/),
    });
  });

  test('an app that cannot be given tickets', async () => {
    const { value } = linear.oauth.issue(linear.workspace.organizationId, ['read', 'write', 'issues:create']);
    linear.faults.add({ field: 'issueUpdate', action: { type: 'invalid', why: 'delegateId must be assignable' } });
    expect(lastBut(await check({ token: value }))).toMatchObject({
      name: 'delegate',
      status: 'missing',
      text: expect.stringMatching(/app:assignable/),
    });
    expect(isTidy()).toBe(true);
  });

  test('an app that takes no agent sessions', async () => {
    const why = 'Agent sessions are not enabled for this application.';
    linear.faults.add({ field: 'agentSessionCreateOnIssue', action: { type: 'invalid', why } });
    expect(lastBut(await check())).toMatchObject({
      name: 'session',
      status: 'missing',
      text: expect.stringMatching(/takes no agent sessions.*"Agent session events".*authorize the app again/),
    });
    expect(isTidy()).toBe(true);
  });

  test('webhooks that go nowhere, although the address is ours', async () => {
    receive();
    expect(lastBut(await check({ waitMs: 0 }))).toMatchObject({
      name: 'webhooks',
      status: 'missing',
      text: expect.stringMatching(/none arrived .* leads to Shipmate.*Set the webhook URL .*\/webhooks\/linear/),
    });
    expect(isTidy()).toBe(true);
  });

  test('an address at which something else answers, or nothing', async () => {
    expect(lastBut(await check({ waitMs: 0 }))?.text).toMatch(/something else answers .*HTTP 404.*reverse proxy/);
    const nowhere = { waitMs: 0, publicUrl: 'http://127.0.0.1:1' };
    expect(lastBut(await check(nowhere))?.text).toMatch(/cannot be reached \(.+\).*Start the service/);
  });

  test('a signature that does not match', async () => {
    receive();
    linear.outbox.urls.push(receiverUrl());
    linear.outbox.secret = 'another-signing-secret';
    expect(lastBut(await check())).toMatchObject({
      name: 'webhooks',
      status: 'missing',
      text: expect.stringMatching(/signature does not match.*LINEAR_WEBHOOK_SECRET/),
    });
  });

  test('webhooks of tickets, and none of the agent session', async () => {
    receive();
    linear.outbox.urls.push(receiverUrl());
    linear.faults.add({ delivery: 'AgentSessionEvent', action: { type: 'drop' } });
    expect(lastBut(await check({ waitMs: 1_500 }))).toMatchObject({
      name: 'webhooks',
      status: 'missing',
      text: expect.stringMatching(/they arrive \(.*Issue.*\), but none of the agent session.*"Agent session events"/),
    });
  });

  test('webhooks that are taken for old ones, by the clock here', async () => {
    receive({ isLate: true });
    linear.outbox.urls.push(receiverUrl());
    expect(lastBut(await check())).toMatchObject({
      name: 'webhooks',
      status: 'missing',
      text: expect.stringMatching(/signed more than a minute before.*the clock of the machine/),
    });
  });

  test("a person's own key", async () => {
    const ada = addUser(linear.workspace, 'Ada');
    const { value } = linear.oauth.issueKey(linear.workspace.organizationId, ada.id);
    expect(lastBut(await check({ token: value }))).toMatchObject({
      name: 'token',
      status: 'missing',
      text: expect.stringMatching(/of "Ada", a person.*LINEAR_CLIENT_ID/),
    });
    expect(issues()).toEqual([]);
  });

  test.each(['code', 'type'] as const)('a budget that is used up, told by its %s', async (shape) => {
    linear.faults.add({ field: 'issueUpdate', nth: 1, action: { type: 'rateLimit', shape, ms: 500 } });
    expect(lastBut(await check())).toMatchObject({
      name: 'delegate',
      status: 'missing',
      text: expect.stringMatching(/asks us to wait.*Nothing is wrong with the connection/),
    });
    expect(isTidy()).toBe(true);
  });

  test('something between that answers in place of Linear', async () => {
    linear.faults.add({ field: 'issueUpdate', nth: 1, action: { type: 'status', status: 502, commit: 'before' } });
    expect(lastBut(await check())).toMatchObject({
      name: 'delegate',
      text: expect.stringMatching(/^Linear answered HTTP 502.*proxy/),
    });
    expect(isTidy()).toBe(true);
  });

  test('a team that the app does not see', async () => {
    expect(lastBut(await check({ team: 'XYZ' }))?.text).toMatch(/no team "XYZ"; it sees (ENG, OPS|OPS, ENG)/);
    expect(issues()).toEqual([]);
  });
});

describe('the test ticket is archived', () => {
  test.each([
    ['its filing was answered with an error', { type: 'status', status: 503, commit: 'after' }, 'issueCreate'],
    ['the answer was lost', { type: 'loseReply' }, 'issueCreate'],
    ['it could not be read back', { type: 'status', status: 503, commit: 'before' }, 'issue'],
  ] as const)('although %s', async (_, action, field) => {
    linear.faults.add({ field, nth: 1, action });
    expect((await check()).slice(1)).toMatchObject([
      { name: 'ticket', status: 'missing' },
      { name: 'clean-up', status: 'ok', text: expect.stringContaining('the test ticket was archived') },
    ]);
    expect(issues()).toHaveLength(1);
    expect(isTidy()).toBe(true);
  });

  test('although people pressed Ctrl-C while it was filed', async () => {
    const interrupted = new AbortController();
    linear.faults.add({ field: 'issueCreate', action: { type: 'late', ms: 300 } });
    const checking = check({ signal: interrupted.signal });
    await expect.poll(() => linear.requests.some(({ fields }) => fields?.includes('issueCreate'))).toBe(true);
    interrupted.abort(new Error('interrupted'));
    expect((await checking).slice(1)).toMatchObject([
      { name: 'ticket', text: expect.stringContaining('stopped') },
      { name: 'clean-up', status: 'ok' },
    ]);
    expect(issues()).toHaveLength(1);
    expect(isTidy()).toBe(true);
  });

  test('where Linear cannot at first, and not looked for where it was never filed', async () => {
    linear.faults.add({ field: 'issueArchive', nth: 1, action: { type: 'status', status: 503, commit: 'before' } });
    expect((await check({ waitMs: 0 })).at(-1)).toMatchObject({ name: 'clean-up', status: 'ok' });
    expect(isTidy()).toBe(true);
    linear.faults.add({ field: 'issueCreate', action: { type: 'status', status: 503, commit: 'before' } });
    expect((await check()).map(({ name }) => name)).toEqual(['token', 'ticket']);
  });
});
