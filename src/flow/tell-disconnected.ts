import { addActivities } from '../store/activities.ts';
import type { Database } from '../store/database.ts';
import { currentConversation, findSession } from '../store/sessions.ts';
import { isTrackerClosed } from './rate-limits.ts';

interface Deps {
  db: Database;
  wake(drain: 'post'): void;
}

/**
 * Work waits because a service lets us in no more: its ticket is told, once for each `cause`, with what people have to do.
 * Where it is the tracker that lets us in no more there is nobody to tell.
 */
export async function tellDisconnected(
  { db, wake }: Deps,
  { sessionId, runId, cause }: { sessionId: string; runId: string | null; cause: string },
  why: string,
): Promise<void> {
  const session = await findSession(db, sessionId);
  if (!session || (await isTrackerClosed(db, session.hint))) return;
  const stage = { sessionId, runId, stepId: null, conversation: await currentConversation(db, sessionId) };
  const body = `${why} I go on by myself when that is mended.`;
  await db
    .transaction()
    .execute((tx) => addActivities(tx, stage, `disconnected/${cause}`, [{ type: 'thought', body }]));
  wake('post');
}
