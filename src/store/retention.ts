import { sql } from 'kysely';
import type { Database } from './database.ts';

/** What may go, in small batches: each answers how many it dealt with, and is to be called until that is 0. */

const atRest = sql`state in ('awaitingInput', 'complete', 'error', 'stopped')`;
const age = (days: number) => sql`now() - make_interval(secs => ${days * 86_400})`;

/** Raw deliveries. Their ids go with them: no sender repeats a delivery for longer than a day. */
export async function deleteOldDeliveries(db: Database, days: number, most = 500): Promise<number> {
  const deleted = await sql`
    delete from deliveries where id in (
      select id from deliveries where received_at < ${age(days)} and sorted_at is not null
      order by received_at limit ${most})`.execute(db);
  return Number(deleted.numAffectedRows ?? 0n);
}

/**
 * Snapshots of sessions that came to rest: all but the newest, which the session goes on from, and those that an effect
 * publishes or, redriven, may publish yet.
 */
export async function deleteSpentSnapshots(db: Database, most = 50): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ id: string }>`
      select id from sessions where ${atRest} and tidied_at is distinct from updated_at
      order by updated_at limit ${most} for no key update skip locked`.execute(tx);
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0) return 0;
    await sql`
      delete from snapshots s where s.session_id = any(${ids}::uuid[])
        and s.id <> (select n.id from snapshots n where n.session_id = s.session_id
          order by n.step_seq desc, n.created_at desc limit 1)
        and not exists (select from effects e where e.session_id = s.session_id and e.lane = 'code'
          and e.state in ('pending', 'failed') and e.operation ->> 'snapshotId' = s.id::text)`.execute(tx);
    await sql`update sessions set tidied_at = updated_at where id = any(${ids}::uuid[])`.execute(tx);
    return ids.length;
  });
}

/** What the model was sent and said, and what its tools gave, of sessions that have rested for long. That it was stays. */
export async function forgetSteps(db: Database, days: number, most = 20): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ id: string }>`
      select id from sessions where ${atRest} and (forgotten_at is null or forgotten_at < updated_at)
        and updated_at < ${age(days)}
      order by updated_at limit ${most} for no key update skip locked`.execute(tx);
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0) return 0;
    await sql`
      update steps set input = null, result = null
      where session_id = any(${ids}::uuid[]) and input is not null`.execute(tx);
    // Its brief stays, and what it was told of edits since goes with it: the next run tells them again.
    await sql`
      update edits set read_by = null, read_at = null
      where session_id = any(${ids}::uuid[]) and read_at is not null`.execute(tx);
    await sql`update sessions set forgotten_at = now() where id = any(${ids}::uuid[])`.execute(tx);
    return ids.length;
  });
}

/** Whether a session's earlier conversation with its model was deleted. */
export async function isForgotten(db: Database, sessionId: string): Promise<boolean> {
  const row = await db.selectFrom('sessions').select('forgotten_at').where('id', '=', sessionId).executeTakeFirst();
  return row?.forgotten_at != null;
}

/** Those of these sessions that rest, the longest first; whose change is merged, and looked after, has rested for ever. */
export async function restingOf(db: Database, ids: string[]): Promise<{ id: string; hours: number }[]> {
  const { rows } = await sql<{ id: string; hours: number }>`
    select id, case when exists (select from followed_requests where session_id = id and phase in ('landed', 'over')) then 'Infinity'
      else extract(epoch from now() - updated_at) / 3600 end::float8 as hours
    from sessions where id = any(${ids}::uuid[]) and ${atRest} order by hours desc`.execute(db);
  return rows;
}

/**
 * Does `work` while a session cannot wake, if it rests and all that it did is in a snapshot; answers whether. `work` is told
 * which bundles on disk its snapshots need.
 */
export async function whileAtRest(
  db: Database,
  id: string,
  work: (bundles: string[]) => Promise<void>,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    // Files take longer to go than a transaction may otherwise do nothing.
    const { rows } = await sql`
      select id, set_config('idle_in_transaction_session_timeout', '60s', true) from sessions s where id = ${id} and ${atRest}
        and coalesce((select max(seq) from steps where session_id = s.id and kind = 'tool' and not read_only
          and completed_at is not null), 0) <= coalesce((select max(step_seq) from snapshots where session_id = s.id), 0)
      for no key update skip locked`.execute(tx);
    if (rows.length === 0) return false;
    const kept = await tx.selectFrom('snapshots').select('path').where('session_id', '=', id).execute();
    await work(kept.flatMap(({ path }) => (path === null ? [] : [path])));
    return true;
  });
}
