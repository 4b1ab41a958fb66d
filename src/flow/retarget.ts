import { tellRetargeted } from '../core/following-text.ts';
import type { PullRequest } from '../core/pull-request.ts';
import { deterministicId } from '../lib/ids.ts';
import { addActivities } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { addEffects, isPublishing } from '../store/effects.ts';
import { mergedInto } from '../store/followed-requests.ts';
import { currentConversation, type SessionRow, updateSession } from '../store/sessions.ts';
import type { Due } from './sort.ts';

/**
 * A pull request for a branch of ours that was merged is for where that went: merged into it, the change would get nowhere.
 * Answers whether that is on its way now. Call with the session's lock held, while nobody is at work on it.
 */
export async function retarget(tx: Tx, session: SessionRow, request: PullRequest, due: Due): Promise<boolean> {
  if (request.state !== 'open') return false;
  const base = await mergedInto(tx, request.repository, request.base);
  if (base === null || base === request.base || base === request.head) return false;
  const { number, repository, head, title, body, draft } = request;
  const cause = `request/${number}/for/${base}`;
  const key = `${session.id}/${cause}`;
  const of = { sessionId: session.id, runId: null, stepId: null };
  const id = deterministicId(key);
  await addEffects(tx, [
    { ...of, key, operation: { kind: 'openPullRequest', id, repository, head, base, title, body, draft, paths: [] } },
  ]);
  // What could not be done was told, and is not tried for ever.
  if (!(await isPublishing(tx, session.id))) return false;
  const stage = { ...of, conversation: await currentConversation(tx, session.id) };
  await addActivities(tx, stage, cause, [{ type: 'thought', body: tellRetargeted(request, base) }]);
  await updateSession(tx, session.id, { baseBranch: base });
  due.add('post');
  return true;
}
