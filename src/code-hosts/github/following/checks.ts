import type { components } from '@octokit/openapi-types';
import type { CheckReport, CheckRun } from '../../../core/request-progress.ts';
import type { RepositoryReach } from '../../../vendors/github/client.ts';
import { unlessRefused } from './unless-refused.ts';

type GitHubCheckRun = components['schemas']['check-run'];
type GitHubStatus = components['schemas']['simple-commit-status'];
type WorkflowRun = components['schemas']['workflow-run'];

/** The adapter's handle of a check. `job`: of GitHub Actions, where a check run's id is its job's, too. */
export type CheckRef = { kind: 'check-run'; id: number; job?: number } | { kind: 'status' };

/** Sorts where several checks share a name. */
interface Told extends CheckRun {
  app: string;
  suite: number | null;
  at: string;
}

export async function readChecks(
  reach: RepositoryReach,
  commit: string,
  required: string[] | null,
  signal: AbortSignal,
): Promise<CheckReport> {
  const [runs, statuses] = await Promise.all([
    reach.list<GitHubCheckRun>(
      'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
      { ref: commit, filter: 'latest' },
      signal,
    ),
    reach.list<GitHubStatus>('GET /repos/{owner}/{repo}/commits/{ref}/status', { ref: commit }, signal),
  ]);
  const told = [...runs.map(tellRun), ...statuses.map(tellStatus)];
  const byName = Map.groupBy(told, ({ name }) => name);
  const isUnclear = [...byName.values()].some((same) => sharesApp(same));
  const workflows = isUnclear ? await readWorkflows(reach, commit, signal) : new Map<number, string>();
  return { commit, runs: [...byName.values()].map((same) => oneOf(same, workflows)), required };
}

function sharesApp(same: Told[]): boolean {
  return new Set(same.map(({ app }) => app)).size < same.length;
}

/**
 * Of one workflow and event the newest counts: it was run again. A push and a pull request, or two workflows, have each a
 * check of their own under one name, and none of them may hide that the other fails.
 */
function oneOf(same: Told[], workflows: Map<number, string>): CheckRun {
  const newest = new Map<string, Told>();
  for (const one of same.toSorted((a, b) => (a.at < b.at ? -1 : 1)))
    newest.set(`${one.app} ${workflows.get(one.suite ?? -1) ?? ''}`, one);
  const order: CheckRun['state'][] = ['pending', 'failed', 'passed', 'skipped'];
  const [{ name, state, summary, url, ref }] = [...newest.values()].sort(
    (a, b) => order.indexOf(a.state) - order.indexOf(b.state),
  ) as [Told];
  return { name, state, summary, url, ref };
}

/** Of each check suite, the workflow and event that it is of; none where we may not know. */
async function readWorkflows(
  reach: RepositoryReach,
  commit: string,
  signal: AbortSignal,
): Promise<Map<number, string>> {
  const runs = await unlessRefused(
    reach.list<WorkflowRun>('GET /repos/{owner}/{repo}/actions/runs', { head_sha: commit }, signal),
  );
  return new Map(
    (runs ?? []).flatMap((run) =>
      run.check_suite_id === undefined ? [] : [[run.check_suite_id, `${run.workflow_id} ${run.event}`]],
    ),
  );
}

function tellRun(run: GitHubCheckRun): Told {
  const { id, name, app, check_suite, output, started_at } = run;
  const ref: CheckRef = { kind: 'check-run', id, ...(app?.slug === 'github-actions' && { job: id }) };
  const title = output.title ?? '';
  const lines = [title, firstLines(output.summary ?? '')].filter((text) => text !== '');
  return {
    name,
    state: stateOf(run),
    summary: lines.join('\n') || wordsOf(run.conclusion),
    url: run.html_url ?? run.details_url,
    ref,
    app: `app ${app?.id}`,
    suite: check_suite?.id ?? null,
    // Ids grow with time, and one that waits in a queue has not begun.
    at: `${started_at ?? '9999'} ${String(id).padStart(20, '0')}`,
  };
}

function stateOf({ status, conclusion }: GitHubCheckRun): CheckRun['state'] {
  if (status !== 'completed' || conclusion === null) return 'pending';
  if (conclusion === 'success' || conclusion === 'neutral') return 'passed';
  if (conclusion === 'skipped') return 'skipped';
  // It waits for a person: there is nothing to mend.
  return conclusion === 'action_required' ? 'pending' : 'failed';
}

function wordsOf(conclusion: GitHubCheckRun['conclusion']): string {
  return conclusion === null || ['success', 'failure', 'skipped'].includes(conclusion)
    ? ''
    : conclusion.replaceAll('_', ' ');
}

function tellStatus({ id, context, state, description, target_url, created_at }: GitHubStatus): Told {
  const ref: CheckRef = { kind: 'status' };
  return {
    name: context,
    state: state === 'pending' ? 'pending' : state === 'success' ? 'passed' : 'failed',
    summary: description ?? '',
    url: target_url,
    ref,
    app: 'status',
    suite: null,
    at: `${created_at} ${id}`,
  };
}

function firstLines(text: string): string {
  return text.trim().split('\n').slice(0, 5).join('\n').slice(0, 500).toWellFormed();
}
