import type { TrackerEvent } from '../core/delivery.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Person, Ticket, TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { retry } from '../lib/retry.ts';
import { addActivities } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { endQueuedRun, requestStop } from '../store/queued-runs.ts';
import { currentConversation, lockSession, moveSession, type SessionRow, saveReading } from '../store/sessions.ts';
import {
  countOverdueEffects,
  failTicketEffects,
  listAtWork,
  type SessionAtWork,
  withoutSession,
} from '../store/sessions-at-work.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { applyNow, type SortDeps } from './sort.ts';

export interface ReconcileDeps extends SortDeps {
  wake(drain: 'post'): void;
}

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
export async function reconcile(deps: ReconcileDeps, signal: AbortSignal): Promise<void> {
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

async function reconcileTracker(deps: ReconcileDeps, tracker: Tracker, signal: AbortSignal): Promise<void> {
  const began = Date.now();
  const given = new Set<string>();
  let cursor: string | null = null;
  do {
    const at = cursor;
    const page: Awaited<ReturnType<Tracker['listAssigned']>> = await ask(signal, () =>
      tracker.listAssigned(at, signal),
    );
    for (const ticket of page.tickets) given.add(ticket.id);
    for (const ticket of await withoutSession(deps.db, page.tickets)) await takeUp(deps, ticket);
    cursor = page.next;
  } while (cursor !== null);

  const missing = (await listAtWork(deps.db, tracker.kind)).filter(({ hint }) => !given.has(hint.id));
  for (const session of missing.slice(0, readsARound)) {
    const ticket = await ask(signal, () => tracker.readTicket(session.hint, signal)).catch((error: unknown) => {
      if (error instanceof VendorError && error.code === 'not_found') return null;
      throw error;
    });
    if (ticket) await letGo(deps, session, ticket, began);
    else await endGone(deps, session);
  }
}

/** A ticket that was given to the agent, and whose webhook never came. */
async function takeUp(deps: ReconcileDeps, ticket: TicketHint): Promise<void> {
  deps.log.info({ ticket: ticket.identifier }, 'a ticket was given to the agent without a webhook that said so');
  // The ticket itself is where its talk is, until a delivery names another place.
  const conversation = { key: `${ticket.tracker}:${ticket.id}`, ref: ticket.ref };
  await applyNow(deps, 'reconcile', async (tx) => {
    // Its webhook may have come between the list and now.
    const [missing] = await withoutSession(tx, [ticket]);
    return missing ? [{ type: 'sessionCreated', ticket, conversation, said: null, by: someone }] : [];
  });
}

/** One whose ticket was closed or given to someone else is stopped, as the webhook would have it. */
async function letGo(deps: ReconcileDeps, session: SessionAtWork, ticket: Ticket, began: number): Promise<void> {
  await saveReading(deps.db, session.ticketId, ticket);
  const over = ticket.state.category === 'done' || ticket.state.category === 'canceled';
  // It may have been given to the agent after its page was listed. The next round tells.
  if (!over && Date.parse(ticket.updatedAt) > began - 60_000) return;
  const event: TrackerEvent = over
    ? { type: 'ticketChanged', ticket, category: ticket.state.category, by: someone }
    : { type: 'unassigned', ticket, by: someone };
  const reason = over ? 'The ticket was closed' : 'The ticket was given to someone else';
  deps.log.info({ ticket: ticket.identifier, session_id: session.id, reason }, 'a session is let go');
  await applyNow(deps, `reconcile/${ticket.updatedAt}`, async (tx) => {
    const locked = await lockSession(tx, session.id);
    if (locked?.state === 'awaitingInput') {
      await rest(tx, locked, `reconcile/${ticket.updatedAt}`, `${reason}, so I wait for no answer any more.`);
      return [];
    }
    return locked?.state === 'active' ? [event] : [];
  });
  deps.wake('post');
}

/** There is nothing left to say it on: the record and the log have it. */
async function endGone(deps: ReconcileDeps, { id, hint }: SessionAtWork): Promise<void> {
  const reason = `The ticket ${hint.identifier} is gone from its tracker.`;
  deps.log.warn({ ticket: hint.identifier, session_id: id }, 'a ticket is gone from its tracker; its session ends');
  await deps.db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, id);
    if (!session) return;
    const outcome: Outcome = { stopReason: 'stopped', message: reason };
    if (session.state === 'awaitingInput' || (await endQueuedRun(tx, id, outcome)))
      await rest(tx, session, 'gone', reason);
    else await requestStop(tx, id);
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
