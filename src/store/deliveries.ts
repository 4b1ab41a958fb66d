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

/**
 * The oldest deliveries that nobody has sorted, at most `most`, locked until the transaction ends. Whoever comes while
 * another has them waits: what was said of a ticket is sorted in the order in which it came, however many sort.
 */
export async function takeUnsorted(tx: Tx, most: number): Promise<(Delivery & { id: number })[]> {
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

export async function markSorted(tx: Tx, id: number, outcome: string): Promise<void> {
  await tx
    .updateTable('deliveries')
    .set({ sorted_at: sql`now()`, outcome })
    .where('id', '=', id as never)
    .execute();
}
