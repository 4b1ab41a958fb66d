import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseModel, createModel } from '../../src/models/index.ts';
import { costOf, findModelFacts } from '../../src/models/prices.ts';
import { never, requestOf } from '../contracts/model.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shipmate-models-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function scriptFile(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

const none = { keys: {}, baseUrls: {} };

describe('createModel', () => {
  it.each(['gpt-6.1-sol', 'mistral:large', 'anthropic:', ':x', '', 'constructor:x'])(
    'refuses "%s" with what there is',
    (spec) => {
      expect(() => createModel(spec, none)).toThrow(
        `There is no model "${spec}". A model is one of anthropic:<name>, openai:<name>, openai-compatible:<name>, gemini:<name>, scripted:<file>.`,
      );
    },
  );

  it('keeps colons and slashes of a name', () => {
    expect(createModel('openai-compatible:org/model:free', none).id).toBe('openai-compatible:org/model:free');
  });

  it('loads no provider package for the scripted model', async () => {
    const file = await scriptFile('one.yaml', 'replies: [{ text: One. }]');
    const program = `
      const { registerHooks } = await import('node:module');
      const loaded = [];
      registerHooks({ resolve(specifier, context, next) { loaded.push(specifier); return next(specifier, context); } });
      const { createModel } = await import(${JSON.stringify(new URL('../../src/models/index.ts', import.meta.url).href)});
      const model = createModel(${JSON.stringify(`scripted:${file}`)}, { keys: { anthropic: 'k' }, baseUrls: {} });
      createModel('anthropic:claude-opus-5-5', { keys: { anthropic: 'k' }, baseUrls: {} });
      const request = { system: '', tools: [], messages: [{ role: 'user', text: 'ENG-1' }], maxOutputTokens: 100 };
      await model.complete(request, new AbortController().signal);
      console.log(JSON.stringify(loaded.filter((name) => name === 'yaml' || name === 'ai' || name.startsWith('@ai-sdk/'))));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    expect(JSON.parse(stdout)).toEqual(['yaml']);
  });
});

describe('chooseModel', () => {
  it.each([
    [{ anthropic: 'a', openai: 'o', gemini: 'g' }, {}, 'anthropic:'],
    [{ openai: 'o', gemini: 'g' }, {}, 'openai:'],
    [{ openai: 'o' }, { openai: 'https://api.openai.com/v1' }, 'openai:'],
    [{ openai: 'o' }, { openai: 'http://127.0.0.1:11434/v1' }, 'openai-compatible:'],
    [{}, { openai: 'http://127.0.0.1:11434/v1' }, 'openai-compatible:'],
    [{ gemini: 'g' }, {}, 'gemini:'],
  ])('of %j at %j is %s', (keys, baseUrls, start) => {
    const spec = chooseModel(keys, baseUrls);
    expect(spec).toMatch(new RegExp(`^${start}`));
    expect(findModelFacts(spec ?? '').price).not.toBeNull();
  });

  it('is none without a key', () => {
    expect(chooseModel({ anthropic: '' }, {})).toBeNull();
  });
});

describe('prices', () => {
  const usage = { input: 1_000_000, output: 100_000, cacheRead: 2_000_000, cacheWrite: 500_000 };

  it('are per million tokens of each kind', () => {
    const { price, contextWindow } = findModelFacts('anthropic:claude-opus-5-5');
    expect(costOf(price, usage)).toBeCloseTo(4 + 2 + 0.4 + 2.5, 10);
    expect(contextWindow).toBe(1_000_000);
  });

  it('rise with the length of the request where the vendor says so', () => {
    const { price } = findModelFacts('anthropic:claude-haiku-5-5');
    expect(costOf(price, { input: 100_000, output: 0, cacheRead: 0, cacheWrite: 0 })).toBeCloseTo(0.01, 10);
    expect(costOf(price, { input: 50_000, output: 0, cacheRead: 50_001, cacheWrite: 0 })).toBeCloseTo(0.02750005, 10);
  });

  it('of a dated name are those of the name', () => {
    expect(findModelFacts('anthropic:claude-haiku-4-5-20251001')).toEqual(findModelFacts('anthropic:claude-haiku-4-5'));
    expect(findModelFacts('openai:gpt-5.5-2026-04-23')).toEqual(findModelFacts('openai:gpt-5.5'));
  });

  it('of an unknown model are not made up', () => {
    expect(findModelFacts('openai-compatible:qwen3-coder')).toEqual({
      contextWindow: 128_000,
      price: null,
      sees: false,
    });
    expect(createModel('openai-compatible:qwen3-coder', none).cost(usage)).toBeNull();
    expect(findModelFacts('openai-compatible:constructor').price).toBeNull();
    const sees = (spec: string) => findModelFacts(spec).sees;
    expect(['gemini:new', 'openai-compatible:gpt-6-sol', 'openai-compatible:constructor'].map(sees)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('come from the configuration first, by spec before name', () => {
    const overrides = {
      'claude-opus-5-5': { output: 30 },
      'openai-compatible:qwen3-coder': { input: 1, output: 2, contextWindow: 64_000 },
      'qwen3-coder': { input: 9, output: 9 },
      'half-known': { input: 1 },
    };
    expect(findModelFacts('anthropic:claude-opus-5-5', overrides).price).toEqual({
      input: 4,
      output: 30,
      cacheRead: 0.2,
      cacheWrite: 5,
    });
    expect(findModelFacts('openai-compatible:qwen3-coder', overrides)).toEqual({
      contextWindow: 64_000,
      price: { input: 1, output: 2, cacheRead: 1, cacheWrite: 1 },
      sees: false,
    });
    expect(findModelFacts('openai:half-known', overrides).price).toBeNull();
    const model = createModel('openai-compatible:qwen3-coder', { ...none, prices: overrides });
    expect(model.cost({ input: 1_000_000, output: 0, cacheRead: 0, cacheWrite: 0 })).toBe(1);
    expect(model.contextWindow).toBe(64_000);
  });
});

describe('scripts', () => {
  const play = async (text: string, first = 'ENG-1 Fix it') => {
    const model = createModel(`scripted:${await scriptFile('play.yaml', text)}`, none);
    return { model, reply: model.complete(requestOf([{ role: 'user', text: first }]), never) };
  };

  it.each([
    ['replies: [{ txt: hello }]', /replies\[0\]: .*txt/],
    ['replies: [{ calls: [{ input: {} }] }]', /replies\[0\]\.calls\[0\]\.tool: /],
    ['replies: [{ text: a, nothing: true }]', /replies\[0\]: an entry is one of: /],
    ['replies: [{}]', /replies\[0\]: an entry is one of: /],
    ['replies: [{ fail: { cut: true, status: 429 } }]', /replies\[0\]\.fail: a failure has either status or cut: true/],
    [
      'replies: [{ calls: [{ tool: a, input: {}, inputText: "" }] }]',
      /replies\[0\]\.calls\[0\]: a call has either input or inputText/,
    ],
    ['tickets: { ENG-1: { text: a } }', /tickets\.ENG-1: /],
    ['hello', /the whole file: /],
    ['replies: [', /is not YAML: /],
    ['{}', /the whole file: a script has replies, tickets, or both/],
  ])('say where %s is wrong', async (text, message) => {
    const { model, reply } = await play(text);
    await expect(reply).rejects.toMatchObject({
      name: 'VendorError',
      code: 'invalid',
      message: expect.stringMatching(message),
    });
    expect(await model.check()).toMatchObject([{ status: 'missing', message: expect.stringMatching(message) }]);
    expect(model.cost({ input: 1, output: 1, cacheRead: 0, cacheWrite: 0 })).toBeNull();
  });

  it('that are not there say so', async () => {
    const model = createModel('scripted:/no/such/script.yaml', none);
    expect(await model.check()).toMatchObject([
      { status: 'missing', message: expect.stringMatching(/can't be read: ENOENT/) },
    ]);
  });

  it('serve several tickets, each with its own replies and failures', async () => {
    const text = `
      tickets:
        ENG-1: [{ fail: { status: 529 } }, { text: First. }]
        "Add a flag": [{ text: Second. }]
      replies: [{ text: Any other. }]`;
    const { model, reply } = await play(text);
    await expect(reply).rejects.toMatchObject({ code: 'overloaded' });
    const ask = async (first: string) => (await model.complete(requestOf([{ role: 'user', text: first }]), never)).text;
    expect(await ask('ENG-2 Add a flag')).toBe('Second.');
    expect(await ask('ENG-9')).toBe('Any other.');
    await expect(ask('ENG-1 of another session')).rejects.toMatchObject({ code: 'overloaded' });
    expect(await ask('ENG-1 Fix it')).toBe('First.');
  });

  it('name the tickets that they know where there is nothing for one', async () => {
    const { reply } = await play('tickets: { ENG-7: [{ text: a }] }');
    await expect(reply).rejects.toThrow(/has nothing for this ticket: its first request contains none of "ENG-7"/);
  });

  it('have a price if they say so, and usage that is estimated unless given', async () => {
    const { model, reply } = await play(
      '{ price: { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5 }, replies: [{ text: One. }] }',
    );
    const { usage } = await reply;
    expect(usage).toEqual({ input: 0, output: 1, cacheRead: 0, cacheWrite: 11 });
    expect(model.cost(usage)).toBeCloseTo((10 + 11 * 2.5) / 1_000_000, 12);
  });
});
