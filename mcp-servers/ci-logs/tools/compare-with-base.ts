import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { cutText } from '../../cut-text.ts';
import { oneLine } from '../../outside-text.ts';
import { type CommitCheck, type CommitChecks, newestOf, readChecks } from '../commit-checks.ts';
import type { GitHub } from '../github.ts';
import { commitRef, defaultBranch, shortId } from '../refs.ts';
import { argument, othersLimit, readOnly, type ToolContext } from '../tool-context.ts';

/** How far back it is looked since when a check fails. Each costs two requests. */
const mostCommits = 12;

const inputSchema = z.strictObject({
  ref: argument.ref,
  base: argument.text.describe('default: the default branch'),
});

export function registerCompareWithBase(server: McpServer, { github, answer }: ToolContext): void {
  server.registerTool(
    'compare-with-base',
    {
      description: 'Which failed checks of a commit fail on the base it started from as well, and since when.',
      inputSchema,
      annotations: readOnly,
    },
    ({ ref, base: given }, request) =>
      answer(request.signal, async (signal) => {
        const [named, base] = await Promise.all([
          commitRef(github, ref, signal),
          given === undefined ? defaultBranch(github, signal) : commitRef(github, given, signal),
        ]);
        const head = await readChecks(github, named, signal);
        const failed = head.checks.filter(
          (check) => check.state === 'failed' && newestOf(head.checks, check.name) === check,
        );
        const about = `${shortId(head.commit)} against ${oneLine(base, 120)}`;
        if (failed.length === 0)
          return { head: `${about}: no check has failed here, so there is nothing to compare.`, others: '' };
        const started = await mergeBase(github, base, head.commit, signal);
        const history = await readHistory(github, started, failed, signal);
        const tip = base === started ? null : await readChecks(github, base, signal);
        const told = failed.map((check) => tellCheck(check, history, tip));
        return {
          head: `${about}, from which it started at ${shortId(started)}:`,
          others: cutText(told.join('\n'), { limit: othersLimit, narrow: 'use list-checks' }),
          foot: 'What fails on the base as well was not caused here: say so, and leave it.',
        };
      }),
  );
}

async function mergeBase(github: GitHub, base: string, head: string, signal: AbortSignal): Promise<string> {
  const what = `commit in common of ${JSON.stringify(base)} and ${shortId(head)}`;
  // Files are told on the first page only, and are of no use here.
  const values = { basehead: `${base}...${head}`, per_page: 1, page: 2 };
  const compared = await github.get('/repos/{owner}/{repo}/compare/{basehead}', values, { what, signal });
  return compared.merge_base_commit.sha;
}

interface Past extends CommitChecks {
  date: string;
}

/** The commits from `started` backwards, until it is known of each check where it last passed. */
async function readHistory(
  github: GitHub,
  started: string,
  failed: CommitCheck[],
  signal: AbortSignal,
): Promise<Past[]> {
  const values = { sha: started, per_page: mostCommits };
  const commits = await github.get('/repos/{owner}/{repo}/commits', values, { what: `commit ${started}`, signal });
  const history: Past[] = [];
  const open = new Set(failed.map(({ name }) => name));
  for (const { sha, commit } of commits) {
    const checks = await readChecks(github, sha, signal);
    history.push({ ...checks, date: (commit.committer?.date ?? commit.author?.date ?? '').slice(0, 10) });
    for (const name of open) if (newestOf(checks.checks, name)?.state === 'passed') open.delete(name);
    if (open.size === 0) break;
  }
  return history;
}

function tellCheck({ name, job }: CommitCheck, history: Past[], tip: CommitChecks | null): string {
  const past = history.flatMap((commit) => {
    const check = newestOf(commit.checks, name);
    return check && (check.state === 'passed' || check.state === 'failed') ? [{ ...commit, state: check.state }] : [];
  });
  const shown = `${oneLine(name, 120)}${job === null ? '' : ` (job ${job})`}`;
  const now = tip && newestOf(tip.checks, name);
  const today = now
    ? `; at the tip of the base (${shortId(tip.commit)}) it ${now.state === 'pending' ? 'is pending' : now.state}`
    : '';
  const at = ({ commit, date }: Past) => `${shortId(commit)} of ${date}`;
  const [latest] = past;
  if (latest === undefined)
    return `not known     ${shown}: it never ran on the last ${history.length} commits of the base${today}`;
  if (latest.state === 'passed') return `only here     ${shown}: passed on the base at ${at(latest)}${today}`;
  const firstPassed = past.findIndex(({ state }) => state === 'passed');
  const since = past[(firstPassed === -1 ? past.length : firstPassed) - 1] ?? latest;
  const earlier = firstPassed === -1 ? ' or earlier' : '';
  return `on the base   ${shown}: fails there since ${at(since)}${earlier}${today}`;
}
