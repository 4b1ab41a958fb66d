import type { TrackerEvent } from '../core/delivery.ts';
import type { Signal } from '../core/prompt.ts';
import type { Person } from '../core/ticket.ts';
import { addActivities } from '../store/activities.ts';
import { type Queryable, queryableOf } from '../store/database.ts';
import { isSaid, nextMoment } from '../store/prompts.ts';
import { currentConversation, lockSession } from '../store/sessions.ts';
import { applyNow, type SortDeps, sortDeliveries } from './sort.ts';

/** What somebody says to a session by another way than its ticket. */
export interface SaidElsewhere {
  /** The same however often it is said. */
  key: string;
  by: Person;
  body: string;
  signal: Signal | null;
  /** How the ticket shows it. */
  shown: string;
}

/**
 * When this resolves, the session has heard it: as if it had been said on the ticket, later than all that was. `also` is
 * written with it, or neither is.
 */
export async function takeInSaid(
  deps: SortDeps,
  sessionId: string,
  { key, by, body, signal, shown }: SaidElsewhere,
  abort: AbortSignal,
  also: (client: Queryable) => Promise<void> = async () => {},
): Promise<void> {
  await sortDeliveries(deps, abort); // what lies there was said before
  abort.throwIfAborted();
  await applyNow(deps, async (tx): Promise<TrackerEvent[]> => {
    const session = await lockSession(tx, sessionId);
    // Told again it would be newer than what was said since.
    if (!session || (await isSaid(tx, sessionId, key))) return [];
    await also(queryableOf(tx));
    const current = await currentConversation(tx, sessionId);
    const stage = { sessionId, runId: null, stepId: null, conversation: current };
    await addActivities(tx, stage, `told/${key}`, [{ type: 'thought', body: shown }]);
    const { tracker, id, ref } = session.hint;
    const conversation = current ?? { key: `${tracker}:${id}`, ref };
    const said = { key, author: by, body, signal, at: await nextMoment(tx, sessionId) };
    return [{ type: 'prompted', ticket: session.hint, conversation, said }];
  });
}
