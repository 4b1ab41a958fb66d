import type { components } from '@octokit/openapi-types';
import type { PullRequest } from '../../../core/pull-request.ts';
import type { CheckReport, RequestProgress } from '../../../core/request-progress.ts';
import type { Person } from '../../../core/ticket.ts';
import type { RepositoryReach, Self } from '../../../vendors/github/client.ts';
import { readChecks } from './checks.ts';
import { readDeployments } from './deployments.ts';
import { peopleIn, personOf, printOf, readSaid, remarksOf, type Said } from './remarks.ts';
import { readReverted } from './reverted.ts';
import type { Threads } from './threads.ts';
import { unlessRefused } from './unless-refused.ts';

type Pull = components['schemas']['pull-request'];

/** What is remembered from one reading to the next. */
export interface Remembered {
  self(signal: AbortSignal): Promise<Self>;
  requiredChecks(reach: RepositoryReach, branch: string, signal: AbortSignal): Promise<string[] | null>;
  writers(reach: RepositoryReach, logins: ReadonlySet<string>, signal: AbortSignal): Promise<Set<string>>;
  threads(reach: RepositoryReach, number: number, seen: string, signal: AbortSignal): Promise<Threads>;
}

export async function readProgress(
  reach: RepositoryReach,
  number: number,
  remembered: Remembered,
  toPullRequest: (pull: Pull) => PullRequest,
  signal: AbortSignal,
): Promise<RequestProgress> {
  const pull = await reach.get<Pull>('GET /repos/{owner}/{repo}/pulls/{pull_number}', { pull_number: number }, signal);
  const { merged, merge_commit_sha } = pull;
  const head = pull.head.sha;
  const mergeCommit = merged ? merge_commit_sha : null;
  // A workflow of a pull request deploys the trial merge, which is at the place of the merge commit while it is open.
  const deployed = [mergeCommit ?? head, pull.state === 'open' ? merge_commit_sha : null];
  const [self, checks, mergeChecks, deployments, said, closedBy, reverted] = await Promise.all([
    remembered.self(signal),
    remembered
      .requiredChecks(reach, pull.base.ref, signal)
      .then((required) => readChecks(reach, head, required, signal)),
    mergeCommit === null ? null : readChecks(reach, mergeCommit, null, signal),
    readDeployments(
      reach,
      deployed.filter((commit) => commit !== null),
      merged,
      signal,
    ),
    readSaid(reach, number, signal),
    pull.state === 'closed' && !merged ? readClosedBy(reach, number, signal) : null,
    merged ? readReverted(reach, pull, signal) : null,
  ]);
  const [baseChecks, threads, writers] = await Promise.all([
    (mergeChecks ?? checks).runs.some(({ state }) => state === 'failed') ? readBaseChecks(reach, pull, signal) : null,
    readThreads(reach, number, said, remembered, signal),
    remembered.writers(reach, peopleIn(said), signal),
  ]);
  return {
    request: toPullRequest(pull),
    head,
    mergeCommit,
    mergeable: mergeableOf(pull),
    checks,
    baseChecks,
    mergeChecks,
    deployments,
    remarks: remarksOf(said, threads, writers, self),
    closedBy,
    reverted,
  };
}

function readThreads(
  reach: RepositoryReach,
  number: number,
  said: Said,
  { threads }: Remembered,
  signal: AbortSignal,
): Promise<Threads> | Threads {
  return said.lines.length === 0 ? new Map() : threads(reach, number, printOf(said), signal);
}

/** Of the commit that both sides come from, or that it was merged onto: what fails there was failing before. */
async function readBaseChecks(
  reach: RepositoryReach,
  { base, head, merged, merge_commit_sha }: Pull,
  signal: AbortSignal,
): Promise<CheckReport | null> {
  if (merged) {
    const [merge] = await reach.get<components['schemas']['commit'][]>(
      'GET /repos/{owner}/{repo}/commits',
      { sha: merge_commit_sha, per_page: 1 },
      signal,
    );
    const before = merge?.parents[0]?.sha;
    return before === undefined ? null : readChecks(reach, before, null, signal);
  }
  const { merge_base_commit } = await reach.get<components['schemas']['commit-comparison']>(
    'GET /repos/{owner}/{repo}/compare/{basehead}',
    { basehead: `${base.sha}...${head.sha}`, per_page: 1 },
    signal,
  );
  return readChecks(reach, merge_base_commit.sha, null, signal);
}

async function readClosedBy(reach: RepositoryReach, number: number, signal: AbortSignal): Promise<Person | null> {
  const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}';
  const issue = await unlessRefused(reach.get<components['schemas']['issue']>(route, { issue_number: number }, signal));
  return issue?.closed_by ? personOf(issue.closed_by) : null;
}

function mergeableOf({ mergeable, mergeable_state }: Pull): RequestProgress['mergeable'] {
  if (mergeable_state === 'dirty' || mergeable === false) return 'conflict';
  if (mergeable_state === 'behind') return 'behind';
  // What is blocked waits for people or checks, and could be merged all the same.
  return mergeable === true ? 'clean' : 'unknown';
}
