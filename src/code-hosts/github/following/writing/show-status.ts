import { VendorError } from '../../../../core/vendor-error.ts';
import type { RepositoryReach, Self } from '../../../../vendors/github/client.ts';
import { withMarker } from '../marker.ts';
import type { Comment } from '../remarks.ts';
import { findOwnComments } from './find-own.ts';

const statusId = 'status';

/** The one comment that says how things stand. Of two that were made at once, the younger goes. */
export async function showStatus(
  reach: RepositoryReach,
  operation: { number: number; body: string },
  self: Self,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { number } = operation;
  const body = withMarker(operation.body, statusId);
  const find = () => findOwnComments(reach, number, statusId, self, signal);
  let all = await find();
  if (all.length === 0) {
    const made = await reach.send<Comment>(
      'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
      { issue_number: number, body },
      signal,
    );
    // GitHub's lists may lag behind what was written.
    all = [...(await find()).filter(({ id }) => id !== made.id), made].sort((a, b) => a.id - b.id);
  }
  const [first, ...others] = all;
  for (const { id } of others)
    await unlessGone(
      reach.send('DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}', { comment_id: id }, signal),
    );
  if (first && first.body !== body)
    await reach.send(
      'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}',
      { comment_id: first.id, body },
      signal,
    );
  return first ? { url: first.html_url } : {};
}

export async function unlessGone(writing: Promise<unknown>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if (error instanceof VendorError && error.code === 'not_found') return false;
    throw error;
  }
}
