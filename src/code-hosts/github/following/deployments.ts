import type { components } from '@octokit/openapi-types';
import type { Deployment } from '../../../core/request-progress.ts';
import type { RepositoryReach } from '../../../vendors/github/client.ts';
import { unlessRefused } from './unless-refused.ts';

type GitHubDeployment = components['schemas']['deployment'];
type Status = components['schemas']['deployment-status'];

/** The newest deployment of each environment, of any of these commits. One that was taken down is none, nor one that we may not see. */
export async function readDeployments(
  reach: RepositoryReach,
  commits: string[],
  isMerged: boolean,
  signal: AbortSignal,
): Promise<Deployment[]> {
  const lists = await Promise.all(
    commits.map((sha) =>
      unlessRefused(reach.list<GitHubDeployment>('GET /repos/{owner}/{repo}/deployments', { sha }, signal)),
    ),
  );
  const newest = new Map<string, GitHubDeployment>();
  for (const one of lists.flatMap((list) => list ?? []).sort((a, b) => a.id - b.id)) newest.set(one.environment, one);
  const told = await Promise.all(
    [...newest.values()].map(async (deployment): Promise<Deployment[]> => {
      const route = 'GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses';
      const statuses = await reach.list<Status>(route, { deployment_id: deployment.id }, signal);
      const last = statuses.reduce<Status | null>((a, b) => (a && a.id > b.id ? a : b), null);
      if (last?.state === 'inactive') return [];
      const { environment, transient_environment, production_environment } = deployment;
      return [
        {
          environment,
          isPreview: transient_environment === true || (!isMerged && production_environment !== true),
          state: stateOf(last),
          url: last?.environment_url || null,
        },
      ];
    }),
  );
  return told.flat();
}

function stateOf(last: Status | null): Deployment['state'] {
  if (last?.state === 'success') return 'ready';
  return last?.state === 'failure' || last?.state === 'error' ? 'failed' : 'pending';
}
