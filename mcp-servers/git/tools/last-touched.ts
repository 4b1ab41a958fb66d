import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { type Commit, commitFormat, commitLine, oneLine, pathName, readCommits } from '../commit.ts';
import { type GitRepository, isFolder } from '../repository.ts';
import { argument, readOnly, type ToolContext } from '../tool-context.ts';

const countedCommits = 300;
const namedAuthors = 4;

const inputSchema = z.strictObject({ paths: argument.paths, ref: argument.text });

export function registerLastTouched(server: McpServer, { repository, answer }: ToolContext): void {
  server.registerTool(
    'last-touched',
    {
      description: 'Of each path: its last commit, and who made most of its commits, renames followed.',
      inputSchema,
      annotations: readOnly,
    },
    ({ paths, ref = 'HEAD' }, request) =>
      answer(request.signal, async (signal) => {
        const commit = await repository.resolve(ref, signal);
        const told = await Promise.all(paths.map((path) => tellPath(repository, commit, path, signal)));
        return told.join('\n');
      }),
  );
}

async function tellPath(repository: GitRepository, from: string, given: string, signal: AbortSignal): Promise<string> {
  const path = await repository.path(given, signal);
  const follow = (await isFolder(repository, from, path, signal)) ? [] : ['--follow'];
  const args = ['log', '--no-color', '--encoding=UTF-8', commitFormat, `-n${countedCommits}`, ...follow];
  const { stdout, complete } = await repository.search([...args, from, '--', path], signal);
  const commits = readCommits(stdout);
  const name = pathName(path);
  if (commits[0] === undefined) {
    return complete
      ? `${name}: not in this history; check the spelling, paths start at the top of the repository`
      : `${name}: nothing found in time`;
  }
  const authors = countAuthors(commits).map(
    ({ author, count, last }) => `${oneLine(author, 60)} ${count} (last ${last})`,
  );
  const more = authors.length > namedAuthors ? `; ${authors.length - namedAuthors} others` : '';
  const counted = `${complete && commits.length < countedCommits ? '' : 'last '}${commits.length}`;
  return [
    name,
    `  last: ${commitLine(commits[0])}`,
    `  of ${counted} commits: ${authors.slice(0, namedAuthors).join('; ')}${more}`,
  ].join('\n');
}

/** Most commits first; between equals, who was there last. `commits` are newest first. */
function countAuthors(commits: Commit[]): { author: string; count: number; last: string }[] {
  const byAuthor = new Map<string, { author: string; count: number; last: string }>();
  for (const { author, date } of commits) {
    const known = byAuthor.get(author);
    if (known) known.count += 1;
    else byAuthor.set(author, { author, count: 1, last: date });
  }
  return [...byAuthor.values()].sort((a, b) => b.count - a.count || b.last.localeCompare(a.last));
}
