import { describe, expect, test } from 'vitest';
import { createBuiltInAgent } from '../../src/agents/built-in/index.ts';
import { createBudget, nothingUsed, OverBudget, type Standing, unlimited } from '../../src/core/budget.ts';
import { costOf } from '../../src/models/prices.ts';
import { createSessionTools } from '../../src/tools/session-tools.ts';
import { accepted, createContext, createTool, saying } from './bench.ts';
import { addPrompt, createLedger, Killed, type Moment } from './memory-journal.ts';
import { calling, createScriptModel } from './script-model.ts';

const finish: [string, unknown] = ['finish', { title: 'Title', summary: 'Summary' }];
const never = () => new AbortController().signal;
const session = () => createSessionTools({ finish: async () => accepted });
const said = (json: string | undefined) => JSON.parse(json ?? '{}').messages.at(-1);

describe('an agent that goes in circles', () => {
  const look = () => createTool('look', true, () => saying('nothing'));

  test('is told in its next turn, once, and ends with a question', async () => {
    const model = createScriptModel(
      Array.from({ length: 20 }, (_, n) => calling(['look', { at: `a${' '.repeat(n)}b` }])),
    );
    const context = createContext(createLedger(), { tools: [look(), ...session()] });
    const outcome = await createBuiltInAgent({ model }).run(context, never());
    expect(outcome.stopReason).toBe('loopDetected');
    expect(outcome.message).toContain('with the same result. I was told once');
    expect(model.sent).toHaveLength(8);
    const told = model.sent.map((json) => JSON.stringify(said(json)).includes('You are going in circles'));
    expect(told).toEqual([false, false, false, false, true, false, false, false]);
  });

  test('goes on when people speak, and is counted anew', async () => {
    const ledger = createLedger();
    const script = Array.from({ length: 30 }, (_, n) => calling(['look', { n: n < 11 ? 1 : n }]));
    const model = createScriptModel([...script.slice(0, 12), calling(finish)]);
    let looks = 0;
    const tool = createTool('look', true, () => {
      looks += 1;
      if (looks === 8) addPrompt(ledger, 'Keep at it.');
      return saying('nothing');
    });
    const context = createContext(ledger, { tools: [tool, ...session()] });
    expect((await createBuiltInAgent({ model }).run(context, never())).stopReason).toBe('finished');
    expect(looks).toBe(12);
  });

  test('killed anywhere: the requests and the end are the same', async () => {
    const script = () => Array.from({ length: 12 }, () => calling(['look']));
    const whole = createScriptModel(script());
    const tools = [look(), ...session()];
    const end = await createBuiltInAgent({ model: whole }).run(createContext(createLedger(), { tools }), never());
    const moments: Moment[] = ['beforeBegin', 'begun', 'worked', 'completed'];
    for (let turn = 3; turn <= 8; turn++)
      for (const moment of moments)
        for (const key of [`turn:${turn}`, `turn:${turn}/0:look`]) {
          const ledger = createLedger();
          const model = createScriptModel(script());
          const agent = createBuiltInAgent({ model });
          const kill = (at: Moment, which: string) => at === moment && which === key;
          await expect(agent.run(createContext(ledger, { tools, kill }), never())).rejects.toThrow(Killed);
          expect(await agent.run(createContext(ledger, { tools }), never())).toEqual(end);
          expect([...new Set(model.sent)], `${moment} ${key}`).toEqual(whole.sent);
        }
  });
});

describe('limits', () => {
  const price = { input: 1, output: 10, cacheRead: 1, cacheWrite: 1 };
  const priced = (script: Parameters<typeof createScriptModel>[0]) => ({
    ...createScriptModel(script),
    cost: (usage: Parameters<typeof costOf>[1]) => costOf(price, usage),
  });
  const none = { turns: 0, tokens: 0, usd: 0 };

  test('a reply may be shorter where money is short; below a length that is worth it the run ends', async () => {
    const usage = { input: 1_000, output: 9_000, cacheRead: 0, cacheWrite: 0 };
    const note = { ...calling(['note', { text: 'x' }]), usage };
    const model = priced([note, { ...note, usage: { ...usage, output: 1_000 } }, note]);
    const budget = createBudget({ limits: { ...unlimited, usd: 0.2 }, worked: () => 0 });
    const outcome = await createBuiltInAgent({ model }).run(createContext(createLedger(), { budget }), never());
    expect(outcome.stopReason).toBe('budgetExceeded');
    const asked = model.sent.map((json) => JSON.parse(json).maxOutputTokens);
    expect(asked[0]).toBe(16_000);
    expect(asked[1]).toBeGreaterThan(9_500);
    expect(asked[1]).toBeLessThan(11_000);
    expect(asked.slice(2).every((tokens) => tokens >= 2_000)).toBe(true);
    expect(budget.used().usd).toBeLessThanOrEqual(0.2);
  });

  test('what the journal refuses is tried for less, with the same words and prompts', async () => {
    const refusals: Standing[][] = [
      [
        {
          scope: 'day',
          limits: { ...unlimited, tokens: 20_000 },
          used: { ...nothingUsed, tokens: 13_000 },
          reserved: none,
        },
      ],
    ];
    const ledger = createLedger();
    const model = priced([calling(finish)]);
    const context = createContext(ledger);
    const { journal } = context;
    const begun: unknown[] = [];
    context.journal = {
      ...journal,
      async step(kind, key, input, work, options) {
        const refused = kind === 'model' ? refusals.shift() : undefined;
        if (refused) throw new OverBudget(refused);
        if (kind === 'model') begun.push([input, options?.reserve]);
        return journal.step(kind, key, input, work, options);
      },
    };
    addPrompt(ledger, 'Mind the tests.');
    const outcome = await createBuiltInAgent({ model }).run(context, never());
    expect(outcome.stopReason).toBe('finished');
    const asked = JSON.parse(model.sent[0] ?? '{}');
    expect(asked.messages.at(-1).text).toContain('Mind the tests.');
    expect(asked.maxOutputTokens).toBeLessThan(7_000);
    const { maxOutputTokens } = asked;
    expect(begun).toEqual([
      [
        { said: expect.any(String), heard: true, maxOutputTokens },
        {
          tokens: 7_000,
          usd: expect.any(Number),
          prompt: { model: model.id, tokens: expect.any(Number), usd: expect.any(Number) },
        },
      ],
    ]);
  });

  test('a long run says in between what it has cost', async () => {
    const ledger = createLedger();
    const model = createScriptModel([
      ...Array.from({ length: 11 }, (_, n) => ({
        text: n === 9 ? 'Nearly.' : '',
        ...calling(['note', { text: `${n}` }]),
      })),
      calling(finish),
    ]);
    await createBuiltInAgent({ model }).run(createContext(ledger), never());
    expect(ledger.activities.filter((activity) => JSON.stringify(activity).includes('So far'))).toEqual([
      {
        type: 'thought',
        body: 'Nearly.\n\n*So far: $0.10, 150 tokens, 10 turns, 0 s of work.*',
        ephemeral: true,
      },
    ]);
  });
});
