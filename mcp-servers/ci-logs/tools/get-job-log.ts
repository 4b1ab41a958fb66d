import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { components } from '@octokit/openapi-types';
import * as z from 'zod';
import { type CutLog, type CutOptions, cutLog } from '../../log/cut-log.ts';
import { oneLine } from '../../outside-text.ts';
import type { GitHub } from '../github.ts';
import { shortId } from '../refs.ts';
import { othersLimit, readOnly, type Told, type ToolContext } from '../tool-context.ts';

type Job = components['schemas']['job'];
type Step = NonNullable<Job['steps']>[number];

const line = z.int().min(1).max(1_000_000_000).optional();

const inputSchema = z.strictObject({
  job: z.int().min(1),
  step: z.union([z.string(), z.int()]).optional().describe('number or name'),
  tail: z.boolean().optional().describe('the end'),
  from: line.describe('a line'),
  to: line,
});

interface Wanted {
  step?: string | number | undefined;
  tail?: boolean | undefined;
  from?: number | undefined;
  to?: number | undefined;
}

export function registerGetJobLog(server: McpServer, { github, answer }: ToolContext): void {
  server.registerTool(
    'get-job-log',
    {
      description: 'The log of a job around its first error; or of one step, its end, or lines by number.',
      inputSchema,
      annotations: readOnly,
    },
    ({ job, ...wanted }, request) =>
      answer(request.signal, async (signal) => {
        const isRange = wanted.from !== undefined || wanted.to !== undefined;
        if (isRange && (wanted.tail || wanted.step !== undefined))
          throw new Error('Pass from and to, or step, or tail; step and tail go together.');
        if (isRange && (wanted.to ?? Number.POSITIVE_INFINITY) < (wanted.from ?? 1))
          throw new Error('The range ends before it starts; swap from and to.');
        const about = await readJob(github, job, signal);
        const step = wanted.step === undefined || wanted.step === '' ? undefined : findStep(about, wanted.step);
        const { stream, secrets } = await github.openLog(job, signal);
        const options = { ...howToCut(about, step, wanted), signal, secrets, maxBytes: othersLimit, timeoutMs: 40_000 };
        return tell(about, step, wanted, await cutLog(stream, options));
      }),
  );
}

async function readJob(github: GitHub, id: number, signal: AbortSignal): Promise<Job> {
  const what = `job ${id} of GitHub Actions (list-checks names them; a check of another service has no log here)`;
  const job = await github.get('/repos/{owner}/{repo}/actions/jobs/{job_id}', { job_id: id }, { what, signal });
  if (job.status !== 'completed')
    throw new Error(`Job ${id} is ${job.status}; its log can be read when it has ended. Ask again then.`);
  if (job.conclusion === 'skipped') throw new Error(`Job ${id} was skipped, so it has no log.`);
  return job;
}

function findStep(job: Job, wanted: string | number): Step {
  const steps = job.steps ?? [];
  const said = String(wanted).trim().toLowerCase();
  const found =
    steps.find(({ number }) => String(number) === said) ??
    steps.find(({ name }) => name.toLowerCase() === said) ??
    steps.find(({ name }) => name.toLowerCase().includes(said));
  if (!found) throw new Error(`Job ${job.id} has no step ${JSON.stringify(wanted)}. It has ${tellSteps(steps)}.`);
  if (!found.started_at) throw new Error(`Step ${found.number} was not begun (${found.conclusion}), so it has no log.`);
  return found;
}

function howToCut(job: Job, step: Step | undefined, { tail, from, to }: Wanted): Partial<CutOptions> {
  if (from !== undefined || to !== undefined) return { part: { from: from ?? 1, to: to ?? Number.POSITIVE_INFINITY } };
  const chosen = step ?? job.steps?.find(({ conclusion }) => conclusion === 'failure' || conclusion === 'timed_out');
  return {
    part: tail ? 'tail' : 'error',
    onlyStep: step !== undefined,
    ...(chosen?.started_at ? { step: { startedAt: chosen.started_at, completedAt: chosen.completed_at ?? null } } : {}),
  };
}

function tell(job: Job, step: Step | undefined, { from }: Wanted, cut: CutLog): Told {
  const head = [
    `Job ${job.id} ${JSON.stringify(oneLine(job.name, 120))} of run ${job.run_id} at ${shortId(job.head_sha)}: ${job.conclusion}`,
    ...(step ? [`, step ${step.number} by its time`] : []),
    `. Steps: ${tellSteps(job.steps ?? [])}.`,
  ].join('');
  if (cut.lines === 0) return { head, others: '', foot: 'The log is empty.' };
  const read = `The log has ${cut.lines} lines${cut.complete ? '' : ' so far as it was read; it took too long to go on'}`;
  if (cut.text === '') {
    const none = from !== undefined ? `none from ${from} on` : 'none from the time of this step';
    return { head, others: '', foot: `${read}, ${none}.` };
  }
  const hit = cut.errorLine === null ? '' : `; line ${cut.errorLine} looks most like the cause`;
  return { head, others: cut.text, foot: `${read}${hit}. For more pass step, tail, or from and to.` };
}

function tellSteps(steps: Step[]): string {
  const shown = steps.slice(0, 40).map(({ number, name, conclusion }) => {
    const mark = conclusion === 'success' ? '' : ` (${conclusion ?? 'no outcome'})`;
    return `${number} ${JSON.stringify(oneLine(name, 60))}${mark}`;
  });
  return `${shown.join(', ') || 'none'}${steps.length > 40 ? ` and ${steps.length - 40} more` : ''}`;
}
