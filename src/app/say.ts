import { randomUUID } from 'node:crypto';
import { nameThem } from '../core/people.ts';
import { readSignal } from '../core/prompt-signal.ts';
import { Refusal } from '../core/refusal.ts';
import type { Person } from '../core/ticket.ts';
import { mayGiveOrders, speakers } from '../flow/strangers.ts';
import { takeInSaid } from '../flow/take-in-said.ts';
import { type SortDeps, sortDeliveries } from '../flow.ts';
import { readAttention } from '../store/attention.ts';
import type { Database, Queryable } from '../store/database.ts';
import { isPublishing } from '../store/effects.ts';
import { findSession, findSessionByIdentifier } from '../store/sessions.ts';
import type { BoardDesk } from '../trackers/board/desk.ts';

export type SayDeps = SortDeps & { desk: BoardDesk };

/** Throws `Refusal` where this person's words are not followed: a comment would be kept, and nothing done. */
export function mustBeFollowed({ policy }: Pick<SayDeps, 'policy'>, by: Person): void {
  if (mayGiveOrders(policy, by)) return;
  const speak = speakers(policy);
  const keys = ['policy.people.speak', ...(policy.approval.by.length > 0 ? ['policy.approval.by'] : [])];
  throw new Refusal(
    `Orders are taken from ${nameThem(speak, 'and')} only (${keys.join(', ')}), and you are "${by.name}" here: nothing was done. ` +
      'Ask one of them.',
  );
}

const never = new AbortController().signal;
/** The workers of any process find within a second what there is to do. */
export const quiet: Pick<SortDeps, 'nudge'> = { nudge: async () => {} };

/**
 * A word from the command line; when this resolves, the session has heard it. On the board it is a comment as any other,
 * elsewhere it is taken in as if it had been said there, later than all that was. `also` is written with it, or neither is.
 */
export async function say(
  given: SayDeps,
  sessionId: string,
  by: Person,
  { body, means }: { body: string; means?: 'continue' },
  also: (client: Queryable) => Promise<void> = async () => {},
): Promise<void> {
  const deps = { ...given, ...quiet };
  const session = await findSession(deps.db, sessionId);
  if (session?.hint.tracker === 'board') {
    await deps.desk.comment(session.hint.identifier, body, by, { also, ...(means && { means }) });
    return sortDeliveries(deps, never);
  }
  const said = {
    ...{ key: `cli/${randomUUID()}`, by, body, signal: readSignal(body, deps.name) ?? means ?? null },
    shown: `${by.name}, from the command line: ${body}`,
  };
  return takeInSaid(deps, sessionId, said, never, also);
}

/** What came of a stop: its run was told, it rests now, it is too late for one, or there was nothing to stop. */
export type Stopped = 'asked' | 'stopped' | 'onItsWay' | 'nothing';

/** The same as "stop" on the ticket; null: the ticket has no session. Throws `Refusal`. */
export async function stopSession(deps: SayDeps, identifier: string, by: Person): Promise<Stopped | null> {
  mustBeFollowed(deps, by);
  await sortDeliveries({ ...deps, ...quiet }, never); // it may have been given just now
  const before = await findSessionByIdentifier(deps.db, identifier);
  if (!before) return null;
  const wasAtWork = (await readAttention(deps.db, before.id)).run !== null;
  await say(deps, before.id, by, { body: 'stop' });
  return whatCameOf(deps.db, before.id, wasAtWork || before.state !== 'stopped');
}

async function whatCameOf(db: Database, sessionId: string, couldStop: boolean): Promise<Stopped> {
  const [session, { run }] = await Promise.all([findSession(db, sessionId), readAttention(db, sessionId)]);
  if (run?.stopRequested) return 'asked';
  if (session?.state === 'stopped' && couldStop) return 'stopped';
  return (await isPublishing(db, sessionId)) ? 'onItsWay' : 'nothing';
}
