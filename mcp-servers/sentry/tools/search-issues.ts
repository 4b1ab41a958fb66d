import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { othersLimit, readOnly } from '../../answer-call.ts';
import * as answers from '../answers.ts';
import { type BoundProject, nameOf, namesOf } from '../projects.ts';
import type { Sentry } from '../sentry.ts';
import { many, tellBrief } from '../tell-issue.ts';
import { argument, chosenProjects, type ToolContext } from '../tool-context.ts';
import { createWritten, cutBytes } from '../written.ts';

const inputSchema = z.strictObject({
  query: argument.text.describe("in Sentry's search syntax; default: is:unresolved"),
  project: argument.text,
  sort: z.enum(['date', 'new', 'freq', 'user']).optional(),
  days: z.int().min(1).max(90).optional(),
  limit: z.int().min(1).max(50).optional(),
  cursor: argument.cursor,
});

export function registerSearchIssues(server: McpServer, { sentry, answer }: ToolContext): void {
  const idOf = rememberIds(sentry);
  server.registerTool(
    'search-issues',
    {
      description: 'Errors in Sentry, each with its counts, the newest first; sort freq: the most frequent.',
      inputSchema,
      annotations: readOnly,
    },
    ({ query, project, sort = 'date', days = 14, limit = 15, cursor }, request) =>
      answer(request.signal, async (signal) => {
        const projects = chosenProjects(sentry, project);
        if (cursor !== undefined && projects.length > 1)
          throw new Error(`A cursor is of one project; pass project, too: ${namesOf(projects)}.`);
        const pages = await Promise.all(
          projects.map(async (each) => {
            const { body, next } = await sentry.get('/organizations/{organization}/issues/', answers.issues, {
              path: { organization: each.organization },
              query: {
                ...{
                  project: await idOf(each, signal),
                  query: query ?? 'is:unresolved',
                  sort,
                  statsPeriod: `${days}d`,
                  limit,
                },
                ...(cursor === undefined ? {} : { cursor }),
              },
              what: `issues of ${each.organization}/${each.slug}`,
              signal,
            });
            // Whatever the query names, and whatever Sentry makes of it.
            const own = body.filter((issue) => issue.project.slug.toLowerCase() === each.slug.toLowerCase());
            return { project: each, issues: own, next };
          }),
        );
        const written = createWritten();
        const others = pages
          .filter(({ issues }) => issues.length > 0)
          .map(({ project: of, issues }) => {
            const head = pages.length > 1 ? [`In ${of.organization}/${of.slug}:`] : [];
            return [...head, ...issues.map((issue) => tellBrief(issue, written))].join('\n');
          })
          .join('\n\n');
        const found = pages.reduce((sum, { issues }) => sum + issues.length, 0);
        const more = pages.flatMap(({ project: of, next }) => {
          return next === null ? [] : [`project ${of.organization}/${of.slug} and cursor ${next}`];
        });
        return {
          head: `${many(found, 'issue')} in ${namesOf(projects)} that had events in the last ${days} days:`,
          others: cutBytes(others, othersLimit, 'pass a lower limit'),
          ...(more.length > 0 && { foot: `There are more: pass ${more.join('; or ')}.` }),
        };
      }),
  );
}

/** Older ones of one's own search by the ids of projects only. */
function rememberIds(sentry: Sentry): (project: BoundProject, signal: AbortSignal) => Promise<string> {
  const known = new Map<string, string>();
  return async (project, signal) => {
    const { organization, slug } = project;
    const name = nameOf(project);
    const id = known.get(name);
    if (id !== undefined) return id;
    const asked = { path: { organization, slug }, what: `project ${name}`, signal };
    const { body } = await sentry.get('/projects/{organization}/{slug}/', answers.project, asked);
    known.set(name, String(body.id));
    return String(body.id);
  };
}
