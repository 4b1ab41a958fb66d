import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { readProjects } from './projects.ts';
import { createSentry } from './sentry.ts';
import { createToolContext } from './tool-context.ts';
import { registerGetEvent } from './tools/get-event.ts';
import { registerGetIssue } from './tools/get-issue.ts';
import { registerGetReleaseCommits } from './tools/get-release-commits.ts';
import { registerGetSuspectCommits } from './tools/get-suspect-commits.ts';
import { registerListSimilarEvents } from './tools/list-similar-events.ts';
import { registerSearchIssues } from './tools/search-issues.ts';

export interface SentryServerOptions {
  /** "https://sentry.io", "https://de.sentry.io", or of a Sentry of one's own. */
  baseUrl: string;
  /** "organization/project,...": no tool reads any other. */
  projects: string;
  /** Asked before each request, so that it can be replaced meanwhile. */
  token: () => Promise<string>;
  version: string;
  /** Of one call. Below the 60 s after which clients give up. */
  timeoutMs?: number;
}

/** Errors of some projects of a Sentry as tools. Reads only. Throws for projects or a URL that cannot be any. */
export function createSentryServer({ version, timeoutMs = 50_000, ...options }: SentryServerOptions): McpServer {
  const server = new McpServer({ name: 'shipmate-sentry', version });
  const sentry = createSentry({ ...options, projects: readProjects(options.projects) });
  const context = createToolContext({ sentry, timeoutMs });
  registerSearchIssues(server, context);
  registerGetIssue(server, context);
  registerGetEvent(server, context);
  registerListSimilarEvents(server, context);
  registerGetReleaseCommits(server, context);
  registerGetSuspectCommits(server, context);
  return server;
}
