import { sql } from 'kysely';
import type { Activity } from '../core/activity.ts';
import type { ConversationHint, Said, TrackerEvent } from '../core/delivery.ts';
import type { Operation } from '../core/effect.ts';
import type { TicketHint } from '../core/ticket.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import type { Failpoint } from '../lib/failpoint.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import { addActivities } from '../store/activities.ts';
import type { Database, Tx } from '../store/database.ts';
import { markSorted, takeUnsorted, type UnsortedDelivery } from '../store/deliveries.ts';
import type { NewEffect } from '../store/effects.ts';
import { addPrompt, markStopsRead } from '../store/prompts.ts';
import { endQueuedRun, ensureRun, requestStop } from '../store/queued-runs.ts';
import { lockSessionOf, moveSession, openConversation, openSession, type SessionRow } from '../store/sessions.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { stopped } from './conclude.ts';

export interface SortDeps {
  db: Database;
  trackers: ReadonlyMap<string, Tracker>;
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
 */
export async function sortDeliveries(deps: SortDeps, signal: AbortSignal): Promise<void> {
  let queued = false;
  for (let most = 1; !signal.aborted; most = Math.min(2 * most, mostAtOnce)) {
    const due: Due = new Set();
    deps.failpoint('sort/before');
    const sorted = await deps.db.transaction().execute(async (tx) => {
      const deliveries = await takeUnsorted(tx, most);
      const sorted: { id: number; outcome: string }[] = [];
      for (const delivery of deliveries)
        sorted.push({ id: delivery.id, outcome: await sortOne(deps, tx, delivery, due) });
      await markSorted(tx, sorted);
      deps.failpoint('sort/mid');
      return sorted.length;
    });
    deps.failpoint('sort/after');
    if (due.has('post')) deps.wake('post');
    queued ||= due.has('run');
    if (sorted < most) break; // what comes now has a nudge of its own
  }
  // Everybody is answered before the work for anybody begins.
  if (queued) await deps.nudge('run');
}

/** Events that no delivery brought, as if one had: `find` says which they are, under the locks of its transaction. */
export async function applyNow(
  deps: SortDeps,
  cause: string,
  find: (tx: Tx) => Promise<TrackerEvent[]>,
): Promise<void> {
  const due: Due = new Set();
  await deps.db.transaction().execute(async (tx) => {
    for (const event of await find(tx)) await applyEvent(tx, event, cause, due);
  });
  if (due.has('post')) deps.wake('post');
  if (due.has('run')) await deps.nudge('run');
}

/** What there is to do once the transaction has committed. */
type Due = Set<'post' | 'run'>;

/** What it came to, in a few words. */
async function sortOne(deps: SortDeps, tx: Tx, delivery: UnsortedDelivery, due: Due): Promise<string> {
  await sql`savepoint one`.execute(tx);
  try {
    const events = deps.trackers.get(delivery.source)?.readEvents(delivery) ?? [];
    for (const event of events) await applyEvent(tx, event, delivery.deliveryId, due);
    return events.map((event) => event.type).join(', ') || 'nothing for us';
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    // One delivery that we cannot understand must not hold up the rest; it stays in the table with its reason.
    await sql`rollback to savepoint one`.execute(tx);
    deps.log.error(
      { err: error, delivery: delivery.deliveryId, source: delivery.source },
      'a delivery could not be sorted',
    );
    return `failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function applyEvent(tx: Tx, event: TrackerEvent, deliveryId: string, due: Due): Promise<void> {
  switch (event.type) {
    case 'sessionCreated': {
      if (event.by.isBot) return;
      const session = await openSession(tx, event.ticket);
      const conversationId = await openConversation(tx, session.id, event.conversation);
      if (event.said) await addPrompt(tx, session.id, conversationId, event.said);
      await startRun(tx, session, event.ticket, conversationOf(conversationId, event.conversation), due);
      return;
    }
    case 'prompted': {
      if (event.said.author.isBot) return;
      const session = await lockSessionOf(tx, event.ticket);
      if (!session) return;
      const conversationId = await openConversation(tx, session.id, event.conversation);
      const isNew = await addPrompt(tx, session.id, conversationId, event.said);
      if (isNew) await hear(tx, session, event.said, conversationOf(conversationId, event.conversation), due);
      return;
    }
    case 'unassigned':
    case 'ticketChanged': {
      const over = event.type === 'unassigned' || event.category === 'done' || event.category === 'canceled';
      const session = over && !event.by.isBot ? await lockSessionOf(tx, event.ticket) : null;
      if (session && (await requestStop(tx, session.id)))
        await say(tx, session, `stopped/${deliveryId}`, null, due, {
          type: 'thought',
          body:
            event.type === 'unassigned'
              ? 'The ticket was given to someone else: stopping.'
              : 'The ticket was closed: stopping.',
        });
      return;
    }
    default: {
      const never: never = event;
      throw new Error(`an event of a kind that nobody handles: ${JSON.stringify(never)}`);
    }
  }
}

/** What a person says to a session: a stop stops, anything else is read by the live run at its next turn, or wakes the session. */
async function hear(tx: Tx, session: SessionRow, said: Said, conversation: Conversation, due: Due): Promise<void> {
  if (said.signal === 'stop') return stop(tx, session, said, conversation, due);
  if (session.state === 'active' || session.state === 'pending') {
    const body = 'Noted; I will take it into account at my next step.';
    await say(tx, session, `said/${said.key}`, conversation, due, { type: 'thought', body, ephemeral: true });
    due.add('run');
    return;
  }
  await startRun(tx, session, session.hint, conversation, due);
}

/** A run that nobody works on yet ends here and now; one at work is told, and ends with a closing activity of its own. */
async function stop(tx: Tx, session: SessionRow, said: Said, conversation: Conversation, due: Due): Promise<void> {
  const answer = (activity: Activity) => say(tx, session, `said/${said.key}`, conversation, due, activity);
  if (await endQueuedRun(tx, session.id, stopped)) {
    await moveSession(tx, session, 'stopped');
    await markStopsRead(tx, session.id);
    return answer({ type: 'response', body: stopped.message });
  }
  if (await requestStop(tx, session.id)) return answer({ type: 'thought', body: 'Stopping.', ephemeral: true });
  return answer({ type: 'response', body: 'Nothing is running.' });
}

async function startRun(
  tx: Tx,
  session: SessionRow,
  ticket: TicketHint,
  conversation: Conversation,
  due: Due,
): Promise<void> {
  const run = await ensureRun(tx, session);
  if (!run.isNew) return;
  const body =
    run.number === 1 ? `On it: reading ${ticket.identifier} and the code now.` : 'On it: picking the work up again.';
  const key = `${session.id}/run/${run.number}/started`;
  const move: Operation = {
    kind: 'moveTicket',
    id: deterministicId(key),
    to: 'started',
    from: ['backlog', 'unstarted'],
  };
  await say(tx, session, `run/${run.number}/begun`, conversation, due, { type: 'thought', body }, [
    { sessionId: session.id, runId: run.id, stepId: null, key, operation: move },
  ]);
  due.add('run');
}

interface Conversation {
  id: string;
  ref: unknown;
}

function conversationOf(id: string, hint: ConversationHint): Conversation {
  return { id, ref: hint.ref };
}

async function say(
  tx: Tx,
  session: SessionRow,
  key: string,
  conversation: Conversation | null,
  due: Due,
  activity: Activity,
  then: NewEffect[] = [],
): Promise<void> {
  const stage = { sessionId: session.id, runId: null, stepId: null, conversation };
  await addActivities(tx, stage, key, [activity], { then });
  due.add('post');
}
