import type { Person, TicketHint } from '../core/ticket.ts';
import type { Tx } from '../store/database.ts';
import { sessionIdOf } from '../store/sessions.ts';
import { applyNow, type SortDeps } from './sort.ts';

/** Whom the event is put down to where nobody gave it. */
const ourselves: Person = { id: 'shipmate', name: 'Shipmate', isBot: false };

/**
 * Opens the session of a ticket that the agent took at `at`: what our own account does starts nothing by itself. In its
 * transaction: `isOurs`, whether that is still to be done, and `settle`, what is to be written with it. `by`: who gave it.
 */
export async function openTaken(
  deps: SortDeps,
  hint: TicketHint,
  at: string,
  {
    isOurs,
    settle,
    by = ourselves,
  }: { isOurs(tx: Tx): Promise<boolean>; settle(tx: Tx, sessionId: string): Promise<void>; by?: Person },
): Promise<void> {
  // The ticket itself is where its talk is, until a delivery names another place.
  const conversation = { key: `${hint.tracker}:${hint.id}`, ref: hint.ref };
  let opens = false;
  await applyNow(
    deps,
    async (tx) => {
      opens = await isOurs(tx);
      return opens ? [{ type: 'sessionCreated', at, ticket: hint, conversation, said: null, by }] : [];
    },
    async (tx) => {
      if (opens) await settle(tx, sessionIdOf(hint));
    },
  );
}
