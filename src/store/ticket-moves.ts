import { sql } from 'kysely';
import type { Operation } from '../core/effect.ts';
import { notStarted, type Ticket } from '../core/ticket.ts';
import type { Tx } from './database.ts';

/** The keys of a run's own moves of its ticket, behind the run's. */
const moves = ['started', 'review', 'back', 'led'];

/**
 * Where the ticket stood before the agent began to work on it, where that beginning is the last thing that the session did
 * to it: it has pushed nothing since, and not moved it again. null: it has, or had not begun it.
 */
export async function stoodBefore(tx: Tx, sessionId: string): Promise<Ticket['state'] | null> {
  const { rows } = await sql<{ operation: Operation }>`
    select operation from (
      select e.seq, e.operation from runs r
      cross join unnest(${moves}::text[]) as move
      join effects e on e.key = r.session_id::text || '/run/' || r.number || '/' || move
      where r.session_id = ${sessionId} and e.state in ('pending', 'done') and e.result ->> 'skipped' is null
      union all
      select seq, operation from effects
      where session_id = ${sessionId} and lane = 'code' and state in ('pending', 'done')
    ) as done
    order by seq desc`.execute(tx);
  for (const { operation } of rows) {
    if (operation.kind !== 'moveTicket' || operation.to !== 'started' || !operation.stood) return null;
    // What stood elsewhere had been begun before, by a person or by an earlier run.
    if (notStarted.includes(operation.stood.category)) return operation.stood;
  }
  return null;
}
