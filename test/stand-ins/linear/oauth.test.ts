import { createHash } from 'node:crypto';
import { afterAll, beforeAll, test } from 'vitest';
import { type Linear, startLinear } from './server.ts';

const redirect = 'http://127.0.0.1:1/connected';
let linear: Linear;

beforeAll(async () => {
  linear = await startLinear({ app: { redirectUris: [redirect] } });
});
afterAll(async () => {
  await linear.close();
});

async function ask(query: string, token: string) {
  const answer = await fetch(linear.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  const { data } = (await answer.json()) as { data?: unknown };
  return { status: answer.status, data };
}

const client_id = 'linear-client-id';
const client_secret = 'linear-client-secret';

async function token(form: Record<string, string>, headers: Record<string, string> = {}) {
  const answer = await fetch(`${linear.baseUrl}/oauth/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(form),
  });
  const body = (await answer.json()) as { access_token: string; refresh_token: string; error?: string };
  return { status: answer.status, body };
}

test('an app has one token of its own, until it asks for another', async ({ expect }) => {
  const form = { grant_type: 'client_credentials', scope: 'read,write,app:assignable', client_id, client_secret };
  const first = await token(form);
  expect(first).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 2_591_999 } });
  const basic = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`;
  const { grant_type, scope } = form;
  const second = await token({ grant_type, scope }, { authorization: basic });
  const works = async ({ body }: typeof first) => (await ask('{ viewer { id } }', body.access_token)).status;
  expect([await works(first), await works(second)]).toEqual([401, 200]);
  linear.clock.advance(30 * 24 * 3_600_000);
  expect(await works(second)).toBe(401);
  expect((await token({ ...form, client_secret: 'another' })).status).toBe(401);
  expect((await token({ ...form, scope: 'admin' })).body.error).toBe('invalid_scope');
});

test('a workspace is connected with consent, and refresh tokens rotate', async ({ expect }) => {
  const { organizationId } = linear.addWorkspace({ name: 'Globex', urlKey: 'globex' });
  const verifier = 'v'.repeat(50);
  async function authorize(): Promise<URL> {
    const code_challenge = createHash('sha256').update(verifier).digest('base64url');
    const asked = {
      client_id,
      redirect_uri: redirect,
      response_type: 'code',
      state: 's',
      actor: 'app',
      code_challenge,
    };
    const query = new URLSearchParams({ ...asked, scope: 'read,write,app:assignable' });
    const answer = await fetch(`${linear.baseUrl}/oauth/authorize?${query}`, { redirect: 'manual' });
    return new URL(answer.headers.get('location') ?? '');
  }
  const before = linear.oauth.consent;
  linear.oauth.consent = null;
  expect((await authorize()).searchParams.get('error')).toBe('access_denied');
  linear.oauth.consent = { workspaceId: organizationId };
  const back = await authorize();
  linear.oauth.consent = before;
  expect(back.searchParams.get('state')).toBe('s');
  const code = back.searchParams.get('code') ?? '';
  const grant = { grant_type: 'authorization_code', code, redirect_uri: redirect, client_id, client_secret };
  const granted = await token({ ...grant, code_verifier: verifier });
  expect(granted.body).toMatchObject({ expires_in: 86_399, scope: 'read write app:assignable' });
  expect((await token({ ...grant, code_verifier: verifier })).body.error).toBe('invalid_grant');
  const organization = (at: string) => ask('{ organization { urlKey } }', at).then(({ data }) => data);
  expect(await organization(granted.body.access_token)).toEqual({ organization: { urlKey: 'globex' } });

  const refresh = (refresh_token: string) =>
    token({ grant_type: 'refresh_token', refresh_token, client_id, client_secret });
  const next = await refresh(granted.body.refresh_token);
  expect(next.body.refresh_token).not.toBe(granted.body.refresh_token);
  expect((await refresh(granted.body.refresh_token)).body).toEqual(next.body);
  linear.clock.advance(31 * 60_000);
  expect((await refresh(granted.body.refresh_token)).body.error).toBe('invalid_grant');
  expect(await organization((await refresh(next.body.refresh_token)).body.access_token)).toBeDefined();
  const revoked = await fetch(`${linear.baseUrl}/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token: next.body.access_token }),
  });
  expect(revoked.status).toBe(200);
  expect((await ask('{ viewer { id } }', next.body.access_token)).status).toBe(401);
});

test('an app that is removed has no tokens left, and is told', async ({ expect }) => {
  const workspace = linear.addWorkspace({ name: 'Initech', urlKey: 'initech' });
  const { value } = linear.oauth.issue(workspace.organizationId);
  expect((await ask('{ viewer { id } }', value)).status).toBe(200);
  linear.uninstall(workspace);
  expect((await ask('{ viewer { id } }', value)).status).toBe(401);
  expect(linear.outbox.told.at(-1)?.payload).toMatchObject({ type: 'OAuthApp', action: 'revoked' });
});
