import { actions, type CheckRun, type CheckSuite, type Conclusion, checksOf } from './check-rows.ts';
import type { GitHub } from './github.ts';
import { openSuite, reportCheck } from './report-checks.ts';
import type { Repository } from './rows.ts';

export interface Step {
  name: string;
  status: 'queued' | 'in_progress' | 'completed';
  conclusion: Conclusion | null;
  number: number;
  started_at: string | null;
  completed_at: string | null;
}

/** What GitHub Actions knows of a job beside its check run. */
interface JobFacts {
  steps: Step[];
  attempt: number;
}

const facts = new WeakMap<CheckRun, JobFacts>();
const fixed = new WeakMap<CheckSuite, { conclusion: string }>();

export function factsOf(job: CheckRun): JobFacts {
  const known = facts.get(job) ?? { steps: [], attempt: 1 };
  facts.set(job, known);
  return known;
}

/** A suite of GitHub Actions is a run; where nobody named a workflow it has its own id. */
export function runIdOf(suite: CheckSuite): number {
  return suite.workflow?.runId ?? suite.id;
}

/** Runs of workflows, the newest first. */
export function runsOf(github: GitHub, repository: Repository): CheckSuite[] {
  const mine = checksOf(github).suites.filter(
    (suite) => suite.repository === repository && suite.app.id === actions.id,
  );
  return mine.toReversed();
}

/** All its jobs; `latest`: of each name that of the latest attempt. */
export function jobsOf(github: GitHub, suite: CheckSuite, filter: 'all' | 'latest' = 'latest'): CheckRun[] {
  const all = checksOf(github).runs.filter((run) => run.suite === suite);
  return filter === 'all' ? all : [...new Map(all.map((job) => [job.name, job])).values()];
}

export function attemptOf(github: GitHub, suite: CheckSuite): number {
  return Math.max(1, ...jobsOf(github, suite, 'all').map((job) => factsOf(job).attempt));
}

export function outcomeOf(github: GitHub, suite: CheckSuite): { status: string; conclusion: string | null } {
  const told = fixed.get(suite);
  if (told) return { status: 'completed', conclusion: told.conclusion };
  const jobs = jobsOf(github, suite);
  if (jobs.some(({ status }) => status !== 'completed')) return { status: 'in_progress', conclusion: null };
  const bad = ['failure', 'timed_out', 'cancelled'].find((each) => jobs.some(({ conclusion }) => conclusion === each));
  return { status: 'completed', conclusion: bad ?? 'success' };
}

export interface NewJob {
  name: string;
  /** null: it has not ended. Default: failure, where a step failed; or else success. */
  conclusion?: Conclusion | null;
  log?: CheckRun['log'];
  /** Each takes as long as it says, 10 s; the first begins when the job does. */
  steps?: { name: string; conclusion: Conclusion; seconds?: number }[];
  startedAt?: string;
  annotations?: CheckRun['annotations'];
}

export interface NewRun {
  branch?: string;
  workflow?: string;
  event?: 'push' | 'pull_request';
  jobs?: NewJob[];
  /** Of a run that made no job: "startup_failure", "action_required". */
  conclusion?: string;
  /** A run that there is: its jobs are another attempt of it. */
  again?: CheckSuite;
}

/** A workflow ran at a commit: all of it in one go, for tests that are about what is read afterwards. */
export function reportRun(
  github: GitHub,
  repository: Repository,
  sha: string,
  wanted: NewRun,
): { suite: CheckSuite; jobs: CheckRun[] } {
  const name = wanted.workflow ?? 'CI';
  const same = checksOf(github).suites.find(({ workflow }) => workflow?.name === name);
  const suite =
    wanted.again ??
    openSuite(github, repository, sha, {
      headBranch: wanted.branch ?? repository.defaultBranch,
      workflow: {
        id: same?.workflow?.id ?? github.nextId(),
        name,
        runId: github.nextId(),
        event: wanted.event ?? 'push',
      },
    });
  if (wanted.conclusion !== undefined) fixed.set(suite, { conclusion: wanted.conclusion });
  const attempt = wanted.again ? attemptOf(github, suite) + 1 : 1;
  const jobs = (wanted.jobs ?? []).map((job) => reportJob(github, suite, job, attempt));
  return { suite, jobs };
}

function reportJob(github: GitHub, suite: CheckSuite, wanted: NewJob, attempt: number): CheckRun {
  const startedAt = wanted.startedAt ?? github.clock.stamp();
  const failed = wanted.steps?.some(({ conclusion }) => conclusion === 'failure') ?? false;
  const conclusion = wanted.conclusion === undefined ? (failed ? 'failure' : 'success') : wanted.conclusion;
  const steps = timed(wanted.steps ?? [], startedAt);
  const job = reportCheck(github, suite, {
    name: wanted.name,
    status: conclusion === null ? 'in_progress' : 'completed',
    conclusion,
    startedAt,
    ...(conclusion === null ? {} : { completedAt: steps.at(-1)?.completed_at ?? startedAt }),
    log: wanted.log ?? null,
    annotations: wanted.annotations ?? [],
  });
  Object.assign(factsOf(job), { steps, attempt });
  return job;
}

/** As the real one tells them: to the second. */
function timed(steps: NonNullable<NewJob['steps']>, startedAt: string): Step[] {
  let at = Date.parse(startedAt);
  const second = (time: number) => new Date(time).toISOString().replace(/\.\d+/, '');
  return steps.map(({ name, conclusion, seconds = 10 }, index) => {
    const begun = at;
    if (conclusion !== 'skipped') at += seconds * 1000;
    const started_at = second(begun);
    return { name, status: 'completed', conclusion, number: index + 1, started_at, completed_at: second(at) };
  });
}
