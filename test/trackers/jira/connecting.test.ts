import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openConnectDesk } from '../../../src/app/connecting.ts';
import { loadConfig } from '../../../src/config.ts';
import { createLog } from '../../../src/lib/log.ts';
import { noteRefusedWebhook } from '../../../src/store/connections.ts';
import { addDelivery } from '../../../src/store/deliveries.ts';
import { jira as jiraDefinition } from '../../../src/trackers/jira/definition.ts';
import { verifyDelivery } from '../../../src/trackers/jira/reading/verify-delivery.ts';
import { clickThrough } from '../../stand-ins/jira/oauth.ts';
import { addProject, deny } from '../../stand-ins/jira/projects.ts';
import type { Project, User } from '../../stand-ins/jira/rows.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { addWebhook } from '../../stand-ins/jira/webhook-routes.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const { signal } = new AbortController();
const log = createLog({ level: 'silent', format: 'json', secrets: [] });
const webhookSecret = 'the-secret-of-the-webhook';

let database: TestDatabase;
let jira: Jira;
let bot: User;
let project: Project;
let receiver: Server;
let dir: string;
/** What the service believes that deliveries are signed with. */
let secrets: { webhooks: string[]; apps: string[] };
beforeEach(async () => {
  [database, jira] = await Promise.all([createTestDatabase(), startJira()]);
  bot = jira.site.addUser('Shipmate', { isServiceAccount: true });
  project = addProject(jira.site, { key: 'ENG', name: 'Engineering' });
  addProject(jira.site, { key: 'OPS', name: 'Operations' });
  secrets = { webhooks: [webhookSecret], apps: [] };
  dir = await mkdtemp(join(tmpdir(), 'shipmate-jira-'));
  receiver = createServer((_request, response) => response.writeHead(404).end());
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  jira.expectClean();
  receiver.close();
  await rm(dir, { recursive: true, force: true });
  await jira.close();
  await database.drop();
});

const baseUrl = () => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
const hookUrl = () => `${baseUrl()}/webhooks/jira`;

/** What the running service does with webhooks, as far as the check can see it. */
function receive({ isLate = false } = {}): void {
  receiver.removeAllListeners('request').on('request', async (request, response) => {
    if (request.method === 'GET') return void response.end('{"status":"ok"}');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const headers = request.headers as Record<string, string>;
    let status = 200;
    try {
      const { deliveryId } = verifyDelivery(secrets, headers, body, Date.now());
      await addDelivery(database.pool, { source: 'jira', deliveryId, headers, body }, { isLate });
    } catch {
      status = 401;
      await noteRefusedWebhook(database.db, 'jira').catch(() => {}); // what comes after the test's end is nobody's
    }
    response.writeHead(status).end();
  });
}

interface Setting {
  token?: string;
  env?: Record<string, string>;
  yaml?: Record<string, unknown>;
  publicUrl?: string | null;
}

const byToken = (token?: string) => ({
  JIRA_BASE_URL: jira.site.url,
  JIRA_EMAIL: bot.emailAddress,
  JIRA_API_TOKEN: token ?? jira.oauth.addApiToken(jira.site, bot).value,
});

/** By the settings that people make. */
async function openDesk({ token, env = byToken(token), yaml = {}, publicUrl = baseUrl() }: Setting) {
  const places = { DATABASE_URL: database.url, JIRA_API_URL: jira.apiUrl, JIRA_AUTH_URL: jira.authUrl };
  const signing = 'JIRA_API_TOKEN' in env ? { JIRA_WEBHOOK_SECRET: webhookSecret } : {};
  const named = publicUrl === null ? {} : { http: { publicUrl: 'https://shipmate.example.com' } };
  await writeFile(join(dir, 'shipmate.yaml'), JSON.stringify({ ...named, trackers: { jira: yaml } }));
  const config = loadConfig({ cwd: dir, env: { ...places, ...signing, ...env } });
  // The real one has to be an https address.
  const jiraHere = config.trackers.jira && {
    ...config.trackers.jira,
    webhookUrl: config.trackers.jira.webhookUrl && hookUrl(),
  };
  const here = {
    ...config,
    http: { ...config.http, publicUrl },
    trackers: { ...config.trackers, jira: jiraHere },
  };
  return openConnectDesk(here, log, jiraDefinition);
}

