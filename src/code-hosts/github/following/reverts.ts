import type { components } from '@octokit/openapi-types';
import type { RequestProgress } from '../../../core/request-progress.ts';
import type { RepositoryReach } from '../../../vendors/github/client.ts';
import { personOf } from './remarks.ts';

type Pull = components['schemas']['pull-request'];
type CrossReference = components['schemas']['timeline-cross-referenced-event'];

/** The numbers that a pull request says it takes back, as GitHub's button for it writes them: "Reverts owner/name#12". */
export function revertsIn(body: string, location: string): number[] {
  const lines = body.slice(0, 20_000).matchAll(/^[ \t]*reverts[ \t]+([\w.-]+\/[\w.-]+)?#(\d{1,9})\b/gim);
  return [...lines].flatMap(([, where = location, number]) =>
    where.toLowerCase() === location.toLowerCase() ? [Number(number)] : [],
  );
}

/** The newest that was merged of those pull requests that take this one back. */
export async function readReverted(
  reach: RepositoryReach,
  { number, base }: Pull,
  signal: AbortSignal,
): Promise<RequestProgress['reverted']> {
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
