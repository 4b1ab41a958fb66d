import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { cutText } from '../../cut-text.ts';
import { plainDiff } from '../../run-git.ts';
import { startOfFile } from '../changes.ts';
import { type Commit, commitFormat, commitLine, oneLine, readCommits } from '../commit.ts';
import { isFolder } from '../repository.ts';
import { argument, readOnly, type ToolContext } from '../tool-context.ts';

const linesPerFile = 4;

const inputSchema = z.strictObject({
  text: argument.text,
  regex: argument.text.describe('instead of text; POSIX extended'),
  path: argument.text,
  author: argument.text,
  message: argument.text,
  since: argument.text.describe('2026-01-31 or "3 weeks ago"'),
  until: argument.text,
  ref: argument.text,
  limit: argument.limit,
});

export function registerSearchHistory(server: McpServer, { repository, answer }: ToolContext): void {
  server.registerTool(
    'search-history',
    {
      description:
        'Commits, newest first, that added or removed a text, with those lines; and/or by path (renames followed), author, message, date.',
      inputSchema,
      annotations: readOnly,
    },
    ({ text, regex, path: given, author, message, since, until, ref = 'HEAD', limit = 20 }, request) =>
      answer(request.signal, async (signal) => {
        if (text !== undefined && regex !== undefined) throw new Error('Pass text or regex, not both.');
        const commit = await repository.resolve(ref, signal);
        const path = given === undefined ? undefined : await repository.path(given, signal);
        const follow = path !== undefined && !(await isFolder(repository, commit, path, signal));
        const pickaxe = text !== undefined ? `-S${text}` : regex !== undefined ? `-G${regex}` : undefined;
        const { stdout, complete } = await repository.search(
          [
            'log',
            commitFormat,
            '--encoding=UTF-8',
            `-n${limit + 1}`,
            ...plainDiff,
            ...(pickaxe === undefined ? ['--no-patch'] : [pickaxe, '-p', '-U0']),
            '--extended-regexp',
            ...(author === undefined ? [] : [`--author=${literally(author)}`]),
            ...(message === undefined ? [] : [`--grep=${literally(message)}`]),
            ...(since === undefined ? [] : [`--since=${asDate(since, '00:00:00')}`]),
            ...(until === undefined ? [] : [`--until=${asDate(until, '23:59:59')}`]),
            ...(follow ? ['--follow'] : []),
            commit,
            '--',
            ...(path === undefined ? [] : [path]),
          ],
          signal,
        );
        const hits = pickaxe === undefined ? readCommits(stdout).map(commitLine) : tellHits(stdout, text);
        const told = cutText(hits.slice(0, limit).join('\n'), { narrow: 'lower limit, or narrow by path or dates' });
        if (!complete) return `${told}\n(Not searched to the end. Narrow by path, since or ref.)`;
        if (hits.length > limit)
          return `${told}\n(There are more; raise limit, or narrow by path, author, since, until.)`;
        return told === '' ? nothingFound(ref, regex) : told;
      }),
  );
}

function nothingFound(ref: string, regex: string | undefined): string {
  const perl = regex !== undefined && /\\[dDpu]|\(\?/.test(regex);
  return `No commit reachable from ${ref} matches.${perl ? ' The regex is POSIX: [0-9] instead of \\d, no lookaround.' : ''}`;
}

/** Matches the text itself, upper or lower case: git's own switch for that would make `text` ignore case as well. */
function literally(text: string): string {
  return text.replace(/[a-z]|[\\^]|[!-/:-@[\]_`{-~]/gi, (character) => {
    if (/[a-z]/i.test(character)) return `[${character.toLowerCase()}${character.toUpperCase()}]`;
    return '\\^'.includes(character) ? `\\${character}` : `[${character}]`;
  });
}

/** git takes any nonsense for "now", and a bare day for that day at this time of day. */
function asDate(given: string, timeOfDay: string): string {
  const date = given.trim();
  if (/^\d{4}-\d\d-\d\d$/.test(date)) return `${date} ${timeOfDay}`;
  if (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:?\d\d)?$/.test(date)) return date;
  if (/^(yesterday|\d+ (minute|hour|day|week|month|year)s? ago)$/.test(date)) return date;
  throw new Error(`${JSON.stringify(given)} is not a date that is known here; write 2026-01-31 or "3 weeks ago".`);
}

/** One text per commit: its line, then per file the changed lines that hold `text`; of a regex, the files alone. */
function tellHits(log: string, text: string | undefined): string[] {
  const wanted = text?.split('\n').find((line) => line.trim() !== '');
  return log.split(/(?<![^\n])(?=\0)/).flatMap((record) => {
    if (!record.startsWith('\0')) return [];
    const end = record.indexOf('\n');
    const [commit] = readCommits(end === -1 ? record : record.slice(0, end));
    if (commit === undefined) return [];
    return [tellHit(commit, end === -1 ? '' : record.slice(end + 1), wanted)];
  });
}

function tellHit(commit: Commit, patch: string, wanted: string | undefined): string {
  const files = patch.split(startOfFile).filter((file) => file.startsWith('diff --git '));
  const told = files.map((file) => {
    const [head = '', ...hunks] = file.split(/(?<![^\n])(?=@@ )/);
    if (wanted === undefined) return `    ${fileName(head)}`;
    const changed = hunks
      .join('')
      .split('\n')
      .filter((line) => /^[+-]/.test(line) && line.includes(wanted));
    return [
      `    ${fileName(head)}`,
      ...changed.slice(0, linesPerFile).map((line) => `      ${line[0]} ${oneLine(line.slice(1), 160)}`),
      ...(changed.length > linesPerFile ? [`      ... and ${changed.length - linesPerFile} more such lines`] : []),
    ].join('\n');
  });
  return [commitLine(commit), ...told].join('\n');
}

/** The head of a patch ends before its first `@@`; git quotes names that hold control characters. */
function fileName(head: string): string {
  const names =
    /^\+\+\+ ("?)b\/(.*)$/m.exec(head) ?? /^--- ("?)a\/(.*)$/m.exec(head) ?? /^diff --git (.)(.*)$/m.exec(head);
  return oneLine(`${names?.[1] ?? ''}${names?.[2] ?? ''}`, 200);
}
