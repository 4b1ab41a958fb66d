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

/** The oldest delivery that nobody has sorted or is sorting, locked until the transaction ends. */
export async function takeUnsorted(tx: Tx, skip: number[]): Promise<(Delivery & { id: number }) | null> {
  let query = tx
    .selectFrom('deliveries')
    .select(['id', 'source', 'delivery_id', 'headers', 'body'])
    .where('sorted_at', 'is', null)
    .orderBy('id')
    .limit(1)
    .forUpdate()
    .skipLocked();
  if (skip.length > 0) query = query.where('id', 'not in', skip as never);
  const row = await query.executeTakeFirst();
  return row
    ? { id: row.id, source: row.source, deliveryId: row.delivery_id, headers: row.headers, body: row.body }
    : null;
}

export async function markSorted(tx: Tx, id: number, outcome: string): Promise<void> {
  await tx
    .updateTable('deliveries')
    .set({ sorted_at: sql`now()`, outcome })
    .where('id', '=', id as never)
    .execute();
}
