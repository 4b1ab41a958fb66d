import type { Outcome } from '../core/outcome.ts';
import { isOver, type Person, type Ticket, type TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { retry } from '../lib/retry.ts';
import { addActivities } from '../store/activities.ts';
import { readAttention } from '../store/attention.ts';
import type { Tx } from '../store/database.ts';
import { askToStop, endQueuedRun } from '../store/queued-runs.ts';
import {
  currentConversation,
  lockSession,
  moveSession,
  type SessionRow,
  saveReading,
  tellSession,
} from '../store/sessions.ts';
import {
  countOverdueEffects,
  failTicketEffects,
  listAtWork,
  type SessionAtWork,
  unawareOf,
} from '../store/sessions-at-work.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { applyNow, type SortDeps } from './sort.ts';

/** Of sessions that are missing from the tracker's list, so many are looked at in one round. */
const readsARound = 50;
/** A page that cannot be had is asked for again for so long; then it is the next round's. */
const askForMs = 60_000;

/** Whom an event is put down to that nobody told us of. */
const someone: Person = { id: 'reconcile', name: 'Shipmate', isBot: false };

/**
 * Reconcile: finds what webhooks missed, and has it done as if they had come. Cheap: the list of what is given to the agent,
 * page by page, and only those tickets that do not fit it are read. Any number of rounds, at once or after the webhook that
 * was late, come to the same.
 */
export async function reconcile(deps: SortDeps, signal: AbortSignal): Promise<void> {
  const overdue = await countOverdueEffects(deps.db);
  if (overdue > 0) deps.log.warn({ effects: overdue }, 'effects were due and not sent; they are tried now');
  deps.wake('post');
  const failures: unknown[] = [];
  for (const tracker of deps.trackers.values()) {
    await reconcileTracker(deps, tracker, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (isDatabaseUnavailable(error)) throw error;
      failures.push(error); // one tracker that is away must not keep the others from being looked at
    });
  }
  if (failures.length > 0) throw failures[0];
}

async function reconcileTracker(deps: SortDeps, tracker: Tracker, signal: AbortSignal): Promise<void> {
  const began = Date.now();
  const given = new Set<string>();
  let cursor: string | null = null;
  do {
    const at = cursor;
    const page: Awaited<ReturnType<Tracker['listAssigned']>> = await ask(signal, () =>
      tracker.listAssigned(at, signal),
    );
    for (const ticket of page.tickets) given.add(ticket.id);
    for (const ticket of await unawareOf(deps.db, page.tickets)) {
      const read = await readIfThere(tracker, ticket, signal);
      if (read && !isOver(read.state.category)) await takeUp(deps, read);
    }
    cursor = page.next;
  } while (cursor !== null);

  const missing = (await listAtWork(deps.db, tracker.kind)).filter(({ hint }) => !given.has(hint.id));
  for (const session of missing.slice(0, readsARound)) {
    const ticket = await readIfThere(tracker, session.hint, signal);
    if (ticket) await letGo(deps, session, ticket, began);
    else await endGone(deps, session);
  }
}

function readIfThere(tracker: Tracker, hint: TicketHint, signal: AbortSignal): Promise<Ticket | null> {
  return ask(signal, () => tracker.readTicket(hint, signal)).catch((error: unknown) => {
    if (error instanceof VendorError && error.code === 'not_found') return null;
    throw error;
  });
}

/** A ticket that was given to the agent or opened again, and whose webhook never came. Its own time decides what holds. */
async function takeUp(deps: SortDeps, ticket: Ticket): Promise<void> {
  deps.log.info({ ticket: ticket.identifier }, "a ticket is the agent's without a webhook that said so");
  const { category } = ticket.state;
  const told = { at: ticket.updatedAt, ticket: hintOf(ticket), category, by: someone };
  // The ticket itself is where its talk is, until a delivery names another place.
  const conversation = { key: `${ticket.tracker}:${ticket.id}`, ref: ticket.ref };
  await applyNow(deps, async (tx) => {
    // Its webhook may have come between the list and now.
    const [unaware] = await unawareOf(tx, [ticket]);
    if (!unaware) return [];
    if (unaware.given) return [{ type: 'ticketChanged', ...told }];
    return [{ type: 'sessionCreated', ...told, conversation, said: null }];
  });
}

/** One whose ticket was closed or given to someone else is stopped, as the webhook would have it. */
async function letGo(deps: SortDeps, session: SessionAtWork, ticket: Ticket, began: number): Promise<void> {
  await saveReading(deps.db, session.ticketId, ticket);
  const over = isOver(ticket.state.category);
  // It may have been given to the agent after its page was listed. The next round tells.
  if (!over && Date.parse(ticket.updatedAt) > began - 60_000) return;
  const reason = over ? 'closed' : 'taken';
  deps.log.info({ ticket: ticket.identifier, session_id: session.id, reason }, 'a session is let go');
  const told = { at: ticket.updatedAt, ticket: hintOf(ticket), by: someone };
  await applyNow(deps, async () => [
    over ? { type: 'ticketChanged', ...told, category: ticket.state.category } : { type: 'unassigned', ...told },
  ]);
}

function hintOf({ tracker, id, identifier, title, url, priority, team, ref }: Ticket): TicketHint {
  return { tracker, id, identifier, title, url, priority, team, ref };
}

/** There is nothing left to say it on: the record and the log have it. */
async function endGone(deps: SortDeps, { id, hint }: SessionAtWork): Promise<void> {
  const reason = `The ticket ${hint.identifier} is gone from its tracker.`;
  deps.log.warn({ ticket: hint.identifier, session_id: id }, 'a ticket is gone from its tracker; its session ends');
  await deps.db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, id);
    if (session?.state !== 'active' && session?.state !== 'awaitingInput') return;
    const outcome: Outcome = { stopReason: 'stopped', message: reason };
    await tellSession(tx, hint, { at: new Date().toISOString(), closed: true }); // whatever was said, it is over
    const { run } = await readAttention(tx, id);
    if (run?.isHeld) await askToStop(tx, run.id);
    else {
      if (run) await endQueuedRun(tx, run.id, outcome);
      await rest(tx, session, 'gone', reason);
    }
    await failTicketEffects(tx, id, `the ticket is gone: ${hint.identifier} was not found`);
  });
}

async function rest(tx: Tx, session: SessionRow, key: string, body: string): Promise<void> {
  const conversation = await currentConversation(tx, session.id);
  const stage = { sessionId: session.id, runId: null, stepId: null, conversation };
  await addActivities(tx, stage, `let-go/${key}`, [{ type: 'response', body }]);
  await moveSession(tx, session, 'stopped');
}

/** A tracker that is away or asks us to wait is asked again. */
function ask<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const judge = (error: unknown) => (error instanceof VendorError && error.retryable ? error : null);
  return retry(work, { signal, judge, forMs: askForMs });
}
