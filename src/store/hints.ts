import { sql } from 'kysely';
import type { TrackerEvent } from '../core/delivery.ts';
import { toJson } from '../lib/json.ts';
import type { Database } from './database.ts';
import type { UnsortedDelivery } from './deliveries.ts';

/*
 * Deliveries whose words are still to be read where they stand. Whoever claims one has it for as long as its claim says;
 * what it does later than that does not count.
 */

export interface Hint extends UnsortedDelivery {
  receivedAt: Date;
  /** Which try this is; the claim goes by it. */
  tries: number;
}

/** One that is due, of these sources; before others those that were tried least. null: there is none. */
export async function claimHint(db: Database, sources: readonly string[], forMs: number): Promise<Hint | null> {
  const claimed = await sql<{
    id: number;
    source: string;
    delivery_id: string;
    headers: Record<string, string>;
    body: Buffer;
    received_at: Date;
    tries: number;
  }>`
    update deliveries set tries = tries + 1, try_at = ${inMs(forMs)}
    where id = (
      select id from deliveries where is_hint and try_at <= now() and source = any(${sources})
      order by tries, try_at limit 1 for update skip locked)
    returning id, source, delivery_id, headers, body, received_at, tries`.execute(db);
  const [row] = claimed.rows;
  if (!row) return null;
  const { id, source, delivery_id: deliveryId, headers, body, received_at: receivedAt, tries } = row;
  return { id, source, deliveryId, headers, body, receivedAt, tries, events: null };
}

/** From here on it is a delivery like any other, and to be sorted. false: it is not ours any more. */
export async function keepReadAgain(db: Database, hint: Hint, events: TrackerEvent[]): Promise<boolean> {
  const kept = await sql`
    update deliveries set is_hint = false, events = ${toJson(events)}, try_at = now(), sorted_at = null, outcome = null
    where ${isMine(hint)}`.execute(db);
  return kept.numAffectedRows === 1n;
}

export async function putOffHint(db: Database, hint: Hint, ms: number): Promise<void> {
  await sql`update deliveries set try_at = ${inMs(ms)} where ${isMine(hint)}`.execute(db);
}

/** It is not tried again by itself. */
export async function failHint(db: Database, hint: Hint, reason: string): Promise<void> {
  await sql`update deliveries set is_hint = false, outcome = ${`failed: ${reason}`} where ${isMine(hint)}`.execute(db);
}

const isMine = ({ id, tries }: Hint) => sql`id = ${id} and is_hint and tries = ${tries}`;
const inMs = (ms: number) => sql`now() + make_interval(secs => ${ms / 1000})`;
