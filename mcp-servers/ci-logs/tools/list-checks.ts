import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { cutText } from '../../cut-text.ts';
import { oneLine } from '../../outside-text.ts';
import { type CommitCheck, readChecks } from '../commit-checks.ts';
import { durationText } from '../duration.ts';
import type { GitHub } from '../github.ts';
import { commitRef, shortId } from '../refs.ts';
import { argument, othersLimit, readOnly, type ToolContext } from '../tool-context.ts';

const inputSchema = z.strictObject({ ref: argument.ref });

export function registerListChecks(server: McpServer, { github, answer }: ToolContext): void {
  server.registerTool(
    'list-checks',
    {
      description: 'Checks and statuses of a commit, the failed first, with the ids of their jobs.',
      inputSchema,
      annotations: readOnly,
    },
    ({ ref }, request) =>
      answer(request.signal, async (signal) => {
        const { commit, checks, isCut } = await readChecks(github, await commitRef(github, ref, signal), signal);
        const stuck = await runsWithoutJobs(github, commit, signal);
        const lines = [...stuck, ...checks.map(tellCheck)];
        const counts = ['failed', 'pending', 'skipped', 'passed'].flatMap((state) => {
          const count = checks.filter((check) => check.state === state).length;
          return count > 0 ? [`${count} ${state}`] : [];
        });
        return {
          head: `${shortId(commit)}: ${counts.join(', ') || 'no checks'}${isCut ? ' (of more; only the latest were read)' : ''}`,
          others: cutText(lines.join('\n'), { limit: othersLimit, narrow: 'use get-failed-jobs' }),
        };
      }),
  );
}

function tellCheck({ state, outcome, name, job, run, startedAt, completedAt, url }: CommitCheck): string {
  const outside = job === null && url ? oneLine(url, 200) : '';
  return [
    state.padEnd(8) + oneLine(name, 120),
    ...(outcome === state || outcome === 'success' || outcome === 'failure' ? [] : [outcome]),
    ...(job === null ? [] : [`job ${job}${run === null ? '' : ` of run ${run}`}`]),
    ...[durationText(startedAt, completedAt), outside].filter(Boolean),
  ].join(', ');
}

/** They are no checks, and yet the reason why there are none. */
async function runsWithoutJobs(github: GitHub, commit: string, signal: AbortSignal): Promise<string[]> {
  const asked = { what: 'workflow runs', signal };
  const values = { head_sha: commit, per_page: 100 };
  const { workflow_runs } = await github.get('/repos/{owner}/{repo}/actions/runs', values, asked);
  return workflow_runs.flatMap(({ id, name, path, conclusion }) => {
    const shown = `workflow ${oneLine(name ?? path, 120)}, run ${id}`;
    if (conclusion === 'startup_failure')
      return [`failed  ${shown}: it could not start; ${oneLine(path, 200)} is not valid`];
    return conclusion === 'action_required' ? [`pending ${shown}: it waits until somebody approves it`] : [];
  });
}