/** What the check says of each step, and the remedies. */
async function check(options: Setting & { waitMs?: number; signal?: AbortSignal } = {}) {
  const { desk, close } = await openDesk(options);
  try {
    if (!desk) throw new Error('Jira is off');
    const [account] = await desk.accounts(signal);
    const waitMs = options.waitMs ?? 5_000;
    const checks = await desk.check({ account: account?.id ?? '', signal: options.signal ?? signal, waitMs });
    return checks.map(({ name, status, message, remedy }) => ({ name, status, text: `${message} ${remedy ?? ''}` }));
  } finally {
    await close();
  }
}

const issues = () => [...jira.site.issues.values()];
const lastBut = (checks: Awaited<ReturnType<typeof check>>) => checks.filter(({ name }) => name !== 'clean-up').at(-1);
const steps = (checks: Awaited<ReturnType<typeof check>>) => checks.map(({ name, status }) => `${name} ${status}`);
const allWell = ['account ok', 'ticket ok', 'assign ok', 'comment ok', 'webhooks ok', 'clean-up ok'];

describe('a site in which everything is set up', () => {
  test('with a scoped token of a service account, and a webhook of an admin', async () => {
    receive();
    addWebhook(jira.site, { url: hookUrl(), secret: webhookSecret });
    const scopes = ['read:jira-work', 'write:jira-work', 'read:jira-user'];
    const { value } = jira.oauth.addApiToken(jira.site, bot, { scopes });
    const checks = await check({ token: value, yaml: { project: 'ops' } });
    expect(steps(checks)).toEqual(allWell);
    expect(checks[1]?.text).toContain('OPS-1 was filed in Operations');
    expect(issues()).toEqual([]);
    expect((await database.pool.query('select from deliveries')).rowCount).toBeGreaterThan(2);
  });

  test('asked every some seconds: no webhook is waited for', async () => {
    const checks = await check({ publicUrl: null });
    expect(steps(checks)).toEqual(allWell);
    expect(checks[4]?.text).toContain('asked every 15 s');
  });

  test('by OAuth, with webhooks that it registers itself', async () => {
    receive();
    const app = jira.oauth.addApp({ redirectUris: [`${baseUrl()}/oauth/jira/callback`] });
    secrets.apps = [app.clientSecret];
    const setting = {
      env: { JIRA_CLIENT_ID: app.clientId, JIRA_CLIENT_SECRET: app.clientSecret },
      yaml: { install: true },
    };
    const { desk, close } = await openDesk(setting);
    try {
      expect(await desk?.look(signal)).toMatchObject([{ name: 'No site', status: 'missing' }]);
      const { url } = (await desk?.beginInstall()) ?? {};
      const answer = Object.fromEntries((await clickThrough(url ?? '')).searchParams);
      expect(await desk?.finishInstall(answer, signal)).toBe(new URL(jira.site.url).host);
      expect(await desk?.look(signal)).toMatchObject([
        { status: 'ok', message: 'connected as "Shipmate"; projects: ENG, OPS' },
      ]);
    } finally {
      await close();
    }
    expect(jira.site.webhooks.map((webhook) => webhook.url)).toEqual([hookUrl(), hookUrl()]);
    expect(steps(await check(setting))).toEqual(allWell);
    await jira.outbox.settled();
    secrets.apps = ['the-secret-before'];
    expect(lastBut(await check(setting))?.text).toMatch(/signature does not match.*another JIRA_CLIENT_SECRET/);
  });
});

