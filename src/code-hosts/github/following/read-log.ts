import type { components } from '@octokit/openapi-types';
import { cutLog, type StepTime } from '../../../../mcp-servers/log/cut-log.ts';
import type { CheckRun } from '../../../core/request-progress.ts';
import type { RepositoryReach } from '../../../vendors/github/client.ts';
import type { CheckRef } from './checks.ts';
import { unlessRefused } from './unless-refused.ts';

type Job = components['schemas']['job'];
type GitHubCheckRun = components['schemas']['check-run'];
type Annotation = components['schemas']['check-annotation'];

/** The log of a job of GitHub Actions; of any other check what it says of itself. null: nothing. */
export async function readCheckLog(reach: RepositoryReach, run: CheckRun, signal: AbortSignal): Promise<string | null> {
  const ref = run.ref as CheckRef;
  if (ref?.kind !== 'check-run') return null;
  const log = ref.job === undefined ? null : await readJobLog(reach, ref.job, signal);
  return log ?? (await readWords(reach, ref.id, signal));
}

async function readJobLog(reach: RepositoryReach, job_id: number, signal: AbortSignal): Promise<string | null> {
  const step = await readFailedStep(reach, job_id, signal);
  const stream = await reach.stream('GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs', { job_id }, signal);
  if (!stream) return null;
  const { text } = await cutLog(stream, { signal, ...(step && { step }) });
  return text === '' ? null : text;
}

/** When the step ran that failed: what looks like an error in another may be none. */
async function readFailedStep(reach: RepositoryReach, job_id: number, signal: AbortSignal): Promise<StepTime | null> {
  const job = await unlessRefused(
    reach.get<Job>('GET /repos/{owner}/{repo}/actions/jobs/{job_id}', { job_id }, signal),
  );
  const failed = job?.steps?.find(({ conclusion }) => conclusion === 'failure');
  return failed?.started_at ? { startedAt: failed.started_at, completedAt: failed.completed_at ?? null } : null;
}

/** What each runner says of any job that fails. */
const saysNothing = /^Process completed with exit code \d+\.$/;

async function readWords(reach: RepositoryReach, check_run_id: number, signal: AbortSignal): Promise<string | null> {
  const place = { check_run_id };
  const [run, annotations] = await Promise.all([
    unlessRefused(reach.get<GitHubCheckRun>('GET /repos/{owner}/{repo}/check-runs/{check_run_id}', place, signal)),
    unlessRefused(
      reach.list<Annotation>('GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations', place, signal),
    ),
  ]);
  const order = ['failure', 'warning', 'notice'];
  const noted = (annotations ?? [])
    .filter(({ message }) => message && !saysNothing.test(message))
    .sort((a, b) => order.indexOf(a.annotation_level ?? '') - order.indexOf(b.annotation_level ?? ''))
    .map(({ path, start_line, annotation_level, title, message }) =>
      [`${path}:${start_line}`, annotation_level, title, message].filter(Boolean).join(': '),
    );
  const { title, summary, text } = run?.output ?? {};
  const words = [title, summary, ...noted, text].filter(Boolean).join('\n');
  if (words.trim() === '') return null;
  const cut = await cutLog(chunksOf(words), { signal, part: noted.length > 0 ? { from: 1, to: 2_000 } : 'error' });
  return cut.text === '' ? null : cut.text;
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
