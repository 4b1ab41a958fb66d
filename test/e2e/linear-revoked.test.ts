import { afterAll, beforeAll, test } from 'vitest';
import { keepConnections } from '../../src/app/connections.ts';
import { createLog } from '../../src/lib/log.ts';
import { beginInstall, finishInstall } from '../../src/trackers/linear/connecting/oauth-installs.ts';
import { app, type LinearService, startLinearService } from '../support/linear-service.ts';

const { signal } = new AbortController();
const redirectUri = 'https://shipmate.example.com/oauth/linear/callback';

const script = `
tickets:
  Fix the ship:
    - { until: revoked, calls: [{ tool: write, input: { path: two.txt, content: "two\\n" } }] }
    - calls: [{ tool: finish, input: { title: Add two, summary: Two is there. } }]
`;

let service: LinearService;
beforeAll(async () => {
  service = await startLinearService({
    linear: { app: { redirectUris: [redirectUri] } },
    credentials: 'app',
    script,
    files: { 'one.txt': 'one\n' },
    change: (config) => ({
      ...config,
      trackers: { ...config.trackers, linear: config.trackers.linear && { ...config.trackers.linear, install: true } },
    }),
  });
});
afterAll(() => service?.stop());

/** An admin installs the app, as the page of `connect linear` has it. */
async function install(): Promise<void> {
  const log = createLog({ level: 'silent', format: 'json', secrets: [] });
  const options = {
    ...app,
    apiUrl: service.linear.url,
    connections: keepConnections({ db: service.database.db, log }, 'linear'),
  };
  const { url } = await beginInstall(options, redirectUri);
  const consented = await fetch(url, { redirect: 'manual' });
  await finishInstall(
    options,
    Object.fromEntries(new URL(consented.headers.get('location') ?? '').searchParams),
    signal,
  );
}

test('a token revoked in mid-run: what is to be said waits, and is said once when the app is installed again', async ({
  expect,
}) => {
  await install();
  const { linear } = service;
  service.give('Fix the ship');
  const activities = () => [...linear.workspace.tables.AgentActivity.values()].map(({ content }) => content);
  await expect.poll(() => activities().length, { timeout: 30_000 }).toBeGreaterThan(0);
  await expect
    .poll(async () => (await service.app.sessions.view('ENG-1'))?.firstModelCallAt, { timeout: 30_000 })
    .toBeTruthy();

  linear.uninstall(linear.workspace);
  const lost = 'select lost from connections where lost is not null';
  await service.letGo('revoked');
  await expect.poll(async () => (await service.database.pool.query(lost)).rowCount, { timeout: 30_000 }).toBe(1);
  const [first] = (await service.app.trackers.get('linear')?.check()) ?? [];
  expect(first).toMatchObject({ status: 'missing', message: expect.stringContaining('shipmate connect linear') });
  expect(activities().filter(({ type }) => type === 'response')).toEqual([]);
  const health = async () => (await fetch(`${service.url}/health`)).json();
  await expect
    .poll(health)
    .toMatchObject({ status: 'ok', closed: { [`tracker/linear/${linear.workspace.organizationId}`]: 'disconnected' } });

  await install();
  const view = await service.rest('ENG-1');
  expect(view.state).toBe('complete');
  expect(view.unsent).toEqual([]);
  expect(await health()).not.toHaveProperty('closed');
  expect(activities().filter(({ type }) => type === 'response')).toHaveLength(1);
});

test('an app that is removed while nothing is to be said is known to be lost at once, and lets work begin again later', async ({
  expect,
}) => {
  const { linear } = service;
  const lost = async () =>
    (await service.database.pool.query('select lost from connections where lost is not null')).rowCount;
  expect(await lost()).toBe(0);
  linear.uninstall(linear.workspace);
  await expect.poll(lost).toBe(1);
  // What was sent by somebody who kept it proves nothing.
  await install();
  const old = linear.outbox.told.findLast(({ payload }) => payload.type === 'OAuthApp');
  if (!old) throw new Error('Nothing of the removal was told.');
  const headers = { ...old.headers, 'linear-delivery': 'another' };
  const again = await fetch(`${service.url}/webhooks/linear`, {
    method: 'POST',
    headers,
    body: new Uint8Array(old.body),
  });
  expect(again.status).toBe(200);
  await service.sorted();
  expect(await service.app.trackers.get('linear')?.check()).toMatchObject([{ status: 'ok' }]);
  expect(await lost()).toBe(0);
});
