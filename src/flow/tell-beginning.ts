import { noteComments } from '../core/acknowledgement.ts';
import type { Activity } from '../core/activity.ts';
import { writeRating } from '../core/scope-text.ts';
import type { Ticket } from '../core/ticket.ts';
import { addActivities } from '../store/activities.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { latestRating, standingRating } from '../store/ratings.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { currentConversation, lockSession } from '../store/sessions.ts';
import { endOf } from './closing.ts';
import type { RunDeps } from './run.ts';

/**
 * Says, once, when work on a ticket begins what people would not know otherwise: the rating that it begins on, if that was only
 * asked for, and which of the comments from before are not read whole. `isNew`: the model is about to be told of the ticket.
 * `isMoved`: it was rated in another repository.
 */
export async function tellBeginning(
  { db, wake }: Pick<RunDeps, 'db' | 'wake'>,
  run: ClaimedRun,
  ticket: Ticket,
  { isNew, isMoved }: { isNew: boolean; isMoved: boolean },
): Promise<void> {
  const standing = await standingRating(db, run.sessionId);
  const isRatedBefore = standing?.only === true && !standing.isTakenUp && !isMoved;
  if (!isNew && !isRatedBefore) return;
  const told: [key: string, body: string][] = [];
  const rating = isRatedBefore && standing.followed === 'work' ? await latestRating(db, run.sessionId) : null;
  // The key of the rating's own run, which has said it where it was asked to.
  if (standing && rating)
    told.push([endOf({ number: standing.run }), writeRating({ ...rating, parts: [] }, { ...rating, overlaps: [] })]);
  const prompts = await unreadPrompts(db, run.sessionId);
  const isPrompt = ({ author, body }: Ticket['comments'][number]) =>
    prompts.some((prompt) => prompt.author.id === author.id && prompt.body.trim() === body.trim());
  const comments = noteComments(ticket.comments, isPrompt);
  if (comments !== '') told.push(['comments', comments]);
  if (told.length === 0) return;
  await db.transaction().execute(async (tx) => {
    await lockSession(tx, run.sessionId);
    if ((await holdRun(tx, run)).stopRequested) return;
    const conversation = await currentConversation(tx, run.sessionId);
    const stage = { sessionId: run.sessionId, runId: run.id, stepId: null, conversation };
    for (const [key, body] of told) {
      const activity: Activity = { type: 'thought', body };
      await addActivities(tx, stage, key, [activity]);
    }
  });
  wake('post');
}
