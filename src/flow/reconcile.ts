import { setTimeout as delay } from 'node:timers/promises';
import { stopReasons } from '../core/closing-text.ts';
import type { Delivery, Said } from '../core/delivery.ts';
import type { Outcome } from '../core/outcome.ts';
import { readSignal } from '../core/prompt-signal.ts';
import { hintOf, isOver, type Person, type Ticket, type TicketHint, type TicketQuery } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { retry } from '../lib/retry.ts';
import { markAnswered, readAttention } from '../store/attention.ts';
import { askToStop, endQueuedRun } from '../store/queued-runs.ts';
import { currentConversation, lockSession, moveSession, saveReading } from '../store/sessions.ts';
import {
  believe,
  countOverdueEffects,
  failTicketEffects,
  listAtWork,
  markBack,
  markGone,
  type SessionAtWork,
  type Unaware,
  unawareOf,
} from '../store/sessions-at-work.ts';
import type { TicketPage, Tracker } from '../trackers/tracker.ts';
import { closeStopped, endOf, mayHaveChanged } from './closing.ts';
import { confirmLate } from './late-deliveries.ts';
import { hearLostWords } from './lost-words.ts';
import { findSaidByMarkings } from './markings.ts';
import { readIfThere } from './read-if-there.ts';
import { applyNow, type SortDeps } from './sort.ts';
import { reconcileWaits } from './wake-waiting.ts';

/** Of sessions that are missing from the tracker's list, so many are looked at in one round. */
const readsARound = 50;
/** A page that cannot be had is asked for again for so long; then it is the next round's. */
const askForMs = 60_000;

/** Whom an event is put down to that nobody told us of. */
const someone: Person = { id: 'reconcile', name: 'Shipmate', isBot: false };

export interface ReconcileOptions {
  /** A ticket counts as gone or taken only when the tracker still says so after this long. */
  againAfterMs?: number;
  /** false: nothing tells of these trackers but these rounds, so that what people said is taken in as soon as it is seen. */
  hasWebhooks?: boolean;
}

/**
 * Reconcile: finds what webhooks missed, and has it done as if they had come. Cheap: the list of what is given to the agent,
 * page by page, and only those tickets that do not fit it are read. Any number of rounds, at once or after the webhook that
 * was late, come to the same. No time of ours is compared with the tracker's: what a session had been told before the list
 * was read a second time is older than that list.
 */
export async function reconcile(
  deps: SortDeps,
  signal: AbortSignal,
  { againAfterMs = 10_000, hasWebhooks = true }: ReconcileOptions = {},
): Promise<void> {
  const overdue = await countOverdueEffects(deps.db);
  if (overdue > 0) deps.log.warn({ effects: overdue }, 'effects were due and not sent; they are tried now');
  deps.wake('post');
  const failures: unknown[] = [];
  for (const tracker of deps.trackers.values()) {
    await reconcileTracker(deps, tracker, signal, { againAfterMs, hasWebhooks }).catch((error: unknown) => {
      signal.throwIfAborted();
      if (isDatabaseUnavailable(error)) throw error;
      failures.push(error); // one tracker that is away must not keep the others from being looked at
    });
    await reconcileWaits(deps, tracker.kind, signal);
  }
  if (failures.length > 0) throw failures[0];
}

