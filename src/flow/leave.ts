import type { Operation } from '../core/effect.ts';
import { withoutProgress } from '../core/plan.ts';
import { deterministicId } from '../lib/ids.ts';
import { readPlan, type Stage } from '../store/activities.ts';
import { listOpenConversations } from '../store/conversations.ts';
import type { Database, Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { currentConversation, lockSession } from '../store/sessions.ts';

const message = 'I go on where you wrote last.';

/**
 * Wherever the agent has talked of its work and does so no more, one last word says it, once: a tracker that shows each
 * conversation by itself would show it at work there for ever. Call with the session's lock held, when nothing will be said
 * there any more. Answers whether there was such a place.
 */
export async function leaveOthers(tx: Tx, sessionId: string, current?: Stage['conversation']): Promise<boolean> {
  const open = await listOpenConversations(tx, sessionId);
  if (open.length === 0) return false;
  const to = current ?? (await currentConversation(tx, sessionId));
  const left = open.filter(({ id }) => to !== null && id !== to.id);
  if (left.length === 0) return false;
  const plan = withoutProgress(await readPlan(tx, sessionId));
  const effects = left.map(({ id, ref, lastSeq }) => {
    const key = `${sessionId}/left/${id}/${lastSeq}`;
    const operation: Operation = {
      kind: 'leaveConversation',
      id: deterministicId(key),
      conversation: ref,
      to: to?.ref ?? null,
      message,
      plan: plan.length === 0 ? null : plan,
    };
    return { sessionId, runId: null, stepId: null, key, operation };
  });
  await addEffects(tx, effects);
  return true;
}

/** Where a run that has heard something talks from now on. Throws `RunLost`. */
export async function followTalk(
  { db, wake }: { db: Database; wake(drain: 'post'): void },
  run: ClaimedRun,
): Promise<Stage['conversation']> {
  const { conversation, hasLeft } = await db.transaction().execute(async (tx) => {
    await lockSession(tx, run.sessionId);
    await holdRun(tx, run);
    const conversation = await currentConversation(tx, run.sessionId);
    return { conversation, hasLeft: await leaveOthers(tx, run.sessionId, conversation) };
  });
  if (hasLeft) wake('post');
  return conversation;
}
