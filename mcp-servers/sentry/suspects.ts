import * as answers from './answers.ts';
import { SentryFailure } from './explain-failure.ts';
import type { FoundIssue } from './find-issue.ts';
import type { Sentry } from './sentry.ts';

/** By an operation that only Sentry's own pages use: where it is not there, or says no, there are none. */
export async function readSuspects(
  sentry: Sentry,
  { project }: FoundIssue,
  event: answers.Event,
  signal: AbortSignal,
): Promise<answers.Commit[]> {
  const path = '/projects/{organization}/{project}/events/{event}/committers/';
  const asked = {
    path: { organization: project.organization, project: project.slug, event: event.eventID },
    what: 'suspect commits',
    signal,
  };
  try {
    const { body } = await sentry.get(path, answers.committers, asked);
    return body.committers.flatMap(({ author, commits }) => commits.map((commit) => ({ ...commit, author })));
  } catch (error) {
    if (error instanceof SentryFailure && [400, 403, 404, 500].includes(error.status)) return [];
    throw error;
  }
}
