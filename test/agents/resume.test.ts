import { expect, test } from 'vitest';
import { createBuiltInAgent } from '../../src/agents/built-in/index.ts';
import type { Tool } from '../../src/core/tool.ts';
import { createSessionTools } from '../../src/tools/session-tools.ts';
import { accepted, createContext, createTool, saying } from './bench.ts';
import { addPrompt, createLedger, Killed, type Ledger, type Moment } from './memory-journal.ts';
import { calling, createScriptModel, type ScriptModel } from './script-model.ts';

const moments: Moment[] = ['beforeBegin', 'begun', 'worked', 'completed'];
const never = new AbortController().signal;
const interrupted =
  'This call was interrupted and its effects were undone: the workspace is as it was before it. Make it again if it is still needed.';

/** One worker after another until the work is done; the first is killed at the given place. */
async function workThrough(
  ledger: Ledger,
  model: ScriptModel,
  tools: Tool[],
  at: { moment: Moment; key: string } | null,
) {
  let killed = false;
  for (let attempt = 1; attempt <= 2; attempt++) {
    const kill = (moment: Moment, key: string) => {
      const here = !killed && moment === at?.moment && key === at.key;
      if (here) killed = true;
      return here;
    };
    try {
      const context = createContext(ledger, { tools, kill });
      return { outcome: await createBuiltInAgent({ model }).run(context, never), killed };
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  }
  throw new Error('two workers were not enough');
}

function scene() {
  const ledger = createLedger();
  addPrompt(ledger, 'Mind the tests.');
  const made: string[] = [];
  const tool = (name: string, readOnly: boolean) =>
    createTool(name, readOnly, (_, { key }) => {
      made.push(key);
      return saying(`${name} did`);
    });
  const session = createSessionTools({
    finish: async (_, { key }) => {
      made.push(key);
      return accepted;
    },
  });
  const model = createScriptModel([
    { text: 'A plan', ...calling(['update_plan', { steps: [] }], ['read'], ['read']) },
    calling(['write'], ['read']),
    { text: 'No tool' },
    calling(['read'], ['finish', { title: 't', summary: 's' }]),
  ]);
  return { ledger, made, model, tools: [tool('read', true), tool('write', false), ...session] };
}

const keys = [
  ...['turn:1', 'turn:1/0:update_plan', 'turn:1/1:read', 'turn:1/2:read'],
  ...['turn:2', 'turn:2/0:write', 'turn:2/1:read', 'turn:3', 'turn:4', 'turn:4/0:read', 'turn:4/1:finish'],
];

test('without a kill the work takes these steps', async () => {
  const { ledger, made, model, tools } = scene();
  expect((await workThrough(ledger, model, tools, null)).outcome.stopReason).toBe('finished');
  expect(ledger.steps.map((step) => step.key)).toEqual(keys);
  expect(made).toEqual(keys.filter((key) => /(read|write|finish)$/.test(key)));
});

test.each(keys.flatMap((key) => moments.map((moment) => ({ key, moment }))))(
  'killed at $key, $moment: it goes on from there',
  async ({ key, moment }) => {
    const plain = scene();
    await workThrough(plain.ledger, plain.model, plain.tools, null);
    const { ledger, made, model, tools } = scene();
    const { outcome, killed } = await workThrough(ledger, model, tools, { key, moment });
    expect(killed).toBe(true);
    expect(outcome).toEqual({ stopReason: 'finished', message: 'done' });
    expect(ledger.steps.map((step) => step.key)).toEqual(expect.arrayContaining(keys));
    expect(ledger.steps.every((step) => step.completed)).toBe(true);
    expect(ledger.prompts.map((prompt) => prompt.readBy)).toEqual(['step-1']);

    // A reply that was journaled is never asked for again; one that was not, with the same bytes.
    const isModel = /^turn:\d+$/.test(key);
    const again = isModel && moment === 'worked';
    expect(model.sent.length).toBe(plain.model.sent.length + (again ? 1 : 0));

    // A completed call is never made again. Of the others, those that change nothing are.
    const completedBefore = keys.slice(0, keys.indexOf(key)).filter((each) => !sameBatch(each, key));
    for (const each of completedBefore) expect(made.filter((call) => call === each).length).toBeLessThanOrEqual(1);
    const writes = made.filter((call) => call === 'turn:2/0:write').length;
    const wasBegun = key === 'turn:2/0:write' && (moment === 'begun' || moment === 'worked');
    expect(writes).toBe(key === 'turn:2/0:write' && moment === 'begun' ? 0 : 1);
    const result = ledger.steps.find((step) => step.key === 'turn:2/0:write')?.result;
    expect(result).toMatchObject({ text: wasBegun ? interrupted : 'write did', isError: wasBegun });
    const sent = [...new Set(model.sent)];
    expect(
      wasBegun
        ? sent.map((json) => json.replace(interrupted, 'write did').replace('"isError":true', '"isError":false'))
        : sent,
    ).toEqual(plain.model.sent);
  },
);

test('what people and the service say meanwhile waits when a request had already begun', async () => {
  const { ledger, model, tools } = scene();
  const kill = (moment: Moment, key: string) => moment === 'worked' && key === 'turn:2';
  const agent = createBuiltInAgent({ model });
  await expect(agent.run(createContext(ledger, { tools, kill }), never)).rejects.toThrow(Killed);
  addPrompt(ledger, 'Stop after that.', 'Grace');
  await agent.run(createContext(ledger, { tools, notes: ['Another worker took over.'] }), never);
  expect(model.sent[1]).toBe(model.sent[2]);
  expect(ledger.prompts.map((prompt) => prompt.readBy)).toEqual(['step-1', expect.stringMatching(/^step-/)]);
  expect(model.requests()[3]?.messages.at(-1)).toEqual({
    role: 'user',
    text: 'Note from the service: Another worker took over.\n\nGrace writes:\n\nStop after that.',
  });
});

/** Reads of one turn run together, so a kill in one may leave another unfinished. */
function sameBatch(a: string, b: string): boolean {
  return a.split('/')[0] === b.split('/')[0] && a.includes('/') && b.includes('/');
}
