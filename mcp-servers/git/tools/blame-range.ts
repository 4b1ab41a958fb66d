import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { cutText } from '../../cut-text.ts';
import { type Commit, commitLine, pathName } from '../commit.ts';
import { argument, readOnly, type ToolContext } from '../tool-context.ts';

const defaultLines = 100;

const inputSchema = z.strictObject({
  path: z.string(),
  start: z.int().min(1).max(10_000_000),
  end: z.int().min(1).max(10_000_000).optional(),
  ref: argument.text,
});

export function registerBlameRange(server: McpServer, { repository, answer }: ToolContext): void {
  server.registerTool(
    'blame-range',
    {
      description:
        'The commit that last changed each line of a range, neighbours grouped; white space and moves ignored.',
      inputSchema,
      annotations: readOnly,
    },
    ({ path: given, start, end = start + defaultLines - 1, ref = 'HEAD' }, request) =>
      answer(request.signal, async (signal) => {
        if (end < start) throw new Error(`The range ends (${end}) before it starts (${start}); swap start and end.`);
        const path = await repository.path(given, signal);
        const commit = await repository.resolve(ref, signal);
        const args = [
          'blame',
          '--porcelain',
          '--root',
          '-w',
          '-M',
          '--no-textconv',
          '--no-ignore-revs-file',
          '--encoding=UTF-8',
        ];
        const output = await repository.git([...args, `-L${start},${end}`, commit, '--', path], signal);
        const groups = groupLines(readPorcelain(output));
        const told = groups.map(({ commit, path: former, first, lines }) => {
          const origin = former === pathName(path) ? '' : `  (then ${former})`;
          const range = lines.length === 1 ? `${first}` : `${first}-${first + lines.length - 1}`;
          return [`${range}: ${commitLine(commit)}${origin}`, ...lines.map((line) => `    ${line}`)].join('\n');
        });
        return cutText(told.join('\n'), { narrow: 'ask for fewer lines' });
      }),
  );
}

interface BlamedLine {
  commit: Commit;
  /** Where the line was when it was written. */
  path: string;
  number: number;
  text: string;
}

/** Reads `git blame --porcelain`: what is said of a commit stands at its first line only. */
function readPorcelain(output: string): BlamedLine[] {
  const commits = new Map<string, Commit & { path: string }>();
  const lines: BlamedLine[] = [];
  let current: (Commit & { path: string }) | undefined;
  let number = 0;
  for (const line of output.split('\n')) {
    if (line.startsWith('\t')) {
      if (current) lines.push({ commit: current, path: current.path, number, text: line.slice(1) });
      continue;
    }
    const begin = /^([0-9a-f]{40,64}) \d+ (\d+)/.exec(line);
    if (begin) {
      const [, id = '', final] = begin;
      number = Number(final);
      current = commits.get(id) ?? { id, date: '', author: '', subject: '', path: '' };
      commits.set(id, current);
    } else if (current) readField(current, line);
  }
  return lines;
}

function readField(commit: Commit & { path: string }, line: string): void {
  const space = line.indexOf(' ');
  const value = line.slice(space + 1);
  switch (line.slice(0, space)) {
    case 'author':
      commit.author = value;
      break;
    case 'author-time':
      commit.date = new Date(Number(value) * 1000).toISOString().slice(0, 10);
      break;
    case 'summary':
      commit.subject = value;
      break;
    case 'filename':
      commit.path = value;
      break;
  }
}

interface LineGroup {
  commit: Commit;
  path: string;
  first: number;
  lines: string[];
}

function groupLines(lines: BlamedLine[]): LineGroup[] {
  const groups: LineGroup[] = [];
  for (const { commit, path, number, text } of lines) {
    const group = groups.at(-1);
    if (group && group.commit === commit) group.lines.push(text);
    else groups.push({ commit, path, first: number, lines: [text] });
  }
  return groups;
}
