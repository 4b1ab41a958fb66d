import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { describeChanges } from '../changes.ts';
import { commitFormat, commitLine, readCommits, shortId } from '../commit.ts';
import { argument, readOnly, type ToolContext } from '../tool-context.ts';

const listedCommits = 20;

const inputSchema = z.strictObject({ base: argument.text, head: argument.text, path: argument.text });

export function registerDiffBranches(server: McpServer, { repository, answer }: ToolContext): void {
  server.registerTool(
    'diff-branches',
    {
      description:
        'What head (default HEAD) changed since it left base (default: the default branch): commits, files, bounded patches.',
      inputSchema,
      annotations: readOnly,
    },
    ({ base: baseName, head: headName = 'HEAD', path }, request) =>
      answer(request.signal, async (signal) => {
        const name = baseName ?? (await repository.defaultBranch(signal));
        const [base, head] = await Promise.all([
          repository.resolve(name, signal),
          repository.resolve(headName, signal),
        ]);
        const range = `${base}...${head}`;
        const [fork, sides, log] = await Promise.all([
          repository.git(['merge-base', '--all', base, head], signal).catch(() => ''),
          repository.git(['rev-list', '--count', '--left-right', range], signal),
          repository.git(
            ['log', '--no-color', '--encoding=UTF-8', commitFormat, `-n${listedCommits}`, head, `^${base}`],
            signal,
          ),
        ]);
        const from = fork.split('\n')[0] || null;
        const [behind = 0, ahead = 0] = sides.trim().split('\t').map(Number);
        const since = from === null ? 'they share no history' : `they parted at ${shortId(from)}`;
        return [
          `${headName} is ${ahead} commits ahead of ${name} and ${behind} behind; ${since}.`,
          ...readCommits(log).map((commit) => `  ${commitLine(commit)}`),
          ...(ahead > listedCommits ? [`  ... and ${ahead - listedCommits} more`] : []),
          '',
          await describeChanges(repository, { from: from ?? base, to: head, path }, signal),
        ].join('\n');
      }),
  );
}
