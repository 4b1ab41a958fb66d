import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';

/** A worker that says nothing for so long does not count. */
const silentAfterSeconds = 30;

/** It works, on so many runs at once. Those that fell long ago are forgotten. */
export async function noteWorker(db: Database, name: string, slots: number): Promise<void> {
  await sql`
    with gone as (delete from workers where seen_at < now() - interval '1 hour' and name <> ${name})
    insert into workers (name, slots) values (${name}, ${slots})
    on conflict (name) do update set slots = excluded.slots, seen_at = now()`.execute(db);
}

export async function forgetWorker(db: Database, name: string): Promise<void> {
  await db.deleteFrom('workers').where('name', '=', name).execute();
}

/** On how many runs all workers that live work at once; null: none has said so. */
export const slotsOfWorkers: RawBuilder<number | null> = sql`
  (select sum(slots)::int from workers where seen_at > now() - make_interval(secs => ${silentAfterSeconds}))`;
