import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { cutText } from '../../cut-text.ts';
import { describeChanges } from '../changes.ts';
import { oneLine, shortId } from '../commit.ts';
import { argument, readOnly, type ToolContext } from '../tool-context.ts';

const inputSchema = z.strictObject({ commit: z.string(), path: argument.text });

export function registerShowCommit(server: McpServer, { repository, answer }: ToolContext): void {
  server.registerTool(
    'show-commit',
    {
      description: 'One commit: message, files, bounded patch. Of a merge: what it brought in.',
      inputSchema,
      annotations: readOnly,
    },
    ({ commit, path }, request) =>
      answer(request.signal, async (signal) => {
        const id = await repository.resolve(commit, signal);
        const format = '--format=%P%x00%aN%x00%as%x00%cN%x00%cs%x00%B';
        const output = await repository.git(['log', '-1', '--no-color', '--encoding=UTF-8', format, id], signal);
        const [parents = '', author = '', date = '', committer = '', committed = '', message = ''] = output.split('\0');
        const [parent, ...merged] = parents.split(' ');
        return [
          `commit ${id}`,
          ...(merged.length > 0 ? [`merge of ${merged.map(shortId).join(', ')} into ${shortId(parent ?? '')}`] : []),
          `author ${oneLine(author, 60)}, ${date}`,
          ...(committer === author ? [] : [`committed by ${oneLine(committer, 60)}, ${committed}`]),
          '',
          cutText(message.trim(), { limit: 4000, narrow: `run git show -s ${shortId(id)}` }),
          '',
          await describeChanges(repository, { from: parent || null, to: id, path }, signal),
        ].join('\n');
      }),
  );
}
