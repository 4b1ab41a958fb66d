import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, onTestFinished, test } from 'vitest';
import { VendorError } from '../../../src/core/vendor-error.ts';
import { findFiles } from '../../../src/lib/stored-files.ts';
import { paceMs, readBudgets, waitMsOf } from '../../../src/trackers/linear/budget.ts';
import { createLinearClient, type LinearClient } from '../../../src/trackers/linear/client.ts';
import type { LinearTokens } from '../../../src/trackers/linear/connecting/tokens.ts';
import { createUploadReader, storeOf } from '../../../src/trackers/linear/reading/attachments.ts';

const never = new AbortController().signal;
const api = 'https://api.linear.app/graphql';

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** A server that answers in turn, the last one again and again; and what it was asked. */
async function serve(...answers: Answer[]): Promise<{ origin: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const origin = await listen((request, response) => {
    asked.push(request);
    const {
      status = 200,
      headers = {},
      body = { data: { ok: true } },
    } = answers[Math.min(asked.length, answers.length) - 1] ?? {};
    const content = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const type = typeof body === 'string' ? 'text/plain' : 'application/json';
    response.writeHead(status, { 'content-type': type, ...headers }).end(content);
  });
  return { origin, asked };
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The first token, and the others as each is refused; then there is none. */
function tokens(...all: string[]): LinearTokens {
  return {
    workspaces: async () => [{ id: 'org-1', name: 'Acme', urlKey: 'acme', appUserId: 'app-1' }],
    async token(_workspace, refused) {
      const token = refused === null ? all[0] : all[all.indexOf(refused) + 1];
      if (token !== undefined) return token;
      throw new VendorError('no token', { code: 'disconnected', retryable: true, retryAfterMs: 60_000 });
    },
  };
}

function clientOf(origin: string, ...all: string[]): LinearClient {
  return createLinearClient({ apiUrl: `${origin}/graphql`, tokens: tokens(...all) });
}

const ask = (client: LinearClient, signal = never) => client.request('org-1', 'query A { ok }', {}, signal);
const refusal = (extensions: object, message = 'No', path?: string[]) => ({
  errors: [{ message, extensions, path }],
  data: null,
});

describe('errors', () => {
  test('each refusal has its code, and says what may be tried again', async ({ expect }) => {
    const cases: [Answer, object][] = [
      [
        { status: 400, body: refusal({ code: 'RATELIMITED' }) },
        { code: 'rate_limited', retryable: true, retryAfterMs: 60_000 },
      ],
      [
        { status: 200, body: refusal({ type: 'ratelimited' }) },
        { code: 'rate_limited', retryable: true },
      ],
      [
        { status: 429, body: 'slow down' },
        { code: 'rate_limited', retryable: true },
      ],
      [
        { status: 400, headers: { 'retry-after': '7' }, body: refusal({ code: 'RATELIMITED' }) },
        { retryAfterMs: 7_000 },
      ],
      [
        {
          status: 200,
          body: refusal({ type: 'invalid input', code: 'INPUT_ERROR' }, 'Entity not found: Issue', ['issue']),
        },
        { code: 'not_found', retryable: false, path: ['issue'] },
      ],
      [
        { status: 200, body: refusal({ userPresentableMessage: 'Could not find referenced Issue.' }) },
        { code: 'not_found' },
      ],
      [
        { status: 400, body: refusal({ type: 'invalid input' }, 'x', ['b1', 'id']) },
        { code: 'invalid', retryable: false, path: ['b1', 'id'] },
      ],
      [
        { status: 200, body: refusal({ type: 'forbidden' }) },
        { code: 'invalid', retryable: false, path: null },
      ],
      [
        { status: 403, body: refusal({}) },
        { code: 'invalid', retryable: false },
      ],
      ...[400, 403, 404, 407, 408].map((status): [Answer, object] => [
        { status, headers: { 'content-type': 'text/html' }, body: '<html>Stopped by the firewall</html>' },
        { code: 'unavailable', retryable: true },
      ]),
      [
        { status: 403, body: { message: 'No route' } },
        { code: 'unavailable', retryable: true },
      ],
      [
        { status: 413, body: '<html>Too large</html>' },
        { code: 'invalid', retryable: false },
      ],
      [
        { status: 400, body: refusal({ code: 'GRAPHQL_VALIDATION_FAILED' }) },
        { code: 'invalid', retryable: false },
      ],
      [
        { status: 200, body: refusal({ type: 'lock timeout' }) },
        { code: 'unavailable', retryable: true },
      ],
      [
        { status: 200, body: refusal({ type: 'internal error' }) },
        { code: 'unavailable', retryable: true },
      ],
      [
        { status: 502, body: '<html>Bad gateway</html>' },
        { code: 'unavailable', retryable: true },
      ],
      [
        { status: 200, body: 'not JSON at all' },
        { code: 'unavailable', retryable: true },
      ],
      [
        { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' },
        { code: 'unavailable', retryable: true },
      ],
    ];
    for (const [answer, expected] of cases) {
      const { origin } = await serve(answer);
      await expect(ask(clientOf(origin, 'a')), JSON.stringify(answer)).rejects.toMatchObject({
        name: 'VendorError',
        ...expected,
      });
    }
  });

  test('what was sent, and the token, are in no message', async ({ expect }) => {
    const { origin } = await serve({
      status: 400,
      body: refusal({ type: 'invalid input' }, 'Argument Validation Error'),
    });
    const client = clientOf(origin, 'top-secret-token');
    const failed = await client
      .request('org-1', 'query A($body: String) { ok }', { body: 'what a person wrote' }, never)
      .catch((error: Error) => error);
    const all = JSON.stringify([failed, (failed as Error).message, (failed as Error).stack, (failed as Error).cause]);
    expect(all).toContain('Argument Validation Error');
    for (const secret of ['top-secret-token', 'what a person wrote']) expect(all).not.toContain(secret);
  });

  test('a server that is away may come back; one that is not waited for any more is not', async ({ expect }) => {
    await expect(ask(clientOf('http://127.0.0.1:1', 'a'))).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    const fired = AbortSignal.abort(new Error('enough'));
    await expect(ask(clientOf('http://127.0.0.1:1', 'a'), fired)).rejects.toThrow('enough');
    const called = new AbortController();
    const origin = await listen(() => called.abort(new Error('called off')));
    await expect(ask(clientOf(origin, 'a'), called.signal)).rejects.toThrow('called off');
  });

  test('a refused token is changed for another once; then people have to connect again', async ({ expect }) => {
    const no = { status: 401, body: refusal({ type: 'authentication error' }) };
    const { origin, asked } = await serve(no, {}, no);
    const client = clientOf(origin, 'old', 'new', 'newer');
    expect(await ask(client)).toEqual({ ok: true });
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    await expect(ask(client)).rejects.toMatchObject({
      ...{ code: 'disconnected', retryable: true, retryAfterMs: 60_000 },
      message: expect.stringContaining('shipmate connect linear'),
    });
    expect(asked).toHaveLength(4);
    const { origin: other } = await serve({ status: 200, body: refusal({ code: 'AUTHENTICATION_ERROR' }) });
    await expect(ask(clientOf(other, 'only'))).rejects.toMatchObject({ code: 'disconnected' });
  });

  test('a key of a person goes without "Bearer"', async ({ expect }) => {
    const { origin, asked } = await serve();
    await ask(clientOf(origin, 'lin_api_x'));
    expect(asked[0]?.headers.authorization).toBe('lin_api_x');
  });
});

describe('budgets', () => {
  const at = 1_000_000;
  const told = (remaining: number, more: Record<string, string> = {}) =>
    new Headers({
      'x-ratelimit-requests-limit': '5000',
      'x-ratelimit-requests-remaining': String(remaining),
      'x-ratelimit-requests-reset': String(at + 1_000_000),
      ...more,
    });

  test('far from the end nothing waits; near it what is left is spread over the time until there is more', ({
    expect,
  }) => {
    const pace = (remaining: number, now = at) => paceMs(readBudgets(told(remaining), at), now);
    expect(pace(5000)).toBe(0);
    expect(pace(101)).toBe(0);
    expect(pace(100)).toBe(10_000);
    expect(pace(100, at + 4_000)).toBe(6_000);
    expect(pace(100, at + 10_000)).toBe(0);
    expect(pace(0)).toBe(60_000);
    expect(pace(0, at + 1_000_000)).toBe(0);
  });

  test('points are a budget, too: a dear request takes more of it', ({ expect }) => {
    const points = (remaining: number) => ({
      'x-complexity': '1000',
      'x-ratelimit-complexity-limit': '2000000',
      'x-ratelimit-complexity-remaining': String(remaining),
      'x-ratelimit-complexity-reset': String(at + 1_000_000),
    });
    expect(paceMs(readBudgets(told(5000, points(1_000_000)), at), at)).toBe(0);
    expect(paceMs(readBudgets(told(5000, points(40_000)), at), at)).toBe(25_000);
  });

  test('headers that are missing or odd hold nothing up', ({ expect }) => {
    for (const headers of [new Headers(), told(Number.NaN), new Headers({ 'x-ratelimit-requests-limit': '0' })])
      expect(paceMs(readBudgets(headers, at), at)).toBe(0);
    expect(waitMsOf(new Headers(), at)).toBe(60_000);
    expect(waitMsOf(new Headers({ 'retry-after': 'soon' }), at)).toBe(60_000);
  });

  test('who is refused waits as he is told, ten minutes at most', ({ expect }) => {
    expect(waitMsOf(new Headers({ 'retry-after': '30' }), at)).toBe(30_000);
    expect(waitMsOf(told(0), at)).toBe(600_000);
    const endpoint = { 'x-ratelimit-endpoint-requests-limit': '10', 'x-ratelimit-endpoint-requests-remaining': '0' };
    expect(waitMsOf(told(9, { ...endpoint, 'x-ratelimit-endpoint-requests-reset': String(at + 5_000) }), at)).toBe(
      5_000,
    );
  });

  test('the client keeps to them: a long wait is told without asking', async ({ expect }) => {
    const headers = {
      'x-ratelimit-requests-limit': '5000',
      'x-ratelimit-requests-remaining': '1',
      'x-ratelimit-requests-reset': String(Date.now() + 3_600_000),
    };
    const { origin, asked } = await serve({ headers });
    const client = clientOf(origin, 'a');
    await ask(client);
    await expect(ask(client)).rejects.toMatchObject({ code: 'rate_limited', retryable: true });
    expect(asked).toHaveLength(1);
  });

  test('of several at once each waits behind the others, also when another is answered meanwhile', async ({
    expect,
  }) => {
    // A turn every 4.9 s: the first of those that wait may, and who would wait for two is told.
    const headers = {
      'x-ratelimit-requests-limit': '5000',
      'x-ratelimit-requests-remaining': '100',
      'x-ratelimit-requests-reset': String(Date.now() + 490_000),
    };
    const held: (() => void)[] = [];
    const origin = await listen((_request, response) => {
      const answer = () => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers }).end('{"data":{"ok":true}}');
      };
      if (held.push(answer) > 1) answer();
    });
    const client = clientOf(origin, 'a');
    const tooMany = { code: 'rate_limited', retryable: true, account: 'org-1' };
    const first = ask(client);
    await expect.poll(() => held.length).toBe(1);
    await ask(client);
    const waiting = new AbortController();
    const second = ask(client, waiting.signal);
    await expect(ask(client)).rejects.toMatchObject(tooMany);
    held[0]?.();
    await first;
    await expect(ask(client)).rejects.toMatchObject(tooMany);
    waiting.abort(new Error('enough'));
    await expect(second).rejects.toThrow();
    expect(held).toHaveLength(2);
  });
});

