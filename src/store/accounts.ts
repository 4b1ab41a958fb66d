import { sql } from 'kysely';
import type { Database, Queryable } from './database.ts';

/** Why nothing may be sent to an account now: a vendor asked us to wait, or it lets us in no more. */
export type ClosedBy = 'rate_limited' | 'disconnected';

export interface Closure {
  ms: number;
  by: ClosedBy;
  /** What the vendor said, and what people can do; null: not known. */
  why: string | null;
}

/** For how long nothing may be sent to this account; null: it is open. */
export async function closureOf(db: Database, account: string): Promise<Closure | null> {
  const found = await sql<Closure>`
    select ceil(extract(epoch from open_at - now()) * 1000)::float8 as ms, closed_by as by, closed_why as why
    from accounts where name = ${account} and open_at > now()`.execute(db);
  return found.rows[0] ?? null;
}

/** The parts of an account that asked us to wait: for how many ms yet, by their names. */
export async function waitsIn(db: Database, account: string): Promise<{ part: string; ms: number }[]> {
  const found = await sql<{ part: string; ms: number }>`
    select substr(name, length(${account}::text) + 2) as part,
      ceil(extract(epoch from open_at - now()) * 1000)::float8 as ms
    from accounts
    where starts_with(name, ${`${account}/`}) and open_at > now() and closed_by = 'rate_limited'
    order by name`.execute(db);
  return found.rows;
}

/** All accounts to which nothing may be sent now, with why. */
export async function closedAccounts(client: Queryable): Promise<Record<string, ClosedBy>> {
  const { rows } = await client.query('select name, closed_by from accounts where open_at > now() order by name');
  const found = rows as { name: string; closed_by: ClosedBy }[];
  return Object.fromEntries(found.map(({ name, closed_by }) => [name, closed_by]));
}

/** Closes an account for every process, never for less than it is closed already. Whether it was open until now. */
export async function closeAccount(db: Database, account: string, { ms, by, why }: Closure): Promise<boolean> {
  const closed = await sql<{ was_open: boolean }>`
    insert into accounts (name, open_at, closed_by, closed_why)
    values (${account}, now() + make_interval(secs => ${ms / 1000}), ${by}, ${why})
    on conflict (name) do update set
      open_at = greatest(accounts.open_at, excluded.open_at),
      closed_by = excluded.closed_by,
      closed_why = excluded.closed_why,
      closed_at = case when accounts.open_at <= now() then now() else accounts.closed_at end
    returning closed_at = now() as was_open`.execute(db);
  return closed.rows[0]?.was_open ?? false;
}

/** There is nothing to wait for any more, in it and in all that are parts of it. */
export async function openAccount(db: Database, account: string): Promise<void> {
  await sql`
    update accounts set open_at = now()
    where (name = ${account} or starts_with(name, ${`${account}/`})) and open_at > now()`.execute(db);
}
