import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Evidence } from '../../src/core/evidence.ts';
import type { Tool } from '../../src/core/tool.ts';
import type { ProgramPlace, ToolServerSettings } from '../../src/core/tool-server.ts';
import { type OtherTools, openOtherTools } from '../../src/tools/other-servers.ts';
import { createToolServers, type Pinned, type ToolServers } from '../../src/tools/tool-servers.ts';
import { type Opened, openSandbox, workingDriver } from './open-sandbox.ts';
import { startSdkHttp } from './sdk-http-server.ts';
import { startUnrulyHttp, type UnrulyHttp } from './unruly-http-server.ts';

const here = import.meta.dirname;
const { signal } = new AbortController();

let opened: Opened;
let http: UnrulyHttp;
let servers: ToolServers;
const pinned = new Map<string, Pinned>();
let opens = 0;
const told = new Map<string, string>();
const evidence: { item: Evidence; content: Uint8Array | undefined }[] = [];

beforeAll(async () => {
  opened = await openSandbox(await workingDriver());
  http = await startUnrulyHttp();
});
afterEach(async () => {
  await servers.close();
  for (const kept of [pinned, told]) kept.clear();
  evidence.length = 0;
});
afterAll(async () => {
  await http.close();
  await opened.close();
});

/** What a run has of these servers. Pins stay from one to the next within a test. */
async function run(
  settings: ToolServerSettings[],
  taken: string[] = [],
  isFirst = true,
  session = 'one',
): Promise<OtherTools> {
  if (isFirst)
    servers = createToolServers({
      driver: {
        open(spec) {
          opens += 1;
          return opened.driver.open(spec);
        },
      },
      pins: {
        load: async (name) => structuredClone(pinned.get(name) ?? null),
        async save(name, list) {
          pinned.set(name, { ...list, offered: null });
          return { ...list, offered: null };
        },
        async differs(name, now) {
          const before = pinned.get(name);
          if (before && before.hash !== now.hash) pinned.set(name, { ...before, offered: now });
        },
      },
    });
  return openOtherTools(servers, settings, {
    session,
    workspace: Promise.resolve({
      dir: opened.dir,
      mounts: [{ path: opened.dir, writable: true }],
      env: { SEEN: 'yes' },
    }),
    taken,
    tell: (key, text) => void (told.has(key) || told.set(key, text)),
    signal,
  });
}

function program(
  changes: Partial<Omit<ToolServerSettings, 'at'>> & { at?: Partial<ProgramPlace> } = {},
): ToolServerSettings {
  const { at, ...rest } = changes;
  return {
    ...{ name: 'unruly', tools: ['echo'], write: [], repositories: [], teams: [], secrets: [] },
    ...{ callMs: 20_000, maxBytes: 8_000_000 },
    at: {
      ...{
        command: 'node',
        args: [join(here, 'unruly-server.ts')],
        env: {},
        hosts: [],
        paths: [here],
        workspace: false,
      },
      ...at,
    },
    ...rest,
  };
}

function remote(changes: Partial<ToolServerSettings> = {}): ToolServerSettings {
  return { ...program(), name: 'remote', at: { url: http.url, headers: {} }, ...changes };
}

function toolOf({ servers: found }: OtherTools, name: string): Tool {
  const all = found.flatMap(({ tools }) => tools);
  const tool = all.find((each) => each.name === name);
  if (!tool) throw new Error(`there is no ${name} among ${all.map((each) => each.name).join(', ')}`);
  return tool;
}

const scope = {
  ...{ report() {}, plan() {}, rating() {}, usage() {}, effect() {} },
  evidence: (item: Evidence, content?: Uint8Array) => void evidence.push({ item, content }),
};

function call(tools: OtherTools, name: string, input: unknown = {}, by = signal) {
  return toolOf(tools, name).run(input, { key: 'k', signal: by, scope });
}

const from = (server: string, text: string) => `<outside-text from="tool server ${server}">\n${text}\n</outside-text>`;

