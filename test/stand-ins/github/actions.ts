import { type CheckRun, type CheckSuite, checksOf } from './check-rows.ts';
import type { GitHub } from './github.ts';
import { logStorageOf } from './log-storage.ts';
import { notFound, Refusal } from './refusal.ts';
import { reportCheck } from './report-checks.ts';
import { type Call, type Routes, repositoryOf, route } from './rest.ts';
import { fullName } from './rows.ts';
import { describeRepository, describeUser } from './views.ts';
import { attemptOf, factsOf, jobsOf, outcomeOf, runIdOf, runsOf } from './workflow-runs.ts';

export const actionRoutes: Routes = {
  'actions/list-workflow-runs-for-repo': route<'actions/list-workflow-runs-for-repo'>('actions:read', (call) => {
    const { github, query } = call;
    const runs = runsOf(github, repositoryOf(call)).filter((suite) => {
      const { status, conclusion } = outcomeOf(github, suite);
      return (
        (query.branch === undefined || suite.headBranch === query.branch) &&
        (query.head_sha === undefined || suite.headSha === query.head_sha) &&
        (query.event === undefined || suite.workflow?.event === query.event) &&
        (query.status === undefined || query.status === status || query.status === conclusion) &&
        (query.created === undefined || isWithin(suite.createdAt, query.created))
      );
    });
    const workflow_runs = call.page(runs).map((suite) => describeRun(github, suite));
    return { body: { total_count: runs.length, workflow_runs } };
  }),

  'actions/get-workflow-run': route<'actions/get-workflow-run'>('actions:read', (call) => ({
    body: describeRun(call.github, runOf(call, call.path.run_id)),
  })),

  'actions/list-jobs-for-workflow-run': route<'actions/list-jobs-for-workflow-run'>('actions:read', (call) => {
    const jobs = jobsOf(call.github, runOf(call, call.path.run_id), call.query.filter ?? 'latest');
    return { body: { total_count: jobs.length, jobs: call.page(jobs).map((job) => describeJob(call.github, job)) } };
  }),

  'actions/get-job-for-workflow-run': route<'actions/get-job-for-workflow-run'>('actions:read', (call) => ({
    body: describeJob(call.github, jobOf(call, call.path.job_id)),
  })),

  'actions/download-job-logs-for-workflow-run': route<'actions/download-job-logs-for-workflow-run'>(
    'actions:read',
    async (call) => {
      const { status, log } = jobOf(call, call.path.job_id);
      if (status !== 'completed' || log === null) throw notFound();
      if (log === 'gone') throw new Refusal(410, 'Server Error');
      const location = (await logStorageOf(call.github)).linkTo(log);
      return { status: 302, headers: { location } };
    },
  ),

  'actions/re-run-workflow-failed-jobs': route<'actions/re-run-workflow-failed-jobs'>('actions:write', (call) => {
    runAgain(call.github, runOf(call, call.path.run_id), ({ conclusion }) => conclusion !== 'success');
    return { status: 201, body: {} };
  }),

  'actions/re-run-workflow': route<'actions/re-run-workflow'>('actions:write', (call) => {
    runAgain(call.github, runOf(call, call.path.run_id), () => true);
    return { status: 201, body: {} };
  }),

  'actions/re-run-job-for-workflow-run': route<'actions/re-run-job-for-workflow-run'>('actions:write', (call) => {
    const job = jobOf(call, call.path.job_id);
    runAgain(call.github, job.suite, ({ name }) => name === job.name);
    return { status: 201, body: {} };
  }),
};

/** New jobs with new ids, that wait; what becomes of them is told by `reportCheck`. */
function runAgain(github: GitHub, suite: CheckSuite, which: (job: CheckRun) => boolean): void {
  if (outcomeOf(github, suite).status !== 'completed') throw new Refusal(403, 'This workflow is already running');
  const attempt = attemptOf(github, suite) + 1;
  for (const { name } of jobsOf(github, suite).filter(which)) {
    const job = reportCheck(github, suite, { name, status: 'queued', startedAt: github.clock.stamp() });
    factsOf(job).attempt = attempt;
  }
}

/** ">=2026-01-31", "2026-01-01..2026-01-31" */
function isWithin(at: string, created: string): boolean {
  const [from = '', to = ''] = created.startsWith('>=') ? [created.slice(2), ''] : created.split('..');
  return at.slice(0, from.length) >= from && (to === '' || at.slice(0, to.length) <= to);
}

function runOf(call: Pick<Call, 'github' | 'repository'>, id: number): CheckSuite {
  const run = runsOf(call.github, repositoryOf(call)).find((suite) => runIdOf(suite) === id);
  if (!run) throw notFound();
  return run;
}

function jobOf(call: Pick<Call, 'github' | 'repository'>, id: number): CheckRun {
  const mine = runsOf(call.github, repositoryOf(call));
  const job = checksOf(call.github).runs.find((each) => each.id === id && mine.includes(each.suite));
  if (!job) throw notFound();
  return job;
}

function describeRun(github: GitHub, suite: CheckSuite): Record<string, unknown> {
  const { repository, workflow, headBranch, headSha, createdAt } = suite;
  const id = runIdOf(suite);
  const url = `${github.apiUrl}/repos/${fullName(repository)}/actions/runs/${id}`;
  const name = workflow?.name ?? 'CI';
  const bot = describeUser(github, github.addUser('github-actions[bot]', 'Bot'));
  return {
    id,
    name,
    node_id: `WFR_${id}`,
    check_suite_id: suite.id,
    head_branch: headBranch,
    head_sha: headSha,
    path: `.github/workflows/${name.toLowerCase().replace(/\W+/g, '-')}.yml`,
    display_title: name,
    run_number: runsOf(github, repository).length,
    run_attempt: attemptOf(github, suite),
    event: workflow?.event ?? 'push',
    ...outcomeOf(github, suite),
    workflow_id: workflow?.id ?? suite.id,
    url,
    html_url: `${github.url}/${fullName(repository)}/actions/runs/${id}`,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    actor: bot,
    triggering_actor: bot,
    pull_requests: [],
    created_at: createdAt,
    updated_at: createdAt,
    run_started_at: createdAt,
    repository: describeRepository(github, repository),
    head_repository: describeRepository(github, repository),
    head_commit: null,
  };
}

function describeJob(github: GitHub, job: CheckRun): Record<string, unknown> {
  const { id, suite, name, status, conclusion, startedAt, completedAt } = job;
  const api = `${github.apiUrl}/repos/${fullName(suite.repository)}`;
  const run = runIdOf(suite);
  const { steps, attempt } = factsOf(job);
  return {
    id,
    run_id: run,
    run_url: `${api}/actions/runs/${run}`,
    run_attempt: attempt,
    node_id: `CR_${id}`,
    head_sha: suite.headSha,
    head_branch: suite.headBranch,
    url: `${api}/actions/jobs/${id}`,
    html_url: `${github.url}/${fullName(suite.repository)}/actions/runs/${run}/job/${id}`,
    check_run_url: `${api}/check-runs/${id}`,
    status,
    conclusion,
    created_at: startedAt,
    started_at: startedAt,
    completed_at: completedAt,
    name,
    workflow_name: suite.workflow?.name ?? null,
    steps,
    labels: ['ubuntu-latest'],
    runner_id: 1,
    runner_name: 'GitHub Actions 1',
    runner_group_id: 0,
    runner_group_name: 'GitHub Actions',
  };
}
