import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keepConnections } from '../../../src/app/connections.ts';
import { createLog } from '../../../src/lib/log.ts';
import { beginInstall, finishInstall } from '../../../src/trackers/linear/connecting/oauth-installs.ts';
import { createLinearTokens } from '../../../src/trackers/linear/connecting/tokens.ts';
import type { Answer } from '../../stand-ins/linear/oauth.ts';
import { type Linear, startLinear } from '../../stand-ins/linear/server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const { signal } = new AbortController();
const redirectUri = 'https://shipmate.example.com/oauth/linear/callback';
const disconnected = { name: 'VendorError', code: 'disconnected', retryable: true, retryAfterMs: 60_000 };

let database: TestDatabase;
let linear: Linear;
/** What the token endpoint was asked for. */
let asked: string[];
beforeEach(async () => {
  [database, linear] = await Promise.all([createTestDatabase(), startLinear({ app: { redirectUris: [redirectUri] } })]);
  asked = [];
  const answer = linear.oauth.token;
  linear.oauth.token = (form, authorization) => {
    asked.push(String(form.get('grant_type')));
    return answer(form, authorization);
  };
});
afterEach(async () => {
  await linear.close();
  await database.drop();
});

const connections = () =>
  keepConnections({ db: database.db, log: createLog({ level: 'silent', format: 'json', secrets: [] }) }, 'linear');

/** What proxies and firewalls say in place of Linear, and what says nothing of a secret or a token. */
const notOfOAuth: [string, Answer][] = [
  ['a 403 of a firewall', { status: 403, body: '<html>Access denied</html>' }],
  ['a 404 of a proxy', { status: 404, body: '<html>No such host</html>' }],
  ['a 407', { status: 407, body: 'Proxy authentication required' }],
  ['a 400 that names another error', { status: 400, body: { error: 'temporarily_unavailable' } }],
  ['a 503 that names one of OAuth', { status: 503, body: { error: 'invalid_grant' } }],
];

/** As one process has them. */
const client = (changes: { clientSecret?: string } = {}) => ({
  apiUrl: linear.url,
  clientId: 'linear-client-id',
  clientSecret: 'linear-client-secret',
  connections: connections(),
  ...changes,
});
const byCredentials = (changes = {}) => createLinearTokens({ ...client(changes), accessToken: null, install: false });
const byInstalls = (changes = {}) => createLinearTokens({ ...client(changes), accessToken: null, install: true });

const isGood = (token: string) => linear.oauth.find(token) !== null;
const id = () => linear.workspace.organizationId;

describe('a token of its own', () => {
  const fixed = (accessToken: string) => createLinearTokens({ ...client(), accessToken, install: false });

  test('is taken as it is, and tells where it leads', async ({ expect }) => {
    const tokens = fixed(linear.token);
    const { organizationId, appUser } = linear.workspace;
    const acme = { id: organizationId, name: 'Acme', urlKey: 'acme', appUserId: appUser.id };
    expect(await tokens.workspaces(signal)).toEqual([acme]);
    expect(await tokens.workspaces(signal)).toEqual([acme]);
    expect(linear.requests).toHaveLength(1);
    expect(await tokens.token(id(), null, signal)).toBe(linear.token);
  });

  test('refused, it is asked for anew of people', async ({ expect }) => {
    const tokens = fixed('lin_oauth_gone');
    const told = { ...disconnected, message: expect.stringContaining('shipmate connect linear') };
    await expect(tokens.workspaces(signal)).rejects.toMatchObject(told);
    await expect(tokens.token(id(), 'lin_oauth_gone', signal)).rejects.toMatchObject(told);
  });
});