describe('what is offered', () => {
  test('the lists decide; what a server says of itself only takes away; ours and its words are marked', async () => {
    const tools = await run([program({ tools: ['echo', 'tidy', 'look', 'gone'], write: ['who', 'crash'] })]);
    expect(
      tools.servers.flatMap(({ tools }) =>
        tools.map(({ name, readOnly, actsOutside }) => [name, readOnly, actsOutside]),
      ),
    ).toEqual([
      ['unruly_echo', true, undefined],
      ['unruly_who', false, true],
      ['unruly_crash', false, true],
      ['unruly_look', true, undefined], // not unruly_tidy, which says that it changes something
    ]);
    expect(toolOf(tools, 'unruly_echo').description).toBe(from('unruly', 'echo of 1.0'));
    const mayTidy = await run([program({ tools: ['echo'], write: ['tidy'] })], [], false);
    expect(toolOf(mayTidy, 'unruly_tidy')).toMatchObject({ readOnly: false, actsOutside: true });
    expect((await run([program({ tools: [] })], [], false)).servers).toEqual([]);
  });

  test('what is said in a schema is short, and its structure stays', async () => {
    const { inputSchema } = toolOf(await run([program({ tools: ['plan'] })]), 'unruly_plan');
    expect(inputSchema).toEqual({
      type: 'object',
      properties: {
        title: { type: 'string', description: expect.stringMatching(/^Do this\. (Obey\. ){10,32}.*\[\.\.\.\]$/) },
        examples: { $ref: '#/$defs/title' },
      },
      $defs: { title: { enum: ['a', 'b'] } },
    });
  });

  test('no tool takes the name of ours or of another', async () => {
    const tools = await run(
      [
        program({ name: 'un', tools: ['echo'] }),
        program({ name: 'un-ruly', tools: ['who'] }),
        program({ tools: ['who'] }),
      ],
      ['un_echo', 'unruly_who'],
    );
    expect(tools.servers.flatMap(({ tools }) => tools.map(({ name }) => name))).toEqual([
      expect.stringMatching(/^un_echo_[\da-f]{8}$/),
      'un-ruly_who',
      expect.stringMatching(/^unruly_who_[\da-f]{8}$/),
    ]);
  });
});

test('a program sees what it was given and nothing of ours, and cannot give it back', async () => {
  process.env.SERVICE_SECRET = 'of-the-service';
  await writeFile(join(opened.dir, 'page.html'), '<p>');
  const allowed = createServer((_, response) => void response.end('reached')).listen(0, '127.0.0.1');
  await once(allowed, 'listening');
  const { port } = allowed.address() as AddressInfo;
  try {
    const at = { workspace: true, hosts: [`127.0.0.1:${port}`], env: { KEY: 'a-key-for-just-that' } };
    const tools = await run([program({ tools: ['look', 'echo'], secrets: ['a-key-for-just-that'], at })]);
    const look = async (reach: string) => {
      const { text } = await call(tools, 'unruly_look', { reach });
      return JSON.parse(text.split('\n')[1] ?? '');
    };
    const seen = await look(`http://127.0.0.1:${port}/`);
    expect(seen).toMatchObject({ cwd: opened.dir, reached: 'reached', files: ['page.html'] });
    expect(seen.env).toMatchObject({ KEY: '[redacted]', SEEN: 'yes' });
    expect(JSON.stringify(seen)).not.toMatch(/of-the-service|a-key-for/);
    expect((await call(tools, 'unruly_echo', { text: Buffer.from('a-key-for-just-that').toString('hex') })).text).toBe(
      from('unruly', '[redacted]'),
    );
    if (opened.driver.kind !== 'bubblewrap') return;
    expect(seen.written).toMatch(/EROFS|EACCES/);
    expect((await look(http.url)).reached).toMatch(/does not reach|unreachable/);
  } finally {
    delete process.env.SERVICE_SECRET;
    allowed.close();
  }
});

test('what a server remembers of one session, another does not see', async () => {
  const settings = [program({ tools: ['remember'] })];
  const [one, two] = [await run(settings), await run(settings, [], false, 'two')];
  await call(one, 'unruly_remember', { text: 'a page of one' });
  expect((await call(two, 'unruly_remember', { text: 'x' })).text).toBe(from('unruly', 'nothing before'));
  expect((await call(one, 'unruly_remember', { text: 'x' })).text).toBe(from('unruly', 'a page of one'));
  await one.close();
  expect((await call(one, 'unruly_remember', { text: 'y' })).text).toBe(from('unruly', 'nothing before'));
  expect((await call(two, 'unruly_remember', { text: 'y' })).text).toBe(from('unruly', 'x'));
});

