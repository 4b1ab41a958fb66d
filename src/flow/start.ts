import type { Activity } from '../core/activity.ts';
import type { Operation } from '../core/effect.ts';
import { inEscalation } from '../core/escalation.ts';
import { isOver, notStarted, type Ticket } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { addActivities, type Stage } from '../store/activities.ts';
import type { AttentionRow } from '../store/attention.ts';
import type { Database, Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import { ensureRun, hurryRun } from '../store/queued-runs.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { moveSession, type SessionRow } from '../store/sessions.ts';

export interface StartPolicy {
  /** Runs that one ticket may start within an hour; null is no limit. */
  runsPerHour: number | null;
}

interface Deps {
  db: Database;
  wake(drain: 'post'): void;
}

/**
 * Queues a run of a session that has none, and says so on the ticket; not one more than the ticket may start in an hour:
 * then it is said once, and waits. Answers whether there is a run. Call with the session's lock held.
 */
export async function startRun(
  tx: Tx,
  { runsPerHour }: StartPolicy,
  session: SessionRow,
  attention: Pick<AttentionRow, 'run' | 'lastRun' | 'runs' | 'runsInHour'>,
  conversation: { id: string; ref: unknown } | null,
  /** Why it begins, where nobody asked for it just now; and what is said beside it. */
  { why, note = '' }: { why?: string; note?: string } = {},
): Promise<boolean> {
  const stage = { sessionId: session.id, runId: null, stepId: null, conversation };
  if (runsPerHour !== null && attention.runsInHour >= runsPerHour) {
    await moveSession(tx, session, 'awaitingInput');
    await addActivities(tx, stage, `capped/${attention.runs}`, [tooMany(session, runsPerHour)]);
    return false;
  }
  const run = await ensureRun(tx, session, attention);
  const body =
    why ??
    (run.number === 1
      ? `On it: reading ${session.hint.identifier} and the code now.`
      : 'On it: picking the work up again.');
  const begun: Activity = { type: 'thought', body: `${body} ${note}`.trim() };
  await addActivities(tx, { ...stage, runId: run.id }, `run/${run.number}/begun`, [begun]);
  return true;
}

/**
 * Moves the ticket to its first started state: not when it is given, for it may have to wait, but when work on it begins. Where
 * a person has started it and the agent was only asked there, the tracker notes by this that the agent has it now.
 */
export async function startTicket({ db, wake }: Deps, run: ClaimedRun, { state, assignee }: Ticket): Promise<void> {
  const isAgents = assignee?.isBot === true;
  if (isOver(state.category) || (isAgents && !notStarted.includes(state.category))) return;
  const key = `${run.sessionId}/run/${run.number}/started`;
  const id = deterministicId(key);
  const operation: Operation = { kind: 'moveTicket', id, to: 'started', from: notStarted, stood: state };
  await db.transaction().execute(async (tx) => {
    const { stopRequested } = await holdRun(tx, run);
    if (stopRequested) return;
    await addEffects(tx, [{ sessionId: run.sessionId, runId: run.id, stepId: null, key, operation }]);
  });
  wake('post');
}

/**
 * Says of a ticket that was given to us while it was only being rated that the work follows. That is soon: the run ends
 * with its rating, and waits no longer behind all other work.
 */
export async function promiseRun(
  tx: Tx,
  session: SessionRow,
  run: { id: string },
  givenAt: string | null,
  conversation: Stage['conversation'],
): Promise<void> {
  await hurryRun(tx, run.id, session.hint);
  const stage = { sessionId: session.id, runId: run.id, stepId: null, conversation };
  const body = `On it: I am reading ${session.hint.identifier} and the code already, and go on from there.`;
  await addActivities(tx, stage, `given/${givenAt}`, [{ type: 'thought', body }]);
}

function tooMany({ hint }: SessionRow, runsPerHour: number): Activity {
  const { message } = inEscalation('needsInput', {
    asked: hint.title,
    blocks: `This ticket has started ${runsPerHour} runs within an hour (policy.runsPerHour), so I wait.`,
    options: [
      'If an app answers me here, stop it first.',
      'Say "continue" when an hour has passed, and I go on with all that was said.',
    ],
  });
  return { type: 'elicitation', body: message };
}
