import {
  createCloudClient,
  generateAuthorizationUrl,
  isAuthError,
  isRateLimitError,
  isScopeError,
  parseCallbackUrl,
} from 'jira.js';
import { createClient, withRetry } from 'jira.js/core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { clickThrough, usualScopes } from './oauth.ts';
import { somebody } from './people.ts';
import { addProject, allow, deny } from './projects.ts';
import { type Jira, startJira } from './server.ts';
import { textDocument } from './text.ts';

let jira: Jira;
beforeAll(async () => {
  jira = await startJira();
});
afterEach(() => jira.expectClean());
afterAll(() => jira.close());

type Auth = { type: 'basic'; email: string; apiToken: string } | { type: 'bearer'; token: string };
const clientOf = (host: string, auth: Auth) =>
  createCloudClient(createClient({ host, auth, onSchemaMismatch: 'throw' }));
const me = (host: string, auth: Auth) =>
  clientOf(host, auth)
    .myself.getCurrentUser()
    .then(
      ({ displayName }) => displayName,
      (error) => error,
    );
async function post(path: string, body: unknown) {
  const answer = await fetch(`${jira.authUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

test('a token is for the site or for the gateway, for what it has scopes for, and for so long', async () => {
  const { site, oauth, clock } = jira;
  const gateway = jira.gatewayOf(site);
  const bot = site.addUser('Shipmate', { isServiceAccount: true });
  const basic = (apiToken: string, email = bot.emailAddress): Auth => ({ type: 'basic', email, apiToken });
  const plain = oauth.addApiToken(site, bot).value;
  const scoped = oauth.addApiToken(site, bot, { scopes: ['read:jira-user'] }).value;
  expect(await me(site.url, basic(plain))).toBe('Shipmate');
  expect(await me(gateway, basic(scoped))).toBe('Shipmate');
  expect(await me(gateway, { type: 'bearer', token: scoped })).toBe('Shipmate');
  for (const [host, auth] of [
    [gateway, basic(plain)],
    [site.url, basic(scoped)],
    [site.url, basic(plain, 'other@example.org')],
    [site.url, basic('wrong')],
    [site.url, { type: 'bearer', token: plain } as Auth],
  ] as const)
    expect(isAuthError(await me(host, auth))).toBe(true);
  const labels = await clientOf(gateway, basic(scoped))
    .labels.getAllLabels()
    .catch((error) => error);
  expect(isScopeError(labels)).toBe(true);
  const tenant = await fetch(`${site.url}/_edge/tenant_info`).then((answer) => answer.json());
  expect(tenant).toEqual({ cloudId: site.cloudId });
  oauth.revoke(plain);
  expect(isAuthError(await me(site.url, basic(plain)))).toBe(true);
  site.isAnonymousOnBadToken = true;
  const issue = await clientOf(site.url, basic(plain))
    .issues.getIssue({ issueIdOrKey: 'ENG-1' })
    .catch((error) => error);
  expect(issue.status).toBe(404);
  site.isAnonymousOnBadToken = false;
  clock.advance(366 * 86_400_000);
  expect(isAuthError(await me(gateway, basic(scoped)))).toBe(true);
});

test('an app is let in by consent; refresh tokens rotate, and one that is used twice ends them all', async () => {
  const { oauth, clock, site } = jira;
  const other = await jira.addSite({ name: 'globex' });
  other.addUser('Consenting');
  const app = oauth.addApp({ redirectUris: ['http://127.0.0.1:1/back'] });
  const { clientId, clientSecret } = app;
  const scopes = [...usualScopes, 'offline_access'];
  const url = generateAuthorizationUrl({
    clientId,
    scopes,
    redirectUri: app.redirectUris[0] ?? '',
    state: 'st',
  }).replace('https://auth.atlassian.com', jira.authUrl);
  expect((await clickThrough(url, { decision: 'cancel' })).searchParams.get('error')).toBe('access_denied');
  expect((await fetch(url.replace('127.0.0.1%3A1', 'evil'))).status).toBe(400);
  const back = await clickThrough(url, { site: other });
  const { code } = parseCallbackUrl(back, { expectedState: 'st' });
  const credentials = { client_id: clientId, client_secret: clientSecret };
  const grant = { ...credentials, grant_type: 'authorization_code', code, redirect_uri: app.redirectUris[0] };
  const granted = await post('/oauth/token', grant);
  expect(granted).toMatchObject({ status: 200, body: { expires_in: 3600, scope: scopes.join(' ') } });
  expect((await post('/oauth/token', grant)).status).toBe(403);
  const bearer = (token = ''): Auth => ({ type: 'bearer', token });
  const resources = await fetch(`${jira.apiUrl}/oauth/token/accessible-resources`, {
    headers: { authorization: `Bearer ${granted.body.access_token}` },
  });
  expect(await resources.json()).toMatchObject([
    { id: other.cloudId, name: 'globex', url: other.url, scopes: usualScopes },
  ]);
  expect(await me(jira.gatewayOf(other), bearer(granted.body.access_token))).toBe('Consenting');
  expect(isAuthError(await me(jira.gatewayOf(site), bearer(granted.body.access_token)))).toBe(true);

  const refresh = (refresh_token = '') =>
    post('/oauth/token', { ...credentials, grant_type: 'refresh_token', refresh_token });
  clock.advance(3_600_000);
  expect(isAuthError(await me(jira.gatewayOf(other), bearer(granted.body.access_token)))).toBe(true);
  const second = await refresh(granted.body.refresh_token);
  expect(second.body.refresh_token).not.toBe(granted.body.refresh_token);
  expect(await me(jira.gatewayOf(other), bearer(second.body.access_token))).toBe('Consenting');
  oauth.reuseWithinMs = 60_000;
  const third = await refresh(granted.body.refresh_token);
  expect(third.status).toBe(200);
  clock.advance(60_000);
  expect((await refresh(granted.body.refresh_token)).status).toBe(403);
  expect((await refresh(third.body.refresh_token)).status).toBe(403);
  oauth.reuseWithinMs = 0;
  expect(
    (await post('/oauth/token', { ...credentials, client_secret: 'wrong', grant_type: 'refresh_token' })).status,
  ).toBe(401);
});

test("a service account's own credentials are enough", async () => {
  const { oauth, site } = jira;
  const serviceUser = site.addUser('Service', { isServiceAccount: true });
  oauth.addApiToken(site, serviceUser);
  const { clientId: client_id, clientSecret: client_secret } = oauth.addApp({ serviceUser });
  const { body } = await post('/oauth/token', { client_id, client_secret, grant_type: 'client_credentials' });
  expect(body).not.toHaveProperty('refresh_token');
  const bearer: Auth = { type: 'bearer', token: body.access_token ?? '' };
  expect(await me(jira.gatewayOf(site), bearer)).toBe('Service');

  // Each reading costs two; the hour's are for all sites together, and none of an API token's are counted.
  const ask = () =>
    fetch(`${jira.gatewayOf(site)}/rest/api/3/myself`, { headers: { authorization: `Bearer ${body.access_token}` } });
  const left = Number(/r=(\d+)/.exec((await ask()).headers.get('beta-ratelimit') ?? '')?.[1]);
  jira.limits.pointsPerHour -= left - 3;
  expect((await ask()).status).toBe(200);
  const refused = await ask();
  expect([refused.status, refused.headers.get('ratelimit-reason')]).toEqual([429, 'jira-quota-global-based']);
  expect(refused.headers.get('beta-ratelimit')).toMatch(/^"global-app-quota";r=0;t=\d+$/);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  jira.limits.pointsPerHour = 65_000;
});

test('limits are those that Jira has, and each says which it is', async () => {
  const { oauth, site, clock, limits } = jira;
  const bot = site.addUser('Busy');
  const { issue } = somebody(site, bot).create({
    project: addProject(site, { key: 'LIM', name: 'Limits' }),
    summary: 'One',
  });
  const auth: Auth = { type: 'basic', email: bot.emailAddress, apiToken: oauth.addApiToken(site, bot).value };
  const { issueComments, issues } = clientOf(site.url, auth);
  const comment = () => issueComments.addComment({ issueIdOrKey: issue.key, body: textDocument('x') as never });
  const until = async (most: number) => {
    await Promise.all(Array.from({ length: most }, comment));
    return comment().catch((error) => error);
  };
  for (let round = 0; round < 5; round++) {
    const refused = await until(20);
    expect(isRateLimitError(refused) && (refused.retryAfterMs ?? 0)).toBeGreaterThan(0);
    clock.advance(2_000);
  }
  expect((await comment().catch((error) => error)).retryAfterMs).toBeGreaterThan(10_000);
  const last = jira.requests.at(-1);
  expect([last?.operation, last?.status]).toEqual(['issueComments.addComment', 429]);
  clock.advance(30_000);
  await comment();

  limits.burst.getIssue = 3;
  const read = () => issues.getIssue({ issueIdOrKey: issue.key });
  const answers = await Promise.all(Array.from({ length: 5 }, () => read().catch((error) => error)));
  expect(answers.filter(isRateLimitError).length).toBeGreaterThan(0);
  clock.advance(1_000);
  const headers = (
    await fetch(`${site.url}/rest/api/3/issue/${issue.key}`, {
      headers: { authorization: jira.requests.at(-1)?.headers.authorization ?? '' },
    })
  ).headers;
  expect(headers.get('x-ratelimit-limit')).toBe('3');
  expect(headers.get('x-ratelimit-nearlimit')).toBe(null);
  limits.burst.getIssue = 150;
});

test('whatever can go wrong on the way does when a test says so', async () => {
  const { oauth, site, faults } = jira;
  const bot = site.addUser('Faulty');
  const project = addProject(site, { key: 'BAD', name: 'Bad days' });
  const token = oauth.addApiToken(site, bot);
  const auth: Auth = { type: 'basic', email: bot.emailAddress, apiToken: token.value };
  const { issues } = clientOf(site.url, auth);
  const create = (summary: string) =>
    issues.createIssue({ fields: { project: { key: 'BAD' }, issuetype: { name: 'Task' }, summary } }).then(
      () => 0,
      (error) => error.status ?? error.name,
    );
  const there = (summary: string) =>
    [...site.issues.values()].filter((issue) => issue.project === project && issue.summary === summary).length;
  for (const [name, action, answered, made] of [
    ['before', { type: 'status', status: 503, commit: 'before' }, 503, 0],
    ['after', { type: 'status', status: 500, commit: 'after' }, 500, 1],
    ['html', { type: 'status', status: 200, commit: 'before', body: '<html></html>' }, 'SchemaMismatchError', 0],
    ['lost', { type: 'loseReply' }, 'NetworkError', 1],
    ['cut', { type: 'cut' }, 'NetworkError', 0],
    ['half', { type: 'cutReply' }, 'TypeError', 1],
    ['limited', { type: 'rateLimit', seconds: 7 }, 429, 0],
    ['late', { type: 'late', ms: 5 }, 0, 1],
    ['meanwhile', { type: 'meanwhile', does: () => deny(project, bot, 'CREATE_ISSUES') }, 400, 0],
    ['revoked', { type: 'revoke' }, 401, 0],
  ] as const) {
    faults.clear();
    faults.add({ operation: 'issues.createIssue', nth: 1, action });
    expect([name, await create(name), there(name), faults.unmet()]).toEqual([name, answered, made, []]);
  }
  faults.clear();
  token.isRevoked = false;
  allow(project, bot);
  faults.add({ operation: 'issues.createIssue', nth: 1, action: { type: 'status', status: 502, commit: 'before' } });
  await withRetry(
    () => issues.createIssue({ fields: { project: { key: 'BAD' }, issuetype: { name: 'Task' }, summary: 'again' } }),
    { initialDelayMs: 1 } as never,
  );
  expect(there('again')).toBe(1);
});
