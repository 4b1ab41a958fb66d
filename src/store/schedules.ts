import { sql } from 'kysely';
import type { Database, Queryable } from './database.ts';

/** Whoever does a round has it for so long, and holds on to it for as long as it takes; a killed one keeps others from it so long. */
const roundLeaseSeconds = 20;

/**
 * Takes a round of scheduled work when one is due, `afterSeconds` after the last began, and nobody is at it. Of many that
 * ask at once, one gets it.
 */
export async function claimRound(db: Database, name: string, afterSeconds: number): Promise<boolean> {
  const claimed = await sql`
    insert into schedules (name, ran_at, busy_until)
    values (${name}, now(), now() + make_interval(secs => ${roundLeaseSeconds}))
    on conflict (name) do update set ran_at = excluded.ran_at, busy_until = excluded.busy_until
    where schedules.ran_at <= now() - make_interval(secs => ${afterSeconds})
      and (schedules.busy_until is null or schedules.busy_until <= now())
    returning name`.execute(db);
  return claimed.rows.length > 0;
}

/** It is due as soon as anybody looks. */
export async function hastenRound(client: Queryable, name: string): Promise<void> {
  await client.query(`update schedules set ran_at = 'epoch' where name = $1`, [name]);
}

export async function holdRound(db: Database, name: string): Promise<void> {
  await sql`
    update schedules set busy_until = now() + make_interval(secs => ${roundLeaseSeconds})
    where name = ${name}`.execute(db);
}

export async function endRound(db: Database, name: string): Promise<void> {
  await db.updateTable('schedules').set({ busy_until: null }).where('name', '=', name).execute();
}
