import { oneLine } from '../../../mcp-servers/outside-text.ts';
import * as answers from '../../../mcp-servers/sentry/answers.ts';
import { SentryFailure } from '../../../mcp-servers/sentry/explain-failure.ts';
import { readReleaseCommits } from '../../../mcp-servers/sentry/release-commits.ts';
import type { Sentry } from '../../../mcp-servers/sentry/sentry.ts';
import type { FixedRelease, MergedFix } from '../../core/alert.ts';
import type { SentryProject } from './settings.ts';

/** So many of the newest releases are looked at. */
const most = 10;

/**
 * The oldest of the newest releases that has the fix: one of its commits is there, by its id, or by the pull request that it came
 * in, as Sentry knows it or as its message says where it was squashed. Where Sentry knows no commits of a release, it counts
 * when it was made after the fix was merged.
 */
export async function findRelease(
  sentry: Sentry,
  project: SentryProject,
  fix: MergedFix,
  signal: AbortSignal,
): Promise<FixedRelease | null> {
  const { organization, slug } = project;
  const { body } = await sentry.get('/projects/{organization}/{project}/releases/', answers.releases, {
    path: { organization, project: slug },
    query: { per_page: most },
    what: `releases of ${project.project}`,
    signal,
  });
  const dated = body.flatMap(({ version, dateCreated, dateReleased }) => {
    const at = dateReleased ?? dateCreated;
    return version && at ? [{ version, at }] : [];
  });
  for (const { version, at } of dated.toSorted((a, b) => (a.at < b.at ? -1 : 1))) {
    const known = await commitsOf(sentry, project, version, signal);
    const isSure = known.some((commit) => isOfFix(commit, fix));
    const isLater = Date.parse(at) >= Date.parse(fix.mergedAt);
    if (isSure || (known.length === 0 && isLater)) return { version: oneLine(version, 120), at };
  }
  return null;
}

function isOfFix({ id, message, pullRequest }: answers.Commit, { commits, request }: MergedFix): boolean {
  if (commits.some((commit) => commit.length >= 7 && (id.startsWith(commit) || commit.startsWith(id))))
    return id.length >= 7;
  if (request === null) return false;
  const said = (message ?? '').split('\n')[0] ?? '';
  return String(pullRequest?.id) === String(request) || new RegExp(`\\(#${request}\\)\\s*$`).test(said);
}

async function commitsOf(
  sentry: Sentry,
  project: SentryProject,
  release: string,
  signal: AbortSignal,
): Promise<answers.Commit[]> {
  try {
    return (await readReleaseCommits(sentry, project, { release, signal })).commits;
  } catch (error) {
    if (error instanceof SentryFailure && [400, 403, 404].includes(error.status)) return [];
    throw error;
  }
}
