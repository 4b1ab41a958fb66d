import { sql } from 'kysely';
import type { TicketError } from '../core/alert.ts';
import { isCauseOnly } from './alerts.ts';
import type { Database, Tx } from './database.ts';

/** A ticket to which more was added says so itself. */
const most = 5;

/** The errors that a session's ticket was filed of, or that were added to it; the oldest first. */
export async function errorsOfTicket(db: Database | Tx, sessionId: string): Promise<TicketError[]> {
  const { rows } = await sql<TicketError>`
    select a.source, a.project, a.name, a.url, ${isCauseOnly} as "causeOnly",
      exists (select from tickets o where upper(regexp_replace(o.identifier, '-[0-9]+$', '')) = upper(regexp_replace(a.name, '-[^-]+$', '')))
        as "isLikeTicket"
    from sessions s join tickets t on t.id = s.ticket_id
    join captures c on c.tracker = t.tracker and c.hint ->> 'id' = t.external_id
    join alerts a on a.batch = c.batch
    where s.id = ${sessionId} and a.name is not null and a.url is not null
    order by a.created_at, a.id limit ${most}`.execute(db);
  return rows;
}
