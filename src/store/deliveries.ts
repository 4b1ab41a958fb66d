import { sql } from 'kysely';
import type { Delivery } from '../core/delivery.ts';
import type { Queryable, Tx } from './database.ts';

/** Stores a delivery once. Answers whether it was new. */
export async function addDelivery(client: Queryable, delivery: Delivery): Promise<boolean> {
  const added = await client.query(
    `insert into deliveries (source, delivery_id, headers, body) values ($1, $2, $3, $4)
     on conflict (source, delivery_id) do nothing returning id`,
    [delivery.source, delivery.deliveryId, JSON.stringify(delivery.headers), Buffer.from(delivery.body)],
  );
  return added.rows.length > 0;
}

export type UnsortedDelivery = Delivery & { id: number };

/**
 * The oldest deliveries that nobody has sorted, at most `most`, locked until the transaction ends. Whoever comes while
 * another has them waits: what was said of a ticket is sorted in the order in which it came, however many sort.
 */
export async function takeUnsorted(tx: Tx, most: number): Promise<UnsortedDelivery[]> {
  const rows = await tx
    .selectFrom('deliveries')
    .select(['id', 'source', 'delivery_id', 'headers', 'body'])
    .where('sorted_at', 'is', null)
    .orderBy('id')
    .limit(most)
    .forUpdate()
    .execute();
  return rows.map(({ id, source, delivery_id: deliveryId, headers, body }) => ({
    id,
    source,
    deliveryId,
    headers,
    body,
  }));
}

export async function markSorted(tx: Tx, sorted: { id: number; outcome: string }[]): Promise<void> {
  if (sorted.length === 0) return;
  const ids = sorted.map(({ id }) => id);
  const outcomes = sorted.map(({ outcome }) => outcome);
  await sql`
    update deliveries set sorted_at = now(), outcome = sorted.outcome
    from unnest(${ids}::bigint[], ${outcomes}::text[]) as sorted (id, outcome)
    where deliveries.id = sorted.id`.execute(tx);
}
