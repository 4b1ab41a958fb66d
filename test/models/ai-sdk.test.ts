import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Message } from '../../src/core/message.ts';
import { createModel } from '../../src/models/index.ts';
import { afterReply, never, requestOf, throughJsonb } from '../contracts/model.ts';
import { type ModelServer, type ModelServerOptions, startModelServer } from '../stand-ins/model-server/server.ts';

const specs = [
  'anthropic:claude-opus-5-5',
  'openai:gpt-6.1-sol',
  'openai-compatible:qwen3-coder',
  'gemini:gemini-4-argon',
];
const key = 'key-that-is-secret';

const servers: ModelServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(options: ModelServerOptions): Promise<ModelServer> {
  const server = await startModelServer(options);
  servers.push(server);
  return server;
}

function modelAt(url: string, spec: string) {
  return createModel(spec, {
    keys: { anthropic: key, openai: key, gemini: key },
    baseUrls: { anthropic: url, openai: `${url}/v1`, gemini: `${url}/v1beta` },
  });
}

/** Plays some turns, every second one by a new model from the stored history; returns the requests' bodies. */
async function converse(spec: string, turns: number, script: string) {
  const server = await serve({ script });
  let model = modelAt(server.url, spec);
  let messages: Message[] = [{ role: 'user', text: 'ENG-1' }];
  for (let turn = 0; turn < turns; turn++) {
    messages = afterReply(messages, await model.complete(requestOf(messages), never));
    if (turn % 2 === 0) continue;
    model = modelAt(server.url, spec);
    messages = throughJsonb(messages);
  }
  return { server, bodies: server.requests.map((request) => JSON.parse(request.body)) };
}

const script = `
  replies:
    - { text: A look., thinking: Two files., calls: [{ tool: read, input: { zebra: 1, path: a } }, { tool: read, input: { path: b } }] }
    - { calls: [{ tool: read, inputText: '{"pa' }, { tool: no_such_tool, input: {} }], thinking: Hm. }
    - { text: Hello. }
    - { calls: [{ tool: bash, input: { command: ls } }] }
    - { text: Done. }`;

describe('what the vendor is sent', () => {
  it.each(specs)('%s: each request has the one before as its prefix', async (spec) => {
    const turns = spec.startsWith('gemini') ? 1 : 5; // its arguments can't be malformed; the next test covers it
    const { bodies } = await converse(spec, turns, script);
    const { bodies: plain } = await converse(spec, 3, script.replace(/inputText: '[^']*'/, 'input: { path: c }'));
    for (const conversation of [bodies, plain])
      for (const [index, body] of conversation.entries()) {
        if (index === 0) continue;
        const before = splitBody(conversation[index - 1]);
        const now = splitBody(body);
        expect(now.rest).toBe(before.rest);
        expect(now.history.slice(0, before.history.length)).toEqual(before.history);
        expect(now.history.length).toBeGreaterThan(before.history.length);
      }
  });

  it.each(specs)('%s: the same request is the same bytes, and the key is in a header only', async (spec) => {
    const server = await serve({ script: 'replies: [{ text: One. }]' });
    for (let time = 0; time < 2; time++)
      await modelAt(server.url, spec).complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never);
    const [first, second] = server.requests;
    expect(second?.body).toBe(first?.body);
    expect(first?.body).not.toContain(key);
    expect(first?.path).not.toContain(key);
    expect(JSON.stringify(first?.headers)).toContain(key);
    expect(JSON.parse(first?.body ?? '')).toMatchObject(maximumIn(spec));
  });

  it('marks the last tool, the system prompt and the last message for caching, and nothing else', async () => {
    const { bodies } = await converse('anthropic:claude-opus-5-5', 3, script);
    for (const body of bodies) {
      expect(JSON.stringify(body).split('cache_control')).toHaveLength(4);
      expect(body.tools.at(-1).cache_control).toEqual({ type: 'ephemeral' });
      expect(body.system.at(-1).cache_control).toEqual({ type: 'ephemeral' });
      expect(body.messages.at(-1).content.at(-1).cache_control).toEqual({ type: 'ephemeral' });
    }
  });

  it('sends thinking back as it came, and lets the vendor drop it where old output was masked since', async () => {
    const { bodies } = await converse('anthropic:claude-opus-5-5', 2, script);
    expect(bodies[1].messages[1].content[0]).toMatchObject({
      type: 'thinking',
      thinking: 'Two files.',
      signature: expect.stringMatching(/./),
    });
    expect(bodies[1].thinking).toEqual({ block_binding: { prefix_mismatch_behavior: 'drop_block' } });
    const { bodies: older } = await converse('anthropic:claude-sonnet-4-6', 1, script);
    expect(older[0].thinking).toBeUndefined();
    const { bodies: openai } = await converse('openai:gpt-6.1-sol', 2, script);
    expect(openai[1]).toMatchObject({ store: false, include: ['reasoning.encrypted_content'] });
    expect(openai[1].input[2]).toMatchObject({
      type: 'reasoning',
      id: 'rs_1',
      encrypted_content: expect.stringMatching(/./),
    });
    expect(openai[1].prompt_cache_key).toBe(openai[0].prompt_cache_key);
  });

  it.each(specs.slice(0, 2))('%s: sends back thinking of which only a seal is shown', async (spec) => {
    const { bodies } = await converse(spec, 2, script.replace('thinking: Two files.', 'thinking: ""'));
    const [, second] = bodies;
    const sealed = spec.startsWith('anthropic')
      ? { sent: second.messages[1].content[0], like: { type: 'thinking', thinking: '', signature: expect.any(String) } }
      : { sent: second.input[2], like: { type: 'reasoning', summary: [], encrypted_content: expect.any(String) } };
    expect(sealed.sent).toMatchObject(sealed.like);
  });

  it('gives an unknown Anthropic model its whole output, and strict mode to no tool', async () => {
    const { bodies } = await converse('anthropic:some-new-model', 1, script);
    expect(bodies[0]).toMatchObject({ max_tokens: 8_000, model: 'some-new-model' });
    expect(bodies[0].tools[0]).not.toHaveProperty('strict');
    expect(bodies[0].tools[0]).not.toHaveProperty('eager_input_streaming');
    const { bodies: openai } = await converse('openai:gpt-6.1-sol', 1, script);
    expect(openai[0].tools.map((tool: { strict: boolean }) => tool.strict)).toEqual([false, false]);
  });

  it('tells what another vendor wrote in plain words', async () => {
    const anthropic = await serve({ script });
    let messages: Message[] = [{ role: 'user', text: 'ENG-1' }];
    const reply = await modelAt(anthropic.url, 'anthropic:claude-opus-5-5').complete(requestOf(messages), never);
    messages = afterReply(messages, reply);
    for (const spec of specs.slice(1)) {
      const server = await serve({ script });
      expect((await modelAt(server.url, spec).complete(requestOf(messages), never)).usage.output).toBeGreaterThan(0);
      expect(server.requests[0]?.body).toContain('A look.');
      expect(server.requests[0]?.body).not.toContain('Two files.');
    }
  });

  it('takes the address of a compatible Anthropic server with and without the version', async () => {
    const server = await serve({ script: 'replies: [{ text: One. }]' });
    for (const url of [server.url, `${server.url}/`, `${server.url}/v1`])
      await modelAt(url, 'anthropic:claude-opus-5-5').complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never);
    expect(server.requests.map((request) => request.path)).toEqual(Array(3).fill('/v1/messages'));
  });
});

