import type { components } from '@octokit/openapi-types';
import type { GitHub } from './github.ts';

export interface CommitCheck {
  name: string;
  state: 'failed' | 'pending' | 'skipped' | 'passed';
  /** In GitHub's word. */
  outcome: string;
  /** Of a job of GitHub Actions: its id, which is that of its check run, too. null: another service's, which has no log here. */
  job: number | null;
  run: number | null;
  /** What it says of itself; ''. */
  summary: string;
  url: string | null;
  startedAt: string | null;
  completedAt: string | null;
}

export interface CommitChecks {
  commit: string;
  /** The failed first. */
  checks: CommitCheck[];
  /** There are more than were read. */
  isCut: boolean;
}

const pages = 3;
const order = ['failed', 'pending', 'skipped', 'passed'];

/** Checks and statuses of the commit that `ref` means: of each the latest. */
export async function readChecks(github: GitHub, ref: string, signal: AbortSignal): Promise<CommitChecks> {
  const what = `commit ${JSON.stringify(ref)}`;
  const status = await github.get(
    '/repos/{owner}/{repo}/commits/{ref}/status',
    { ref, per_page: 100 },
    { what, signal },
  );
  const runs: components['schemas']['check-run'][] = [];
  let total = 0;
  for (let page = 1; page <= pages && (page === 1 || runs.length < total); page++) {
    const values = { ref: status.sha, filter: 'latest', per_page: 100, page };
    const found = await github.get('/repos/{owner}/{repo}/commits/{ref}/check-runs', values, { what, signal });
    total = found.total_count;
    runs.push(...found.check_runs);
  }
  const checks = [...runs.map(ofCheckRun), ...status.statuses.map(ofStatus)];
  checks.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.name < b.name ? -1 : 1));
  return { commit: status.sha, checks, isCut: total > runs.length };
}

/** Of several of one name the newest. */
export function newestOf(checks: CommitCheck[], name: string): CommitCheck | undefined {
  const same = checks.filter((check) => check.name === name);
  return same.sort((a, b) => ((a.startedAt ?? '') < (b.startedAt ?? '') ? 1 : -1))[0];
}

function ofCheckRun(run: components['schemas']['check-run']): CommitCheck {
  const isJob = run.app?.slug === 'github-actions';
  const outcome = run.status === 'completed' ? (run.conclusion ?? 'completed') : run.status;
  return {
    name: run.name,
    state: run.status === 'completed' ? stateOf(outcome) : 'pending',
    outcome,
    job: isJob ? run.id : null,
    run: Number(/\/runs\/(\d+)/.exec(run.details_url ?? '')?.[1]) || null,
    summary: [run.output.title, run.output.summary].filter(Boolean).join('\n'),
    url: run.details_url ?? run.html_url,
    startedAt: run.started_at,
    completedAt: run.completed_at,
  };
}

function ofStatus(status: components['schemas']['simple-commit-status']): CommitCheck {
  return {
    name: status.context,
    state:
      status.state === 'error' || status.state === 'failure'
        ? 'failed'
        : status.state === 'success'
          ? 'passed'
          : 'pending',
    outcome: status.state,
    job: null,
    run: null,
    summary: status.description ?? '',
    url: status.target_url,
    startedAt: status.created_at,
    completedAt: status.updated_at,
  };
}

export function stateOf(conclusion: string): CommitCheck['state'] {
  if (conclusion === 'success') return 'passed';
  return conclusion === 'neutral' || conclusion === 'skipped' ? 'skipped' : 'failed';
}
