import { attend } from '../core/attention.ts';
import type { TicketHint } from '../core/ticket.ts';
import { readAttention } from '../store/attention.ts';
import { takeTurn } from '../store/deliveries.ts';
import { ensureRun } from '../store/queued-runs.ts';
import { markScopeAsked } from '../store/scope-asked.ts';
import { openUngiven } from '../store/sessions.ts';
import { type Due, type SortDeps, takeInWaiting } from './sort.ts';

/**
 * Has a ticket rated that nobody has given to the agent: it stays so, nothing is said there (but for the rating, where it
 * is to be `told`), and whatever comes of it later finds it as it was. Answers its session; `isGiven`: the ticket is the
 * agent's, who rates it by himself, so that nothing was asked for.
 */
export async function askToScope(
  deps: SortDeps,
  ticket: TicketHint,
  told: boolean,
): Promise<{ sessionId: string; isGiven: boolean }> {
  const due: Due = new Set();
  const asked = await deps.db.transaction().execute(async (tx) => {
    await takeTurn(tx); // what waits for a session must not miss this one
    const session = await openUngiven(tx, ticket);
    if (session.isAwaited) await takeInWaiting(deps, tx, session, null, due);
    const { registers } = await readAttention(tx, session.id);
    if (registers.given) return { sessionId: session.id, isGiven: true };
    await markScopeAsked(tx, session.id, told);
    const now = await readAttention(tx, session.id);
    // A run that is just being stopped is followed by this one at its end.
    if (attend(now.registers, now.unread) === 'scope' && !now.run) await ensureRun(tx, session, now, 'scope');
    return { sessionId: session.id, isGiven: false };
  });
  await deps.nudge('run');
  return asked;
}
