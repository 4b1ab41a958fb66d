import type { Repository } from '../core/repository.ts';
import { activityKey, addActivities } from '../store/activities.ts';
import type { Database } from '../store/database.ts';
import { listLockedOut } from '../store/locked-out.ts';
import { currentConversation, findSession } from '../store/sessions.ts';
import { accountsOf, isTrackerClosed } from './rate-limits.ts';
import { courtesies, describe } from './tell-failed.ts';

interface Deps {
  db: Database;
  wake(drain: 'post'): void;
}

const keyOf = (cause: string) => `disconnected/${cause}`;

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
  await db.transaction().execute((tx) => addActivities(tx, stage, keyOf(cause), [{ type: 'thought', body }]));
  wake('post');
}

/** The same of what is finished and cannot leave, whoever met the closed door first. */
export async function tellLockedOut(
  deps: Deps & { repositories: ReadonlyMap<string, Repository> },
  signal: AbortSignal,
): Promise<void> {
  const toldKey = activityKey('', keyOf('%'));
  const accounts = accountsOf(deps.repositories.values());
  for (const { key, operation, why, ...at } of await listLockedOut(deps.db, accounts, {
    passedOver: courtesies,
    toldKey,
  })) {
    if (signal.aborted) return;
    await tellDisconnected(deps, { ...at, cause: key }, `This waits: ${describe(operation)}. ${why}`);
  }
}
