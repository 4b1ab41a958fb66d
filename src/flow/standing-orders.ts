import { scopeOf } from '../core/routing.ts';
import {
  fingerprintOf,
  mostPressing,
  type OpenCategory,
  type OrderRouting,
  queryOf,
  type StandingOrder,
  whyIdle,
  whyNot,
  whyTaken,
} from '../core/standing-orders.ts';
import { hintOf, type Ticket, type TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { addActivities } from '../store/activities.ts';
import {
  addPick,
  forgetPasses,
  hasFreeSlot,
  lockUntaken,
  markPickTaken,
  markSkipped,
  nextPlace,
  notePass,
  type OrderPick,
  pickIdOf,
  readDay,
  unfinishedPicks,
  untouched,
} from '../store/order-picks.ts';
import { noteRound, readRound, tellOnce } from '../store/order-rounds.ts';
import { readRememberedRoute } from '../store/remembered-routes.ts';
import { currentConversation } from '../store/sessions.ts';
import { sendOne, type Tracker } from '../trackers/tracker.ts';
import { openTaken } from './open-taken.ts';
import { limitWrites } from './rate-limits.ts';
import { readIfThere } from './read-if-there.ts';
import type { SortDeps } from './sort.ts';

export interface OrderDeps extends SortDeps {
  orders: readonly StandingOrder[];
  routing: OrderRouting;
  /** Runs at the same time in one worker; counts where no worker says how many it has. */
  slots: number;
  now(): Date;
}

/** Tickets that are listed, and that are read, in one round of an order; what it matches beyond `most` is told. */
const bounds = { listed: 500, read: 50, most: 1_000 };

/**
 * Standing orders: while there is room for a run, each order takes the most pressing ticket that fits it, until the numbers
 * of its day are reached. A pick is written down first, then the ticket is taken, then its session opened; what was interrupted
 * in between is gone on with. Any number of processes may do so at once.
 */
export async function workOrders(deps: OrderDeps, signal: AbortSignal): Promise<void> {
  await forgetPasses(deps.db);
  const failures: unknown[] = [];
  // One tracker that is away must not keep the others from being looked at.
  const tryEach = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      signal.throwIfAborted();
      if (isDatabaseUnavailable(error)) throw error;
      failures.push(error);
    });
  for (const pick of await unfinishedPicks(deps.db)) await tryEach(take(deps, pick, signal));
  for (const order of deps.orders) await tryEach(workOrder(deps, order, signal));
  if (failures.length > 0) throw failures[0];
}

async function workOrder(deps: OrderDeps, order: StandingOrder, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  const day = dayOf(deps.now());
  const mayTake = async () => {
    const idle = whyIdle(order, await readDay(db, order.name, day));
    if (idle === null) return hasFreeSlot(db, deps.slots);
    if (!order.paused && (await tellOnce(db, order.name, `${day}: ${idle}`)))
      log.info({ order: order.name }, `a standing order takes nothing more today: ${idle}`);
    return false;
  };
  if (!(await mayTake())) return;
  for await (const { ticket, category } of candidates(deps, order, signal, true)) {
    const nth = await nextPlace(db, order, day);
    if (nth === null) return;
    const fingerprint = fingerprintOf(ticket);
    const pick = {
      id: pickIdOf(order.name, ticket, day, fingerprint),
      order: order.name,
      hint: hintOf(ticket),
      why: whyTaken(order, ticket, nth),
    };
    if (await addPick(db, order, { ...pick, day, nth, category, fingerprint })) await take(deps, pick, signal);
    if (!(await mayTake())) return; // its own run may be the one that waits for a worker now
  }
}

export interface Candidate {
  ticket: Ticket;
  category: OpenCategory;
}

/**
 * What an order would take now, the best first, of the tickets that are listed in this round. `notes`: the next round goes
 * on behind them, and those that did not fit are left alone for a while.
 */
