import { sql } from 'kysely';
import { noteLength } from '../core/acknowledgement.ts';
import type { Activity } from '../core/activity.ts';
import { attend, type Registers, type RestReason } from '../core/attention.ts';
import { stopReasons } from '../core/closing-text.ts';
import { overIn, type TrackerEvent } from '../core/delivery.ts';
import { noteWhileWaiting } from '../core/dependencies.ts';
import type { Outcome } from '../core/outcome.ts';
import type { TicketHint } from '../core/ticket.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import type { Failpoint } from '../lib/failpoint.ts';
import type { Log } from '../lib/log.ts';
import { addActivities, type Stage, takeBackUnsent } from '../store/activities.ts';
import { type AttentionRow, readAttention } from '../store/attention.ts';
import type { Database, Tx } from '../store/database.ts';
import { listWaiting, markSorted, type Sorted, takeTurn, takeUnsorted } from '../store/deliveries.ts';
import { dropUnsent, isPublishing } from '../store/effects.ts';
import { noteGuidance } from '../store/guidance.ts';
import { askToStop, endQueuedRun, ensureRun, takeBackStop } from '../store/queued-runs.ts';
import {
  currentConversation,
  lockSession,
  moveSession,
  openSession,
  renameTicket,
  type SessionRow,
  sessionIdOf,
  tellSession,
  ticketIdOf,
} from '../store/sessions.ts';
import { noteGivenByBot } from '../store/sessions-at-work.ts';
import { forgetSeen, markOver, overrideWaits } from '../store/waits.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { noteWith } from './acknowledge.ts';
import { saysNo } from './approval.ts';
import { approversOf } from './await-approval.ts';
import { closeStopped, endOf, mayHaveChanged } from './closing.ts';
import { leaveOthers } from './leave.ts';
import { linkSession, type PageOf } from './link-session.ts';
import { saidByMarking } from './markings.ts';
import { restsReopened, whyReopened } from './reopened.ts';
import { type HintDeps, type Hinted, hasten, hintsIn } from './request-hints.ts';
import { promiseRun, type StartPolicy, startRun } from './start.ts';
import type { PeoplePolicy } from './strangers.ts';
import { noWords, takeInWords, type Words } from './take-in-words.ts';
import { blank, readDelivery, type ToldOf, toldBy } from './told.ts';

export interface SortDeps extends HintDeps {
  db: Database;
  trackers: ReadonlyMap<string, Tracker>;
  policy: StartPolicy & PeoplePolicy;
  /** The agent's name on this team. */
  name: string;
  pageOf: PageOf | null;
  /** Tells the workers of every process that there is a run. */
  nudge(queue: 'run'): Promise<void>;
  /** Tells our own that there is something to post. */
  wake(drain: 'post'): void;
  failpoint: Failpoint;
  log: Log;
}

const mostAtOnce = 32;

/**
 * Sort: what each stored delivery means for its session, under the session's lock, until none is left. It writes the
 * acknowledgement itself, so a ticket is answered in milliseconds even when every agent is busy. The first commits alone;
 * the more there are, the more go into one transaction.
 *
 * Events only move registers that the newest wins, and add prompts that are a set by their keys. What is to be done is
 * read off these each time (core/attention.ts): repeated, late or in whatever order, they come to the same.
 */
export async function sortDeliveries(deps: SortDeps, signal: AbortSignal): Promise<void> {
  let queued = false;
  for (let most = 1; !signal.aborted; most = Math.min(2 * most, mostAtOnce)) {
    const due: Due = new Set();
    deps.failpoint('sort/before');
    const { areMore } = await deps.db.transaction().execute(async (tx) => {
      const { deliveries, areMore } = await takeUnsorted(tx, most);
      const sorted: Sorted[] = [];
      const over: TicketHint[] = [];
      const hinted: Hinted[] = [];
      for (const delivery of deliveries) {
        const told = readDelivery(deps.trackers, delivery);
        const one = await sortOne(deps, tx, told, due);
        if (one.ticket === null) sorted.push(one);
        else await markSorted(tx, [one]); // the next one may open the session that it waits for
        over.push(...overIn([...told.events, ...told.fromBots]));
        hinted.push(...hintsIn(deps, delivery));
      }
      await markSorted(tx, sorted);
      // The last thing that is locked; see there. It counts whoever did it: a bot may close what it has merged.
      await markOver(tx, over.map(ticketIdOf));
      await hasten(tx, hinted);
      deps.failpoint('sort/mid');
      return { areMore };
    });
    deps.failpoint('sort/after');
    if (due.has('post')) deps.wake('post');
    queued ||= due.has('run');
    if (!areMore) break; // what comes now has a nudge of its own
  }
  // Everybody is answered before the work for anybody begins.
  if (queued) await deps.nudge('run');
}

