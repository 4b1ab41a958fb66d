import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { othersLimit, readOnly } from '../../answer-call.ts';
import * as answers from '../answers.ts';
import { SentryFailure } from '../explain-failure.ts';
import { type BoundProject, nameOf, namesOf } from '../projects.ts';
import { type ReleaseCommits, readReleaseCommits } from '../release-commits.ts';
import type { Sentry } from '../sentry.ts';
import { tellCommit } from '../tell-commits.ts';
import { many, when } from '../tell-issue.ts';
import { argument, chosenProjects, type ToolContext } from '../tool-context.ts';
import { createWritten, cutBytes, type Written } from '../written.ts';

const inputSchema = z.strictObject({
  release: z.string().min(1).max(250).describe('as an event or issue names it'),
  project: argument.text,
  cursor: argument.cursor,
});

export function registerGetReleaseCommits(server: McpServer, { sentry, answer }: ToolContext): void {
  server.registerTool(
    'get-release-commits',
    { description: 'Commits that a release brought, and where it was deployed.', inputSchema, annotations: readOnly },
    ({ release, project, cursor }, request) =>
      answer(request.signal, async (signal) => {
        const projects = chosenProjects(sentry, project);
        const found = await firstWith(sentry, projects, { release, cursor, signal });
        const written = createWritten();
        const deploys = await tellDeploys(sentry, found.project, release, written, signal);
        const told = found.commits.map((commit) => tellCommit(commit, written));
        return {
          head: `${found.commits.length === 0 ? 'Sentry knows no commits' : many(found.commits.length, 'commit')} of that release in ${nameOf(found.project)}, the newest first:`,
          others: cutBytes([...deploys, ...told].join('\n'), othersLimit, 'use git with the commits that are named'),
          foot:
            found.next === null
              ? found.commits.length === 0
                ? "Whoever makes releases has to tell Sentry their commits; git's tags may tell them, too."
                : ''
              : `There are more: pass project ${nameOf(found.project)} and cursor ${found.next}.`,
        };
      }),
  );
}

async function firstWith(
  sentry: Sentry,
  projects: readonly BoundProject[],
  asked: { release: string; cursor: string | undefined; signal: AbortSignal },
): Promise<ReleaseCommits> {
  for (const project of projects) {
    try {
      return await readReleaseCommits(sentry, project, asked);
    } catch (error) {
      if (!(error instanceof SentryFailure) || error.status !== 404) throw error;
    }
  }
  throw new Error(
    `Sentry has no release of that name in ${namesOf(projects)}, or the token may not see it. Take the name from get-event or get-issue.`,
  );
}

/** Beside the point: without them the commits are still worth telling. */
async function tellDeploys(
  sentry: Sentry,
  { organization }: BoundProject,
  release: string,
  written: Written,
  signal: AbortSignal,
): Promise<string[]> {
  const path = '/organizations/{organization}/releases/{release}/deploys/';
  const asked = { path: { organization, release }, what: 'deploys', signal };
  const { body } = await sentry.get(path, answers.deploys, asked).catch((error: Error) => {
    if (error instanceof SentryFailure) return { body: [] };
    throw error;
  });
  const told = body
    .slice(0, 10)
    .map((deploy) => `${written.line(deploy.environment, 60)} ${when(deploy.dateFinished)}`);
  return told.length === 0 ? [] : [`deployed: ${told.join(', ')}`];
}