describe('client credentials', () => {
  test('one token is fetched and shared by all processes; it is kept encrypted', async ({ expect }) => {
    const [one, other] = [byCredentials(), byCredentials()];
    expect(await one.workspaces(signal)).toMatchObject([{ id: id(), name: 'Acme' }]);
    const token = await one.token(id(), null, signal);
    expect(isGood(token)).toBe(true);
    expect(await other.token(id(), null, signal)).toBe(token);
    expect(asked).toEqual(['client_credentials']);
    const { rows } = await database.pool.query('select * from connections');
    expect(rows).toMatchObject([{ kind: 'linear-client', lost: null }]);
    expect(JSON.stringify(rows) + rows[0].sealed.toString('latin1')).not.toContain(token);
    expect(rows[0].about.scope).toContain('app:assignable');
  });

  test('of processes that find it refused at once, one fetches another', async ({ expect }) => {
    const processes = [byCredentials(), byCredentials(), byCredentials()];
    const old = await processes[0]?.token(id(), null, signal);
    await Promise.all(processes.map((tokens) => tokens.token(id(), null, signal)));
    linear.oauth.revoke(old ?? '');
    const next = await Promise.all(processes.map((tokens) => tokens.token(id(), old ?? '', signal)));
    expect(new Set(next).size).toBe(1);
    expect(isGood(next[0] ?? '')).toBe(true);
    expect(asked).toHaveLength(2);
    // A request that was on its way with the old one does not make the new one invalid.
    expect(await processes[1]?.token(id(), old ?? '', signal)).toBe(next[0]);
    expect(asked).toHaveLength(2);
  });

  test('it is renewed before it ends, and gone on with where that cannot be done', async ({ expect }) => {
    const first = await byCredentials().token(id(), null, signal);
    const aged = byCredentials();
    const month = 29 * 24 * 3_600_000;
    const now = Date.now;
    Date.now = () => now() + month;
    try {
      const answer = linear.oauth.token;
      linear.oauth.token = () => ({ status: 503, body: 'away' });
      expect(await aged.token(id(), null, signal)).toBe(first);
      linear.oauth.token = answer;
      expect(await byCredentials().token(id(), null, signal)).not.toBe(first);
    } finally {
      Date.now = now;
    }
    expect(asked).toEqual(['client_credentials', 'client_credentials']);
  });

  test('where none is given people are told what to do; it goes on by itself when they have done it', async ({
    expect,
  }) => {
    const wrong = byCredentials({ clientSecret: 'a-wrong-client-secret' });
    const told = { ...disconnected, message: expect.stringMatching(/invalid_client.*shipmate connect linear/) };
    await expect(wrong.token(id(), null, signal)).rejects.toMatchObject(told);
    await expect(wrong.token(id(), null, signal)).rejects.toMatchObject(told);
    expect(asked).toHaveLength(1); // not for every ticket anew
    const { rows } = await database.pool.query('select lost, about::text from connections');
    expect(rows[0].lost).toContain('invalid_client');
    expect(JSON.stringify(rows)).not.toContain('a-wrong-client-secret');
    expect(isGood(await byCredentials().token(id(), null, signal))).toBe(true);
    expect((await database.pool.query('select lost from connections')).rows).toEqual([{ lost: null }]);
  });

  test('two installations that take the token from each other are told apart from a lost one', async ({ expect }) => {
    const tokens = byCredentials();
    let token = await tokens.token(id(), null, signal);
    for (let times = 0; times < 2; times++) token = await tokens.token(id(), token, signal);
    await expect(tokens.token(id(), token, signal)).rejects.toMatchObject({
      ...disconnected,
      message: expect.stringContaining('Another installation'),
    });
    expect(asked).toHaveLength(3);
  });

  test('a token endpoint that is away is no lost connection', async ({ expect }) => {
    linear.oauth.token = () => ({ status: 502, body: 'away' });
    const unavailable = { code: 'unavailable', retryable: true };
    await expect(byCredentials().token(id(), null, signal)).rejects.toMatchObject(unavailable);
    expect((await database.pool.query('select from connections')).rowCount).toBe(0);
  });

  test.each(notOfOAuth)('nor is %s', async (_, answer) => {
    linear.oauth.token = () => answer;
    const unavailable = { code: 'unavailable', retryable: true };
    await expect(byCredentials().token(id(), null, signal)).rejects.toMatchObject(unavailable);
    expect((await database.pool.query('select from connections')).rowCount).toBe(0);
  });
});

