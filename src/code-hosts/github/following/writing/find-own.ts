import type { RepositoryReach, Self } from '../../../../vendors/github/client.ts';
import { isMarkedAs } from '../marker.ts';
import type { Comment } from '../remarks.ts';

/** Our comments on the whole of a pull request that have this marker, oldest first. */
export async function findOwnComments(
  reach: RepositoryReach,
  number: number,
  id: string,
  { login }: Self,
  signal: AbortSignal,
): Promise<Comment[]> {
  const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments';
  const comments = await reach.list<Comment>(route, { issue_number: number }, signal);
  return comments
    .filter(({ user, body }) => user?.login.toLowerCase() === login.toLowerCase() && isMarkedAs(body ?? '', id))
    .sort((a, b) => a.id - b.id);
}