test('a rug-pull: from the call after it the server is off, people are told once, and no run offers it', async () => {
  const settings = [program({ tools: ['echo', 'turn'] }), remote()];
  const tools = await run(settings);
  const before = pinned.get('unruly');
  expect((await call(tools, 'unruly_turn')).text).toBe(from('unruly', 'done'));
  const off = {
    isError: true,
    text: expect.stringContaining('is switched off: its tools are not those that were pinned'),
  };
  expect(await call(tools, 'unruly_echo', { text: 'x' })).toEqual(off);
  expect(await call(tools, 'unruly_echo', { text: 'x' })).toEqual(off);
  expect(pinned.get('unruly')).toMatchObject({
    hash: before?.hash,
    offered: { hash: expect.not.stringMatching(before?.hash ?? '') },
  });
  expect([...told]).toEqual([
    [
      expect.stringMatching(/^tool-server\/unruly\/changed\/[\da-f]{16}$/),
      expect.stringContaining('shipmate tools accept unruly'),
    ],
  ]);
  expect((await call(tools, 'remote_echo', { text: 'still there' })).text).toBe(from('remote', 'still there'));

  const next = await run(settings, [], false);
  expect(next.servers.map(({ server }) => server)).toEqual(['remote']);
  expect(next.notes).toEqual([
    'The tool server "unruly" is switched off: its tools changed, and nobody has accepted that yet. Go on without it.',
  ]);
});

test('one at a URL that lists something else when it is connected to again is off, too', async () => {
  const tools = await run([remote()]);
  await servers.close();
  http.described = 'another';
  try {
    expect((await call(tools, 'remote_echo', { text: 'x' })).text).toContain('is switched off');
    expect(pinned.get('remote')?.offered?.tools[0]?.description).toBe('echo of another');
  } finally {
    http.described = '1.0';
  }
});

describe('100 MB in one result are not read', () => {
  test.each([
    ['from a program', () => program({ tools: ['huge', 'echo'] }), 'unruly'],
    ['from a URL', () => remote({ tools: ['huge', 'echo'] }), 'remote'],
  ])('%s', async (_, settings, name) => {
    const tools = await run([settings()]);
    await call(tools, `${name}_echo`, { text: 'up' });
    const used = () => {
      const { rss } = process.memoryUsage();
      return rss / 2 ** 20;
    };
    const before = used();
    let most = before;
    const sampling = setInterval(() => (most = Math.max(most, used())), 2);
    const result = await call(tools, `${name}_huge`);
    clearInterval(sampling);
    expect(result).toEqual({
      isError: true,
      text: `${from(name, 'it wrote more than 8 MB to one request')}\nThe call failed. Try once more, or go on without it.`,
    });
    expect(most - before).toBeLessThan(80);
    expect(await call(tools, `${name}_echo`, { text: 'again' })).toMatchObject({ isError: false });
  });
});

test.each([
  ['never answers', program({ tools: ['hang', 'echo'], callMs: 300 }), 'unruly_hang', 'it did not answer within 0.3 s'],
  [
    'crashes',
    program({ tools: ['crash', 'echo'] }),
    'unruly_crash',
    'it ended with exit code 3, saying: out of cheese',
  ],
])(
  'a server that %s is asked three times in a run, and people are told at the first and at the last',
  async (...given) => {
    const [, settings, tool, reason] = given;
    const tools = await run([settings]);
    for (let time = 1; time <= 3; time++) {
      expect((await call(tools, tool)).text).toContain(reason);
      expect(told.size).toBe(time < 3 ? 1 : 2);
    }
    expect(await call(tools, 'unruly_echo', { text: 'x' })).toEqual({
      isError: true,
      text: 'The tool server "unruly" was lost 3 times, and is not asked again in this run. Go on without it.',
    });
    expect([...told.values()][0]).toBe(`The tool server "unruly" was lost: \`${reason}\`. I go on.`);
    // Another run has a server of its own, as far as it knows.
    const next = await run([settings], [], false);
    expect(await call(next, 'unruly_echo', { text: 'x' })).toMatchObject({ isError: false });
  },
);

test('one that cannot be started costs its tools only', async () => {
  const tools = await run([
    program({ name: 'dead', at: { args: [join(here, 'unruly-server.ts'), 'dead'] } }),
    remote(),
  ]);
  expect(tools.servers.map(({ server }) => server)).toEqual(['remote']);
  expect(tools.notes).toEqual([
    'The tool server "dead" could not be started: it ended with exit code 9. Go on without it.',
  ]);
  expect([...told.keys()]).toEqual(['tool-server/dead/lost']);
  // The next run hears it at once, and does not wait for it to fail again.
  const before = opens;
  const dead = tools.notes;
  const next = await run(
    [program({ name: 'dead', at: { args: [join(here, 'unruly-server.ts'), 'dead'] } })],
    [],
    false,
  );
  expect([next.notes, opens]).toEqual([dead, before]);
});

