import { attend } from '../core/attention.ts';
import type { Outcome } from '../core/outcome.ts';
import { addActivities } from '../store/activities.ts';
import { readAttention } from '../store/attention.ts';
import type { Tx } from '../store/database.ts';
import { reopenPrompts } from '../store/prompts.ts';
import { ensureRun } from '../store/queued-runs.ts';
import { type ClaimedRun, endRun } from '../store/runs.ts';
import { markScoped } from '../store/scope-asked.ts';
import { currentConversation, moveSession, type SessionRow } from '../store/sessions.ts';
import { settleLostCalls } from '../store/spending.ts';
import { endOf } from './closing.ts';
import { type StartPolicy, startRun } from './start.ts';

/**
 * Ends a run that only rated its ticket, under the locks of its session and run. Nothing of it is on the ticket before work
 * begins on it (`tellBeginning`), unless that was asked for; the session rests as one whose ticket somebody else has. Where
 * the ticket was given to us meanwhile, work begins at once, on the same history. Answers whether another run was queued.
 */
export async function endScoping(
  tx: Tx,
  policy: StartPolicy,
  run: ClaimedRun,
  session: SessionRow,
  outcome: Outcome,
): Promise<boolean> {
  await settleLostCalls(tx, run.id);
  await reopenPrompts(tx, run);
  const { isTold } = await markScoped(tx, session.id);
  await moveSession(tx, session, 'stopped');
  await endRun(tx, run, outcome);
  const conversation = await currentConversation(tx, session.id);
  if (isTold && outcome.stopReason === 'finished') {
    const stage = { sessionId: session.id, runId: run.id, stepId: null, conversation };
    await addActivities(tx, stage, endOf(run), [{ type: 'thought', body: outcome.message }]);
  }
  const next = await readAttention(tx, session.id);
  const todo = attend(next.registers, next.unread);
  const rested: SessionRow = { ...session, state: 'stopped' };
  if (todo === 'work') return startRun(tx, policy, rested, next, conversation);
  if (todo === 'scope') await ensureRun(tx, session, next, 'scope');
  return todo === 'scope';
}