export async function* candidates(
  deps: Pick<OrderDeps, 'db' | 'log' | 'trackers' | 'routing'>,
  order: StandingOrder,
  signal: AbortSignal,
  notes: boolean,
): AsyncGenerator<Candidate> {
  const { db, log } = deps;
  const tracker = trackerOf(deps, order.tracker);
  const { cursor } = await readRound(db, order.name);
  const { from, listed, next } = await list(tracker, order, cursor, signal).catch((error: unknown) => {
    // A place that the tracker does not know any more must not end the order for good.
    if (cursor === null || !(error instanceof VendorError) || error.retryable) throw error;
    return list(tracker, order, null, signal);
  });
  if (notes) {
    const isNews = await noteRound(db, order.name, { from, next, seen: listed.length, most: bounds.most });
    if (isNews)
      log.warn(
        { order: order.name },
        `a standing order matches more than ${bounds.most} tickets; it looks at ${bounds.listed} of them at a time, oldest first`,
      );
  }
  const known = await untouched(db, order.name, listed);
  const pressing = mostPressing(known.map(({ ticket, said }) => ({ ...ticket, said })));
  for (const { said, ...hint } of pressing.slice(0, bounds.read)) {
    const ticket = await readIfThere(tracker, hint, signal);
    const fits = ticket && said !== fingerprintOf(ticket) && (await mayTake(deps, order, ticket));
    const category = order.states.find((state) => state === ticket?.state.category);
    if (fits && category) yield { ticket, category };
    else if (notes) await notePass(db, order.name, hint);
  }
}

async function mayTake(
  { db, routing }: Pick<OrderDeps, 'db' | 'routing'>,
  order: StandingOrder,
  ticket: Ticket,
): Promise<boolean> {
  const scope = scopeOf(ticket);
  const remembered = scope && (await readRememberedRoute(db, ticket.tracker, scope));
  return whyNot(order, ticket, routing, remembered?.repository ?? null) === null;
}

async function list(
  tracker: Tracker,
  order: StandingOrder,
  from: string | null,
  signal: AbortSignal,
): Promise<{ from: string | null; listed: TicketHint[]; next: string | null }> {
  const listed: TicketHint[] = [];
  let next = from;
  do {
    const page = await tracker.listTickets(queryOf(order), next, signal);
    listed.push(...page.tickets);
    next = page.next;
  } while (next !== null && listed.length < bounds.listed);
  return { from, listed, next };
}

/** Takes a ticket that was picked and opens its session, as if a person had given it to the agent. Throws when it is to be tried again. */
async function take(deps: OrderDeps, pick: OrderPick, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  const { hint } = pick;
  const tracker = trackerOf(deps, hint.tracker);
  const skip = async (reason: string) => {
    log.info(
      { order: pick.order, ticket: hint.identifier, reason },
      'a ticket that a standing order picked was not to be had',
    );
    await markSkipped(db, pick.id);
  };
  const write = limitWrites(deps, hint);
  let taken: Record<string, unknown>;
  try {
    taken = await write(() => sendOne(tracker, hint, { kind: 'takeTicket', id: pick.id }, signal));
  } catch (error) {
    if (!(error instanceof VendorError) || error.retryable) throw error;
    return skip(error.message);
  }
  if (typeof taken.at !== 'string') return skip(String(taken.skipped));
  await openTaken(deps, hint, taken.at, {
    isOurs: (tx) => lockUntaken(tx, pick.id),
    async settle(tx, sessionId) {
      await markPickTaken(tx, pick.id, sessionId);
      const stage = { sessionId, runId: null, stepId: null, conversation: await currentConversation(tx, sessionId) };
      await addActivities(tx, stage, `pick/${pick.id}`, [{ type: 'thought', body: pick.why }]);
    },
  });
  log.info({ order: pick.order, ticket: hint.identifier }, 'a standing order took a ticket');
}

function trackerOf({ trackers }: { trackers: SortDeps['trackers'] }, kind: string): Tracker {
  const tracker = trackers.get(kind);
  if (!tracker) throw new Error(`The tracker "${kind}" is not configured any more; add it to shipmate.yaml.`);
  return tracker;
}

export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}
