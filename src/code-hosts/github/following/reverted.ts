import type { components } from '@octokit/openapi-types';
import type { RequestProgress } from '../../../core/request-progress.ts';
import type { RepositoryReach } from '../../../vendors/github/client.ts';
import { personOf } from './remarks.ts';
import { unlessRefused } from './unless-refused.ts';

/** Whether the base has a commit since that takes a merge back, as git and GitHub's own button write of it; the first. */
export async function readReverted(
  reach: RepositoryReach,
  { number, base, mergedAt, commit }: { number: number; base: string; mergedAt: string; commit: string },
  signal: AbortSignal,
): Promise<RequestProgress['reverted']> {
  const commits = await unlessRefused(
    reach.get<components['schemas']['commit'][]>(
      'GET /repos/{owner}/{repo}/commits',
      { sha: base, since: mergedAt, per_page: 100 },
      signal,
    ),
  );
  const words = new RegExp(`\\breverts commit ${commit}\\b|^Reverts \\S*#${number}\\b`, 'im');
  const found = commits?.findLast((each) => each.sha !== commit && words.test(each.commit.message));
  if (!found) return null;
  const author = found.author as components['schemas']['simple-user'] | null;
  return { by: author?.login ? personOf(author) : null, url: found.html_url };
}