describe('files', () => {
  const store = 'https://uploads.linear.app/org/a/b';
  const names = (text: string) => findFiles([text], storeOf(api)).map(({ name, url }) => [name, url]);

  test('what lies in the store is a file, however it is written; all else is a link', ({ expect }) => {
    expect(names(`![a 🚢.png](${store})`)).toEqual([['a 🚢.png', store]]);
    expect(names(`[log.txt](<${store}> "A log")`)).toEqual([['log.txt', store]]);
    expect(names(`See ${store}.png, please`)).toHaveLength(1);
    expect(names(`![](${store}) ![again](${store}?signature=x#y)`)).toEqual([['b', store]]);
    for (const other of [
      'https://example.org/x.png',
      'http://uploads.linear.app/org/a',
      'https://uploads.linear.app.evil.example/org/a',
      'https://uploads.linear.app@evil.example/a',
      'https://evil.example/https://uploads.linear.app/a',
      'https://api.linear.app/graphql?query={viewer{id}}',
      'https://api.linear.app/uploads/../graphql',
      'https://user@uploads.linear.app/org/a',
    ])
      expect(names(`![x](${other}) ${other}`), other).toEqual([]);
  });

  test('a text full of brackets is looked through at once', ({ expect }) => {
    const began = performance.now();
    for (const text of [
      '['.repeat(200_000),
      '![a]('.repeat(50_000),
      'https://'.repeat(50_000),
      `[${'x'.repeat(200_000)}`,
    ])
      names(text);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('our token goes to the store alone, not to where that leads', async ({ expect }) => {
    const elsewhere = await serve({ body: 'content' });
    const redirecting = await serve({ status: 302, headers: { location: `${elsewhere.origin}/file` } });
    const reader = createUploadReader({ apiUrl: `${redirecting.origin}/graphql`, tokens: tokens('secret') });
    // Plain HTTP to another place is not followed at all.
    await expect(reader.read('org-1', `${redirecting.origin}/uploads/a`, never)).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(redirecting.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret']);
    expect(elsewhere.asked).toEqual([]);
    await expect(reader.read('org-1', `${elsewhere.origin}/uploads/a`, never)).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(reader.read('org-1', 'no-such-file', never)).rejects.toMatchObject({ code: 'not_found' });
    expect(elsewhere.asked).toEqual([]);
  });

  test('a file is read byte for byte, with another token where the first is refused; 10 MB are the most', async ({
    expect,
  }) => {
    const content = Buffer.from([0, 255, 13, 10, 128]);
    const { origin, asked } = await serve(
      { status: 401 },
      { body: content },
      { body: Buffer.alloc(10_000_001) },
      { status: 503 },
    );
    const reader = createUploadReader({ apiUrl: `${origin}/graphql`, tokens: tokens('old', 'new') });
    const read = () => reader.read('org-1', `${origin}/uploads/a`, never);
    expect(Buffer.from(await read())).toEqual(content);
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    await expect(read()).rejects.toMatchObject({ code: 'invalid', retryable: false });
    await expect(read()).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  });

  test('a size that cannot be had keeps no ticket from being read', async ({ expect }) => {
    const { origin, asked } = await serve(
      { status: 500 },
      { headers: { 'content-length': '5', 'content-type': 'image/png' } },
    );
    const reader = createUploadReader({ apiUrl: `${origin}/graphql`, tokens: tokens('a') });
    const describeIt = () => reader.describe('org-1', [{ url: `${origin}/uploads/a`, name: 'a' }], never);
    expect(await describeIt()).toMatchObject([{ url: `${origin}/uploads/a`, name: 'a', bytes: 0 }]);
    expect(await describeIt()).toMatchObject([{ mediaType: 'image/png', bytes: 5 }]);
    await describeIt();
    expect(asked).toHaveLength(2);
  });
});
