import type { TicketHint } from '../core/ticket.ts';
import { orAborted } from '../lib/abort.ts';
import { deterministicId } from '../lib/ids.ts';
import { readAttention } from '../store/attention.ts';
import { findSession, sessionIdOf } from '../store/sessions.ts';
import { sendOne } from '../trackers/tracker.ts';
import { trackerOf } from './find-ticket.ts';
import { limitWrites } from './rate-limits.ts';
import type { SortDeps } from './sort.ts';
import { mayGiveOrders } from './strangers.ts';
import { type SaidElsewhere, takeInSaid } from './take-in-said.ts';

/**
 * Something that a person says on a ticket by another way than its tracker: through its session, where there is one and the
 * person is listened to; else as a comment of ours. Once for each key. `isHeard`: the agent, whose ticket it is, goes by it.
 */
export async function sayOnTicket(
  deps: SortDeps,
  hint: TicketHint,
  said: SaidElsewhere,
  signal: AbortSignal,
): Promise<{ isHeard: boolean }> {
  const session = await findSession(deps.db, sessionIdOf(hint));
  if (session && mayGiveOrders(deps.policy, said.by)) {
    await takeInSaid(deps, session.id, said, signal);
    const { registers } = await readAttention(deps.db, session.id);
    return { isHeard: registers.given && !registers.closed };
  }
  const activity = { type: 'response' as const, body: said.shown };
  const id = deterministicId('said', hint.tracker, hint.id, said.key);
  const operation = { kind: 'postActivity' as const, id, conversation: hint.ref, activity };
  const tracker = trackerOf(deps.trackers, hint.tracker);
  const write = limitWrites(deps, hint);
  await orAborted(
    write(() => sendOne(tracker, hint, operation, signal)),
    signal,
  );
  return { isHeard: false };
}