describe('what is wrong is told apart', () => {
  test.each([
    ['a scope', ['read:jira-work', 'read:jira-user'], 'ticket', /lacks a scope.*make another/],
    ['the scope for reading', ['read:jira-user'], 'ticket', /lacks a scope/],
  ])('%s that is missing', async (_, scopes, name, text) => {
    const { value } = jira.oauth.addApiToken(jira.site, bot, { scopes });
    expect(lastBut(await check({ token: value }))).toMatchObject({
      name,
      status: 'missing',
      text: expect.stringMatching(text),
    });
    expect(issues()).toEqual([]);
  });

  test.each([
    ['CREATE_ISSUES', 'ticket', /create.*Create issues/],
    ['ASSIGNABLE_USER', 'assign', /Assignable user/],
    ['ASSIGN_ISSUES', 'assign', /Assign issues/],
    ['ADD_COMMENTS', 'comment', /Add comments/],
  ] as const)('the permission %s that is missing', async (permission, name, text) => {
    for (const each of jira.site.projects) deny(each, bot, permission);
    expect(lastBut(await check())).toMatchObject({ name, status: 'missing', text: expect.stringMatching(text) });
    expect(issues()).toEqual([]);
  });

  test('a token that is refused says so before anything is done', async () => {
    const { desk, close } = await openDesk({ token: 'ATATT-gone' });
    await expect(desk?.accounts(signal)).rejects.toMatchObject({ code: 'disconnected' });
    const [found] = (await desk?.look(signal)) ?? [];
    expect(found).toMatchObject({ name: new URL(jira.site.url).host, status: 'missing' });
    expect(found?.message).toMatch(/does not accept our credentials$/);
    await close();
  });

  test('webhooks that go nowhere, although the address is ours', async () => {
    receive();
    expect(lastBut(await check({ waitMs: 0 }))).toMatchObject({
      name: 'webhooks',
      status: 'missing',
      text: expect.stringMatching(/none arrived .* leads to Shipmate.*is enabled, leads to .*\/webhooks\/jira/),
    });
  });

  test('an address at which something else answers, or nothing; and a secret that is not set', async () => {
    expect(lastBut(await check({ waitMs: 0 }))?.text).toMatch(/something else answers .*HTTP 404.*reverse proxy/);
    const nowhere = { waitMs: 0, publicUrl: 'http://127.0.0.1:1' };
    expect(lastBut(await check(nowhere))?.text).toMatch(/cannot be reached \(.+\).*Start the service/);
    const unsigned = { ...byToken(), JIRA_WEBHOOK_SECRET: '' };
    expect(lastBut(await check({ env: unsigned, yaml: { poll: 'off' } }))?.text).toMatch(
      /JIRA_WEBHOOK_SECRET is not set/,
    );
  });

  test('a signature that does not match', async () => {
    receive();
    addWebhook(jira.site, { url: hookUrl(), secret: 'another-secret' });
    expect(lastBut(await check())?.text).toMatch(/signature does not match.*JIRA_WEBHOOK_SECRET is not the secret/);
  });

  test('a webhook that tells only a part, and one that is taken for old', async () => {
    receive();
    addWebhook(jira.site, { url: hookUrl(), secret: webhookSecret, events: ['jira:issue_updated'] });
    expect(lastBut(await check({ waitMs: 1_500 }))?.text).toMatch(
      /they arrive \(jira:issue_updated\), but comment_created did not.*Tick "Comment: created"/,
    );
    receive({ isLate: true });
    addWebhook(jira.site, { url: hookUrl(), secret: webhookSecret });
    expect(lastBut(await check())?.text).toMatch(/too late.*the clock of the machine/);
  });

  test('a site that asks us to wait, or answers with a web page', async () => {
    jira.faults.add({ operation: 'issues.assignIssue', action: { type: 'rateLimit', seconds: 30 } });
    expect(lastBut(await check())).toMatchObject({
      name: 'assign',
      text: expect.stringMatching(/asks us to wait.*Nothing is wrong/),
    });
    jira.faults.clear();
    const page = { type: 'status', status: 200, commit: 'before', body: '<html></html>' } as const;
    jira.faults.add({ operation: 'issues.assignIssue', action: page });
    expect(lastBut(await check())?.text).toMatch(/web page in place of Jira.*check again/);
    expect(issues()).toEqual([]);
  });
});

describe('the test ticket is removed', () => {
  test('although the answer to its filing was lost', async () => {
    jira.faults.add({ operation: 'issues.createIssue', nth: 1, action: { type: 'loseReply' } });
    expect(steps(await check({ publicUrl: null }))).toEqual(allWell);
    expect([issues(), jira.counts()['issues.createIssue']]).toEqual([[], 1]);
  });

  test('although people pressed Ctrl-C while it was filed', async () => {
    const interrupted = new AbortController();
    jira.faults.add({ operation: 'issues.createIssue', action: { type: 'late', ms: 300 } });
    const checking = check({ signal: interrupted.signal });
    await expect.poll(() => jira.counts()['issues.createIssue']).toBe(1);
    interrupted.abort(new Error('interrupted'));
    expect((await checking).slice(-2)).toMatchObject([
      { text: expect.stringContaining('stopped') },
      { name: 'clean-up', status: 'ok' },
    ]);
    expect(issues()).toEqual([]);
  });

  test('or closed where the agent may not delete; where it may do neither, people are told', async () => {
    deny(project, bot, 'DELETE_ISSUES');
    const checks = await check({ publicUrl: null });
    expect(steps(checks)).toEqual(allWell);
    expect(checks.at(-1)?.text).toMatch(/ENG-1 was closed/);
    expect(issues().map(({ status }) => status.category)).toEqual(['done']);
    deny(project, bot, 'TRANSITION_ISSUES');
    expect((await check({ publicUrl: null })).at(-1)).toMatchObject({
      status: 'warning',
      text: expect.stringMatching(/ENG-2 is still there.*by hand: http.*ENG-2/),
    });
  });
});
