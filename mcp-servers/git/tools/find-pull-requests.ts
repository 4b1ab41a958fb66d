import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { cutText } from '../../cut-text.ts';
import { plainDiff } from '../../run-git.ts';
import { oneLine, shortId } from '../commit.ts';
import { readPullRequest } from '../pull-request.ts';
import { type GitRepository, isFolder } from '../repository.ts';
import { argument, readOnly, type ToolContext } from '../tool-context.ts';

const lookedAt = 2000;
const namedFiles = 5;

const inputSchema = z.strictObject({ paths: argument.paths, ref: argument.text, limit: argument.limit });

export function registerFindPullRequests(server: McpServer, { repository, answer }: ToolContext): void {
  server.registerTool(
    'find-pull-requests',
    {
      description: 'Earlier pull requests that changed these paths, as merge and squash commits tell.',
      inputSchema,
      annotations: readOnly,
    },
    ({ paths: given, ref = 'HEAD', limit = 20 }, request) =>
      answer(request.signal, async (signal) => {
        const commit = await repository.resolve(ref, signal);
        const paths = await Promise.all(given.map((path) => repository.path(path, signal)));
        const former = await Promise.all(paths.map((path) => formerNames(repository, commit, path, signal)));
        const { stdout, complete } = await repository.search(
          [
            'log',
            '--first-parent', // a merge stands for all that it brought in
            '--diff-merges=first-parent',
            '--format=%x00%H%x00%as%x00%aN%x00%s%x00%b%x00',
            '--encoding=UTF-8',
            '--name-only',
            ...plainDiff,
            `-n${lookedAt}`,
            commit,
            '--',
            ...new Set([...paths, ...former.flat()]),
          ],
          signal,
        );
        const found = readLog(stdout);
        const told = found.flatMap(({ id, date, author, subject, body, files }) => {
          const pull = readPullRequest(subject, body);
          if (pull === null) return [];
          const name = pull.number === null ? 'merged' : `#${pull.number}`;
          const branch = pull.branch === null || pull.branch === pull.title ? '' : ` [${oneLine(pull.branch, 100)}]`;
          return `${name} ${oneLine(pull.title, 120)}${branch}  ${date} ${oneLine(author, 60)} ${shortId(id)}  ${listFiles(files)}`;
        });
        const other = found.length - told.length;
        return [
          cutText(told.slice(0, limit).join('\n'), { narrow: 'lower limit, or name fewer paths' }) ||
            'No pull request is remembered for these paths.',
          ...(told.length > limit ? [`(${told.length - limit} older ones; raise limit.)`] : []),
          ...(other > 0 ? [`(${other} commits to these paths name no pull request; search-history lists them.)`] : []),
          ...(complete && found.length < lookedAt ? [] : ['(Older history was not looked at; name fewer paths.)']),
        ].join('\n');
      }),
  );
}

/** What the file was called before, so that a rename does not hide its past. */
async function formerNames(repository: GitRepository, commit: string, path: string, signal: AbortSignal) {
  if (await isFolder(repository, commit, path, signal)) return [];
  const args = ['log', '--follow', '--diff-filter=R', '--name-status', '--format=', '-z', ...plainDiff];
  const { stdout } = await repository.search([...args, commit, '--', path], signal);
  const fields = stdout.split('\0');
  return fields.flatMap((field, index) => (/^\n*R\d+$/.test(field) ? [fields[index + 1] ?? ''] : [])).filter(Boolean);
}

interface PastCommit {
  id: string;
  date: string;
  author: string;
  subject: string;
  body: string;
  files: string[];
}

function readLog(output: string): PastCommit[] {
  const fields = output.split('\0').slice(1);
  const commits: PastCommit[] = [];
  for (let i = 0; i + 5 < fields.length; i += 6) {
    const [id = '', date = '', author = '', subject = '', body = '', names = ''] = fields.slice(i, i + 6);
    commits.push({ id, date, author, subject, body, files: names.split('\n').filter((name) => name !== '') });
  }
  return commits;
}

function listFiles(files: string[]): string {
  const more = files.length > namedFiles ? `, and ${files.length - namedFiles} more` : '';
  return `${files
    .slice(0, namedFiles)
    .map((file) => oneLine(file, 120))
    .join(', ')}${more}`;
}
