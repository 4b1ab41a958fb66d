import * as z from 'zod';
import { markOutside } from '../core/outside-text.ts';
import type { Tool, ToolSpec } from '../core/tool.ts';
import { defineTool, failure } from './define-tool.ts';
import { cutOutput } from './output-text.ts';
import type { ServerTools } from './tool-servers.ts';

/** The text of all tools comes to less than so many tokens, in every request. */
export const mostToolTokens = 5_000;
/** UTF-8 bytes of a token, on the careful side for JSON and English. */
const bytesPerToken = 3.5;
const mostMatches = 6;

export const searchNames = ['find_tools', 'use_tool'];

/**
 * What a model is offered: our own tools, then those of others server by server as long as there is room. The rest is
 * hidden: it is found through one tool and called through another, so that the list, with which every request begins, is the
 * same for the whole run.
 */
export function fitTools(own: Tool[], others: readonly ServerTools[]): Tool[] {
  const room = mostToolTokens - tokensOf(own);
  const whole = fitting(others, room);
  if (whole.length === others.length) return [...own, ...whole.flatMap(({ tools }) => tools)];
  // What the two tools take depends on which servers are named; on the careful side it is all of them.
  const shown = fitting(others, room - tokensOf(searchTools(others)));
  const hidden = others.filter((each) => !shown.includes(each));
  return [
    ...[...own, ...searchTools(hidden), ...shown.flatMap(({ tools }) => tools)],
    ...hidden.flatMap(({ tools }) => tools.map((tool) => ({ ...tool, isHidden: true }))),
  ];
}

export function tokensOf(tools: readonly ToolSpec[]): number {
  const text = tools.map(({ name, description, inputSchema }) => JSON.stringify({ name, description, inputSchema }));
  return Math.ceil(Buffer.byteLength(text.join('')) / bytesPerToken);
}

/** Those that fit, in their order; one that does not leaves its room to smaller ones after it. */
function fitting(servers: readonly ServerTools[], room: number): ServerTools[] {
  let left = room;
  return servers.filter(({ tools }) => {
    const tokens = tokensOf(tools);
    if (tokens > left) return false;
    left -= tokens;
    return true;
  });
}

function searchTools(hidden: readonly ServerTools[]): Tool[] {
  const all = hidden.flatMap(({ server, tools }) => tools.map((tool) => ({ server, tool })));
  const named = hidden.map(({ server, tools }) => `${server} (${tools.length})`).join(', ');
  const find = defineTool({
    name: 'find_tools',
    description: `Find more tools, by words of what they do. There are others of: ${named}. Answers what they take; call them with use_tool.`,
    arguments: z.object({ query: z.string().min(1) }),
    readOnly: true,
    describe: () => null,
    async run({ query }) {
      const found = rank(all, query).slice(0, mostMatches);
      if (found.length === 0) {
        const names = all.map(({ tool }) => tool.name).join(', ');
        return {
          text: cutOutput(`Nothing fits "${query.slice(0, 200)}". There are: ${names}`, 'search'),
          isError: false,
        };
      }
      const texts = found.map(({ server, tool: { name, description, inputSchema } }) => {
        const plain = description.replace(/^<outside-text[^\n]*\n|\n<\/outside-text>$/g, '');
        return `${name}\n${markOutside(`tool server ${server}`, `${plain}\nIts arguments, as JSON Schema: ${JSON.stringify(inputSchema)}`)}`;
      });
      return { text: cutOutput(texts.join('\n\n'), 'search for less'), isError: false };
    },
  });
  const forwards = (input: unknown) => {
    const { tool, arguments: given = {} } = (input ?? {}) as { tool?: unknown; arguments?: unknown };
    return typeof tool === 'string' && all.some((each) => each.tool.name === tool)
      ? { name: tool, input: given }
      : null;
  };
  const use = defineTool({
    name: 'use_tool',
    description: 'Call a tool that find_tools found.',
    arguments: z.object({ tool: z.string(), arguments: z.record(z.string(), z.unknown()).optional() }),
    readOnly: true,
    describe: () => null,
    run: async ({ tool }) =>
      failure(
        `find_tools knows no tool "${tool.slice(0, 100)}". Search for it; all others are called by their own names.`,
      ),
  });
  return [find, { ...use, forwards }];
}

/** Best first; those that no word fits are left out. */
function rank<T extends { server: string; tool: ToolSpec }>(all: readonly T[], query: string): T[] {
  const words = wordsOf(query);
  const scored = all.map((each) => {
    const [name, text] = [wordsOf(each.tool.name), wordsOf(each.tool.description)];
    const fits = (candidates: string[], word: string) =>
      candidates.some(
        (candidate) => candidate.startsWith(word) || (candidate.length > 2 && word.startsWith(candidate)),
      );
    const points = words.map((word) => (fits(name, word) ? 3 : 0) + (fits(text, word) ? 1 : 0));
    return { each, points: points.reduce((sum, one) => sum + one, 0) };
  });
  return scored
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points)
    .map(({ each }) => each);
}

function wordsOf(text: string): string[] {
  return text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 1);
}