/**
 * Events that no delivery brought, as if one had: `find` says which they are, under the locks of its transaction. `then` is
 * written with them, where there are any; it is told the ticket whose session one of them would have waited for.
 */
export async function applyNow(
  deps: SortDeps,
  find: (tx: Tx) => Promise<TrackerEvent[]>,
  then: (tx: Tx, waitsFor: string | null) => Promise<void> = async () => {},
): Promise<void> {
  const due: Due = new Set();
  await deps.db.transaction().execute(async (tx) => {
    await takeTurn(tx);
    const events = await find(tx);
    let waitsFor: string | null = null;
    for (const event of events) if (!(await applyEvent(deps, tx, event, due))) waitsFor = ticketIdOf(event.ticket);
    if (events.length > 0) await then(tx, waitsFor);
    await markOver(tx, overIn(events).map(ticketIdOf));
  });
  if (due.has('post')) deps.wake('post');
  if (due.has('run')) await deps.nudge('run');
}

/** What there is to do once the transaction has committed. */
export type Due = Set<'post' | 'run'>;

async function sortOne(deps: SortDeps, tx: Tx, told: ToldOf, due: Due): Promise<Sorted> {
  return guarded(deps, tx, told, due, async (events) => {
    let waitsFor: string | null = null;
    for (const event of events) if (!(await applyEvent(deps, tx, event, due))) waitsFor = ticketIdOf(event.ticket);
    return waitsFor;
  });
}

const nothing = 'nothing for us';

/** One delivery that we cannot understand must not hold up the rest; it stays in the table with its reason. */
async function guarded(
  deps: SortDeps,
  tx: Tx,
  { delivery, events, fromBots }: ToldOf,
  due: Due,
  /** Answers the ticket whose session the delivery waits for. */
  work: (events: TrackerEvent[]) => Promise<string | null>,
): Promise<Sorted> {
  const { id, deliveryId, source } = delivery;
  const gifts = fromBots.filter((event) => event.type === 'sessionCreated');
  if (events.length + gifts.length === 0) return { id, outcome: nothing, ticket: null };
  await sql`savepoint one`.execute(tx);
  try {
    for (const { ticket, at } of gifts) await noteGivenByBot(tx, ticket, at);
    const ticket = events.length === 0 ? null : await work(events);
    await sql`release savepoint one`.execute(tx);
    return { id, outcome: events.map((event) => event.type).join(', ') || nothing, ticket };
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    await sql`rollback to savepoint one`.execute(tx);
    await sql`release savepoint one`.execute(tx); // else the rollback of one that is around it would end here
    deps.log.error({ err: error, delivery: deliveryId, source }, 'a delivery could not be sorted');
    for (const { ticket } of events.slice(0, 1)) await tellUnsorted(tx, ticket, id, due);
    return { id, outcome: `failed: ${error instanceof Error ? error.message : String(error)}`, ticket: null };
  }
}

/** Where the ticket has a session, people hear that something passed it by. */
async function tellUnsorted(tx: Tx, ticket: TicketHint, delivery: number, due: Due): Promise<void> {
  const session = await lockSession(tx, sessionIdOf(ticket));
  if (!session) return;
  const body =
    'Something that was said or changed here could not be taken in: a fault of mine, which the log explains. Say it again, or ' +
    'have it taken in again with `sessions redrive --deliveries` when that is mended.';
  const stage = {
    sessionId: session.id,
    runId: null,
    stepId: null,
    conversation: await currentConversation(tx, session.id),
  };
  await addActivities(tx, stage, `unsorted/${delivery}`, [{ type: 'error', body }]);
  due.add('post');
}

