import { sql } from 'kysely';
import type { Database } from './database.ts';

/** How far an order has looked; `many`: it matches more than it can keep in view. */
export interface OrderRound {
  cursor: string | null;
  many: boolean;
}

export async function readRound(db: Database, order: string): Promise<OrderRound> {
  const row = await db
    .selectFrom('order_rounds')
    .select(['cursor', 'many'])
    .where('order_name', '=', order)
    .executeTakeFirst();
  return row ?? { cursor: null, many: false };
}

/**
 * An order has looked at `seen` tickets, from `from` on; `next` is where it goes on. Answers whether it is news that it matches
 * more than `most`.
 */
export async function noteRound(
  db: Database,
  order: string,
  { from, next, seen, most }: { from: string | null; next: string | null; seen: number; most: number },
): Promise<boolean> {
  const before = sql`coalesce((select many from order_rounds where order_name = ${order}), false)`;
  const noted = await sql<{ many: boolean; before: boolean }>`
    insert into order_rounds as o (order_name, cursor, seen, many)
    values (${order}, ${next}, ${seen}, ${seen}::int > ${most}::int)
    on conflict (order_name) do update set
      cursor = excluded.cursor,
      seen = case when ${from}::text is null then 0 else o.seen end + ${seen}::int,
      many = case when ${from}::text is null then 0 else o.seen end + ${seen}::int > ${most}::int
        or (o.many and ${next}::text is not null)
    returning many, ${before} as before`.execute(db);
  const row = noted.rows[0];
  return row?.many === true && !row.before;
}

/** Whether this is told for the first time. */
export async function tellOnce(db: Database, order: string, told: string): Promise<boolean> {
  const noted = await sql`
    insert into order_rounds as o (order_name, told) values (${order}, ${told})
    on conflict (order_name) do update set told = excluded.told where o.told is distinct from excluded.told`.execute(
    db,
  );
  return noted.numAffectedRows === 1n;
}
