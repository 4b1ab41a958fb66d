import { afterEach, beforeEach, expect, test } from 'vitest';
import { openConnectDesk } from '../../src/app/connecting.ts';
import { keepConnections } from '../../src/app/connections.ts';
import { loadConfig } from '../../src/config.ts';
import { createLog } from '../../src/lib/log.ts';
import { sealSecret } from '../../src/lib/secret-box.ts';
import { installKind } from '../../src/trackers/linear/connecting/oauth-installs.ts';
import { linear as linearDefinition } from '../../src/trackers/linear/definition.ts';
import { type Linear, startLinear } from '../stand-ins/linear/server.ts';
import { addTeam, addUser, type Workspace } from '../stand-ins/linear/workspace.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const { signal } = new AbortController();
const log = createLog({ level: 'silent', format: 'json', secrets: [] });
const app = { LINEAR_CLIENT_ID: 'linear-client-id', LINEAR_CLIENT_SECRET: 'linear-client-secret' };

let database: TestDatabase;
let linear: Linear;
let globex: Workspace;
beforeEach(async () => {
  [database, linear] = await Promise.all([createTestDatabase(), startLinear()]);
  globex = linear.addWorkspace({ name: 'Globex', urlKey: 'globex' });
  for (const workspace of linear.workspaces) addTeam(workspace, { key: 'ENG', name: 'Engineering' });
});
afterEach(async () => {
  await linear.close();
  await database.drop();
});

async function look(env: Record<string, string>) {
  const all = { DATABASE_URL: database.url, LINEAR_API_URL: linear.url, LINEAR_WEBHOOK_SECRET: 'a-secret', ...env };
  const config = loadConfig({ cwd: '/', env: all });
  if (config.trackers.linear) config.trackers.linear.install = env === app;
  const { desk, close } = await openConnectDesk(config, log, linearDefinition);
  try {
    return (await desk?.look(signal)) ?? [];
  } finally {
    await close();
  }
}

/** As an admin's consent leaves it. */
async function install({ organizationId: id, appUser }: Workspace, changes: { secret?: string; lost?: string } = {}) {
  const { secret = app.LINEAR_CLIENT_SECRET, lost = null } = changes;
  const held = { accessToken: linear.oauth.issue(id).value, expiresAt: Date.now() + 3_600_000, refreshToken: null };
  const sealed = sealSecret(secret, `${installKind} ${id}`, JSON.stringify(held));
  const [name, urlKey] = id === globex.organizationId ? ['Globex', 'globex'] : ['Acme', 'acme'];
  const about = { name, urlKey, appUserId: appUser.id, scope: [] };
  const connections = keepConnections({ db: database.db, log }, 'linear');
  await connections.update(installKind, id, async () => ({ about, sealed, lost }));
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

test('each workspace is looked at, whatever is wrong with another', async () => {
  await install(linear.workspace, { secret: 'rotated-client-secret' });
  await install(globex);
  expect((await look(app)).toSorted(byName)).toMatchObject([
    { name: 'Acme', status: 'missing', message: expect.stringMatching(/^the tokens of .* cannot be decrypted/) },
    { name: 'Globex', status: 'ok', message: 'connected as "Shipmate"; teams: ENG' },
  ]);
});

test('one that was lost is told beside the others, and is missing where there are none', async () => {
  await install(linear.workspace, { lost: 'invalid_grant' });
  const acme = { name: 'Acme', message: 'it was lost: invalid_grant', remedy: expect.stringContaining('again') };
  expect(await look(app)).toMatchObject([{ ...acme, status: 'missing' }]);
  await install(globex);
  expect(await look(app)).toMatchObject([
    { name: 'Globex', status: 'ok' },
    { ...acme, status: 'warning' },
  ]);
});

test('where there is none it says why, without the way that people are on already', async () => {
  const [found, ...more] = await look(app);
  expect([found, more]).toEqual([
    { name: 'No workspace', status: 'missing', message: 'the app is installed in no workspace.' },
    [],
  ]);
  expect(await look({ LINEAR_ACCESS_TOKEN: 'lin_oauth_gone' })).toMatchObject([
    { name: 'No workspace', message: 'Linear refuses the token (HTTP 401).' },
  ]);
});

test("a person's own key is no app", async () => {
  const ada = addUser(linear.workspace, 'Ada');
  const { value } = linear.oauth.issueKey(linear.workspace.organizationId, ada.id);
  expect(await look({ LINEAR_ACCESS_TOKEN: value })).toMatchObject([
    { name: 'Acme', status: 'missing', message: expect.stringContaining('"Ada", a person') },
  ]);
});
