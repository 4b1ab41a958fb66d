import type { PullRequestReviewThread } from '@octokit/graphql-schema';
import type { RequestOperation } from '../../../../core/effect.ts';
import { VendorError } from '../../../../core/vendor-error.ts';
import type { RepositoryReach, Self } from '../../../../vendors/github/client.ts';
import { isMarkedAs, withMarker } from '../marker.ts';
import type { Comment, LineComment } from '../remarks.ts';
import { findOwnComments } from './find-own.ts';

type Reply = Extract<RequestOperation, { kind: 'replyToRemark' }>;

export const threadDocument = `query ReviewThread($id: ID!) {
  node(id: $id) {
    ... on PullRequestReviewThread {
      id isResolved viewerCanResolve
      first: comments(first: 1) { nodes { fullDatabaseId } }
      last: comments(last: 100) { nodes { viewerDidAuthor body url } }
    }
  }
}`;

export const resolveDocument = `mutation ResolveThread($id: ID!) {
  resolveReviewThread(input: { threadId: $id }) { thread { id isResolved } }
}`;

type Connection = PullRequestReviewThread['comments'];
type Thread = Partial<PullRequestReviewThread> & { first: Connection; last: Connection };

/** Answers a remark once, however often it is sent. */
export async function replyToRemark(
  reach: RepositoryReach,
  operation: Reply,
  self: Self,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { id, number, thread } = operation;
  const commit = typeof operation.commit === 'string' ? operation.commit : '';
  const body = withMarker(operation.body.replaceAll('{commit}', commit), id);
  if (thread !== null) return replyInThread(reach, { thread, number, id, body, resolve: operation.resolve }, signal);
  const [found] = await findOwnComments(reach, number, id, self, signal);
  const comment =
    found ??
    (await reach.send<Comment>(
      'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
      { issue_number: number, body },
      signal,
    ));
  return { url: comment.html_url };
}

async function replyInThread(
  reach: RepositoryReach,
  { thread, number, id, body, resolve }: { thread: string; number: number; id: string; body: string; resolve: boolean },
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const node = await readThread(reach, thread, signal);
  const root = node?.first?.nodes?.[0]?.fullDatabaseId;
  if (!node || !root) return { skipped: 'The thread is gone: its comments were deleted.' };
  const sent = node.last.nodes?.find((comment) => comment?.viewerDidAuthor && isMarkedAs(comment.body, id));
  const url =
    sent?.url ??
    (
      await reach.send<LineComment>(
        'POST /repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies',
        { pull_number: number, comment_id: Number(root), body },
        signal,
      )
    ).html_url;
  const isResolved =
    node.isResolved || (resolve && node.viewerCanResolve === true && (await tryResolve(reach, thread, signal)));
  return { url, isResolved };
}

async function readThread(reach: RepositoryReach, id: string, signal: AbortSignal): Promise<Thread | null> {
  try {
    return (await reach.graphql<{ node: Thread | null }>(threadDocument, { id }, signal)).node;
  } catch (error) {
    if (error instanceof VendorError && error.code === 'not_found') return null;
    throw error;
  }
}

/** The answer is there by now: that the thread stays open where we may not resolve it is no failure. */
async function tryResolve(reach: RepositoryReach, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    await reach.graphql(resolveDocument, { id }, signal);
    return true;
  } catch (error) {
    if (error instanceof VendorError && !error.retryable) return false;
    throw error;
  }
}
