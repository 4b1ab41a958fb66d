import type { Person, TicketComment, TicketHint } from '../core/ticket.ts';
import { toJson } from '../lib/json.ts';
import type { Database } from './database.ts';

/** Before it is shown there: what is said again under the same key is one. */
export async function noteSaidOn(
  db: Database,
  { tracker, id: ticket }: TicketHint,
  { key, by, body }: { key: string; by: Person; body: string },
): Promise<void> {
  await db
    .insertInto('said_on_tickets')
    .values({ key, tracker, ticket, person: toJson(by), body })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Oldest first. */
export async function listSaidOn(db: Database, { tracker, id }: TicketHint): Promise<TicketComment[]> {
  const rows = await db
    .selectFrom('said_on_tickets')
    .select(['key', 'person', 'body', 'at'])
    .where('tracker', '=', tracker)
    .where('ticket', '=', id)
    .orderBy('at')
    .execute();
  return rows.map(({ key, person, body, at }) => ({ id: key, author: person, body, at: at.toISOString() }));
}
