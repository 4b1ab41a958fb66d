import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createGitHub } from './github.ts';
import { createToolContext } from './tool-context.ts';
import { registerCompareWithBase } from './tools/compare-with-base.ts';
import { registerGetFailedJobs } from './tools/get-failed-jobs.ts';
import { registerGetJobLog } from './tools/get-job-log.ts';
import { registerListChecks } from './tools/list-checks.ts';
import { registerListRecentFailures } from './tools/list-recent-failures.ts';

export interface CiLogsServerOptions {
  /** "owner/name"; no tool reads any other. */
  repository: string;
  /** "https://api.github.com", or of a GitHub of one's own "https://<host>/api/v3". */
  apiUrl: string;
  /** Asked before each request, so that a short-lived token can be replaced meanwhile. */
  token: () => Promise<string>;
  version: string;
  /** Of one call. Below the 60 s after which clients give up. */
  timeoutMs?: number;
}

/** Checks and CI logs of one GitHub repository as tools. Reads only. Throws for a repository or URL that cannot be one. */
export function createCiLogsServer({ version, timeoutMs = 50_000, ...options }: CiLogsServerOptions): McpServer {
  const server = new McpServer({ name: 'shipmate-ci-logs', version });
  const context = createToolContext({ github: createGitHub(options), timeoutMs });
  registerListChecks(server, context);
  registerGetFailedJobs(server, context);
  registerGetJobLog(server, context);
  registerCompareWithBase(server, context);
  registerListRecentFailures(server, context);
  return server;
}
