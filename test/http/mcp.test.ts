import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import type { Person } from '../../src/core/ticket.ts';
import { listen } from '../../src/http/listen.ts';
import { createHttp } from '../../src/http/server.ts';
import { addToken, findToken, listTokens, revokeToken } from '../../src/store/personal-tokens.ts';
import { type AnyClient, callTool } from '../mcp-servers/speak.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** Of the SDK; the last as it speaks with services that know no newer revision. */
const lines = ['1.x', '2.x', '2.x, 2025-11-25'] as const;
const inMeta = 'io.modelcontextprotocol/';
const ada = { id: 'u-1', name: 'Ada', isBot: false };

describe('/mcp', () => {
  let database: TestDatabase;
  let web: Awaited<ReturnType<typeof listen>>;
  let url: URL;
  let token: string;
  let isAway = false;
  let asked = 0;
  const errors: unknown[] = [];
  /** Calls of `wait`: what each said, and whether it was aborted. */
  const waiting = new Map<string, { aborted: boolean; end(): void }>();

  beforeAll(async () => {
    database = await createTestDatabase();
    ({ token } = await addToken(database.db, { person: ada, label: 'laptop' }));
    const unused = () => Promise.reject(new Error('not asked for here'));
    const app = createHttp({
      ...{ accept: unused, health: unused, finishInstall: unused },
      pages: { sessions: {} as never, limits: {} as never },
      onError: (error) => errors.push(error),
      mcp: {
        async personOf(given) {
          asked += 1;
          if (isAway) throw new Error('the database is away');
          return findToken(database.db, given);
        },
        serve,
        publicUrl: 'https://shipmate.example.com/',
      },
    });
    web = await listen(app, { host: '127.0.0.1', port: 0 });
    url = new URL('/mcp', web.url);
  });
  afterAll(async () => {
    await web?.close();
    await database?.drop();
  });

  function serve(person: Person): McpServer {
    const server = new McpServer({ name: 'small', version: '1' });
    const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });
    server.registerTool('whoami', { inputSchema: {} }, (extra) => {
      const seen = JSON.stringify(extra);
      return text(seen.includes('shp_') ? 'the token is shown to tools' : person.name);
    });
    server.registerTool('measure', { inputSchema: { text: z.string() } }, ({ text: given }) => text(`${given.length}`));
    server.registerTool('fail', { inputSchema: {} }, () => {
      throw new Error('There is no ticket "X-1". Search for it.');
    });
    server.registerTool('wait', { inputSchema: { name: z.string() } }, async ({ name }, { signal }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(name, { aborted: false, end: resolve });
      signal.addEventListener('abort', () => {
        waiting.set(name, { aborted: true, end: resolve });
        resolve();
      });
      await promise;
      return text('waited');
    });
    return server;
  }

  async function connect(line: (typeof lines)[number], bearer = token): Promise<AnyClient> {
    const options = { requestInit: { headers: { authorization: `Bearer ${bearer}` } } };
    const info = { name: 'test', version: '1' };
    const client =
      line === '1.x'
        ? new ClientV1(info)
        : new ClientV2(info, { versionNegotiation: { mode: line === '2.x' ? 'auto' : 'legacy' } });
    onTestFinished(() => client.close());
    if (client instanceof ClientV1) await client.connect(new TransportV1(url, options) as never);
    else await client.connect(new TransportV2(url, options));
    return client;
  }

  async function post(body: string | null, headers: Record<string, string> = {}, method = 'POST') {
    const response = await fetch(url, {
      method,
      body,
      headers: {
        ...{ authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        accept: 'application/json, text/event-stream',
        ...headers,
      },
    });
    const said = await response.text();
    const { error } = (said === '' ? {} : JSON.parse(said)) as { error?: { code: number; message: string } };
    return {
      status: response.status,
      headers: response.headers,
      code: error?.code,
      message: error?.message ?? '',
      said,
    };
  }
  const listTools = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });

  describe.each(lines)('with the %s client', (line) => {
    test('it introduces itself, lists, calls, and says what went wrong', async () => {
      const client = await connect(line);
      expect(client.getServerVersion()?.name).toBe('small');
      if (client instanceof ClientV2)
        expect(client.getNegotiatedProtocolVersion()).toBe(line === '2.x' ? '2026-07-28' : '2025-11-25');
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(['whoami', 'measure', 'fail', 'wait']);
      expect(await callTool(client, 'whoami', {})).toEqual({ text: 'Ada', isError: false });
      expect(await callTool(client, 'measure', { text: 'é'.repeat(2_600_000) })).toEqual({
        ...{ text: '2600000', isError: false },
      });
      expect(await callTool(client, 'fail', {})).toEqual({
        ...{ text: 'There is no ticket "X-1". Search for it.', isError: true },
      });
    });

    test('a call that is cancelled ends, and no other; so does one whose client goes away', async () => {
      const [mine, theirs] = await Promise.all([connect(line), connect(line)]);
      const cancelling = new AbortController();
      const wait = (client: AnyClient, name: string) =>
        client instanceof ClientV1
          ? client.callTool({ name: 'wait', arguments: { name } }, undefined, { signal: cancelling.signal })
          : client.callTool({ name: 'wait', arguments: { name } }, { signal: cancelling.signal });
      const cancelled = wait(mine, `${line} mine`);
      cancelled.catch(() => {});
      // The same number of request, and the same token.
      const other = callTool(theirs, 'wait', { name: `${line} theirs` });
      other.catch(() => {});
      await expect.poll(() => [`${line} mine`, `${line} theirs`].every((name) => waiting.has(name))).toBe(true);
      cancelling.abort(new Error('not wanted any more'));
      await expect(cancelled).rejects.toThrow('not wanted any more');
      await expect.poll(() => waiting.get(`${line} mine`)?.aborted).toBe(true);
      expect(await callTool(mine, 'whoami', {})).toEqual({ text: 'Ada', isError: false });
      expect(waiting.get(`${line} theirs`)?.aborted).toBe(false);
      await theirs.close();
      await expect.poll(() => waiting.get(`${line} theirs`)?.aborted).toBe(true);
      await expect(other).rejects.toThrow();
    });

    test('50 calls at once are all answered, each its own', async () => {
      const client = await connect(line);
      const texts = Array.from({ length: 50 }, (_, length) => 'x'.repeat(length));
      const answers = await Promise.all(texts.map((text) => callTool(client, 'measure', { text })));
      expect(answers.map(({ text }) => Number(text))).toEqual(texts.map(({ length }) => length));
    });

    test('a wrong token is refused, and one that is revoked from the next call on', async () => {
      const wrong = await connect(line, `shp_${'A'.repeat(43)}`).catch((error: unknown) => error);
      expect(wrong).toBeInstanceOf(Error);
      expect(JSON.stringify([String(wrong), wrong])).toMatch(/401|requires authorization/);
      const { id, token: short } = await addToken(database.db, { person: ada, label: '' });
      const client = await connect(line, short);
      expect((await callTool(client, 'whoami', {})).text).toBe('Ada');
      expect(await revokeToken(database.db, id)).toBe(true);
      await expect(callTool(client, 'whoami', {})).rejects.toThrow(
        /This token was revoked\. Ask whoever runs the service for one \(shipmate token create NAME\)/,
      );
    });
  });

  test.each<[string, () => Promise<Awaited<ReturnType<typeof post>>>, number, RegExp]>([
    ['no token', () => post(listTools, { authorization: '' }), 401, /needs a personal token.*shipmate token create/],
    ['another scheme', () => post(listTools, { authorization: `Basic ${token}` }), 401, /needs a personal token/],
    ['no token of ours', () => post(listTools, { authorization: 'Bearer x' }), 401, /not known here.*shipmate login/],
    ['GET', () => post(null, {}, 'GET'), 405, /POST/],
    ['DELETE', () => post(null, {}, 'DELETE'), 405, /POST/],
    ['OPTIONS of a page', () => post(null, { origin: 'https://shipmate.example.com' }, 'OPTIONS'), 405, /POST/],
    ['a page of another site', () => post(listTools, { origin: 'https://evil.example' }), 403, /other sites/],
    ['a page on another port of this machine', () => post(listTools, { origin: 'http://localhost:1' }), 403, /sites/],
    ['a page without an origin', () => post(listTools, { origin: 'null' }), 403, /sites/],
    ['9 MB', () => post(`"${'x'.repeat(9_000_000)}"`), 413, /larger than 8 MB.*send it again/],
    ['not JSON', () => post('{"jsonrpc": '), 400, /^This is not JSON\.$/],
    ['nothing', () => post(''), 400, /Parse error/],
    ['no message', () => post('17'), 400, /Parse error/],
    ['not UTF-8', () => post(listTools, { 'content-type': 'application/json; charset=koi8-r' }), 415, /UTF-8/],
    ['a form', () => post(listTools, { 'content-type': 'text/plain' }), 415, /Content-Type/],
    ['broken gzip', () => post(listTools, { 'content-encoding': 'gzip' }), 400, /cannot be read/],
    ['another time', () => post(listTools, { 'mcp-protocol-version': '2099-01-01' }), 400, /protocol version/],
  ])('%s is refused with what to do', async (_name, ask, status, message) => {
    const answer = await ask();
    expect([answer.status, answer.said.includes('    at ')]).toEqual([status, false]);
    expect(answer.message).toMatch(message);
    expect(answer.code).toBeLessThan(-30_000);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('allow')).toBe(status === 405 ? 'POST' : null);
    const challenge = answer.headers.get('www-authenticate');
    if (status === 401) expect(challenge).toMatch(/^Bearer realm="shipmate", .*error_description="[^"]+"$/);
    else expect(challenge).toBeNull();
    expect(answer.said).not.toContain(token);
    expect(errors).toEqual([]);
  });

  /** As the revision 2026-07-28 has it, but for what is given. */
  function call({ version = '2026-07-28', method = 'tools/call', ...headers }: Record<string, string> = {}) {
    const _meta = { [`${inMeta}protocolVersion`]: version, [`${inMeta}clientCapabilities`]: {} };
    const params = { name: 'whoami', arguments: {}, _meta };
    const said = { 'mcp-protocol-version': version, 'mcp-method': method, 'mcp-name': 'whoami', ...headers };
    return post(JSON.stringify({ jsonrpc: '2.0', id: 0, method, params }), said);
  }

  test.each<[string, Record<string, string>, number, number | undefined]>([
    ['nothing', {}, 200, undefined],
    ['a name in base64', { 'mcp-name': '=?base64?d2hvYW1p?=' }, 200, undefined],
    ['another method in the header', { 'mcp-method': 'tools/list' }, 400, -32_020],
    ['another name in the header', { 'mcp-name': 'fail' }, 400, -32_020],
    ['another revision in the header', { 'mcp-protocol-version': '2025-11-25' }, 400, -32_020],
    ['a revision that nobody knows', { version: '2099-01-01' }, 400, -32_022],
    ['a method that is gone', { method: 'ping' }, 404, -32_601],
  ])('a message that names its revision, with %s odd', async (_, given, status, code) => {
    const answer = await call(given);
    expect(answer).toMatchObject({ status, code });
    expect(JSON.parse(answer.said)).toMatchObject({
      id: 0,
      ...(status === 200 ? { result: { resultType: 'complete' } } : {}),
    });
  });

  test('our own pages may; a name that is led here may not, whatever it calls the host', async () => {
    for (const origin of ['https://shipmate.example.com', url.origin, `http://localhost:${url.port}`])
      expect(await post(listTools, { origin })).toMatchObject({ status: 200 });
    const before = asked;
    expect(await post(listTools, { origin: `http://evil.example:${url.port}` })).toMatchObject({ status: 403 });
    expect(asked, 'no token is looked up for it').toBe(before);
  });

  test('what wants no answer is accepted without a word', async () => {
    const { status, said, headers } = await post(
      JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }),
    );
    expect([status, said, headers.get('content-type')]).toEqual([202, '', null]);
  });

  test('what is too large costs nothing without a token', async () => {
    const large = `"${'x'.repeat(9_000_000)}"`;
    expect(await post(large, { authorization: 'Bearer x' })).toMatchObject({ status: 401 });
  });

  test('while the database is away, it says so and nothing of why', async () => {
    isAway = true;
    const answer = await post(listTools).finally(() => (isAway = false));
    expect(answer).toMatchObject({ status: 503, message: 'Shipmate cannot answer now. Try again in a minute.' });
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(errors.splice(0)).toEqual([new Error('the database is away')]);
  });

  test('only the hash is kept; that it was used is noted once a minute', async () => {
    const { id, token: fresh } = await addToken(database.db, { person: ada, label: 'new' });
    expect(fresh).toMatch(/^shp_[\w-]{43}$/);
    const used = async () => (await listTokens(database.db)).find((each) => each.id === id)?.usedAt;
    const { rows } = await database.pool.query(
      `select hash = sha256($1::text::bytea) as hashed, to_jsonb(t)::text as kept from personal_tokens t where id = $2`,
      [fresh, id],
    );
    expect(rows[0].hashed).toBe(true);
    expect(rows[0].kept).not.toContain(fresh.slice(4, 20));
    expect(await used()).toBeNull();
    expect(await findToken(database.db, fresh)).toEqual(ada);
    const first = await used();
    expect(first).toBeInstanceOf(Date);
    await findToken(database.db, fresh);
    expect(await used()).toEqual(first);
    await database.pool.query(`update personal_tokens set used_at = now() - interval '61 seconds' where id = $1`, [id]);
    await findToken(database.db, fresh);
    expect((await used())?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? 0);
    expect(await revokeToken(database.db, id)).toBe(true);
    expect(await revokeToken(database.db, id), 'a second time there is nothing to revoke').toBe(false);
    expect(await findToken(database.db, fresh)).toBe('revoked');
  });
});