/** false: the ticket has no session yet, and the event waits for one. */
async function applyEvent(deps: SortDeps, tx: Tx, event: TrackerEvent, due: Due): Promise<boolean> {
  const told = toldBy(event, deps.policy);
  if (event.type === 'sessionCreated') {
    const session = await openSession(tx, event.ticket, told);
    if (event.guidance !== undefined) await noteGuidance(tx, session.id, event.guidance, event.at);
    if (session.isAwaited) await takeInWaiting(deps, tx, session, told.at, due);
    const words = await takeInWords(deps, tx, session, event, due);
    // Of one that is new there is nothing to read.
    const isBlank = session.isNew && !session.isAwaited && event.said === null;
    const attention = isBlank ? blank(told) : await readAttention(tx, session.id);
    await act(deps, tx, session, attention, words, due);
    if (words.conversation) await linkSession(tx, deps.pageOf, session, words.conversation);
    if (!session.isNew) await leaveUnlessAtWork(tx, session, attention, words, due);
    return true;
  }
  const session = await tellSession(tx, event.ticket, told);
  if (!session) return false;
  if (event.type === 'ticketChanged' && event.changed?.includes('team')) await renameTicket(tx, event.ticket);
  const words = await takeInWords(deps, tx, session, event, due);
  if (session.state === 'awaitingInput' && event.type === 'ticketChanged') await forgetSeen(tx, session.id);
  const attention = await readAttention(tx, session.id);
  await act(deps, tx, session, attention, words, due);
  await leaveUnlessAtWork(tx, session, attention, words, due);
  const said = await saidBy(deps, tx, event);
  return said === null || applyEvent(deps, tx, said, due);
}

/** A label or a field may say something of what is proposed. */
async function saidBy({ policy }: SortDeps, tx: Tx, event: TrackerEvent): Promise<TrackerEvent | null> {
  if (event.type !== 'ticketChanged' || !event.marking) return null;
  const { ticket, marking, by, at } = event;
  return saidByMarking(tx, ticket, { ...marking, by, at }, policy.approval);
}

/** Where people talk elsewhere now, nothing more will be said in the places before; a run at work sees to that itself. */
async function leaveUnlessAtWork(
  tx: Tx,
  { id }: SessionRow,
  { run, conversations }: AttentionRow,
  { conversation }: Words,
  due: Due,
): Promise<void> {
  if (conversation && conversations > 1 && !run?.isHeld && (await leaveOthers(tx, id))) due.add('post');
}

/** What was delivered before the ticket had a session. */
export async function takeInWaiting(
  deps: SortDeps,
  tx: Tx,
  session: SessionRow,
  openedAt: string | null,
  due: Due,
): Promise<void> {
  const sorted: Sorted[] = [];
  for (const delivery of await listWaiting(tx, session.ticketId))
    sorted.push(
      await guarded(deps, tx, readDelivery(deps.trackers, delivery), due, async (events) => {
        for (const event of events) {
          await tellSession(tx, event.ticket, toldBy(event, deps.policy));
          await takeInWords(deps, tx, session, event, due, openedAt);
        }
        return null;
      }),
    );
  await markSorted(tx, sorted);
}

/** Sees to it that the session does what all that it was told comes to. */
async function act(
  deps: SortDeps,
  tx: Tx,
  session: SessionRow,
  attention: AttentionRow,
  words: Words,
  due: Due,
): Promise<void> {
  const todo = attend(attention.registers, attention.unread);
  if (await restsReopened(tx, session, attention, due)) return;
  if (todo === 'nothing') {
    if (!session.waiting || !words.isNew) return;
    // A no to what was approved is carried out by a run, which ends with it before anything else.
    if (await saysNo(tx, session.id, words.said?.body ?? '', approversOf(deps))) {
      if (await startRun(tx, deps.policy, session, attention, words.conversation)) due.add('run');
      due.add('post');
    } else await answer(tx, session, words, noteWhileWaiting(session), due);
    return;
  }
  const { run } = attention;
  if (todo === 'scope') {
    if (run?.purpose === 'work') return rest(tx, session, 'taken', attention, words, due);
    await ensureRun(tx, session, attention, 'scope');
    due.add('run');
    return;
  }
  if (todo !== 'work') return rest(tx, session, todo, attention, words, due);
  if (!run) {
    if (session.waiting && attention.unread) await overrideWaits(tx, session.id);
    const told = { note: await noteWith(tx, session, words), ...whyReopened(attention) };
    if (await startRun(tx, deps.policy, session, attention, words.conversation, told)) due.add('run');
    due.add('post');
    return;
  }
  if (run.purpose === 'scope') {
    await promiseRun(tx, session, run, attention.registers.givenAt, words.conversation);
    due.add('run').add('post');
  }
  if (run.stopRequested && !run.isHeld) await takeBackStop(tx, run.id);
  if (run.isHeld && words.isNew && (await saysNo(tx, session.id, words.said?.body ?? '', approversOf(deps)))) {
    await askToStop(tx, run.id);
    await dropUnsent(tx, run.id, false);
    due.add('post');
  } else if (words.isNew) {
    const isStop = words.said?.signal === 'stop';
    // Of several at once the last one is answered, for all.
    if (!isStop) await takeBackUnsent(tx, await stageOf(tx, session, words), noted);
    const body = isStop ? olderStop : [noted, noteLength(words.said?.body ?? '')].join(' ').trim();
    await answer(tx, session, words, { type: 'thought', body }, due, run.id);
  }
}

