import { sql } from 'kysely';
import type { Database } from './database.ts';
import { hinted } from './deliveries.ts';
import { isRedrivable, redriveEffects } from './effects.ts';
import { findSessionByIdentifier, lockSession } from './sessions.ts';

/** What could not be done, and is not tried again by itself. */
export interface DeadLetters {
  deliveries: { source: string; deliveryId: string; receivedAt: Date; reason: string }[];
  effects: { ticket: string; key: string; failedAt: Date; reason: string }[];
}

/** Newest first, at most so many of each. */
export async function listDeadLetters(db: Database, most: number): Promise<DeadLetters> {
  const deliveries = await sql<{ source: string; delivery_id: string; received_at: Date; outcome: string }>`
    select source, delivery_id, received_at, outcome from deliveries where outcome like 'failed:%'
    order by id desc limit ${most}`.execute(db);
  const effects = await sql<{ ticket: string; key: string; settled_at: Date; error: string | null }>`
    select t.identifier as ticket, effects.key, effects.settled_at, effects.error from effects
    join sessions s on s.id = effects.session_id join tickets t on t.id = s.ticket_id
    where effects.state = 'failed' and ${isRedrivable} order by effects.settled_at desc limit ${most}`.execute(db);
  return {
    deliveries: deliveries.rows.map((row) => ({
      source: row.source,
      deliveryId: row.delivery_id,
      receivedAt: row.received_at,
      reason: row.outcome.replace(/^failed: /, ''),
    })),
    effects: effects.rows.map((row) => ({
      ticket: row.ticket,
      key: row.key,
      failedAt: row.settled_at,
      reason: row.error ?? 'unknown',
    })),
  };
}

/** Has what failed of a ticket's session sent again. How many effects; null: the ticket has no session. */
export async function redriveTicket(db: Database, identifier: string): Promise<number | null> {
  const found = await findSessionByIdentifier(db, identifier);
  if (!found) return null;
  return db.transaction().execute(async (tx) => {
    await lockSession(tx, found.id);
    return redriveEffects(tx, found.id);
  });
}

/** Has the deliveries that could not be sorted sorted again; of what was only a hint, and never read, its tracker is asked again. How many. */
export async function redriveDeliveries(db: Database): Promise<number> {
  const isHint = sql`(tries > 0 and events is null)`;
  const redriven = await sql`
    update deliveries set is_hint = ${isHint}, try_at = now(), outcome = case when ${isHint} then ${hinted} end,
      sorted_at = case when ${isHint} then sorted_at end
    where outcome like 'failed:%'`.execute(db);
  return Number(redriven.numAffectedRows ?? 0n);
}
