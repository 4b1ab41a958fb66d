import type { FollowPolicy } from '../core/following.ts';
import { newPreviews, withPreviewRuns, writePreviews } from '../core/previews.ts';
import type { RequestProgress } from '../core/request-progress.ts';
import { addActivities } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import type { FollowedRequest } from '../store/followed-requests.ts';
import { addPreviews, readPreviews } from '../store/previews.ts';
import { currentConversation } from '../store/sessions.ts';
import type { Due } from './sort.ts';

/** How a pull request stands, its preview's commands among its checks. */
export async function seePreviewRuns(
  tx: Tx,
  followed: FollowedRequest,
  progress: RequestProgress,
  { patienceMinutes }: FollowPolicy,
  now: number,
): Promise<RequestProgress> {
  if (followed.preview === null || progress.request.state !== 'open') return progress;
  const known = await readPreviews(tx, followed.sessionId, progress.head);
  const isLate = followed.head === progress.head && now - followed.headAt >= patienceMinutes * 60_000;
  return withPreviewRuns(progress, followed.preview, known, isLate);
}

/**
 * Tells where the commit that is being looked at can be seen, once, and has the repository's commands run against it: see
 * flow/run-previews.ts. Answers whether there was something to tell. Call with the session's lock held.
 */
export async function tellPreviews(
  tx: Tx,
  { sessionId, repository, preview }: FollowedRequest,
  progress: RequestProgress,
  due: Due,
): Promise<boolean> {
  const { request, head } = progress;
  if (request.state !== 'open' || progress.deployments.length === 0) return false;
  const fresh = newPreviews(progress, preview, await readPreviews(tx, sessionId, head));
  if (fresh.length === 0) return false;
  await addPreviews(tx, { sessionId, repository, head }, fresh);
  const stage = { sessionId, runId: null, stepId: null, conversation: await currentConversation(tx, sessionId) };
  const key = `request/${request.number}/${head}/preview/${fresh[0]?.url}`;
  await addActivities(tx, stage, key, [{ type: 'thought', body: writePreviews(fresh) }]);
  due.add('post');
  return true;
}
