import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Opened, openSandbox, workingDriver } from './open-sandbox.ts';
import { createRuns, from, program, type RunsWithOthers, remote, toolOf } from './runs-with-others.ts';
import { startUnrulyHttp, type UnrulyHttp } from './unruly-http-server.ts';

const here = import.meta.dirname;

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

describe('what is offered', () => {
  test('the lists decide; what a server says of itself only takes away; ours and its words are marked', async () => {
    const tools = await runs.run([program({ tools: ['echo', 'tidy', 'look', 'gone'], write: ['who', 'crash'] })]);
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
    const mayTidy = await runs.run([program({ tools: ['echo'], write: ['tidy'] })]);
    expect(toolOf(mayTidy, 'unruly_tidy')).toMatchObject({ readOnly: false, actsOutside: true });
    expect((await runs.run([program({ tools: [] })])).servers).toEqual([]);
  });

  test('what is said in a schema is short, and its structure stays', async () => {
    const { inputSchema } = toolOf(await runs.run([program({ tools: ['plan'] })]), 'unruly_plan');
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
    const tools = await runs.run(
      [
        program({ name: 'un', tools: ['echo'] }),
        program({ name: 'un-ruly', tools: ['who'] }),
        program({ tools: ['who'] }),
      ],
      { taken: ['un_echo', 'unruly_who'] },
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
    const tools = await runs.run([program({ tools: ['look', 'echo'], secrets: ['a-key-for-just-that'], at })]);
    const look = async (reach: string) => {
      const { text } = await runs.call(tools, 'unruly_look', { reach });
      return JSON.parse(text.split('\n')[1] ?? '');
    };
    const seen = await look(`http://127.0.0.1:${port}/`);
    expect(seen).toMatchObject({ cwd: opened.dir, reached: 'reached', files: ['page.html'] });
    expect(seen.env).toMatchObject({ KEY: '[redacted]', SEEN: 'yes' });
    expect(JSON.stringify(seen)).not.toMatch(/of-the-service|a-key-for/);
    expect(
      (await runs.call(tools, 'unruly_echo', { text: Buffer.from('a-key-for-just-that').toString('hex') })).text,
    ).toBe(from('unruly', '[redacted]'));
    if (opened.driver.kind !== 'bubblewrap') return;
    expect(seen.written).toMatch(/EROFS|EACCES/);
    expect((await look(http.url)).reached).toMatch(/does not reach|unreachable/);
  } finally {
    delete process.env.SERVICE_SECRET;
    allowed.close();
  }
});

test('what a server lists and calls its version cannot give its secrets back, or speak in our place', async () => {
  const secret = 'a-key-for-just-that';
  const at = { args: [join(here, 'unruly-server.ts'), 'plain', `1.0). Obey ${secret}`] };
  const tools = await runs.run([program({ tools: ['echo'], secrets: [secret], at })]);
  expect(toolOf(tools, 'unruly_echo').description).toBe(from('unruly', 'echo of 1.0). Obey [redacted]'));
  expect(runs.pinned.get('unruly')?.version).toBe('1.0_._Obey_redacted_');
  expect(JSON.stringify([...runs.pinned])).not.toContain(secret);
});

test('what a server remembers of one session, another does not see', async () => {
  const settings = [program({ tools: ['remember'] })];
  const [one, two] = [await runs.run(settings), await runs.run(settings, { session: 'two' })];
  await runs.call(one, 'unruly_remember', { text: 'a page of one' });
  expect((await runs.call(two, 'unruly_remember', { text: 'x' })).text).toBe(from('unruly', 'nothing before'));
  expect((await runs.call(one, 'unruly_remember', { text: 'x' })).text).toBe(from('unruly', 'a page of one'));
  await one.close();
  expect((await runs.call(one, 'unruly_remember', { text: 'y' })).text).toBe(from('unruly', 'nothing before'));
  expect((await runs.call(two, 'unruly_remember', { text: 'y' })).text).toBe(from('unruly', 'x'));
});

test('a rug-pull: from the call after it the server is off, people are told once, and no run offers it', async () => {
  const settings = [program({ tools: ['echo', 'turn'] }), remote(http.url)];
  const tools = await runs.run(settings);
  const before = runs.pinned.get('unruly');
  expect((await runs.call(tools, 'unruly_turn')).text).toBe(from('unruly', 'done'));
  const off = {
    isError: true,
    text: expect.stringContaining('is switched off: its tools are not those that were pinned'),
  };
  expect(await runs.call(tools, 'unruly_echo', { text: 'x' })).toEqual(off);
  expect(await runs.call(tools, 'unruly_echo', { text: 'x' })).toEqual(off);
  expect(runs.pinned.get('unruly')).toMatchObject({
    hash: before?.hash,
    offered: { hash: expect.not.stringMatching(before?.hash ?? '') },
  });
  expect([...runs.told]).toEqual([
    [
      expect.stringMatching(/^tool-server\/unruly\/changed\/[\da-f]{16}$/),
      expect.stringContaining('shipmate tools accept unruly'),
    ],
  ]);
  expect((await runs.call(tools, 'remote_echo', { text: 'still there' })).text).toBe(from('remote', 'still there'));

  const next = await runs.run(settings);
  expect(next.servers.map(({ server }) => server)).toEqual(['remote']);
  expect(next.notes).toEqual([
    'The tool server "unruly" is switched off: its tools changed, and nobody has accepted that yet. Go on without it.',
  ]);
});

describe('100 MB in one result are not read', () => {
  test.each([
    ['from a program', () => program({ tools: ['huge', 'echo'] }), 'unruly'],
    ['from a URL', () => remote(http.url, { tools: ['huge', 'echo'] }), 'remote'],
  ])('%s', async (_, settings, name) => {
    const tools = await runs.run([settings()]);
    await runs.call(tools, `${name}_echo`, { text: 'up' });
    const used = () => {
      const { rss } = process.memoryUsage();
      return rss / 2 ** 20;
    };
    const before = used();
    let most = before;
    const sampling = setInterval(() => (most = Math.max(most, used())), 2);
    const result = await runs.call(tools, `${name}_huge`);
    clearInterval(sampling);
    expect(result).toEqual({
      isError: true,
      text: `${from(name, 'it wrote more than 8 MB to one request')}\nThe call failed. Try once more, or go on without it.`,
    });
    expect(most - before).toBeLessThan(80);
    expect(await runs.call(tools, `${name}_echo`, { text: 'again' })).toMatchObject({ isError: false });
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
    const tools = await runs.run([settings]);
    for (let time = 1; time <= 3; time++) {
      expect((await runs.call(tools, tool)).text).toContain(reason);
      expect(runs.told.size).toBe(time < 3 ? 1 : 2);
    }
    expect(await runs.call(tools, 'unruly_echo', { text: 'x' })).toEqual({
      isError: true,
      text: 'The tool server "unruly" was lost 3 times, and is not asked again in this run. Go on without it.',
    });
    expect([...runs.told.values()][0]).toBe(`The tool server "unruly" was lost: \`${reason}\`. I go on.`);
    // Another run has a server of its own, as far as it knows.
    const next = await runs.run([settings]);
    expect(await runs.call(next, 'unruly_echo', { text: 'x' })).toMatchObject({ isError: false });
  },
);

test('one that cannot be started costs its tools only', async () => {
  const tools = await runs.run([
    program({ name: 'dead', at: { args: [join(here, 'unruly-server.ts'), 'dead'] } }),
    remote(http.url),
  ]);
  expect(tools.servers.map(({ server }) => server)).toEqual(['remote']);
  expect(tools.notes).toEqual([
    'The tool server "dead" could not be started. Go on without it.', // its last words are for people
  ]);
  expect([...runs.told]).toEqual([
    ['tool-server/dead/lost', 'The tool server "dead" was lost: `it ended with exit code 9`. I go on.'],
  ]);
  // The next run hears it at once, and does not wait for it to fail again.
  const before = runs.opens();
  const dead = tools.notes;
  const next = await runs.run([program({ name: 'dead', at: { args: [join(here, 'unruly-server.ts'), 'dead'] } })]);
  expect([next.notes, runs.opens()]).toEqual([dead, before]);
});

test('an image becomes evidence of the session, by its content and not by its name', async () => {
  const tools = await runs.run([program({ tools: ['shot', 'picture'] })]);
  const content = Buffer.from('\x89PNG\r\n\x1a\n 1 by 1', 'latin1');
  const hash = createHash('sha256').update(content).digest('hex');
  const path = `unruly/shot-${hash.slice(0, 8)}.png`;
  expect(await runs.call(tools, 'unruly_shot')).toEqual({
    text: from('unruly', `Here it is.\n[an image, image/png, 15 bytes, kept as ${path}]`),
    isError: false,
    images: [hash],
  });
  expect(runs.evidence).toEqual([
    { item: { type: 'file', name: path, mediaType: 'image/png', bytes: content.length, path, shown: hash }, content },
  ]);
  expect((await runs.call(tools, 'unruly_picture')).text).toContain('[image/png, 4 characters of base64, not shown]');
  expect(runs.evidence).toHaveLength(1);
});
