import type { components } from '@octokit/openapi-types';
import type { RequestProgress } from '../../../core/request-progress.ts';
import type { RepositoryReach } from '../../../vendors/github/client.ts';
import { personOf } from './remarks.ts';
import { unlessRefused } from './unless-refused.ts';

type Pull = components['schemas']['pull-request'];
type Commit = components['schemas']['commit'];
type CrossReference = components['schemas']['timeline-cross-referenced-event'];
type Reverted = RequestProgress['reverted'];

/** Who took a merge back, by a pull request or by a commit on the base. */
export async function readReverted(reach: RepositoryReach, pull: Pull, signal: AbortSignal): Promise<Reverted> {
  const [byPull, byCommit] = await Promise.all([
    unlessRefused(findPull(reach, pull, signal)),
    unlessRefused(findCommit(reach, pull, signal)),
  ]);
  return byPull ?? byCommit;
}

/** The numbers that a pull request says it takes back, as GitHub's button for it writes them: "Reverts owner/name#12". */
export function revertsIn(body: string, location: string): number[] {
  const lines = body.slice(0, 20_000).matchAll(/^[ \t]*reverts[ \t]+([\w.-]+\/[\w.-]+)?#(\d{1,9})\b/gim);
  return [...lines].flatMap(([, where = location, number]) =>
    where.toLowerCase() === location.toLowerCase() ? [Number(number)] : [],
  );
}

/** The newest that was merged of those that name this one. */
async function findPull(reach: RepositoryReach, { number, base }: Pull, signal: AbortSignal): Promise<Reverted> {
  const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}/timeline';
  const events = await reach.list<{ event?: string }>(route, { issue_number: number }, signal);
  const location = base.repo.full_name;
  const found = events
    .filter((event): event is CrossReference => event.event === 'cross-referenced')
    .flatMap(({ source: { issue } }) => (issue?.pull_request?.merged_at ? [issue] : []))
    .filter(({ repository }) => (repository?.full_name ?? location) === location)
    .findLast(({ body }) => revertsIn(body ?? '', location).includes(number));
  if (!found) return null;
  const pull = await reach.get<Pull>(
    'GET /repos/{owner}/{repo}/pulls/{pull_number}',
    { pull_number: found.number },
    signal,
  );
  const by = pull.merged_by ?? pull.user;
  return { by: by ? personOf(by) : null, url: pull.html_url };
}

/** As git itself writes of it. */
async function findCommit(
  reach: RepositoryReach,
  { number, base, merged_at, merge_commit_sha }: Pull,
  signal: AbortSignal,
): Promise<Reverted> {
  const commits = await reach.get<Commit[]>(
    'GET /repos/{owner}/{repo}/commits',
    { sha: base.ref, since: merged_at, per_page: 100 },
    signal,
  );
  const words = new RegExp(`\\breverts commit ${merge_commit_sha}\\b|^Reverts \\S*#${number}\\b`, 'im');
  const found = commits.findLast((each) => each.sha !== merge_commit_sha && words.test(each.commit.message));
  if (!found) return null;
  const author = found.author as components['schemas']['simple-user'] | null;
  return { by: author?.login ? personOf(author) : null, url: found.html_url };
}