async function reconcileTracker(
  deps: SortDeps,
  tracker: Tracker,
  signal: AbortSignal,
  { againAfterMs, hasWebhooks }: Required<ReconcileOptions>,
): Promise<void> {
  const { read, isAsked, readAgain, readMarkings, failures } = createReader(deps, tracker, signal);
  await confirmLate(deps, tracker, { read, isAsked, readAgain });
  const refused: Unaware<Ticket>[] = [];
  const given = await listGiven(tracker, signal, async (tickets) => {
    const open: Ticket[] = [];
    for (const { ticket } of await unawareOf(deps.db, tickets)) {
      const now = await read(ticket);
      if (now && !isOver(now.state.category)) open.push(now);
    }
    for (const ticket of open) await takeUp(deps, ticket);
    refused.push(...(await unawareOf(deps.db, open)));
  });
  for (const why of given.passedOver)
    if (why.code === 'unavailable')
      deps.log.warn({ err: why, account: why.account }, 'an account of a tracker cannot be asked now');

  const missing = (await listAtWork(deps.db, tracker.kind)).filter(({ hint }) => given.lacks(hint));
  const gone: SessionAtWork[] = [];
  const taken: { session: SessionAtWork; ticket: Ticket }[] = [];
  const look = async (session: SessionAtWork, lost: SessionAtWork[]) => {
    const ticket = await read(session.hint);
    if (ticket === undefined) return;
    if (!ticket) lost.push(session);
    else if (isOver(ticket.state.category)) await letGo(deps, session, ticket, 'closed');
    else if ((await isAsked(session.hint)) === false) taken.push({ session, ticket });
  };
  for (const session of missing.slice(0, readsARound)) await look(session, gone);
  if (gone.length + taken.length + refused.length > 0) await delay(againAfterMs, undefined, { signal });
  const stillGone: SessionAtWork[] = [];
  for (const session of gone) await look(session, stillGone);
  for (const session of stillGone) await endGone(deps, session);
  if (taken.length + refused.length > 0) {
    const again = await listGiven(tracker, signal);
    for (const { session, ticket } of taken) if (again.lacks(session.hint)) await letGo(deps, session, ticket, 'taken');
    for (const { ticket, session } of refused)
      if (session && again.has(ticket)) await takeUp(deps, ticket, session.belief);
  }
  const list = (query: TicketQuery, cursor: string | null) =>
    ask(signal, () => tracker.listTickets(query, cursor, signal));
  const called = async (ticket: Ticket) => {
    const isNews = !isOver(ticket.state.category) && (await unawareOf(deps.db, [ticket])).length > 0;
    if (isNews && (await isAsked(ticket))) await takeUp(deps, ticket);
  };
  await hearLostWords(deps, tracker, { read, list, called: hasWebhooks ? null : called });
  const said = await findSaidByMarkings(deps.db, tracker, deps.policy.approval, readMarkings);
  for (const event of said) await applyNow(deps, async () => [event]);
  if (failures.length > 0) throw failures[0];
}

/**
 * Reads tickets as they are now; null: there is none, undefined: it cannot be known, which keeps no other from being looked at.
 * After the first of these nobody waits for another.
 */
function createReader({ log }: Pick<SortDeps, 'log'>, tracker: Tracker, signal: AbortSignal) {
  const failures: unknown[] = [];
  const named = ({ identifier: ticket }: TicketHint) => ({ ticket });
  const read = (hint: TicketHint) => attempt<Ticket | null>(named(hint), () => readIfThere(tracker, hint, signal));
  const isAsked = (hint: TicketHint) => attempt(named(hint), () => tracker.isAsked(hint, signal));
  const readAgain = (delivery: Delivery) =>
    attempt({ delivery: delivery.deliveryId }, async () => tracker.readAgain?.(delivery, signal));
  const readMarkings = (hint: TicketHint, since: string) =>
    attempt(named(hint), async () => (await tracker.readMarkings?.(hint, since, signal)) ?? []);
  async function attempt<T>(
    what: { ticket: string } | { delivery: string },
    now: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await (failures.length === 0 ? ask(signal, now) : now());
    } catch (error) {
      signal.throwIfAborted();
      if (isDatabaseUnavailable(error)) throw error;
      log.warn({ err: error, ...what }, 'this cannot be read now; the next round asks again');
      failures.push(error);
      return undefined;
    }
  }
  return { read, isAsked, readAgain, readMarkings, failures };
}

/** All tickets that are the agent's. */
interface Given {
  has(ticket: TicketHint): boolean;
  /** It would be among them; of one in an account that was passed over nobody can tell. */
  lacks(ticket: TicketHint): boolean;
  passedOver: readonly VendorError[];
}

async function listGiven(
  tracker: Tracker,
  signal: AbortSignal,
  onPage: (tickets: TicketHint[]) => Promise<void> = async () => {},
): Promise<Given> {
  const given = new Set<string>();
  const passedOver = new Map<string | undefined, VendorError>();
  let cursor: string | null = null;
  do {
    const at = cursor;
    const page: TicketPage = await ask(signal, () => tracker.listTickets({ assignee: 'agent' }, at, signal));
    for (const ticket of page.tickets) given.add(ticket.id);
    for (const why of page.passedOver ?? []) passedOver.set(why.account, why);
    await onPage(page.tickets);
    cursor = page.next;
  } while (cursor !== null);
  return {
    has: ({ id }) => given.has(id),
    lacks: ({ id, account }) => !given.has(id) && !passedOver.has(account),
    passedOver: [...passedOver.values()],
  };
}