test('an image becomes evidence of the session, by its content and not by its name', async () => {
  const tools = await run([program({ tools: ['shot', 'picture'] })]);
  const content = Buffer.from('\x89PNG\r\n\x1a\n 1 by 1', 'latin1');
  const hash = createHash('sha256').update(content).digest('hex');
  const path = `unruly/shot-${hash.slice(0, 8)}.png`;
  expect(await call(tools, 'unruly_shot')).toEqual({
    text: from('unruly', `Here it is.\n[an image, image/png, 15 bytes, kept as ${path}]`),
    isError: false,
    images: [hash],
  });
  expect(evidence).toEqual([
    { item: { type: 'file', name: path, mediaType: 'image/png', bytes: content.length, path, shown: hash }, content },
  ]);
  expect((await call(tools, 'unruly_picture')).text).toContain('[image/png, 4 characters of base64, not shown]');
  expect(evidence).toHaveLength(1);
});

describe('a server at a URL', () => {
  test('gets the headers that it was given, and nobody else does', async () => {
    const headers = { Authorization: 'Bearer its-very-own-token', 'X-Team': 'shop-team-of-ours' };
    const tools = await run([
      remote({ tools: ['echo', 'away'], at: { url: http.url, headers }, secrets: ['its-very-own-token'] }),
    ]);
    http.headers.length = 0;
    expect((await call(tools, 'remote_echo', { text: 'a its-very-own-token' })).text).toBe(
      from('remote', 'a [redacted]'),
    );
    expect(http.headers[0]).toMatchObject({ authorization: headers.Authorization, 'x-team': headers['X-Team'] });
    expect(await call(tools, 'remote_away')).toMatchObject({ isError: true });
    expect(http.headers.filter((each) => 'leaked' in each)).toEqual([]);
  });

  test.each([
    ['hang', 'it did not answer within 0.5 s'],
    ['stream', 'it sent more than 2,000 messages to one request'],
    ['drop', 'it cannot be reached: other side closed'],
    ['refused', 'Streamable HTTP error: Error POSTing to endpoint: no such key'],
    ['garbage', 'Unexpected token'],
  ])('that answers with "%s" is cut off, and connected to again', async (tool, reason) => {
    const tools = await run([remote({ tools: [tool, 'echo'], callMs: tool === 'hang' ? 500 : 20_000 })]);
    const result = await call(tools, `remote_${tool}`);
    expect(result).toMatchObject({ isError: true, text: expect.stringContaining(reason) });
    await expect.poll(() => http.open()).toBe(0);
    expect(await call(tools, 'remote_echo', { text: 'x' })).toMatchObject({ isError: false });
  });

  test('that is made with the SDK is understood, with its sessions, and heard when its list changes', async () => {
    const sdk = await startSdkHttp();
    try {
      const tools = await run([remote({ tools: ['add'], at: { url: sdk.url, headers: {} } })]);
      expect((await call(tools, 'remote_add', { a: 2, b: 3 })).text).toBe(from('remote', '5'));
      expect(await call(tools, 'remote_add', { a: 2 })).toMatchObject({ isError: true });
      sdk.forget();
      expect((await call(tools, 'remote_add', { a: 2, b: 3 })).text).toContain('Session not found');
      expect((await call(tools, 'remote_add', { a: 2, b: 4 })).text).toBe(from('remote', '6'));
      sdk.grow();
      await expect
        .poll(async () => (await call(tools, 'remote_add', { a: 1, b: 1 })).text)
        .toContain('is switched off: its tools are not those that were pinned (version 3.0 then, 3.0 now)');
    } finally {
      await servers.close();
      await sdk.close();
    }
  });

  test('that is not there is told, and a stop waits for nothing', async () => {
    const gone = await startUnrulyHttp();
    const tools = await run([remote({ tools: ['hang', 'echo'], at: { url: gone.url, headers: {} } })]);
    const stop = new AbortController();
    const hanging = call(tools, 'remote_hang', {}, stop.signal);
    await expect.poll(() => gone.headers.length).toBe(1);
    stop.abort(new Error('stopped'));
    await expect(hanging).rejects.toThrow('stopped');
    await servers.close();
    await gone.close();
    expect((await call(tools, 'remote_echo', { text: 'x' })).text).toMatch(/it cannot be reached: .*ECONNREFUSED/);
  });
});
