import type { GitHub } from './github.ts';
import { notFound } from './refusal.ts';
import { type Routes, repositoryOf, route } from './rest.ts';
import { fullName, type Repository, type User } from './rows.ts';
import { describeUser } from './views.ts';

export interface DeploymentStatus {
  id: number;
  state: 'error' | 'failure' | 'inactive' | 'pending' | 'success' | 'queued' | 'in_progress';
  environmentUrl: string | null;
  createdAt: string;
}

export interface Deployment {
  id: number;
  repository: Repository;
  sha: string;
  ref: string;
  environment: string;
  isTransient: boolean;
  creator: User;
  createdAt: string;
  statuses: DeploymentStatus[];
}

const kept = new WeakMap<GitHub, Deployment[]>();

function deploymentsOf(github: GitHub): Deployment[] {
  const known = kept.get(github) ?? [];
  kept.set(github, known);
  return known;
}

/** Somebody deploys a commit. */
export function deploy(
  github: GitHub,
  repository: Repository,
  wanted: Pick<Deployment, 'sha' | 'environment'> & Partial<Pick<Deployment, 'ref' | 'isTransient'>>,
): Deployment {
  const deployment: Deployment = {
    id: github.nextId(),
    repository,
    ref: wanted.sha,
    isTransient: false,
    creator: github.addUser('deployer[bot]', 'Bot'),
    createdAt: github.clock.stamp(),
    statuses: [],
    ...wanted,
  };
  deploymentsOf(github).push(deployment);
  return deployment;
}

/** How it goes with it. */
export function tellDeployed(
  github: GitHub,
  deployment: Deployment,
  state: DeploymentStatus['state'],
  environmentUrl: string | null = null,
): void {
  const status = { id: github.nextId(), state, environmentUrl, createdAt: github.clock.stamp() };
  deployment.statuses.push(status);
  github.emit('deployment_status', 'created', {
    sender: deployment.creator,
    repository: deployment.repository,
    payload: {
      deployment: describeDeployment(github, deployment),
      deployment_status: describeStatus(github, deployment, status),
    },
  });
}

export const deploymentRoutes: Routes = {
  'repos/list-deployments': route<'repos/list-deployments'>('deployments:read', (call) => {
    const { github, query } = call;
    const repository = repositoryOf(call);
    const all = deploymentsOf(github)
      .filter((each) => each.repository === repository)
      .filter(({ sha, ref }) => (query.sha ?? sha) === sha && (query.ref ?? ref) === ref)
      .filter(({ environment }) => (query.environment ?? environment) === environment);
    return { body: call.page(all.toReversed()).map((deployment) => describeDeployment(github, deployment)) };
  }),

  'repos/list-deployment-statuses': route<'repos/list-deployment-statuses'>('deployments:read', (call) => {
    const { github, path } = call;
    const repository = repositoryOf(call);
    const found = deploymentsOf(github).find(
      (each) => each.id === path.deployment_id && each.repository === repository,
    );
    if (!found) throw notFound();
    return { body: call.page(found.statuses.toReversed()).map((status) => describeStatus(github, found, status)) };
  }),
};

function urlOf(github: GitHub, { repository, id }: Deployment): string {
  return `${github.apiUrl}/repos/${fullName(repository)}/deployments/${id}`;
}

function describeDeployment(github: GitHub, deployment: Deployment): Record<string, unknown> {
  const { id, repository, sha, ref, environment, isTransient, creator, createdAt } = deployment;
  return {
    id,
    node_id: `DE_${id}`,
    url: urlOf(github, deployment),
    sha,
    ref,
    task: 'deploy',
    payload: {},
    original_environment: environment,
    environment,
    transient_environment: isTransient,
    production_environment: environment === 'production',
    description: null,
    creator: describeUser(github, creator),
    created_at: createdAt,
    updated_at: createdAt,
    statuses_url: `${urlOf(github, deployment)}/statuses`,
    repository_url: `${github.apiUrl}/repos/${fullName(repository)}`,
  };
}

function describeStatus(github: GitHub, deployment: Deployment, status: DeploymentStatus): Record<string, unknown> {
  const { id, state, environmentUrl, createdAt } = status;
  return {
    id,
    node_id: `DES_${id}`,
    url: `${urlOf(github, deployment)}/statuses/${id}`,
    state,
    description: '',
    environment: deployment.environment,
    environment_url: environmentUrl ?? '',
    log_url: '',
    target_url: '',
    creator: describeUser(github, deployment.creator),
    created_at: createdAt,
    updated_at: createdAt,
    deployment_url: urlOf(github, deployment),
    repository_url: `${github.apiUrl}/repos/${fullName(deployment.repository)}`,
  };
}
