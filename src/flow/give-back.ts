import type { Operation } from '../core/effect.ts';
import type { Confidence } from '../core/scope.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import { markDeclined } from '../store/order-picks.ts';
import { markGivenUp } from '../store/sessions-at-work.ts';

/**
 * Gives back a ticket that a standing order took, in the transaction that ends its run: it goes to where it stood, nobody has
 * it, and the order leaves it alone until it says something else. Nothing, where people gave it to the agent. Call with
 * the session's lock held.
 */
export async function giveBack(tx: Tx, sessionId: string, runId: string | null, rating: Confidence): Promise<void> {
  const pick = await markDeclined(tx, sessionId, rating);
  if (!pick) return;
  await markGivenUp(tx, sessionId);
  const add = (name: string, operation: Operation) =>
    addEffects(tx, [{ sessionId, runId, stepId: null, key: `${sessionId}/pick/${pick.id}/${name}`, operation }]);
  const id = (name: string) => deterministicId('give-back', pick.id, name);
  await add('back', { kind: 'moveTicket', id: id('back'), to: pick.category, from: ['started'] });
  await add('release', { kind: 'releaseTicket', id: id('release') });
}
