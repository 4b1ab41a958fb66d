import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckRun } from './check-rows.ts';
import { git } from './git.ts';
import type { GitHub } from './github.ts';
import { openSuite, reportCheck } from './report-checks.ts';
import type { Repository } from './rows.ts';

export interface Ci {
  /** Runs it on a commit, as a push does; ends with its check run. */
  run(sha: string, branch?: string): Promise<CheckRun>;
  /** Nothing is under way any more. */
  settled(): Promise<void>;
}

/**
 * A workflow of one job that runs `script` by the shell in a checkout of what is pushed to a branch, and reports what came of
 * it as GitHub Actions does. Wait for `settled` before the stand-in is closed.
 */
export function addCi(
  github: GitHub,
  repository: Repository,
  { script, job = 'test', workflow = 'CI' }: { script: string; job?: string; workflow?: string },
): Ci {
  const workflowId = github.nextId();
  const underWay = new Set<Promise<unknown>>();

  async function run(sha: string, branch?: string): Promise<CheckRun> {
    const about = { id: workflowId, name: workflow, runId: github.nextId(), event: 'push' as const };
    const suite = openSuite(github, repository, sha, { workflow: about, headBranch: branch ?? null });
    const begun = reportCheck(github, suite, { name: job, status: 'in_progress' });
    const { exitCode, log } = await runIn(repository.dir, sha, script, github.clock.stamp);
    return reportCheck(github, suite, {
      id: begun.id,
      name: job,
      status: 'completed',
      conclusion: exitCode === 0 ? 'success' : 'failure',
      log,
      annotations:
        exitCode === 0
          ? []
          : [
              {
                path: '.github',
                line: 1,
                level: 'failure',
                title: null,
                message: `Process completed with exit code ${exitCode}.`,
              },
            ],
    });
  }

  const emit = github.emit;
  github.emit = (event, action, told) => {
    emit(event, action, told);
    const { ref, after } = (told.payload ?? {}) as { ref?: string; after?: string };
    if (event !== 'push' || told.repository !== repository || !ref?.startsWith('refs/heads/')) return;
    if (after === undefined || /^0+$/.test(after)) return;
    const done = run(after, ref.slice('refs/heads/'.length)).finally(() => underWay.delete(done));
    underWay.add(done);
  };

  return {
    run,
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

async function runIn(
  gitDir: string,
  sha: string,
  script: string,
  stamp: () => string,
): Promise<{ exitCode: number; log: Buffer }> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-ci-'));
  try {
    const index = join(dir, '.index');
    await git(gitDir, ['read-tree', sha], { env: { GIT_INDEX_FILE: index } });
    await git(gitDir, [`--work-tree=${dir}`, 'checkout-index', '--all', '--force'], { env: { GIT_INDEX_FILE: index } });
    await rm(index, { force: true });
    const child = spawn('sh', ['-ec', script], {
      cwd: dir,
      env: { PATH: process.env.PATH, CI: 'true', HOME: dir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: string[] = [`##[group]Run ${script.split('\n')[0]}`, script, '##[endgroup]'];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => lines.push(String(chunk)));
    const [exitCode] = await once(child, 'close');
    if (exitCode !== 0) lines.push(`##[error]Process completed with exit code ${exitCode}.`);
    const text = lines.flatMap((line) => line.replace(/\n$/, '').split('\n')).map((line) => `${stamp()} ${line}\n`);
    return { exitCode, log: Buffer.from(text.join('')) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
