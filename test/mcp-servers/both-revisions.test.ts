import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { newerRevision, speakBothRevisions } from '../../mcp-servers/both-revisions.ts';

/** A server of the 1.x SDK behind it; `seen`: what its tools were told and asked, in order. */
function serve(): { wire: InMemoryTransport; seen: string[] } {
  const seen: string[] = [];
  const server = new McpServer({ name: 'small', version: '1.2.3' });
  const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });
  server.registerTool('echo', { inputSchema: { said: z.string() } }, ({ said }, { _meta }) => {
    if (said === '') throw new Error('Say something.');
    return { ...text(said), structuredContent: { said, _meta, by: server.server.getClientVersion()?.name } };
  });
  server.registerTool('where', { inputSchema: {} }, async (_, { signal }) => {
    const told = await server.server.listRoots().catch(() => null);
    signal.throwIfAborted();
    seen.push('done');
    return text(told?.roots.map(({ uri }) => uri).join() ?? 'nobody says');
  });
  server.registerTool('wait', { inputSchema: {} }, (_, { signal }) => {
    seen.push('waits');
    return new Promise((end) =>
      signal.addEventListener('abort', () => {
        seen.push('aborted');
        end(text('aborted'));
      }),
    );
  });
  server.registerPrompt('greet', {}, () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'Good day' } }],
  }));
  const [ours, wire] = InMemoryTransport.createLinkedPair();
  void server.connect(speakBothRevisions(ours as unknown as Transport));
  onTestFinished(() => server.close());
  return { wire, seen };
}

async function connect(mode: 'auto' | 'legacy' | { pin: string }, roots: string[] = []) {
  const { wire, seen } = serve();
  const capabilities = roots.length > 0 ? { roots: {} } : {};
  const client = new Client({ name: 'test', version: '1' }, { capabilities, versionNegotiation: { mode } });
  if (roots.length > 0) client.setRequestHandler('roots/list', () => ({ roots: roots.map((uri) => ({ uri })) }));
  await client.connect(wire);
  return { client, seen };
}

/** What is answered to one message, whoever sends it. */
async function post(method: string, _meta?: Record<string, unknown>) {
  const { wire } = serve();
  const answered = new Promise((answer) => {
    wire.onmessage = answer;
  });
  await wire.start();
  await wire.send({ jsonrpc: '2.0', id: 'a', method, params: { ...(_meta ? { _meta } : {}) } });
  return answered;
}

test.each([
  ['auto', newerRevision],
  [{ pin: newerRevision }, newerRevision],
  ['legacy', '2025-11-25'],
] as const)('a client that negotiates %j speaks %s', async (mode, revision) => {
  const { client } = await connect(mode);
  expect(client.getNegotiatedProtocolVersion()).toBe(revision);
  expect(client.getServerVersion()).toEqual({ name: 'small', version: '1.2.3' });
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo', 'where', 'wait']);
  const _meta = { progressToken: 7, 'example.com/kept': 'kept' };
  const { structuredContent } = await client.callTool({ name: 'echo', arguments: { said: 'Hallo' }, _meta });
  expect(structuredContent).toEqual({ said: 'Hallo', _meta, by: 'test' });
  const failed = await client.callTool({ name: 'echo', arguments: { said: '' } });
  expect(failed).toMatchObject({ isError: true, content: [{ text: 'Say something.' }] });
  expect((await client.listPrompts()).prompts).toMatchObject([{ name: 'greet' }]);
  expect((await client.getPrompt({ name: 'greet' })).messages).toHaveLength(1);
});

test.each(['auto', 'legacy'] as const)('a call that is cancelled ends (%s)', async (mode) => {
  const { client, seen } = await connect(mode);
  const leaving = new AbortController();
  const call = client.callTool({ name: 'wait', arguments: {} }, { signal: leaving.signal });
  await expect.poll(() => seen).toEqual(['waits']);
  leaving.abort(new Error('not wanted any more'));
  await expect(call).rejects.toThrow('not wanted any more');
  await expect.poll(() => seen).toEqual(['waits', 'aborted']);
});

test.each([
  ['auto', ['file:///work/app'], 'file:///work/app'],
  ['legacy', ['file:///work/app'], 'file:///work/app'],
  ['auto', [], 'nobody says'],
] as const)(
  'what the server asks its client is answered, and the work done once (%s, %j)',
  async (mode, roots, said) => {
    const { client, seen } = await connect(mode, [...roots]);
    expect(await client.callTool({ name: 'where', arguments: {} })).toMatchObject({ content: [{ text: said }] });
    expect(seen).toEqual(['done']);
  },
);

const version = 'io.modelcontextprotocol/protocolVersion';
const capabilities = 'io.modelcontextprotocol/clientCapabilities';
const clientInfo = 'io.modelcontextprotocol/clientInfo';
const whole = { [version]: newerRevision, [capabilities]: {} };

test.each([
  [
    'another revision',
    'tools/list',
    { ...whole, [version]: '2027-01-01' },
    { code: -32_022, data: { supported: [newerRevision], requested: '2027-01-01' } },
  ],
  ['no capabilities', 'tools/list', { [version]: newerRevision }, { code: -32_602 }],
  ['a client without a name', 'tools/list', { ...whole, [clientInfo]: { version: '1' } }, { code: -32_602 }],
  ['a method that is gone', 'ping', whole, { code: -32_601 }],
  ['a method of the newer revision, without saying so', 'server/discover', undefined, { code: -32_601 }],
])('%s is refused', async (_, method, given, error) => {
  expect(await post(method, given)).toMatchObject({ id: 'a', error: { ...error, message: expect.any(String) } });
});

test('what is found out and listed has what the newer revision asks for', async () => {
  const _meta = { 'io.modelcontextprotocol/serverInfo': { name: 'small', version: '1.2.3' } };
  const always = { _meta, resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  const discovered = { supportedVersions: [newerRevision], capabilities: { tools: {}, prompts: {} } };
  expect(await post('server/discover', whole)).toEqual({
    jsonrpc: '2.0',
    id: 'a',
    result: { ...always, ...discovered },
  });
  expect(await post('tools/list', whole)).toMatchObject({ result: always });
});
