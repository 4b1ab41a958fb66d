import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { openRepository } from './repository.ts';
import { createToolContext } from './tool-context.ts';
import { registerBlameRange } from './tools/blame-range.ts';
import { registerDiffBranches } from './tools/diff-branches.ts';
import { registerFindPullRequests } from './tools/find-pull-requests.ts';
import { registerLastTouched } from './tools/last-touched.ts';
import { registerSearchHistory } from './tools/search-history.ts';
import { registerShowCommit } from './tools/show-commit.ts';

export interface GitServerOptions {
  /** A directory of the repository to read; it need not be one yet, the tools then say so. */
  directory: string;
  version: string;
  /** Where git is looked for: a PATH. */
  searchPath: string;
  /** Of one call. Below the 60 s after which clients give up. */
  timeoutMs?: number;
}

/** The history of one repository as tools. Reads only, needs no network. */
export function createGitServer({ directory, version, searchPath, timeoutMs = 50_000 }: GitServerOptions): McpServer {
  const server = new McpServer({ name: 'shipmate-git', version });
  const context = createToolContext({ repository: openRepository({ directory, searchPath }), timeoutMs });
  registerSearchHistory(server, context);
  registerBlameRange(server, context);
  registerShowCommit(server, context);
  registerDiffBranches(server, context);
  registerLastTouched(server, context);
  registerFindPullRequests(server, context);
  return server;
}
