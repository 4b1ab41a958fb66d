import { sql } from 'kysely';
import type { Database } from './database.ts';

/** How long nothing may be sent to this account; 0: it is open. */
export async function closedForMs(db: Database, account: string): Promise<number> {
  const found = await sql<{ ms: number }>`
    select extract(epoch from open_at - now())::float8 * 1000 as ms
    from accounts where name = ${account} and open_at > now()`.execute(db);
  return Math.ceil(found.rows[0]?.ms ?? 0);
}

/** Closes an account for every process, never for less than it is closed already. Whether it was open until now. */
export async function closeAccount(db: Database, account: string, waitMs: number): Promise<boolean> {
  const closed = await sql<{ was_open: boolean }>`
    insert into accounts (name, open_at) values (${account}, now() + make_interval(secs => ${waitMs / 1000}))
    on conflict (name) do update set
      open_at = greatest(accounts.open_at, excluded.open_at),
      closed_at = case when accounts.open_at <= now() then now() else accounts.closed_at end
    returning closed_at = now() as was_open`.execute(db);
  return closed.rows[0]?.was_open ?? false;
}

/** There is nothing to wait for any more. */
export async function openAccount(db: Database, account: string): Promise<void> {
  await sql`update accounts set open_at = now() where name = ${account} and open_at > now()`.execute(db);
}