describe('what the vendor answers', () => {
  const ask = (server: { url: string }, spec = specs[0] ?? '') =>
    modelAt(server.url, spec).complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never);

  it.each([
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250, 250],
    [{ 'retry-after': '0.5' }, 500, 500],
    [{ 'retry-after': new Date(Date.now() + 600_000).toUTCString() }, 300_000, 600_000],
    [{ 'retry-after': 'soon' }, null, null],
  ])('waits as it is told by %j', async (headers, least, most) => {
    const server = await serve({
      script: 'replies: [{ fail: { status: 429, retryAfter: 1 } }]',
      retryAfterHeader: () => headers as Record<string, string>,
    });
    const error = await ask(server).catch((thrown) => thrown);
    if (least === null || most === null) expect(error.retryAfterMs).toBeNull();
    else {
      expect(error.retryAfterMs).toBeGreaterThanOrEqual(least);
      expect(error.retryAfterMs).toBeLessThanOrEqual(most);
    }
    expect(error).toMatchObject({ code: 'rate_limited', retryable: true });
  });

  it.each([
    ['429', 'You exceeded your current quota (insufficient_quota), please check your plan', 'spend_limit'],
    ['400', 'Your credit balance is too low to access the API', 'spend_limit'],
    ['400', 'prompt is too long: 1000001 tokens > 1000000 maximum', 'context_overflow'],
    ['413', 'Request exceeds the maximum size', 'context_overflow'],
    ['403', 'Your account may not use this model', 'unauthorized'],
    ['404', 'model: some-model', 'invalid'],
  ])('does not repeat a %s that says "%s"', async (status, message, code) => {
    for (const spec of specs) {
      const server = await serve({
        script: `replies: [{ fail: { status: ${status}, message: ${JSON.stringify(message)} } }]`,
      });
      const error = await ask(server, spec).catch((thrown) => thrown);
      expect(error).toMatchObject({ name: 'VendorError', code, retryable: false });
      expect(error.message).toContain(message);
      expect(error.message).toContain(spec);
      expect(error.cause).toBeUndefined();
    }
  });

  it('says which variable holds a key that is refused, and not the key', async () => {
    const server = await serve({ script: 'replies: []', key: 'another' });
    for (const spec of specs) {
      const error = await ask(server, spec).catch((thrown) => thrown);
      expect(error.message).toMatch(/Check (ANTHROPIC|OPENAI|GEMINI)_API_KEY/);
      expect(error.message).toContain('[key]');
      expect(JSON.stringify(error) + error.stack).not.toContain(key);
    }
  });

  it.each(specs)('%s: a body that ends too early is a cut stream', async (spec) => {
    const server = await serve({ script: 'replies: [{ fail: { cut: true } }]', cutBy: 'end' });
    await expect(ask(server, spec)).rejects.toMatchObject({ code: 'cut_stream', retryable: true });
  });

  it.each(specs.flatMap((spec) => [408, 504, 524].map((status) => [spec, status] as const)))(
    '%s: a reply that nobody waited for (%i) may be asked money for',
    async (spec, status) => {
      const server = await serve({ script: `replies: [{ fail: { status: ${status}, message: Timed out } }]` });
      await expect(ask(server, spec)).rejects.toMatchObject({ code: 'cut_stream', retryAfterMs: 60_000 });
    },
  );

  it.each(specs)('%s: so may one whose connection was lost', async (spec) => {
    const server = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.resetAndDestroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(ask({ url: `http://127.0.0.1:${port}` }, spec)).rejects.toMatchObject({
      code: 'cut_stream',
      retryAfterMs: 60_000,
    });
    server.close();
  });

  it.each(specs)('%s: an overload in the middle of a reply is worth another try', async (spec) => {
    const server = await serve({
      script: 'replies: [{ fail: { status: 529, message: Overloaded } }]',
      failMidway: true,
    });
    await expect(ask(server, spec)).rejects.toMatchObject({ code: 'overloaded', retryable: true });
  });

  it.each(specs)('%s: a server that is not there may come back', async (spec) => {
    const server = await startModelServer({ script: 'replies: []' });
    await server.close();
    await expect(ask(server, spec)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  });

  it.each(specs)('%s: an abort closes the connection', async (spec) => {
    const controller = new AbortController();
    const server = await serve({
      script: 'replies: [{ text: Late., delay: 60000 }]',
      onRequest: () => controller.abort(),
    });
    await expect(
      modelAt(server.url, spec).complete(requestOf([{ role: 'user', text: 'ENG-1' }]), controller.signal),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(await server.requests[0]?.ended).toBe('aborted');
  });
});