/**
 * A run that nobody works on ends here and now, and so does waiting for an answer; a run at work is told, and ends with a closing
 * activity of its own.
 */
export async function rest(
  tx: Tx,
  session: SessionRow,
  reason: RestReason,
  { run, registers }: AttentionRow,
  words: Words = noWords,
  due: Due = new Set(),
): Promise<void> {
  const outcome: Outcome = { stopReason: 'stopped', message: stopReasons[reason] };
  // A worker may claim it at this very moment: then it is at work.
  const waits = session.state === 'pending' || session.state === 'awaitingInput';
  const isEnded = run ? !run.isHeld && (await endQueuedRun(tx, run.id, outcome)) : waits;
  if (isEnded) {
    await moveSession(tx, session, 'stopped');
    const stage = await stageOf(tx, session, words);
    const key = run ? endOf(run) : `rest/${restedAt(reason, registers)}`;
    await closeStopped(tx, session, run, key, stage, reason, await mayHaveChanged(tx, session.id));
    due.add('post');
  } else if (run) {
    if (run.stopRequested) return;
    await askToStop(tx, run.id);
    await dropUnsent(tx, run.id, false); // from now on nothing leaves but the closing words
  } else if (registers.givenAt === null) {
    return; // never given to us, only rated: what is said there is not for us
  } else if (words.isNew && words.said?.signal === 'stop') {
    const body = (await isPublishing(tx, session.id)) ? onItsWay : 'Nothing is running.';
    await answer(tx, session, words, { type: 'response', body }, due);
  } else if (reason !== 'stopped' && (reason === 'closed' ? words.wanted : words.isNew)) {
    const stage = await stageOf(tx, session, words);
    const body = untilReturned[reason];
    await addActivities(tx, stage, `${reason}/${restedAt(reason, registers)}`, [{ type: 'thought', body }]);
    due.add('post');
  }
}

/** Said once, at the first words that have to wait. */
const untilReturned: Record<Exclude<RestReason, 'stopped'>, string> = {
  closed: 'The ticket is closed. Reopen it, and I go on with what was said.',
  taken: 'I do not have this ticket any more. Give it back to me, and I go on with what was said.',
};

const onItsWay =
  'The work is finished and on its way as a pull request; I cannot call it back. Close the pull request if it is not wanted.';
const noted = 'Noted; I will take it into account at my next step.';
const olderStop = 'This stop is older than what was asked for since, so I go on. Say "stop" again to stop me.';

/** What made it rest happened then. */
function restedAt(reason: RestReason, { stopAt, givenAt, closedAt }: Registers): string | null {
  return { stopped: stopAt, taken: givenAt, closed: closedAt }[reason];
}

/** `runId`: of the run that the answer is about; what is said of it is said no more when it was stopped. */
async function answer(
  tx: Tx,
  session: SessionRow,
  words: Words,
  activity: Activity,
  due: Due,
  runId: string | null = null,
): Promise<void> {
  const stage = { ...(await stageOf(tx, session, words)), runId };
  await addActivities(tx, stage, `said/${words.said?.key}`, [activity]);
  due.add('post');
}

async function stageOf(tx: Tx, session: SessionRow, { conversation }: Words): Promise<Stage> {
  const at = conversation ?? (await currentConversation(tx, session.id));
  return { sessionId: session.id, runId: null, stepId: null, conversation: at };
}
