import { sql } from 'kysely';
import type { Activity } from '../core/activity.ts';
import type { ConversationHint, Delivery, Said, TrackerEvent } from '../core/delivery.ts';
import type { TicketHint } from '../core/ticket.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import { addActivities } from '../store/activities.ts';
import type { Database, Tx } from '../store/database.ts';
import { markSorted, takeUnsorted } from '../store/deliveries.ts';
import { addEffects } from '../store/effects.ts';
import { addPrompt } from '../store/prompts.ts';
import { ensureRun, requestStop } from '../store/runs.ts';
import { lockSessionOf, openConversation, openSession, type SessionRow } from '../store/sessions.ts';
import type { Tracker } from '../trackers/tracker.ts';

export interface SortDeps {
  db: Database;
  trackers: ReadonlyMap<string, Tracker>;
  /** Nudges in the transaction. */
  nudge(tx: Tx, queue: 'run' | 'post'): Promise<void>;
  log: Log;
}

const mostAtOnce = 32;

/**
 * Sort: what each stored delivery means for its session, under the session's lock, until none is left. It writes the
 * acknowledgement itself, so a ticket is answered in milliseconds even when every agent is busy. The first commits alone;
 * the more there are, the more go into one transaction.
 */
export async function sortDeliveries(deps: SortDeps, signal: AbortSignal): Promise<void> {
  for (let most = 1; !signal.aborted; most = Math.min(2 * most, mostAtOnce)) {
    const sorted = await deps.db.transaction().execute((tx) => sortSome(deps, tx, most));
    if (sorted === 0) return;
  }
}

async function sortSome(deps: SortDeps, tx: Tx, most: number): Promise<number> {
  let posts = false;
  const nudge: SortDeps['nudge'] = async (within, queue) => {
    if (queue === 'post') posts = true;
    else await deps.nudge(within, queue);
  };
  const deliveries = await takeUnsorted(tx, most);
  for (const delivery of deliveries) await sortOne({ ...deps, nudge }, tx, delivery);
  if (posts) await deps.nudge(tx, 'post'); // one poster sends all that there is
  return deliveries.length;
}

async function sortOne(deps: SortDeps, tx: Tx, delivery: Delivery & { id: number }): Promise<void> {
  const tracker = deps.trackers.get(delivery.source);
  await sql`savepoint one`.execute(tx);
  try {
    const events = tracker?.readEvents(delivery) ?? [];
    for (const event of events) await applyEvent(deps, tx, event, delivery.deliveryId);
    await markSorted(tx, delivery.id, events.map((event) => event.type).join(', ') || 'nothing for us');
    await sql`release savepoint one`.execute(tx);
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error; // nothing is wrong with the delivery: it is sorted again
    // One delivery that we cannot understand must not hold up the rest; it stays in the table with its reason.
    await sql`rollback to savepoint one`.execute(tx);
    const message = error instanceof Error ? error.message : String(error);
    await markSorted(tx, delivery.id, `failed: ${message}`);
    deps.log.error(
      { err: error, delivery: delivery.deliveryId, source: delivery.source },
      'a delivery could not be sorted',
    );
  }
}

async function applyEvent(deps: SortDeps, tx: Tx, event: TrackerEvent, deliveryId: string): Promise<void> {
  switch (event.type) {
    case 'sessionCreated': {
      if (event.by.isBot) return;
      const session = await openSession(tx, event.ticket);
      const conversationId = await openConversation(tx, session.id, event.conversation);
      if (event.said) await addPrompt(tx, session.id, conversationId, event.said);
      await startRun(deps, tx, session, event.ticket, conversationOf(conversationId, event.conversation));
      return;
    }
    case 'prompted': {
      if (event.said.author.isBot) return;
      const session = await lockSessionOf(tx, event.ticket);
      if (!session) return;
      const conversationId = await openConversation(tx, session.id, event.conversation);
      const isNew = await addPrompt(tx, session.id, conversationId, event.said);
      if (isNew) await hear(deps, tx, session, event.said, conversationOf(conversationId, event.conversation));
      return;
    }
    case 'unassigned':
    case 'ticketChanged': {
      const over = event.type === 'unassigned' || event.category === 'done' || event.category === 'canceled';
      const session = over && !event.by.isBot ? await lockSessionOf(tx, event.ticket) : null;
      if (session && (await requestStop(tx, session.id)))
        await say(deps, tx, session, `stopped/${deliveryId}`, null, {
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
async function hear(
  deps: SortDeps,
  tx: Tx,
  session: SessionRow,
  said: Said,
  conversation: Conversation,
): Promise<void> {
  if (said.signal === 'stop') {
    if (!(await requestStop(tx, session.id)))
      await say(deps, tx, session, `said/${said.key}`, conversation, { type: 'response', body: 'Nothing is running.' });
    return;
  }
  if (session.state === 'active' || session.state === 'pending') {
    const body = 'Noted; I will take it into account at my next step.';
    await say(deps, tx, session, `said/${said.key}`, conversation, { type: 'thought', body, ephemeral: true });
    await deps.nudge(tx, 'run');
    return;
  }
  await startRun(deps, tx, session, session.hint, conversation);
}

async function startRun(
  deps: SortDeps,
  tx: Tx,
  session: SessionRow,
  ticket: TicketHint,
  conversation: Conversation,
): Promise<void> {
  const run = await ensureRun(tx, session.id);
  if (!run.isNew) return;
  await tx
    .updateTable('sessions')
    .set({ state: 'active', updated_at: new Date() })
    .where('id', '=', session.id)
    .execute();
  const body =
    run.number === 1 ? `On it: reading ${ticket.identifier} and the code now.` : 'On it: picking the work up again.';
  await say(deps, tx, session, `run/${run.number}/begun`, conversation, { type: 'thought', body });
  const key = `${session.id}/run/${run.number}/started`;
  await addEffects(tx, [
    {
      sessionId: session.id,
      runId: run.id,
      stepId: null,
      key,
      operation: { kind: 'moveTicket', id: deterministicId(key), to: 'started', from: ['backlog', 'unstarted'] },
    },
  ]);
  await deps.nudge(tx, 'run');
}

interface Conversation {
  id: string;
  ref: unknown;
}

function conversationOf(id: string, hint: ConversationHint): Conversation {
  return { id, ref: hint.ref };
}

async function say(
  deps: SortDeps,
  tx: Tx,
  session: SessionRow,
  key: string,
  conversation: Conversation | null,
  activity: Activity,
): Promise<void> {
  await addActivities(tx, { sessionId: session.id, runId: null, stepId: null, conversation }, key, [activity]);
  await deps.nudge(tx, 'post');
}
