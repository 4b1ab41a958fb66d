import { z } from 'zod';
import type { Delivery } from '../../../core/delivery.ts';
import type { RequestHint } from '../../code-host.ts';
import { revertsIn } from './reverted.ts';

/* The parts of GitHub's webhook bodies that name a pull request, a branch or a commit. */

const text = z.string();
const request = z.object({ number: z.number().int() });
const pullRequest = request.extend({ body: text.nullish(), merged: z.boolean().nullish() });
const atCommit = z.object({
  head_sha: text,
  // Of a fork's there are none; of others', those of any repository that has the commit.
  pull_requests: z.array(request.extend({ base: z.object({ repo: z.object({ id: z.number() }) }) })).nullish(),
});

const body = z.object({
  repository: z.object({ id: z.number(), full_name: text }),
  pull_request: pullRequest.nullish().catch(null),
  issue: request.extend({ pull_request: z.unknown() }).nullish().catch(null),
  check_run: atCommit.nullish().catch(null),
  check_suite: atCommit.nullish().catch(null),
  workflow_run: atCommit.nullish().catch(null),
  workflow_job: atCommit.nullish().catch(null),
  deployment: z.object({ sha: text, ref: text }).nullish().catch(null),
  sha: text.nullish().catch(null),
  ref: text.nullish().catch(null),
  after: text.nullish().catch(null),
});

type Body = z.infer<typeof body>;
type Place = Omit<RequestHint, 'location'>;

const readers: Record<string, (body: Body) => Place[]> = {
  pull_request: (told) => [...numberOf(told), ...revertedBy(told)],
  pull_request_review: numberOf,
  pull_request_review_comment: numberOf,
  pull_request_review_thread: numberOf,
  issue_comment: ({ issue }) => (issue?.pull_request ? [{ number: issue.number }] : []),
  check_run: (told) => commitOf(told, told.check_run),
  check_suite: (told) => commitOf(told, told.check_suite),
  workflow_run: (told) => commitOf(told, told.workflow_run),
  workflow_job: (told) => commitOf(told, told.workflow_job),
  status: ({ sha }) => (sha ? [{ commit: sha }] : []),
  deployment_status: ({ deployment }) => (deployment ? [{ commit: deployment.sha }, ...trialOf(deployment.ref)] : []),
  push: ({ ref }) => (ref?.startsWith('refs/heads/') ? [{ branch: ref.slice('refs/heads/'.length) }] : []),
};

/** Which pull requests a delivery may have changed; none where it says nothing of any. */
export function readHints({ headers, body: bytes }: Delivery): RequestHint[] {
  const event = headers['x-github-event'] ?? '';
  const read = Object.hasOwn(readers, event) ? readers[event] : undefined;
  const told = read && parse(bytes);
  return told ? read(told).map((place) => ({ location: told.repository.full_name, ...place })) : [];
}

function parse(bytes: Uint8Array): Body | null {
  try {
    return body.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data ?? null;
  } catch {
    return null;
  }
}

function numberOf({ pull_request }: Body): Place[] {
  return pull_request ? [{ number: pull_request.number }] : [];
}

/** A merge may take back another. */
function revertedBy({ pull_request, repository }: Body): Place[] {
  if (!pull_request?.merged) return [];
  return revertsIn(pull_request.body ?? '', repository.full_name).map((number) => ({ number }));
}

function commitOf({ repository }: Body, told: z.infer<typeof atCommit> | null | undefined): Place[] {
  if (!told) return [];
  const here = (told.pull_requests ?? []).filter(({ base }) => base.repo.id === repository.id);
  return [{ commit: told.head_sha }, ...here.map(({ number }) => ({ number }))];
}

/** What a workflow of a pull request deploys is its trial merge. */
function trialOf(ref: string): Place[] {
  const number = /^refs\/pull\/(\d{1,9})\/merge$/.exec(ref)?.[1];
  return number === undefined ? [] : [{ number: Number(number) }];
}
