import { setTimeout as delay } from 'node:timers/promises';
import type { components } from '@octokit/openapi-types';
import type { PullRequest } from '../../core/pull-request.ts';
import type { Repository } from '../../core/repository.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { GitHubClient, RepositoryReach } from '../../vendors/github/client.ts';
import { isRefusedFor } from '../../vendors/github/errors.ts';
import type { PullRequestInput } from '../code-host.ts';
import { invalid } from '../host-git.ts';
import { findPlace } from './repository.ts';
import { addRequest, hasRequest, readRequests, withRequests } from './request-marker.ts';
import { requestReviewers } from './reviewers.ts';

type Pull = Pick<
  components['schemas']['pull-request-simple'],
  'number' | 'node_id' | 'html_url' | 'title' | 'body' | 'state' | 'merged_at' | 'draft' | 'user' | 'labels'
> & { base: { ref: string }; head: { ref: string } };

export interface PullRequestOptions {
  client: GitHubClient;
  /** What ours are labelled with. */
  labels: readonly string[];
}

const onPull = '/repos/{owner}/{repo}/pulls/{pull_number}';
/** What was just opened is not in lists at once. */
const looks = 6;

/** `CodeHost.openPullRequest`. Whoever opens one first wins, GitHub sees to that; who loses looks again. */
export async function openPullRequest(
  { client, labels }: PullRequestOptions,
  repository: Repository,
  input: PullRequestInput,
  signal: AbortSignal,
): Promise<PullRequest> {
  const place = await findPlace(client, repository, signal);
  const reach = client.on(place.full_name);
  checkTexts(input);
  for (let look = 1; ; look++) {
    const query = { head: `${place.owner.login}:${input.head}`, state: 'all' };
    const pulls = await reach.list<Pull>('GET /repos/{owner}/{repo}/pulls', query, signal);
    const sent = pulls.find(({ body }) => hasRequest(readRequests(body).requests, input.id));
    const open = pulls.filter(({ state }) => state === 'open');
    const known = sent ?? open.find(({ base }) => base.ref === input.base) ?? open[0];
    const made = known ?? (await create(reach, input, look < looks, signal));
    if (made === null) {
      await delay(100 * 2 ** look, undefined, { signal });
      continue;
    }
    const updated = known && !sent ? await update(reach, known, input, signal) : made;
    if (updated.state === 'open') {
      await addLabels(reach, updated, labels, signal);
      if (!known || sent) await requestReviewers(client, reach, updated, input, { isNew: !known }, signal);
    }
    return toPullRequest(repository, updated);
  }
}

/** `CodeHost.readPullRequest`. */
export async function readPullRequest(
  client: GitHubClient,
  repository: Repository,
  number: number,
  signal: AbortSignal,
): Promise<PullRequest> {
  signal.throwIfAborted();
  if (!Number.isSafeInteger(number) || number < 1 || number >= 2 ** 31)
    throw new VendorError(`There is no pull request #${number} of ${repository.location}.`, {
      code: 'not_found',
      retryable: false,
    });
  const reach = client.on(repository.location);
  return toPullRequest(repository, await reach.get<Pull>(`GET ${onPull}`, { pull_number: number }, signal));
}

export function toPullRequest(repository: Repository, pull: Omit<Pull, 'labels' | 'user' | 'node_id'>): PullRequest {
  return {
    repository: repository.name,
    number: pull.number,
    url: pull.html_url,
    title: pull.title,
    body: readRequests(pull.body).body,
    base: pull.base.ref,
    head: pull.head.ref,
    state: pull.merged_at ? 'merged' : pull.state === 'open' ? 'open' : 'closed',
    draft: pull.draft ?? false,
  };
}

/** null: somebody has opened one for this branch already, and it is looked for again. */
async function create(
  reach: RepositoryReach,
  input: PullRequestInput,
  mayLookAgain: boolean,
  signal: AbortSignal,
): Promise<Pull | null> {
  const { title, base, head, draft } = input;
  const body = withRequests(input.body, addRequest([], input.id));
  const open = (asDraft: boolean) =>
    reach.send<Pull>('POST /repos/{owner}/{repo}/pulls', { title, body, base, head, draft: asDraft }, signal);
  try {
    return await open(draft).catch((error: unknown) => {
      if (draft && isRefusedFor(error, /draft pull requests are not supported/i)) return open(false);
      throw error;
    });
  } catch (error) {
    if (mayLookAgain && isRefusedFor(error, /a pull request already exists/i)) return null;
    if (isRefusedFor(error, /no commits between/i))
      throw invalid(`Branch "${head}" has no commit that "${base}" does not have: there is nothing to propose.`);
    if (isRefusedFor(error, /PullRequest head invalid/i))
      throw invalid(`There is no branch "${head}". Push it, then open the pull request.`);
    if (isRefusedFor(error, /PullRequest base invalid/i))
      throw invalid(`There is no branch "${base}" to open a pull request on.`);
    throw error;
  }
}

async function update(reach: RepositoryReach, pull: Pull, input: PullRequestInput, signal: AbortSignal): Promise<Pull> {
  const { title, base } = input;
  const body = withRequests(input.body, addRequest(readRequests(pull.body).requests, input.id));
  const changes = { title, body, ...(pull.base.ref === base ? {} : { base }) };
  const changed = await reach.send<Pull>(`PATCH ${onPull}`, { pull_number: pull.number, ...changes }, signal);
  if ((changed.draft ?? false) === input.draft) return changed;
  const mutation = input.draft ? 'convertPullRequestToDraft' : 'markPullRequestReadyForReview';
  const document = `mutation ($id: ID!) { ${mutation}(input: { pullRequestId: $id }) { pullRequest { isDraft } } }`;
  try {
    await reach.graphql(document, { id: pull.node_id }, signal);
  } catch (error) {
    // Not every plan of GitHub has drafts.
    if (input.draft && isRefusedFor(error, /draft/i)) return changed;
    throw error;
  }
  return { ...changed, draft: input.draft };
}

async function addLabels(
  reach: RepositoryReach,
  pull: Pull,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const has = new Set(pull.labels.map(({ name }) => name.toLowerCase()));
  const missing = labels.filter((label) => !has.has(label.toLowerCase()));
  if (missing.length === 0) return;
  const route = 'POST /repos/{owner}/{repo}/issues/{issue_number}/labels';
  await reach.send(route, { issue_number: pull.number, labels: missing }, signal);
}

function checkTexts(input: PullRequestInput): void {
  for (const [what, text] of Object.entries({ title: input.title, body: input.body }))
    if (text.includes('\0')) throw invalid(`The pull request's ${what} contains a NUL character. Remove it.`);
  if (input.title.trim() === '') throw invalid("The pull request's title is empty. Give it one.");
}
