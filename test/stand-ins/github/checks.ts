import { type CheckRun, type CheckSuite, type CommitStatus, checksOf } from './check-rows.ts';
import { commitOf } from './git.ts';
import type { GitHub } from './github.ts';
import { notFound, Refusal } from './refusal.ts';
import { type Call, type Routes, repositoryOf, route } from './rest.ts';
import { fullName, type Repository } from './rows.ts';

export const checkRoutes: Routes = {
  'checks/list-for-ref': route<'checks/list-for-ref'>('checks:read', async (call) => {
    const { github, path, query } = call;
    const repository = repositoryOf(call);
    const sha = await resolveRef(call, path.ref);
    let runs = checksOf(github).runs.filter(({ suite }) => suite.repository === repository && suite.headSha === sha);
    if (query.filter !== 'all') runs = newestOf(runs, ({ name, suite }) => `${suite.id} ${name}`);
    if (query.check_name !== undefined) runs = runs.filter(({ name }) => name === query.check_name);
    if (query.status !== undefined) runs = runs.filter(({ status }) => status === query.status);
    const newestFirst = runs.toSorted((a, b) => b.id - a.id);
    const check_runs = call.page(newestFirst).map((run) => describeRun(github, run));
    return { body: { total_count: runs.length, check_runs } };
  }),

  'checks/get': route<'checks/get'>('checks:read', (call) => ({
    body: describeRun(call.github, runOf(call, call.path.check_run_id)),
  })),

  'checks/list-annotations': route<'checks/list-annotations'>('checks:read', (call) => {
    const { annotations } = runOf(call, call.path.check_run_id);
    return {
      body: call.page(annotations).map(({ path, line, level, title, message }) => ({
        path,
        start_line: line,
        end_line: line,
        start_column: null,
        end_column: null,
        annotation_level: level,
        title,
        message,
        raw_details: null,
      })),
    };
  }),

  'repos/get-combined-status-for-ref': route<'repos/get-combined-status-for-ref'>('statuses:read', async (call) => {
    const { github, path } = call;
    const repository = repositoryOf(call);
    const sha = await resolveRef(call, path.ref);
    const told = checksOf(github).statuses.filter((each) => each.repository === repository && each.sha === sha);
    const newest = newestOf(told, ({ context }) => context);
    const isBad = newest.some(({ state }) => state === 'failure' || state === 'error');
    const isDone = newest.length > 0 && newest.every(({ state }) => state === 'success');
    return {
      body: {
        state: isBad ? 'failure' : isDone ? 'success' : 'pending',
        sha,
        total_count: newest.length,
        statuses: call.page(newest).map(describeStatus),
      },
    };
  }),
};

function newestOf<Item>(items: Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

async function resolveRef(call: { repository: Repository | null }, ref: string): Promise<string> {
  const { dir } = repositoryOf(call);
  const sha = await commitOf(dir, ref.replace(/^(heads|tags)\//, 'refs/$1/'));
  if (sha === null) throw new Refusal(422, `No commit found for SHA: ${ref}`);
  return sha;
}

function runOf(call: Pick<Call, 'github' | 'repository'>, id: number): CheckRun {
  const repository = repositoryOf(call);
  const run = checksOf(call.github).runs.find((each) => each.id === id && each.suite.repository === repository);
  if (!run) throw notFound();
  return run;
}

export function describeRun(github: GitHub, run: CheckRun): Record<string, unknown> {
  const { id, suite, name, status, conclusion, output, annotations, startedAt, completedAt, detailsUrl } = run;
  const repository = fullName(suite.repository);
  const html =
    suite.workflow === null
      ? `${github.url}/${repository}/runs/${id}`
      : `${github.url}/${repository}/actions/runs/${suite.workflow.runId}/job/${id}`;
  const url = `${github.apiUrl}/repos/${repository}/check-runs/${id}`;
  return {
    id,
    head_sha: suite.headSha,
    node_id: `CR_${id}`,
    external_id: '',
    name,
    status,
    conclusion,
    url,
    html_url: html,
    details_url: detailsUrl ?? html,
    started_at: startedAt,
    completed_at: completedAt,
    output: { ...output, annotations_count: annotations.length, annotations_url: `${url}/annotations` },
    check_suite: { id: suite.id },
    app: describeReporter(suite),
    pull_requests: pullsAt(github, suite),
  };
}

export function describeSuite(github: GitHub, suite: CheckSuite): Record<string, unknown> {
  const runs = newestOf(
    checksOf(github).runs.filter((run) => run.suite === suite),
    ({ name }) => name,
  );
  const isDone = runs.every(({ status }) => status === 'completed');
  const isBad = runs.some(({ conclusion }) => conclusion === 'failure' || conclusion === 'timed_out');
  const { id, headSha, headBranch, createdAt } = suite;
  return {
    id,
    node_id: `CS_${id}`,
    head_branch: headBranch,
    head_sha: headSha,
    status: isDone ? 'completed' : 'in_progress',
    conclusion: isDone ? (isBad ? 'failure' : 'success') : null,
    url: `${github.apiUrl}/repos/${fullName(suite.repository)}/check-suites/${id}`,
    before: null,
    after: headSha,
    created_at: createdAt,
    updated_at: createdAt,
    latest_check_runs_count: runs.length,
    app: describeReporter(suite),
    pull_requests: pullsAt(github, suite),
  };
}

function describeReporter({ app }: CheckSuite): Record<string, unknown> {
  const owner = { login: app.slug, id: app.id, type: 'Organization' };
  return { id: app.id, node_id: `A_${app.id}`, slug: app.slug, name: app.name, owner, events: [], permissions: {} };
}

/** Open pull requests of branches of this repository: those of forks are not told. */
function pullsAt(github: GitHub, { repository, headSha }: CheckSuite): Record<string, unknown>[] {
  const repo = {
    id: repository.id,
    url: `${github.apiUrl}/repos/${fullName(repository)}`,
    name: repository.name,
  };
  return [...repository.issues.values()].flatMap(({ id, number, state, pull }) =>
    pull && state === 'open' && pull.headSha === headSha
      ? [
          {
            id,
            number,
            url: `${repo.url}/pulls/${number}`,
            head: { ref: pull.head, sha: pull.headSha, repo },
            base: { ref: pull.base, sha: pull.baseSha, repo },
          },
        ]
      : [],
  );
}

function describeStatus({ id, context, state, description, targetUrl, createdAt }: CommitStatus) {
  return {
    id,
    node_id: `S_${id}`,
    state,
    context,
    description,
    target_url: targetUrl,
    avatar_url: null,
    created_at: createdAt,
    updated_at: createdAt,
  };
}
