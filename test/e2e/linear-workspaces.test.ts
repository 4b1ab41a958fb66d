import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { keepConnections } from '../../src/app/connections.ts';
import { createLog } from '../../src/lib/log.ts';
import { beginInstall, finishInstall } from '../../src/trackers/linear/connecting/oauth-installs.ts';
import { type Somebody, somebody } from '../stand-ins/linear/people.ts';
import type { LinearDelivery } from '../stand-ins/linear/webhooks.ts';
import { addTeam, addUser, type Workspace } from '../stand-ins/linear/workspace.ts';
import { app, type LinearService, startLinearService } from '../support/linear-service.ts';

const { signal } = new AbortController();
const redirectUri = 'https://shipmate.example.com/oauth/linear/callback';
const answer = (text: string) => `calls: [{ tool: finish, input: { title: T, summary: s, answer: ${text} } }]`;

const script = `
tickets:
  Asks in Beta:
    - calls: [{ tool: ask, input: { question: Which zone? } }]
    - { expect: ["Bea writes:\\n\\nUTC"], ${answer('UTC it is.')} }
  Is mentioned late:
    - { expect: ["How does it round?"], ${answer('Half to even.')} }
`;

let service: LinearService;
let beta: Workspace;
let bea: Somebody;
let ops: string;
beforeAll(async () => {
  service = await startLinearService({
    linear: { app: { redirectUris: [redirectUri] } },
    credentials: 'app',
    script,
    files: { 'one.txt': 'one\n' },
    change: (config) => ({
      ...config,
      reconcile: { ...config.reconcile, minutes: 0.02 },
      trackers: { ...config.trackers, linear: config.trackers.linear && { ...config.trackers.linear, install: true } },
    }),
  });
  const { linear } = service;
  beta = linear.addWorkspace({ name: 'Beta', urlKey: 'beta' });
  ops = addTeam(beta, { key: 'OPS', name: 'Operations' }).id;
  bea = somebody(beta, addUser(beta, 'Bea'), linear.baseUrl);
  for (const workspace of [linear.workspace, beta]) await install(workspace);
  await rounds();
});
afterAll(() => service?.stop());

/** An admin of a workspace installs the app, as the page of `connect linear` has it. */
async function install({ organizationId }: Workspace): Promise<void> {
  const log = createLog({ level: 'silent', format: 'json', secrets: [] });
  const connections = keepConnections({ db: service.database.db, log }, 'linear');
  const options = { ...app, apiUrl: service.linear.url, connections };
  service.linear.oauth.consent = { workspaceId: organizationId };
  const { url } = await beginInstall(options, redirectUri);
  const { headers } = await fetch(url, { redirect: 'manual' });
  await finishInstall(options, Object.fromEntries(new URL(headers.get('location') ?? '').searchParams), signal);
}

const query = async (text: string) => (await service.database.pool.query(text)).rows;

/** A whole round of reconcile, of all that is due now. */
async function rounds(): Promise<void> {
  const free = "select from schedules where name = 'reconcile' and busy_until is null and ran_at > 'epoch'";
  const isOver = async () => {
    while ((await query(free)).length === 0) await delay(20); // the database is the only one to ask
  };
  await isOver();
  await query("update schedules set ran_at = 'epoch' where name = 'reconcile'");
  await isOver();
}

/** What is done meanwhile is told to nobody. */
function unheard<T>(deed: () => T): T {
  const { urls } = service.linear.outbox;
  const kept = urls.splice(0);
  try {
    return deed();
  } finally {
    urls.push(...kept);
  }
}

/** The same request, signed longer ago than anybody acts on: as Linear's own retries come. */
async function comesLate({ payload }: LinearDelivery): Promise<void> {
  const old = { ...payload, webhookTimestamp: Number(payload.webhookTimestamp) - 61_000 };
  const body = Buffer.from(JSON.stringify(old));
  const headers = service.linear.outbox.sign(String(payload.type), body);
  const { status } = await fetch(`${service.url}/webhooks/linear`, {
    method: 'POST',
    headers,
    body: new Uint8Array(body),
  });
  if (status !== 200) throw new Error(`It was answered by ${status}.`);
}

test('a workspace that is lost takes no session with it: what waits there goes on when it is connected again', async ({
  expect,
}) => {
  const issue = bea.create({ teamId: ops, title: 'Asks in Beta' });
  bea.delegate(issue.id);
  expect((await service.rest(issue.identifier)).state).toBe('awaitingInput');
  service.linear.uninstall(beta);
  await expect.poll(() => query('select id from connections where lost is not null')).toHaveLength(1);
  await rounds();
  expect((await service.app.sessions.view(issue.identifier))?.state).toBe('awaitingInput');
  expect(await query("select error from effects where state = 'failed'")).toEqual([]);

  await install(beta);
  bea.say(issue.id, 'UTC');
  expect((await service.rest(issue.identifier, 2)).state).toBe('complete');
  const said = [...beta.tables.AgentActivity.values()].map(({ content }) => content);
  expect(said.filter(({ type }) => type === 'response')).toEqual([
    expect.objectContaining({ body: expect.stringContaining('UTC it is.') }),
  ]);
});

test('a mention whose webhook comes late begins work all the same, where it was said', async ({ expect }) => {
  const { ada } = service;
  const issue = service.file('Is mentioned late');
  const mention = unheard(() => ada.comment(issue.id, '@shipmate How does it round?'));
  await comesLate(mention.delivery('AgentSessionEvent', 'created'));
  const view = await service.rest(issue.identifier);
  expect([view.state, view.runs.length]).toEqual(['complete', 1]);
  expect(await query("select outcome from deliveries where outcome like 'late%'")).toEqual([
    { outcome: 'late, and confirmed: sessionCreated' },
  ]);
  expect(service.said(issue).at(-1)).toMatch(/^response: Half to even\./);
  expect(service.seen(issue).sessions).toHaveLength(1);
});
