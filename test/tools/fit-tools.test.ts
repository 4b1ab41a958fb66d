import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import { createBuiltInAgent } from '../../src/agents/built-in/index.ts';
import { markOutside } from '../../src/core/outside-text.ts';
import type { Tool } from '../../src/core/tool.ts';
import { fitTools, mostToolTokens } from '../../src/tools/fit-tools.ts';
import { createSessionTools } from '../../src/tools/session-tools.ts';
import type { ServerTools } from '../../src/tools/tool-servers.ts';
import { accepted, createContext, createTool, saying } from '../agents/bench.ts';
import { createLedger, Killed } from '../agents/memory-journal.ts';
import { calling, createScriptModel } from '../agents/script-model.ts';

const made: unknown[] = [];
const own = createSessionTools({ finish: async () => accepted });

/** As servers of others have them: twenty tools of some hundred tokens each. */
function server(name: string, count = 20, describe = 'Lists'): ServerTools {
  const tools = Array.from({ length: count }, (_, index): Tool => {
    const tool = `${name}_list_${['incidents', 'logs', 'dashboards', 'monitors'][index % 4]}_${index}`;
    return {
      ...createTool(tool, index !== 0, (input) => {
        made.push([tool, input]);
        return saying(`answer of ${tool}`);
      }),
      ...(index === 0 && { actsOutside: true }),
      description: markOutside(
        `tool server ${name}`,
        `${describe} what there is of its kind, newest first, by a query.`,
      ),
      inputSchema: {
        type: 'object',
        properties: {
          query: { type: 'string', description: 'What to look for, in the syntax of its search' },
          from: { type: 'string', description: 'ISO 8601; the beginning of the time that is looked at' },
          limit: { type: 'integer', minimum: 1, maximum: 100, description: 'How many at most' },
        },
        required: ['query'],
      },
    };
  });
  return { server: name, tools };
}

const shownOf = (tools: Tool[]) => tools.filter(({ isHidden }) => !isHidden);
const tokensOf = (tools: Tool[]) =>
  encode(JSON.stringify(tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }))))
    .length;

describe('the text of all tools', () => {
  test('stays under 5,000 tokens, ours first, however many servers there are', () => {
    const twelve = Array.from({ length: 12 }, (_, index) => server(`server-${index}`));
    const all = [...own, ...twelve.flatMap(({ tools }) => tools)];
    const tools = fitTools(own, twelve);
    const figures = { all: tokensOf(all), shown: tokensOf(shownOf(tools)) };
    expect(figures.all).toBeGreaterThan(25_000);
    expect(figures.shown).toBeLessThan(mostToolTokens);
    expect(figures.shown).toBeGreaterThan(1_500);
    expect(shownOf(tools).slice(0, own.length)).toEqual(own);
    expect(new Set(tools.map(({ name }) => name))).toEqual(
      new Set([...all.map(({ name }) => name), 'find_tools', 'use_tool']),
    );
  });

  test('has no search where all of it fits, and a large server leaves its room to small ones', () => {
    const few = [server('one', 3), server('two', 3)];
    expect(fitTools(own, few)).toEqual([...own, ...few.flatMap(({ tools }) => tools)]);
    const tools = fitTools(own, [server('large', 60), server('small', 3)]);
    expect(shownOf(tools).map(({ name }) => name)).toEqual([
      ...own.map(({ name }) => name),
      ...['find_tools', 'use_tool', 'small_list_incidents_0', 'small_list_logs_1', 'small_list_dashboards_2'],
    ]);
    expect(tools.find(({ name }) => name === 'find_tools')?.description).toContain('There are others of: large (60).');
  });
});

describe('a tool that is hidden', () => {
  const tools = fitTools(own, [server('big', 60)]);
  const finish: [string, unknown] = ['finish', { title: 'Title', summary: 'Summary' }];
  const use = (tool: string, given?: unknown): [string, unknown] => ['use_tool', { tool, arguments: given }];

  async function run(...script: Parameters<typeof createScriptModel>[0]) {
    made.length = 0;
    const ledger = createLedger();
    const model = createScriptModel([...script, calling(finish)]);
    const agent = createBuiltInAgent({ model });
    const context = { tools, deny: ['big_list_logs_5'] };
    await agent.run(createContext(ledger, context), new AbortController().signal);
    const replies = (model.requests().at(-1)?.messages ?? []).flatMap((message) =>
      message.role === 'tool' ? message.replies : [],
    );
    return { ledger, model, replies };
  }

  test('is found with what it takes, and called by another, as if by its own name', async () => {
    const { ledger, model, replies } = await run(
      calling(['find_tools', { query: 'search the logs' }]),
      calling(use('big_list_logs_1', { query: 'status:500' }), use('big_list_logs_1')),
    );
    for (const { tools: sent } of model.requests())
      expect(sent.map(({ name }) => name)).toEqual(shownOf(tools).map(({ name }) => name));
    expect(replies[0]?.text).toMatch(
      /^big_list_logs_1\n<outside-text from="tool server big">\nLists what there is .*\nIts arguments, as JSON Schema: \{"type":"object".*\}\n<\/outside-text>\n\nbig_list_logs_5\n/,
    );
    expect(made).toEqual([
      ['big_list_logs_1', { query: 'status:500' }],
      ['big_list_logs_1', {}],
    ]);
    expect(ledger.activities).toContainEqual({
      ...{ type: 'action', action: 'big_list_logs_1', parameter: '{"query":"status:500"}' },
      result: 'done',
    });
  });

  test('goes by what is permitted for itself, and no other tool is reached through that one', async () => {
    const { replies } = await run(
      calling(
        use('big_list_logs_5'),
        use('finish', { title: 't', summary: 's' }),
        use('no-such-tool'),
        ['use_tool', { arguments: {} }],
        ['find_tools', { query: 'zzz' }],
        ['big_nothing'],
      ),
    );
    expect(replies.map(({ isError }) => isError)).toEqual([true, true, true, true, false, true]);
    expect(replies[0]?.text).toBe('The tool "big_list_logs_5" is switched off here (policy.tools.deny).');
    expect(replies[1]?.text).toMatch(/^find_tools knows no tool "finish"\. Search for it/);
    expect(replies[4]?.text).toMatch(/^Nothing fits "zzz"\. There are: big_list_incidents_0, /);
    expect(replies[5]?.text).toMatch(/^There is no tool "big_nothing"\. The tools are: .*use_tool\.$/);
    expect(made).toEqual([]);
  });

  test('that changes something elsewhere is not called again after a crash, and nobody says that it was undone', async () => {
    made.length = 0;
    const ledger = createLedger();
    const model = createScriptModel([calling(use('big_list_incidents_0', { query: 'x' })), calling(finish)]);
    const agent = createBuiltInAgent({ model });
    const { signal } = new AbortController();
    const kill = (moment: string, key: string) => moment === 'worked' && key.endsWith('use_tool');
    await expect(agent.run(createContext(ledger, { tools, kill }), signal)).rejects.toThrow(Killed);
    await agent.run(createContext(ledger, { tools }), signal);
    expect(made).toHaveLength(1);
    const step = ledger.steps.find(({ key }) => key.endsWith('use_tool'));
    expect(step).toMatchObject({
      readOnly: true, // of the workspace
      result: {
        text: 'This call was interrupted, and whether it was carried out is not known. Look before you make it again.',
        isError: true,
      },
    });
  });
});
