import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { othersLimit, readOnly, type Told } from '../../answer-call.ts';
import type * as answers from '../answers.ts';
import { SentryFailure } from '../explain-failure.ts';
import { type FoundIssue, findEvent, findIssue } from '../find-issue.ts';
import { readReleaseCommits } from '../release-commits.ts';
import type { Sentry } from '../sentry.ts';
import { readSuspects } from '../suspects.ts';
import { tellCommit } from '../tell-commits.ts';
import { ownFrames, placeOf } from '../tell-frames.ts';
import { many, shown, word } from '../tell-issue.ts';
import { argument, type ToolContext } from '../tool-context.ts';
import { createWritten, cutBytes, type Written } from '../written.ts';

const inputSchema = z.strictObject({ issue: argument.issue, event: argument.event });

export function registerGetSuspectCommits(server: McpServer, { sentry, answer }: ToolContext): void {
  server.registerTool(
    'get-suspect-commits',
    {
      description:
        'Commits that may have caused an error: those that Sentry suspects, else those of the release it began in.',
      inputSchema,
      annotations: readOnly,
    },
    ({ issue: given, event: wanted }, request) =>
      answer(request.signal, async (signal) => {
        const found = await findIssue(sentry, given, signal);
        const event = await findEvent(sentry, found, wanted, signal);
        const written = createWritten([event.user]);
        const suspects = await readSuspects(sentry, found, event, signal);
        const where = tellPlaces(event, written);
        if (suspects.length === 0) return tellRelease(sentry, found, event, where, written, signal);
        const told = suspects.map((commit) => tellCommit(commit, written));
        return {
          head: `Sentry suspects ${many(suspects.length, 'commit')} of ${shown(found.issue)}:`,
          others: cutBytes([...told, ...where].join('\n'), othersLimit, 'use git with the commits that are named'),
          foot: 'A suspicion only: look at the commit.',
        };
      }),
  );
}

async function tellRelease(
  sentry: Sentry,
  { issue, project }: FoundIssue,
  event: answers.Event,
  where: string[],
  written: Written,
  signal: AbortSignal,
): Promise<Told> {
  const release = issue.firstRelease?.version ?? event.release?.version;
  const none = `Sentry suspects no commit of ${shown(issue)}`;
  const blame = 'Look at who changed the lines that are named, with git (blame).';
  if (!release) return { head: `${none}, and knows no release of it. ${blame}`, others: where.join('\n') };
  const { commits } = await readReleaseCommits(sentry, project, { release, signal }).catch((error: Error) => {
    if (error instanceof SentryFailure && error.status === 404) return { commits: [] };
    throw error;
  });
  const told = commits.map((commit) => tellCommit(commit, written));
  return {
    head: `${none}. It was first seen in a release with ${many(commits.length, 'commit')}${commits.length > 0 ? ', any of which may have caused it' : ''}. ${blame}`,
    others: cutBytes([`release ${written.line(release, 120)}`, ...told, ...where].join('\n'), othersLimit, 'use git'),
  };
}

/** The innermost frames of the team's own code. */
function tellPlaces(event: answers.Event, written: Written): string[] {
  const places = ownFrames(event)
    .slice(0, 5)
    .map((frame) => placeOf(frame, written));
  return places.length === 0 ? [] : [`it happened in event ${word(event.eventID)} at: ${places.join(', ')}`];
}