describe('where it looks and whom it calls', () => {
  it('reads nothing from the environment', async () => {
    const names = [
      'ANTHROPIC_API_KEY',
      'OPENAI_API_KEY',
      'GOOGLE_GENERATIVE_AI_API_KEY',
      'ANTHROPIC_BASE_URL',
      'OPENAI_BASE_URL',
    ];
    const before = { ...process.env };
    try {
      for (const name of names)
        process.env[name] = name.endsWith('URL') ? 'http://127.0.0.1:9/elsewhere' : 'from-environment';
      const server = await serve({ script: 'replies: [{ text: One. }]' });
      for (const spec of specs) {
        await modelAt(server.url, spec).complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never);
        expect(JSON.stringify(server.requests.at(-1))).not.toContain('from-environment');
      }
      for (const spec of specs) {
        const keyless = createModel(spec, { keys: {}, baseUrls: {} });
        await expect(keyless.complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never)).rejects.toMatchObject({
          code: 'unauthorized',
          retryable: false,
        });
        expect(await keyless.check()).toMatchObject([
          { status: 'missing', remedy: expect.stringMatching(/^Set [A-Z_]+, or choose another model\.$/) },
        ]);
      }
    } finally {
      for (const name of names) delete process.env[name];
      Object.assign(process.env, before);
    }
  });

  it('opens connections to the vendor alone', async () => {
    const ports = new Set<number | undefined>();
    const onSocket = (message: unknown) => {
      const { socket } = message as { socket: Socket };
      socket.once('connect', () => ports.add(socket.remotePort));
    };
    subscribe('net.client.socket', onSocket);
    try {
      const server = await serve({ script: 'replies: [{ text: One. }]' });
      for (const spec of specs)
        await modelAt(server.url, spec).complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never);
      expect([...ports]).toEqual([Number(new URL(server.url).port)]);
    } finally {
      unsubscribe('net.client.socket', onSocket);
    }
  });
});

/** A body as its history and everything else, without the cache marks, which move along. */
function splitBody(body: Record<string, unknown>): { rest: string; history: string[] } {
  const { messages, input, contents, ...rest } = body;
  const history = (messages ?? input ?? contents) as Record<string, unknown>[];
  // A message that grows (a person speaks after tool results) is a prefix by its parts.
  const parts: unknown[] = history.flatMap(({ content, parts, ...message }): unknown[] => {
    const list = content ?? parts;
    return Array.isArray(list) ? list.map((part) => ({ ...message, part })) : [{ ...message, content }];
  });
  const bare = (value: unknown) =>
    JSON.stringify(value, (name, inner) => (name === 'cache_control' ? undefined : inner));
  return { rest: bare(rest), history: parts.map(bare) };
}

function maximumIn(spec: string): object {
  if (spec.startsWith('openai:')) return { max_output_tokens: 8_000 };
  return spec.startsWith('gemini:') ? { generationConfig: { maxOutputTokens: 8_000 } } : { max_tokens: 8_000 };
}
