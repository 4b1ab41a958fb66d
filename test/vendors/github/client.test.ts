import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createGitHubClient, type GitHubClient, type RepositoryReach } from '../../../src/vendors/github/client.ts';
import { webUrlOf } from '../../../src/vendors/github/web-url.ts';
import { verifyGitHubDelivery } from '../../../src/vendors/github/webhooks.ts';
import type { FaultAction } from '../../stand-ins/github/faults.ts';
import { branchCommit } from '../../stand-ins/github/git.ts';
import { setBranch } from '../../stand-ins/github/repositories.ts';
import { type GitHub, startGitHub } from '../../stand-ins/github/server.ts';

const never = new AbortController().signal;
const route = 'GET /repos/{owner}/{repo}';

describe('the client of GitHub', () => {
  let github: GitHub;
  let client: GitHubClient;
  let reach: RepositoryReach;

  const keysOf = (more: object = {}) => ({
    apiUrl: github.apiUrl,
    appId: String(github.apps.app.id),
    privateKey: github.apps.app.privateKey,
    token: null,
    ...more,
  });

  beforeAll(async () => {
    github = await startGitHub();
    const row = await github.addRepository('acme/app');
    github.apps.install(row.owner);
    client = createGitHubClient(keysOf());
    reach = client.on('acme/app');
  });
  afterEach(() => {
    github.faults.clear();
    github.expectClean();
  });
  afterAll(() => github.close());

  test('what has not changed is answered again, and costs nothing', async () => {
    const first = await reach.get(route, {}, never);
    const used = () => [...github.used].map(([, { count }]) => count);
    const before = used();
    expect(await reach.get(route, {}, never)).toEqual(first);
    expect(used()).toEqual(before);
    expect(github.requests.at(-1)).toMatchObject({ operation: 'repos/get', status: 304 });
    expect(github.requests.at(-1)?.headers).toMatchObject({ 'x-github-api-version': '2022-11-28' });
  });

  test('lists are read to their end', async () => {
    const row = github.repository('acme/app');
    const main = await branchCommit(row.dir, 'main');
    for (const name of ['a', 'b']) await setBranch(row.dir, name, main);
    const read = await reach.list<{ name: string }>('GET /repos/{owner}/{repo}/branches', { per_page: 1 }, never);
    expect(read).toMatchObject([{ name: 'a' }, { name: 'b' }, { name: 'main' }]);
    const { data } = await client.ask<{ id: number }[]>('GET /app/installations', {}, never);
    expect(data).toHaveLength(1);
    expect(await client.self(never)).toEqual({ login: 'shipmate[bot]', isApp: true, names: ['shipmate'] });
  });

  test('ten at once take one token', async () => {
    const other = createGitHubClient(keysOf());
    const from = github.requests.length;
    await Promise.all(Array.from({ length: 10 }, () => other.on('acme/app').get(route, {}, never)));
    const asked = github.requests.slice(from).map(({ operation }) => operation);
    for (const once of ['apps/get-repo-installation', 'apps/create-installation-access-token'])
      expect(asked.filter((operation) => operation === once)).toHaveLength(1);
  });

  const page = '<html><body>Bad gateway</body></html>';
  test.for<[what: string, FaultAction, object]>([
    [
      'the hour used up',
      { type: 'rateLimit', shape: 'primary', seconds: 900 },
      { code: 'rate_limited', retryable: true },
    ],
    [
      'too much at once',
      { type: 'rateLimit', shape: 'secondary', seconds: 30 },
      { code: 'rate_limited', retryable: true, retryAfterMs: 30_000 },
    ],
    [
      'too much at once, and not for how long',
      { type: 'status', status: 403, commit: 'before', body: { message: 'You have exceeded a secondary rate limit.' } },
      { code: 'rate_limited', retryAfterMs: 60_000 },
    ],
    ['a page', { type: 'status', status: 502, commit: 'before', body: page }, { code: 'unavailable', retryable: true }],
    [
      'a page in place of an answer',
      { type: 'status', status: 404, commit: 'before', body: page },
      { code: 'unavailable', retryable: true },
    ],
    ['an outage', { type: 'status', status: 503, commit: 'before' }, { code: 'unavailable', retryable: true }],
    ['a broken connection', { type: 'cut' }, { code: 'unavailable', retryable: true }],
    ['a lost answer', { type: 'loseReply' }, { code: 'unavailable', retryable: true }],
    [
      'a right that is missing',
      { type: 'status', status: 403, commit: 'before', body: { message: 'Resource not accessible by integration' } },
      {
        code: 'unauthorized',
        retryable: false,
        message: expect.stringMatching(/permissions.*settings\/installations\/\d+/),
      },
    ],
    ['something gone', { type: 'status', status: 410, commit: 'before' }, { code: 'not_found', retryable: false }],
    ['what is in the way', { type: 'status', status: 409, commit: 'before' }, { code: 'conflict', retryable: false }],
  ])('%s is told as it is, at once', async ([, action, told]) => {
    github.faults.add({ operation: 'repos/get', action });
    const started = performance.now();
    await expect(createGitHubClient(keysOf()).on('acme/app').get(route, {}, never)).rejects.toMatchObject({
      name: 'VendorError',
      ...told,
    });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('the wait of an hour that is used up is what GitHub says', async () => {
    github.faults.add({ operation: 'repos/get', action: { type: 'rateLimit', shape: 'primary', seconds: 900 } });
    const refused = await reach.get(route, {}, never).catch((error: { retryAfterMs: number }) => error);
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(890_000);
  });

  test('one that never answers is given up when it is not waited for any more', async () => {
    github.faults.add({ operation: 'repos/get', action: { type: 'hang' } });
    const stop = new AbortController();
    const asked = reach.get(route, {}, stop.signal);
    await expect.poll(() => github.requests.at(-1)?.operation).toBe('repos/get');
    stop.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('keys that are none are told as such, and never shown', async () => {
    const wrong = [
      { privateKey: 'no key at all' },
      { appId: '1' },
      { privateKey: null, token: 'ghp_of_nobody_at_all' },
    ];
    for (const keys of wrong) {
      const refused = await createGitHubClient(keysOf(keys))
        .on('acme/app')
        .get(route, {}, never)
        .catch((error: Error) => error);
      expect(refused).toMatchObject({ name: 'VendorError' });
      expect(String((refused as Error).message)).not.toMatch(/no key at all|ghp_of/);
    }
  });
});

test('a delivery is let in by either of two secrets, and by nothing else', () => {
  const body = Buffer.from('{"a": 1}');
  const id = 'f2467dea-70d6-11e8-8955-3c83993e0aef';
  const signed = (secret: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const headers = (signature: string) => ({ 'x-hub-signature-256': signature, 'x-github-delivery': id });
  for (const secret of ['old', 'new'])
    expect(verifyGitHubDelivery(['old', 'new'], headers(signed(secret)), body)).toBe(id);
  const refused = { code: 'unauthorized', retryable: false };
  for (const signature of [
    signed('other'),
    '',
    'sha256=',
    signed('old').slice(7),
    signed('old').replace('sha256', 'sha1'),
  ])
    expect(() => verifyGitHubDelivery(['old'], headers(signature), body)).toThrow(expect.objectContaining(refused));
  expect(() => verifyGitHubDelivery([], headers(signed('old')), body)).toThrow(expect.objectContaining(refused));
  expect(() => verifyGitHubDelivery(['old'], headers(signed('old')), Buffer.from('{"a":1}'))).toThrow(
    expect.objectContaining(refused),
  );
  expect(() => verifyGitHubDelivery(['old'], { 'x-hub-signature-256': signed('old') }, body)).toThrow(
    expect.objectContaining({ code: 'invalid' }),
  );
});

test.for([
  ['https://api.github.com', 'https://github.com'],
  ['https://github.acme.org/api/v3', 'https://github.acme.org'],
  ['https://api.acme.ghe.com', 'https://acme.ghe.com'],
  ['http://127.0.0.1:8080/api/v3', 'http://127.0.0.1:8080'],
])('%s is looked at by people at %s', ([api = '', web]) => {
  expect(webUrlOf(api)).toBe(web);
});
