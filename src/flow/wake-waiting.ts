import { attend } from '../core/attention.ts';
import { childrenOf, openChildren, writeOverview } from '../core/dependencies.ts';
import { isOver, type Ticket, type TrackerKind } from '../core/ticket.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { addActivities, readPlan, savePlan } from '../store/activities.ts';
import { readAttention } from '../store/attention.ts';
import { keepReading, listLeaders, planVersion, readChildren, readReading } from '../store/overviews.ts';
import { currentConversation, findSession, lockSession, type SessionRow, ticketIdOf } from '../store/sessions.ts';
import {
  claimLongestUnseen,
  claimUnseen,
  clearDue,
  endWaiting,
  forgetSeen,
  listToWake,
  listWaits,
  markCome,
  markDue,
  noteMissing,
  type WaitRow,
} from '../store/waits.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { rest, type SortDeps } from './sort.ts';
import { startRun } from './start.ts';
import { readIfThere } from './wait-for-blockers.ts';

/** In one look. */
const most = { read: 20, woken: 100 };
/** A round of reconcile asks the tracker for so many that wait. */
const readsARound = 50;
/** A ticket that was not to be found so often, one time after the other, is gone. */
const goneAfter = 2;

type Deps = Pick<SortDeps, 'db' | 'trackers' | 'policy' | 'nudge' | 'wake' | 'log'>;

/**
 * Begins what has nothing left to wait for, and keeps the overviews of those that lead. What has come is in the tables: sort
 * and reconcile write it there. Any number of processes may do this, each second; after a restart it goes on as before.
 */
export async function wakeWaiting(deps: Deps, signal: AbortSignal): Promise<void> {
  const { db } = deps;
  await lookAtAll(deps, await claimUnseen(db, most.read), signal);
  let begun = false;
  for (const id of await listToWake(db, most.woken)) begun = (await wakeOne(deps, id)) || begun;
  if (begun) {
    deps.wake('post');
    await deps.nudge('run');
  }
  await keepOverviews(deps);
}

/** What webhooks missed of what sessions wait for; those that were asked for longest ago come first. */
export async function reconcileWaits(deps: Deps, tracker: TrackerKind, signal: AbortSignal): Promise<void> {
  await lookAtAll(deps, await claimLongestUnseen(deps.db, tracker, readsARound), signal);
}

/** One that cannot be read is read again; the others are not kept waiting for it. */
async function lookAtAll(deps: Deps, ids: string[], signal: AbortSignal): Promise<void> {
  const failed = new Set<string>();
  for (const id of ids) {
    const session = await findSession(deps.db, id);
    const tracker = session && deps.trackers.get(session.hint.tracker);
    if (!session?.waiting || !tracker) continue;
    try {
      if (failed.has(tracker.kind)) throw new Error(`the tracker ${tracker.kind} did not answer before`);
      await lookAt(deps, session, tracker, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isDatabaseUnavailable(error)) throw error;
      failed.add(tracker.kind);
      // Said each second while a tracker is away; that it is, reconcile tells.
      deps.log.debug({ err: error, ticket: session.hint.identifier }, 'what a ticket waits for could not be looked at');
      await deps.db.transaction().execute((tx) => forgetSeen(tx, id));
    }
  }
}

/**
 * Reads a ticket that waits: its relations say how those it waits for stand. What it is not related to any more is not waited
 * for; what is not to be found, twice, is gone, and counts as over.
 */
async function lookAt(deps: Deps, session: SessionRow, tracker: Tracker, signal: AbortSignal): Promise<void> {
  const { db } = deps;
  const ticket = await readIfThere(tracker, session.hint, signal);
  if (!ticket) return; // reconcile sees to it
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
  if (session.leads && (await hasNewChild(deps, ticket, waits, tracker, signal))) await markDue(db, session.id);
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
    if (!(await endWaiting(tx, id))) return false;
    const why = session.waiting && !session.leads ? { why: 'What I waited for has come: I begin now.' } : {};
    if (todo === 'work' && (await startRun(tx, policy, session, attention, conversation, why))) return true;
    await clearDue(tx, id);
    return true;
  });
}

/** The plan of a session that leads says how its sub-tickets stand; it is written anew when one has moved. */
async function keepOverviews({ db, wake }: Deps): Promise<void> {
  let changed = false;
  for (const { id, reading, plan } of await listLeaders(db)) {
    const overview = async () => writeOverview(await readChildren(db, reading ? childrenOf(reading) : []));
    if (JSON.stringify(await overview()) === JSON.stringify(plan)) continue;
    await db.transaction().execute(async (tx) => {
      const session = await lockSession(tx, id);
      if (!session?.waiting || !session.leads) return;
      const ticket = await readReading(tx, session.ticketId);
      const now = writeOverview(await readChildren(tx, ticket ? childrenOf(ticket) : []));
      if (JSON.stringify(now) === JSON.stringify(await readPlan(tx, id))) return;
      const conversation = await currentConversation(tx, id);
      const stage = { sessionId: id, runId: null, stepId: null, conversation };
      await savePlan(tx, stage, `overview/${await planVersion(tx, id)}`, now);
      changed = true;
    });
  }
  if (changed) wake('post');
}
