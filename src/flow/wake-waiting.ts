import { attend } from '../core/attention.ts';
import { childrenOf, openBlockers, openChildren } from '../core/dependencies.ts';
import { isOver, type Ticket, type TicketHint, type TrackerKind } from '../core/ticket.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { addActivities } from '../store/activities.ts';
import { readAttention } from '../store/attention.ts';
import { keepReading, readChildren, readReading } from '../store/overviews.ts';
import { currentConversation, findSession, lockSession, type SessionRow, ticketIdOf } from '../store/sessions.ts';
import {
  claimLongestUnseen,
  claimUnseen,
  clearDue,
  endWaiting,
  forgetSeen,
  lastOutcome,
  listToWake,
  listWaits,
  markCome,
  markDue,
  noteMissing,
  type WaitRow,
} from '../store/waits.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { lookAround, notOverridden } from './circles.ts';
import { readIfThere } from './read-if-there.ts';
import { rest, type SortDeps } from './sort.ts';
import { startRun } from './start.ts';

/** In one look. */
const most = { read: 20, woken: 100 };
/** A round of reconcile asks the tracker for so many that wait. */
const readsARound = 50;
/** A ticket that was not to be found so often, one time after the other, is gone. */
const goneAfter = 2;

type Deps = Pick<SortDeps, 'db' | 'trackers' | 'policy' | 'nudge' | 'wake' | 'log'>;

/**
 * Begins what has nothing left to wait for. What has come is in the tables: sort and reconcile write it there. Any number of processes may do this, each second; after a restart it goes on as before.
 */
export async function wakeWaiting(deps: Deps, signal: AbortSignal): Promise<void> {
  const { db } = deps;
  await lookAtAll(deps, await claimUnseen(db, most.read), signal, 'changed');
  let begun = false;
  for (const id of await listToWake(db, most.woken)) begun = (await wakeOne(deps, id)) || begun;
  if (begun) {
    deps.wake('post');
    await deps.nudge('run');
  }
}

/** What webhooks missed of what sessions wait for; those that were asked for longest ago come first. */
export async function reconcileWaits(deps: Deps, tracker: TrackerKind, signal: AbortSignal): Promise<void> {
  await lookAtAll(deps, await claimLongestUnseen(deps.db, tracker, readsARound), signal, 'all');
}

/** For whose circles one looks: only of tickets whose own relations have changed, or of all, for a circle may close anywhere. */
type Circles = 'changed' | 'all';

/** One that cannot be read is read again; the others are not kept waiting for it. */
async function lookAtAll(deps: Deps, ids: string[], signal: AbortSignal, which: Circles): Promise<void> {
  const failed = new Set<string>();
  // One workspace of a tracker may be away while another is not.
  const placeOf = ({ tracker, account = '' }: TicketHint) => `${tracker}/${account}`;
  const read = new Map<string, Ticket | null>();
  for (const id of ids) {
    const session = await findSession(deps.db, id);
    const tracker = session && deps.trackers.get(session.hint.tracker);
    if (session?.state !== 'awaitingInput' || !tracker) continue;
    try {
      if (failed.has(placeOf(session.hint))) throw new Error(`the tracker ${tracker.kind} did not answer before`);
      const ticket = await lookAt(deps, session, tracker, signal);
      if (ticket && (which === 'all' || ticket.isChanged)) await lookForCircle(deps, session, ticket, read, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isDatabaseUnavailable(error)) throw error;
      failed.add(placeOf(session.hint));
      // Said each second while a tracker is away; that it is, reconcile tells.
      deps.log.debug({ err: error, ticket: session.hint.identifier }, 'what a ticket waits for could not be looked at');
      await deps.db.transaction().execute((tx) => forgetSeen(tx, id));
    }
  }
}

/**
 * Reads a ticket that waits: its relations say how those it waits for stand. What it is not related to any more is not waited
 * for; what is not to be found, twice, is gone, and counts as over. Answers the ticket; null where reconcile sees to it.
 */
