import * as answers from './answers.ts';
import type { BoundProject } from './projects.ts';
import type { Sentry } from './sentry.ts';

export interface ReleaseCommits {
  project: BoundProject;
  commits: answers.Commit[];
  next: string | null;
}

/** Of the release as far as it is of this project. Throws `SentryFailure` with 404 where it is not. */
export async function readReleaseCommits(
  sentry: Sentry,
  project: BoundProject,
  { release, cursor, signal }: { release: string; cursor?: string | undefined; signal: AbortSignal },
): Promise<ReleaseCommits> {
  const { organization, slug } = project;
  const path = '/projects/{organization}/{project}/releases/{release}/commits/';
  const { body, next } = await sentry.get(path, answers.commits, {
    path: { organization, project: slug, release },
    query: cursor === undefined ? {} : { cursor },
    what: `release of that name in ${organization}/${slug}`,
    signal,
  });
  return { project, commits: body, next };
}
