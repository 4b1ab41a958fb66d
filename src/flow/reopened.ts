import { attend, isOnlyReopened } from '../core/attention.ts';
import { addActivities } from '../store/activities.ts';
import { type AttentionRow, readAttention } from '../store/attention.ts';
import type { Tx } from '../store/database.ts';
import { currentConversation, type SessionRow } from '../store/sessions.ts';
import { hasSteps } from '../store/steps.ts';
import type { Beginning } from './before-work.ts';
import type { Due } from './sort.ts';

/**
 * A ticket that was opened again is worked on, but where its work was finished, or people had stopped it: then they are told,
 * once for each time, how to go on. Answers whether the session rests for that alone. Call with the session's lock held.
 */
export async function restsReopened(
  tx: Tx,
  session: SessionRow,
  { registers, unread, run }: AttentionRow,
  due: Due,
): Promise<boolean> {
  if (run || !isOnlyReopened(registers, unread)) return false;
  const isFinished = session.state === 'complete';
  const isStopped = attend(registers, unread) === 'stopped';
  if (!isFinished && !(isStopped && (session.state === 'stopped' || session.state === 'error'))) return false;
  const stage = {
    sessionId: session.id,
    runId: null,
    stepId: null,
    conversation: await currentConversation(tx, session.id),
  };
  const why = isFinished && !isStopped ? 'My work on it was finished' : 'I was told to stop';
  const body = `The ticket is open again. ${why}, so I rest: say what is to be done, or "continue", and I go on.`;
  await addActivities(tx, stage, `reopened/${registers.overAt}`, [{ type: 'thought', body }]);
  due.add('post');
  return !isStopped;
}

/** Why a run begins that nobody asked for in words. */
export function whyReopened({ registers, unread }: AttentionRow): { why?: string } {
  return isOnlyReopened(registers, unread) ? { why: 'The ticket is open again: I go on from where things stand.' } : {};
}

/** What the agent had asked has no answer, and it would wait for one. Never refuses. */
export async function noteReopening(beginning: Beginning): Promise<null> {
  const { deps, run, session } = beginning;
  const { registers, unread } = await readAttention(deps.db, session.id);
  if (!isOnlyReopened(registers, unread) || (await hasSteps(deps.db, run.id))) return null;
  const note =
    'The ticket was closed and is open again; nothing else was said. What you had asked and nobody has answered, ask again if ' +
    'you still have to know it; else go on.';
  beginning.note = beginning.note === undefined ? note : `${beginning.note}\n\n${note}`;
  return null;
}