describe('installations', () => {
  /** What an admin's browser does. */
  async function consent(url: string): Promise<{ state: string; code?: string; error?: string }> {
    const response = await fetch(url, { redirect: 'manual' });
    const location = response.headers.get('location');
    if (location === null) throw new Error(await response.text());
    expectPlace(location);
    return Object.fromEntries(new URL(location).searchParams) as { state: string };
  }

  function expectPlace(location: string): void {
    if (!location.startsWith(`${redirectUri}?`)) throw new Error(`sent to ${location}`);
  }

  async function install(): Promise<void> {
    const { url } = await beginInstall(client(), redirectUri);
    await finishInstall(client(), await consent(url), signal);
  }

  const sealed = async (): Promise<string> =>
    (await database.pool.query("select sealed from connections where kind = 'linear-install'")).rows[0].sealed.toString(
      'hex',
    );

  test('each workspace has its own tokens, kept encrypted', async ({ expect }) => {
    await expect(byInstalls().workspaces(signal)).rejects.toMatchObject(disconnected);
    const { url } = await beginInstall(client(), redirectUri);
    expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({
      actor: 'app',
      response_type: 'code',
      code_challenge_method: 'S256',
      scope: 'read,write,issues:create,comments:create,customer:read,app:assignable,app:mentionable',
    });
    expect(await finishInstall(client(), await consent(url), signal)).toMatchObject({ name: 'Acme' });
    const second = linear.addWorkspace({ name: 'Globex', urlKey: 'globex' });
    linear.oauth.consent = { workspaceId: second.organizationId };
    await install();
    const tokens = byInstalls();
    expect((await tokens.workspaces(signal)).map(({ name }) => name).sort()).toEqual(['Acme', 'Globex']);
    const [acme, globex] = await Promise.all(
      [id(), second.organizationId].map((each) => tokens.token(each, null, signal)),
    );
    expect(linear.oauth.find(acme ?? '')?.workspaceId).toBe(id());
    expect(linear.oauth.find(globex ?? '')?.workspaceId).toBe(second.organizationId);
    await expect(tokens.token('another', null, signal)).rejects.toMatchObject(disconnected);
    const all = JSON.stringify((await database.pool.query('select about, sealed from connections')).rows);
    expect(all).not.toContain(acme);
  });

  test('an answer counts once, for its own request, within ten minutes', async ({ expect }) => {
    const invalid = { code: 'invalid', message: expect.stringContaining('shipmate connect linear') };
    const answer = await consent((await beginInstall(client(), redirectUri)).url);
    await expect(finishInstall(client(), { ...answer, state: 'forged' }, signal)).rejects.toMatchObject(invalid);
    await finishInstall(client(), answer, signal);
    await expect(finishInstall(client(), answer, signal)).rejects.toMatchObject(invalid);
    await expect(finishInstall(client(), {}, signal)).rejects.toMatchObject(invalid);

    const late = await consent((await beginInstall(client(), redirectUri)).url);
    await database.pool.query("update connection_requests set created_at = now() - interval '11 minutes'");
    await expect(finishInstall(client(), late, signal)).rejects.toMatchObject(invalid);

    // Somebody else's code with a state of ours has not our verifier.
    const [mine, theirs] = await Promise.all([
      consent((await beginInstall(client(), redirectUri)).url),
      consent((await beginInstall(client(), redirectUri)).url),
    ]);
    const mixed = { state: mine.state, ...(theirs.code !== undefined && { code: theirs.code }) };
    await expect(finishInstall(client(), mixed, signal)).rejects.toMatchObject(invalid);

    linear.oauth.consent = null;
    const declined = await consent((await beginInstall(client(), redirectUri)).url);
    await expect(finishInstall(client(), declined, signal)).rejects.toThrow('was declined');
  });

  test('a refresh token is used once, however many processes want to', async ({ expect }) => {
    await install();
    const processes = [byInstalls(), byInstalls(), byInstalls()];
    const [old = ''] = await Promise.all(processes.map((tokens) => tokens.token(id(), null, signal)));
    linear.oauth.revoke(old);
    const before = await sealed();
    const next = await Promise.all(processes.map((tokens) => tokens.token(id(), old, signal)));
    expect(new Set(next).size).toBe(1);
    expect(isGood(next[0] ?? '')).toBe(true);
    expect(asked.filter((grant) => grant === 'refresh_token')).toHaveLength(1);
    expect(await sealed()).not.toBe(before);
    linear.oauth.revoke(next[0] ?? '');
    expect(isGood(await byInstalls().token(id(), next[0] ?? '', signal))).toBe(true); // with the new one
  });

  test('a process that dies before it has kept the new one leaves what another goes on with', async ({ expect }) => {
    await install();
    const old = await byInstalls().token(id(), null, signal);
    linear.oauth.revoke(old);
    const dying = createLinearTokens({
      ...client(),
      connections: {
        ...connections(),
        update: (kind, key, work) =>
          connections().update(kind, key, async (current) => {
            await work(current);
            throw new Error('killed');
          }),
      },
      accessToken: null,
      install: true,
    });
    await expect(dying.token(id(), old, signal)).rejects.toThrow('killed');
    expect(isGood(await byInstalls().token(id(), old, signal))).toBe(true);
  });

  test('one that is revoked is lost, for every process, until it is installed again', async ({ expect }) => {
    await install();
    const [one, other] = [byInstalls(), byInstalls()];
    const old = await one.token(id(), null, signal);
    await other.token(id(), null, signal);
    linear.uninstall(linear.workspace);
    const lost = { ...disconnected, message: expect.stringMatching(/Acme was lost: invalid_grant/) };
    await expect(one.token(id(), old, signal)).rejects.toMatchObject(lost);
    await expect(other.token(id(), old, signal)).rejects.toMatchObject(lost);
    await expect(one.workspaces(signal)).rejects.toMatchObject(lost);
    expect(asked.filter((grant) => grant === 'refresh_token')).toHaveLength(1);
    await database.pool.query(
      `insert into accounts (name, open_at)
       select name, now() + interval '1 minute' from unnest(array['tracker/linear', 'tracker/linear/acme']) as name`,
    );
    await install();
    expect((await database.pool.query('select from accounts where open_at > now()')).rowCount).toBe(0);
    expect(isGood(await one.token(id(), old, signal))).toBe(true);
    expect(isGood(await other.token(id(), old, signal))).toBe(true);
  });

  test.each(notOfOAuth)('%s does not lose one', async (_, answer) => {
    await install();
    const old = await byInstalls().token(id(), null, signal);
    linear.oauth.revoke(old);
    const given = linear.oauth.token;
    linear.oauth.token = () => answer;
    await expect(byInstalls().token(id(), old, signal)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect((await database.pool.query('select lost from connections')).rows).toEqual([{ lost: null }]);
    linear.oauth.token = given;
    expect(isGood(await byInstalls().token(id(), old, signal))).toBe(true);
  });

  test('one in its last minutes is gone on with while no other can be had, and another is asked for once a minute', async ({
    expect,
  }) => {
    await install();
    const tokens = byInstalls();
    const first = await tokens.token(id(), null, signal);
    const now = Date.now;
    const given = linear.oauth.token;
    let ahead = 24 * 3_600_000 - 5 * 60_000;
    Date.now = () => now() + ahead;
    try {
      let refused = 0;
      linear.oauth.token = () => {
        refused += 1;
        return { status: 503, body: 'away' };
      };
      for (let times = 0; times < 5; times++) expect(await tokens.token(id(), null, signal)).toBe(first);
      expect(refused).toBe(1);
      ahead += 61_000;
      expect(await tokens.token(id(), null, signal)).toBe(first);
      expect(refused).toBe(2);
      // Where Linear itself refuses it there is nothing to go on with.
      await expect(tokens.token(id(), first, signal)).rejects.toMatchObject({ code: 'unavailable' });
      linear.oauth.token = given;
      ahead += 61_000;
      expect(await tokens.token(id(), null, signal)).not.toBe(first);
    } finally {
      Date.now = now;
    }
  });

  test('what another secret encrypted cannot be used: reconnect', async ({ expect }) => {
    await install();
    await expect(byInstalls({ clientSecret: 'rotated-client-secret' }).token(id(), null, signal)).rejects.toMatchObject(
      {
        ...disconnected,
        message: expect.stringMatching(/cannot be decrypted.*Reconnect/),
      },
    );
  });
});
