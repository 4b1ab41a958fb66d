import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Opened, openSandbox, workingDriver } from './open-sandbox.ts';
import { createRuns, from, type RunsWithOthers, remote } from './runs-with-others.ts';
import { startSdkHttp } from './sdk-http-server.ts';
import { startUnrulyHttp, type UnrulyHttp } from './unruly-http-server.ts';

let opened: Opened;
let http: UnrulyHttp;
let runs: RunsWithOthers;

beforeAll(async () => {
  opened = await openSandbox(await workingDriver());
  http = await startUnrulyHttp();
});
beforeEach(() => {
  runs = createRuns(opened);
});
afterEach(() => runs.end());
afterAll(async () => {
  await http.close();
  await opened.close();
});

test('one at a URL that lists something else when it is connected to again is off, too', async () => {
  const tools = await runs.run([remote(http.url)]);
  await runs.end();
  http.described = 'another';
  try {
    expect((await runs.call(tools, 'remote_echo', { text: 'x' })).text).toContain('is switched off');
    expect(runs.pinned.get('remote')?.offered?.tools[0]?.description).toBe('echo of another');
  } finally {
    http.described = '1.0';
  }
});

describe('a server at a URL', () => {
  test('gets the headers that it was given, and nobody else does', async () => {
    const headers = { Authorization: 'Bearer its-very-own-token', 'X-Team': 'shop-team-of-ours' };
    const tools = await runs.run([
      remote(http.url, { tools: ['echo', 'away'], at: { url: http.url, headers }, secrets: ['its-very-own-token'] }),
    ]);
    http.headers.length = 0;
    expect((await runs.call(tools, 'remote_echo', { text: 'a its-very-own-token' })).text).toBe(
      from('remote', 'a [redacted]'),
    );
    expect(http.headers[0]).toMatchObject({ authorization: headers.Authorization, 'x-team': headers['X-Team'] });
    expect(await runs.call(tools, 'remote_away')).toMatchObject({ isError: true });
    expect(http.headers.filter((each) => 'leaked' in each)).toEqual([]);
  });

  test.each([
    ['hang', 'it did not answer within 0.5 s'],
    ['stream', 'it sent more than 2,000 messages to one request'],
    ['drop', 'it cannot be reached: other side closed'],
    ['refused', 'Streamable HTTP error: Error POSTing to endpoint: no such key'],
    ['garbage', 'Unexpected token'],
  ])('that answers with "%s" is cut off, and connected to again', async (tool, reason) => {
    const tools = await runs.run([remote(http.url, { tools: [tool, 'echo'], callMs: tool === 'hang' ? 500 : 20_000 })]);
    const result = await runs.call(tools, `remote_${tool}`);
    expect(result).toMatchObject({ isError: true, text: expect.stringContaining(reason) });
    await expect.poll(() => http.open()).toBe(0);
    expect(await runs.call(tools, 'remote_echo', { text: 'x' })).toMatchObject({ isError: false });
  });

  test('that is made with the SDK is understood, with its sessions, and heard when its list changes', async () => {
    const sdk = await startSdkHttp();
    try {
      const tools = await runs.run([remote(http.url, { tools: ['add'], at: { url: sdk.url, headers: {} } })]);
      expect((await runs.call(tools, 'remote_add', { a: 2, b: 3 })).text).toBe(from('remote', '5'));
      expect(await runs.call(tools, 'remote_add', { a: 2 })).toMatchObject({ isError: true });
      sdk.forget();
      expect((await runs.call(tools, 'remote_add', { a: 2, b: 3 })).text).toContain('Session not found');
      expect((await runs.call(tools, 'remote_add', { a: 2, b: 4 })).text).toBe(from('remote', '6'));
      sdk.grow();
      await expect
        .poll(async () => (await runs.call(tools, 'remote_add', { a: 1, b: 1 })).text)
        .toContain('is switched off: its tools are not those that were pinned (version 3.0 then, 3.0 now)');
    } finally {
      await runs.end();
      await sdk.close();
    }
  });

  test('that is not there is told, and a stop waits for nothing', async () => {
    const gone = await startUnrulyHttp();
    const tools = await runs.run([remote(http.url, { tools: ['hang', 'echo'], at: { url: gone.url, headers: {} } })]);
    const stop = new AbortController();
    const hanging = runs.call(tools, 'remote_hang', {}, stop.signal);
    await expect.poll(() => gone.headers.length).toBe(1);
    stop.abort(new Error('stopped'));
    await expect(hanging).rejects.toThrow('stopped');
    await runs.end();
    await gone.close();
    expect((await runs.call(tools, 'remote_echo', { text: 'x' })).text).toMatch(/it cannot be reached: .*ECONNREFUSED/);
  });
});
