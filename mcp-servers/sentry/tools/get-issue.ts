import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { othersLimit, readOnly } from '../../answer-call.ts';
import type { Issue } from '../answers.ts';
import { findIssue } from '../find-issue.ts';
import { eventsOf, tellState, when } from '../tell-issue.ts';
import { argument, type ToolContext } from '../tool-context.ts';
import { createWritten, cutBytes, type Written } from '../written.ts';

const inputSchema = z.strictObject({ issue: argument.issue });

export function registerGetIssue(server: McpServer, { sentry, answer }: ToolContext): void {
  server.registerTool(
    'get-issue',
    {
      description: 'One error: state, counts, how often lately, releases it was first and last seen in.',
      inputSchema,
      annotations: readOnly,
    },
    ({ issue: given }, request) =>
      answer(request.signal, async (signal) => {
        const { issue, project } = await findIssue(sentry, given, signal);
        return {
          head: `${tellState(issue, project)}.`,
          others: cutBytes(tell(issue, createWritten()), othersLimit, 'open it in Sentry'),
          foot: 'For stack trace and breadcrumbs: get-event.',
        };
      }),
  );
}

function tell(issue: Issue, written: Written): string {
  const release = (of: Issue['firstRelease']) =>
    of?.version ? `${written.line(of.version, 120)} (${when(of.dateReleased ?? of.dateCreated)})` : 'none';
  const tags = issue.tags.slice(0, 40).map(({ key }) => written.line(key, 60));
  const resolvedIn = issue.statusDetails?.inRelease;
  return [
    written.line(issue.title, 1_000),
    `culprit: ${written.line(issue.culprit, 300) || 'none'}`,
    `platform: ${written.line(issue.platform, 40) || 'unknown'}`,
    `first release: ${release(issue.firstRelease)}; last: ${release(issue.lastRelease)}`,
    ...(resolvedIn ? [`resolved in: ${written.line(resolvedIn, 120)}`] : []), // whoever sends an event names its release
    ...['24h', '30d'].map((period) => `events of the last ${period}: ${eventsOf(issue, period) ?? 'unknown'}`),
    ...(tags.length > 0 ? [`tags: ${tags.join(', ')}`] : []),
    `address: ${written.line(issue.permalink, 300)}`,
  ].join('\n');
}
