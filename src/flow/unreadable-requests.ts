import { unreadable, writeReadable, writeUnreadable } from '../core/following-text.ts';
import { VendorError } from '../core/vendor-error.ts';
import { addActivities } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { type ClaimedRequest, type FollowedRequest, noteLooked, readFollowed } from '../store/followed-requests.ts';
import { currentConversation, lockSession, moveSession, type SessionRow } from '../store/sessions.ts';
import { sayClosing } from './closing.ts';
import type { RequestDeps } from './follow-requests.ts';
import type { Due } from './sort.ts';

/** Where a host cannot be asked. */
const afterFailureSeconds = 60;

/**
 * A pull request could not be looked at. What waiting does not mend (nobody lets us in, it is not there any more) people are
 * told when it is so twice in a row.
 */
export async function noteUnread(deps: RequestDeps, claimed: ClaimedRequest, error: unknown): Promise<void> {
  const isVendor = error instanceof VendorError;
  const again = Math.max(afterFailureSeconds, (isVendor ? (error.retryAfterMs ?? 0) : 0) / 1_000);
  const lasts = isVendor && (!error.retryable || error.code === 'disconnected');
  if (!lasts) return noteLooked(deps.db, claimed, again);
  await deps.db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, claimed.sessionId);
    const followed = session && (await readFollowed(tx, claimed));
    if (!session || !followed || session.pullRequest?.number !== claimed.number) return noteLooked(tx, claimed, null);
    const isKnown = followed.told.includes(unreadable.told);
    // A run that is at work meets it by itself, and says so.
    const isTold = !isKnown && followed.told.includes(unreadable.seen) && isAtRest(session, followed);
    const asked = followed.asked || isTold;
    if (isTold) await ask(tx, session, writeUnreadable(session.pullRequest.url, error.message));
    const word = isTold || isKnown ? unreadable.told : unreadable.seen;
    await noteLooked(tx, claimed, again, { ...forget(followed), told: [...forget(followed).told, word], asked });
  });
  deps.wake('post');
}

function isAtRest({ state }: SessionRow, { asked }: FollowedRequest): boolean {
  return state === 'complete' || (state === 'awaitingInput' && asked);
}

async function ask(tx: Tx, session: SessionRow, body: string): Promise<void> {
  await sayClosing(tx, await stageOf(tx, session), keyOf(session, 'lost'), { type: 'elicitation', body });
  if (session.state === 'complete') await moveSession(tx, session, 'awaitingInput');
}

/** It can be looked at again, and people were told that it could not: they are told this, too. Call with the session's lock held. */
export async function noteRead(
  tx: Tx,
  session: SessionRow,
  before: FollowedRequest,
  due: Due,
): Promise<FollowedRequest> {
  const followed = forget(before);
  if (!before.told.includes(unreadable.told)) return followed;
  const body = writeReadable(session.pullRequest?.url ?? '');
  await addActivities(tx, await stageOf(tx, session), keyOf(session, 'found'), [{ type: 'thought', body }]);
  due.add('post');
  // Of red checks they were asked before.
  if (followed.phase === 'stuck' || !followed.asked) return followed;
  if (session.state === 'awaitingInput') {
    await moveSession(tx, session, 'complete');
    session.state = 'complete';
  }
  return { ...followed, asked: false };
}

function forget(followed: FollowedRequest): FollowedRequest {
  const words: string[] = Object.values(unreadable);
  return { ...followed, told: followed.told.filter((word) => !words.includes(word)) };
}

async function stageOf(tx: Tx, { id }: SessionRow) {
  return { sessionId: id, runId: null, stepId: null, conversation: await currentConversation(tx, id) };
}

/** It may be lost and found again any number of times. */
function keyOf({ pullRequest }: SessionRow, what: string): string {
  return `request/${pullRequest?.number}/${what}/${Date.now()}`;
}