async function lookAt(
  deps: Deps,
  session: SessionRow,
  tracker: Tracker,
  signal: AbortSignal,
): Promise<(Ticket & { isChanged: boolean }) | null> {
  const { db } = deps;
  const ticket = await readIfThere(tracker, session.hint, signal);
  if (!ticket) return null;
  const before = await readReading(db, session.ticketId);
  await keepReading(db, ticket);
  const related = new Map(
    ticket.relations
      .filter(({ type }) => type === 'blockedBy' || type === 'child')
      .map((relation) => [ticketIdOf(relation.ticket), relation.category]),
  );
  const waits = await listWaits(db, session.id);
  const come: string[] = [];
  for (const wait of waits) {
    if (wait.until === 'rests') continue;
    const category = related.get(wait.onTicket);
    if (category === undefined ? await isLost(deps, session, wait, tracker, signal) : isOver(category))
      come.push(wait.onTicket);
  }
  await markCome(db, session.id, come);
  // One that leads may wait for something else by now; its children are looked at when it leads again.
  const leads = session.leads && (await lastOutcome(db, session.id))?.leads !== undefined;
  if (leads && (await hasNewChild(deps, ticket, waits, tracker, signal))) await markDue(db, session.id);
  return { ...ticket, isChanged: before === null || relationsOf(before) !== relationsOf(ticket) };
}

function relationsOf({ relations }: Ticket): string {
  const named = relations.map(({ type, ticket }) => `${type} ${ticketIdOf(ticket)}`);
  return named.toSorted().join();
}

/** A circle that closed after the waiting had begun: its run is to tell people, once for each. */
async function lookForCircle(
  { db, trackers }: Deps,
  session: SessionRow,
  ticket: Ticket,
  read: Map<string, Ticket | null>,
  signal: AbortSignal,
): Promise<void> {
  const first = [...(await notOverridden(db, ticket, openBlockers(ticket))), ...openChildren(ticket)];
  if (first.length === 0) return;
  read.set(session.ticketId, ticket);
  const { circle } = await lookAround({ db, trackers }, ticket, first, signal, read);
  if (!circle?.isOwn) return;
  const told = (await lastOutcome(db, session.id))?.circle ?? [];
  if (circle.ids.join() !== told.join()) await markDue(db, session.id);
}

/** Whether a ticket that is named no more need not be waited for. */
async function isLost(
  deps: Deps,
  session: SessionRow,
  wait: WaitRow,
  tracker: Tracker,
  signal: AbortSignal,
): Promise<boolean> {
  if (await readIfThere(tracker, wait.ticket, signal)) return true;
  if ((await noteMissing(deps.db, session.id, wait)) < goneAfter) return false;
  const stage = {
    sessionId: session.id,
    runId: null,
    stepId: null,
    conversation: await currentConversation(deps.db, session.id),
  };
  const body = `${wait.ticket.identifier} is not to be found any more, so I do not wait for it.`;
  await deps.db
    .transaction()
    .execute((tx) => addActivities(tx, stage, `gone/${wait.onTicket}`, [{ type: 'thought', body }]));
  deps.wake('post');
  return true;
}

/** A sub-ticket that came later, or that somebody has let go of: the leader is to look at it. Those of people are read anew. */
async function hasNewChild(
  { db }: Deps,
  ticket: Ticket,
  waits: WaitRow[],
  tracker: Tracker,
  signal: AbortSignal,
): Promise<boolean> {
  const known = new Set(waits.map(({ onTicket }) => onTicket));
  const children = openChildren(ticket);
  if (children.some((child) => !known.has(ticketIdOf(child)))) return true;
  const theirs = (await readChildren(db, childrenOf(ticket))).filter(
    ({ session, category }) => !session && !isOver(category),
  );
  let isFree = false;
  for (const { ticket: child, assignee } of theirs.slice(0, most.read)) {
    const reading = await readIfThere(tracker, child, signal);
    if (!reading) continue;
    await keepReading(db, reading);
    isFree ||= assignee !== null && reading.assignee === null;
  }
  return isFree;
}

/** Begins one that is due; ends one that may not be worked on, where nobody sorted that. Answers whether there is something to do. */
async function wakeOne({ db, policy }: Deps, id: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, id);
    if (!session) return false;
    const attention = await readAttention(tx, id);
    const todo = attend({ ...attention.registers, due: true }, attention.unread);
    if (todo !== 'work' && todo !== 'nothing') {
      const isBegun = attention.run?.purpose === 'work';
      if (session.waiting || isBegun) await rest(tx, session, todo === 'scope' ? 'taken' : todo, attention);
      await clearDue(tx, id);
      return true;
    }
    if (attention.run) return false; // somebody else has begun it
    const conversation = await currentConversation(tx, id);
    const isLeft = (await listWaits(tx, id)).length > 0;
    if (!(await endWaiting(tx, id))) return false;
    const words = isLeft
      ? 'What I wait for has changed: I look at it again.'
      : 'What I waited for has come: I begin now.';
    const why = session.state === 'awaitingInput' && !session.leads ? { why: words } : {};
    if (todo === 'work' && (await startRun(tx, policy, session, attention, conversation, why))) return true;
    await clearDue(tx, id);
    return true;
  });
}
