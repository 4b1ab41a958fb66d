import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { components } from '@octokit/openapi-types';
import * as z from 'zod';
import { cutText } from '../../cut-text.ts';
import { oneLine } from '../../outside-text.ts';
import { stateOf } from '../commit-checks.ts';
import type { GitHub } from '../github.ts';
import { commitRef, defaultBranch } from '../refs.ts';
import { argument, othersLimit, readOnly, type ToolContext } from '../tool-context.ts';

type Run = components['schemas']['workflow-run'];
type Job = components['schemas']['job'];

/** Each costs a request. */
const mostRuns = 25;

const inputSchema = z.strictObject({
  job: argument.text.describe('part of its name'),
  branch: argument.text,
  days: z.int().min(1).max(90).optional(),
});

export function registerListRecentFailures(server: McpServer, { github, answer }: ToolContext): void {
  server.registerTool(
    'list-recent-failures',
    {
      description:
        'Jobs that failed in the last days (7) on any branch, by name: whether one fails everywhere, or now and then.',
      inputSchema,
      annotations: readOnly,
    },
    ({ job, branch: given, days = 7 }, request) =>
      answer(request.signal, async (signal) => {
        const branch = given === undefined ? undefined : await commitRef(github, given, signal);
        const main = await defaultBranch(github, signal);
        const since = new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
        const values = { created: `>=${since}`, status: 'completed', per_page: 100, ...(branch ? { branch } : {}) };
        const asked = { what: 'workflow runs', signal };
        const { workflow_runs: runs, total_count } = await github.get(
          '/repos/{owner}/{repo}/actions/runs',
          values,
          asked,
        );
        const telling = runs.filter((run) => stateOf(run.conclusion ?? '') === 'failed' || (run.run_attempt ?? 1) > 1);
        const read = telling.slice(0, mostRuns);
        const jobs = await Promise.all(read.map((run) => jobsOf(github, run, signal)));
        const failures = groupFailures(jobs.flat(), job);
        const others = failures.map((failure) => tellFailure(failure, main)).join('\n');
        const few = telling.length > read.length || total_count > runs.length;
        return {
          head: `Since ${since}${branch ? ` on ${oneLine(branch, 120)}` : ''}: ${read.length} of ${runs.length} runs failed or were run again${few ? ' (of more; narrow by branch or days)' : ''}; ${failures.length === 0 ? 'no job failed in them.' : 'the jobs that failed in them:'}`,
          others: cutText(others, { limit: othersLimit, narrow: 'pass job or branch' }),
        };
      }),
  );
}

async function jobsOf(github: GitHub, run: Run, signal: AbortSignal): Promise<Job[]> {
  const values = { run_id: run.id, filter: 'all', per_page: 100 };
  const asked = { what: `run ${run.id}`, signal };
  return (await github.get('/repos/{owner}/{repo}/actions/runs/{run_id}/jobs', values, asked)).jobs;
}

interface Failure {
  name: string;
  jobs: Job[];
  /** Those of which another attempt at the same commit passed. */
  flaky: number;
}

/** Most failures first. */
function groupFailures(jobs: Job[], part: string | undefined): Failure[] {
  const wanted = part?.toLowerCase();
  const failed = jobs.filter(
    ({ name, conclusion }) =>
      (conclusion === 'failure' || conclusion === 'timed_out') &&
      (wanted === undefined || name.toLowerCase().includes(wanted)),
  );
  const passed = new Set(jobs.filter(({ conclusion }) => conclusion === 'success').map(attemptsOf));
  const names = [...new Set(failed.map(nameOf))];
  const groups = names.map((name) => {
    const same = failed.filter((job) => nameOf(job) === name).sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
    return { name, jobs: same, flaky: same.filter((job) => passed.has(attemptsOf(job))).length };
  });
  return groups.sort((a, b) => b.jobs.length - a.jobs.length);
}

const nameOf = ({ name, workflow_name }: Job) => `${workflow_name ? `${workflow_name} / ` : ''}${name}`;
const attemptsOf = (job: Job) => `${job.run_id} ${nameOf(job)}`;

function tellFailure({ name, jobs, flaky }: Failure, main: string): string {
  const branches = [...new Set(jobs.map(({ head_branch }) => head_branch ?? 'no branch'))];
  const onMain = jobs.filter(({ head_branch }) => head_branch === main).length;
  const latest = jobs.slice(0, 3).map(({ id, head_branch, started_at, steps }) => {
    const step = steps?.find(({ conclusion }) => conclusion === 'failure' || conclusion === 'timed_out');
    const where = step ? `, step ${step.number} ${oneLine(step.name, 60)}` : '';
    return `  job ${id}, ${started_at.slice(0, 16).replace('T', ' ')}, ${oneLine(head_branch ?? 'no branch', 60)}${where}`;
  });
  const where = branches.length === 1 ? '1 branch' : `${branches.length} branches`;
  const again = flaky > 0 ? `; ${times(flaky)} it passed when run again at the same commit: flaky` : '';
  return [
    `${oneLine(name, 160)}: failed ${times(jobs.length)} on ${where}, ${times(onMain)} on ${oneLine(main, 60)}${again}`,
    ...latest,
  ].join('\n');
}

function times(count: number): string {
  return ['never', 'once'][count] ?? `${count} times`;
}
