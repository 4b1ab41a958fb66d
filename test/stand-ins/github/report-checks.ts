import { actions, type CheckRun, type CheckSuite, type CommitStatus, checksOf, type Reporter } from './check-rows.ts';
import { describeRun, describeSuite } from './checks.ts';
import type { GitHub } from './github.ts';
import type { Repository } from './rows.ts';

/** A reporter begins on a commit. */
export function openSuite(
  github: GitHub,
  repository: Repository,
  headSha: string,
  wanted: Partial<Pick<CheckSuite, 'app' | 'workflow' | 'headBranch'>> = {},
): CheckSuite {
  const suite: CheckSuite = {
    id: github.nextId(),
    repository,
    headSha,
    headBranch: wanted.headBranch ?? null,
    app: wanted.app ?? actions,
    workflow: wanted.workflow ?? null,
    createdAt: github.clock.stamp(),
  };
  checksOf(github).suites.push(suite);
  return suite;
}

/** A check as it is told first, or changed afterwards. `id`: the run that is changed. */
export function reportCheck(
  github: GitHub,
  suite: CheckSuite,
  wanted: Partial<Omit<CheckRun, 'suite'>> & { name: string },
): CheckRun {
  const { runs } = checksOf(github);
  const now = github.clock.stamp();
  const before = runs.find(({ id }) => id === wanted.id);
  const run: CheckRun = before ?? {
    id: github.nextId(),
    suite,
    name: wanted.name,
    status: 'completed',
    conclusion: 'success',
    output: { title: null, summary: null, text: null },
    annotations: [],
    startedAt: now,
    completedAt: null,
    detailsUrl: null,
    log: null,
  };
  Object.assign(run, wanted);
  if (run.status === 'completed') run.completedAt ??= now;
  else Object.assign(run, { conclusion: null, completedAt: null });
  if (!before) runs.push(run);
  const sender = github.addUser(`${suite.app.slug}[bot]`, 'Bot');
  const told = { sender, repository: suite.repository };
  const check_run = { ...describeRun(github, run), check_suite: describeSuite(github, suite) };
  github.emit('check_run', before ? 'completed' : 'created', { ...told, payload: { check_run } });
  const mine = runs.filter((each) => each.suite === suite);
  if (mine.every(({ status }) => status === 'completed'))
    github.emit('check_suite', 'completed', { ...told, payload: { check_suite: describeSuite(github, suite) } });
  return run;
}

/** A commit's check in one go: `failed` with a log, `passed`, by GitHub Actions or another. */
export function reportOne(
  github: GitHub,
  repository: Repository,
  headSha: string,
  wanted: Partial<Omit<CheckRun, 'suite' | 'id'>> & { name: string; app?: Reporter },
): CheckRun {
  const { app, ...run } = wanted;
  return reportCheck(github, openSuite(github, repository, headSha, app ? { app } : {}), run);
}

/** What older tools tell of a commit. */
export function reportStatus(
  github: GitHub,
  repository: Repository,
  sha: string,
  wanted: Pick<CommitStatus, 'context' | 'state'> & Partial<CommitStatus>,
): CommitStatus {
  const creator = github.addUser('ci-bot', 'User');
  const status: CommitStatus = {
    id: github.nextId(),
    repository,
    sha,
    description: null,
    targetUrl: null,
    creator,
    createdAt: github.clock.stamp(),
    ...wanted,
  };
  checksOf(github).statuses.push(status);
  const { id, context, state, description, targetUrl, createdAt } = status;
  github.emit('status', null, {
    sender: creator,
    repository,
    payload: {
      id,
      sha,
      name: `${repository.owner.login}/${repository.name}`,
      context,
      state,
      description,
      target_url: targetUrl,
      created_at: createdAt,
      updated_at: createdAt,
      branches: [],
    },
  });
  return status;
}