/**
 * A ticket that was given to the agent or opened again, and whose webhook never came. Its own time decides what holds; or
 * the tracker, which listed it after its session had been told all that is in `belief`.
 */
async function takeUp(deps: SortDeps, ticket: Ticket, belief?: string): Promise<void> {
  deps.log.info({ ticket: ticket.identifier }, "a ticket is the agent's without a webhook that said so");
  const { category } = ticket.state;
  const told = { at: ticket.updatedAt, ticket: hintOf(ticket), category, by: someone };
  // The ticket itself is where its talk is, until a delivery names another place.
  const conversation = { key: `${ticket.tracker}:${ticket.id}`, ref: ticket.ref };
  await applyNow(deps, async (tx) => {
    // Its webhook may have come between the list and now.
    const [unaware] = await unawareOf(tx, [ticket]);
    if (!unaware) return [];
    const { session } = unaware;
    if (session && belief !== undefined) {
      const isNews = await believe(tx, { id: session.id, belief }, { given: true, closed: false });
      if (!isNews) return [];
    }
    if (session?.gone) await markBack(tx, session.id);
    if (session?.given) return [{ type: 'ticketChanged', ...told }];
    return [{ type: 'sessionCreated', ...told, conversation, said: askedOn(ticket, deps.name) }];
  });
}

/** Of a pull request of others the words that called the agent are all that asks for anything. */
function askedOn({ request, comments }: Ticket, name: string): Said | null {
  const asked = request && comments.findLast(({ author, isAside }) => !author.isBot && !isAside);
  if (!asked) return null;
  const { id: key, author, body, at } = asked;
  return { key, author, body, signal: readSignal(body, name), at };
}

/** One whose ticket was closed or given to someone else is stopped, as the webhook would have it. */
async function letGo(
  deps: SortDeps,
  session: SessionAtWork,
  ticket: Ticket,
  reason: 'closed' | 'taken',
): Promise<void> {
  await saveReading(deps.db, session.ticketId, ticket);
  deps.log.info({ ticket: ticket.identifier, session_id: session.id, reason }, 'a session is let go');
  const told = { at: ticket.updatedAt, ticket: hintOf(ticket), by: someone };
  await applyNow(deps, async (tx) => {
    if (reason === 'closed') return [{ type: 'ticketChanged', ...told, category: ticket.state.category }];
    return (await believe(tx, session, { given: false })) ? [{ type: 'unassigned', ...told }] : [];
  });
}

/**
 * There is nothing left to say it on: the record and the log have it. What the session was told stays as it was, but
 * counts as answered: it goes on when the ticket is there again, listed or spoken on.
 */
async function endGone(deps: SortDeps, { id, hint }: SessionAtWork): Promise<void> {
  deps.log.warn({ ticket: hint.identifier, session_id: id }, 'a ticket is gone from its tracker; its session ends');
  await deps.db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, id);
    if (session?.state !== 'active' && session?.state !== 'awaitingInput') return;
    await markGone(tx, id);
    await markAnswered(tx, id, { words: true });
    const outcome: Outcome = { stopReason: 'stopped', message: stopReasons.gone };
    const { run, runs } = await readAttention(tx, id);
    // A worker may claim it at this very moment: then it is at work.
    if (run && (run.isHeld || !(await endQueuedRun(tx, run.id, outcome)))) await askToStop(tx, run.id);
    else {
      const stage = { sessionId: id, runId: null, stepId: null, conversation: await currentConversation(tx, id) };
      const key = run ? endOf(run) : `gone/${runs}`;
      await moveSession(tx, session, 'stopped');
      await closeStopped(tx, session, run, key, stage, 'gone', await mayHaveChanged(tx, id));
    }
    await failTicketEffects(tx, id, `the ticket is gone: ${hint.identifier} was not found`);
  });
}

/** A tracker that is away or asks us to wait is asked again. */
function ask<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const judge = (error: unknown) => (error instanceof VendorError && error.retryable ? error : null);
  return retry(work, { signal, judge, forMs: askForMs });
}
