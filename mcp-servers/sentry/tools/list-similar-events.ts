import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { othersLimit, readOnly } from '../../answer-call.ts';
import * as answers from '../answers.ts';
import { findIssue } from '../find-issue.ts';
import { isSensitive } from '../hide-personal.ts';
import { nameOf } from '../projects.ts';
import { many, shown, when, word } from '../tell-issue.ts';
import { argument, type ToolContext } from '../tool-context.ts';
import { createWritten, cutBytes, type Written } from '../written.ts';

const inputSchema = z.strictObject({
  issue: argument.issue,
  limit: z.int().min(1).max(100).optional(),
  cursor: argument.cursor,
});

export function registerListSimilarEvents(server: McpServer, { sentry, answer }: ToolContext): void {
  server.registerTool(
    'list-similar-events',
    {
      description:
        'Events with the same fingerprint, the newest first, and what of their tags is always, or often, the same.',
      inputSchema,
      annotations: readOnly,
    },
    ({ issue: given, limit = 25, cursor }, request) =>
      answer(request.signal, async (signal) => {
        const { issue, project } = await findIssue(sentry, given, signal);
        const path = '/organizations/{organization}/issues/{issue}/events/';
        const { body, next } = await sentry.get(path, answers.events, {
          path: { organization: project.organization, issue: issue.id },
          query: { per_page: limit, ...(cursor === undefined ? {} : { cursor }) },
          what: `events of issue ${issue.id}`,
          signal,
        });
        const written = createWritten(body.map(({ user }) => user));
        const others = [...tellTags(body, written), '', ...body.map((event) => tellEvent(event, issue, written))];
        return {
          head: `${body.length} of ${many(issue.count, 'event')} of ${shown(issue)} in ${nameOf(project)}:`,
          others: body.length === 0 ? '' : cutBytes(others.join('\n'), othersLimit, 'pass a lower limit'),
          ...(next !== null && { foot: `There are older ones: pass cursor ${next}.` }),
        };
      }),
  );
}

const shownTags = ['release', 'environment', 'transaction'];

function tellEvent(event: answers.EventBrief, issue: answers.Issue, written: Written): string {
  const tags = event.tags.filter(({ key }) => shownTags.includes(key));
  const told = tags.map(({ key, value }) => `${key} ${written.line(value, 100)}`);
  const title = event.title === issue.title ? '' : ` ${written.line(event.title, 160)}`;
  return `${word(event.eventID)} ${when(event.dateCreated)}${title}${told.length > 0 ? `; ${told.join(', ')}` : ''}`;
}

const mostTags = 25;

/** What all have in common may be the cause; what they have not is none. */
function tellTags(events: answers.EventBrief[], written: Written): string[] {
  const counts = new Map<string, Map<string, number>>();
  for (const { tags } of events)
    for (const { key, value } of tags) {
      const values = counts.get(key) ?? new Map<string, number>();
      counts.set(key, values.set(value, (values.get(value) ?? 0) + 1));
    }
  const told = [...counts]
    .filter(([key]) => !isSensitive(key))
    .slice(0, mostTags)
    .map(([key, values]) => {
      const often = [...values].sort(([, a], [, b]) => b - a).slice(0, 4);
      const shares = often.map(([value, count]) => `${written.line(value, 80)} (${count})`);
      const more = values.size > often.length ? ` and ${values.size - often.length} more` : '';
      return `  ${written.line(key, 60)}: ${shares.join(', ')}${more}`;
    });
  return [`Tags of these ${events.length}:`, ...told];
}
