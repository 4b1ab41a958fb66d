import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { cutText } from '../../cut-text.ts';
import { withoutUnseen } from '../../log/clean-line.ts';
import { redactSecrets } from '../../log/redact-secrets.ts';
import { oneLine } from '../../outside-text.ts';
import { type CommitCheck, readChecks } from '../commit-checks.ts';
import { durationText } from '../duration.ts';
import type { GitHub } from '../github.ts';
import { commitRef, shortId } from '../refs.ts';
import { argument, othersLimit, readOnly, type ToolContext } from '../tool-context.ts';

const mostJobs = 15;
const mostAnnotations = 8;

const inputSchema = z.strictObject({ ref: argument.ref });

export function registerGetFailedJobs(server: McpServer, { github, answer }: ToolContext): void {
  server.registerTool(
    'get-failed-jobs',
    {
      description:
        'What failed on a commit: jobs with their failed steps and annotations, other checks with what they say.',
      inputSchema,
      annotations: readOnly,
    },
    ({ ref }, request) =>
      answer(request.signal, async (signal) => {
        const { commit, checks } = await readChecks(github, await commitRef(github, ref, signal), signal);
        const failed = checks.filter(({ state }) => state === 'failed');
        const pending = checks.filter(({ state }) => state === 'pending').length;
        const told = await Promise.all(failed.slice(0, mostJobs).map((check) => tellFailed(github, check, signal)));
        const limit = Math.max(800, othersLimit / Math.max(1, told.length));
        const others = told.map((text) => cutText(text, { limit, narrow: 'use get-job-log' })).join('\n\n');
        const more = failed.length > mostJobs ? `; the first ${mostJobs}` : '';
        return {
          head: `${shortId(commit)}: ${failed.length} of ${checks.length} checks failed${pending > 0 ? `, ${pending} pending` : ''}${more}`,
          others: cutText(others, { limit: othersLimit, narrow: 'use get-job-log' }),
          ...(failed.some(({ job }) => job !== null) ? { foot: 'For the log of a job: get-job-log.' } : {}),
        };
      }),
  );
}

async function tellFailed(github: GitHub, check: CommitCheck, signal: AbortSignal): Promise<string> {
  const name = oneLine(check.name, 120);
  if (check.job === null) {
    const says = redactSecrets(withoutUnseen(check.summary.replace(/\r?\n/g, '\t'))).replaceAll('\t', '\n  ');
    return [
      `${name}: ${check.outcome}, no job of GitHub Actions: ${oneLine(check.url ?? 'no address', 200)}`,
      `  ${says}`,
    ]
      .join('\n')
      .trimEnd();
  }
  const what = `job ${check.job}`;
  const [job, annotations] = await Promise.all([
    github.get('/repos/{owner}/{repo}/actions/jobs/{job_id}', { job_id: check.job }, { what, signal }),
    github.get(
      '/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations',
      { check_run_id: check.job, per_page: 50 },
      { what, signal },
    ),
  ]);
  const steps = (job.steps ?? []).filter(({ conclusion }) => conclusion === 'failure' || conclusion === 'timed_out');
  const failures = annotations.filter(({ annotation_level }) => annotation_level === 'failure');
  const workflow = job.workflow_name ? ` of workflow ${oneLine(job.workflow_name, 80)}` : '';
  return [
    `${name}: ${check.outcome}, job ${job.id}, run ${job.run_id}${workflow}, attempt ${job.run_attempt ?? 1}, ${durationText(job.started_at, job.completed_at)}`,
    ...steps.map((step) => `  failed step ${step.number}: ${oneLine(step.name, 160)}`),
    ...failures.slice(0, mostAnnotations).map(({ path, start_line, message }) => {
      return `  ${oneLine(path, 200)}:${start_line}: ${oneLine(message ?? '', 300)}`;
    }),
    ...(failures.length > mostAnnotations ? [`  ... and ${failures.length - mostAnnotations} more annotations`] : []),
  ].join('\n');
}
