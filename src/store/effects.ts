import { sql } from 'kysely';
import { type Lane, laneOf, laterKeys, type Operation } from '../core/effect.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Database, Tx } from './database.ts';

export interface NewEffect {
  sessionId: string;
  runId: string | null;
  stepId: string | null;
  /** Deterministic; an effect of the same key is written once. */
  key: string;
  operation: Operation;
  ephemeral?: boolean;
  /** Keys of effects that must have been carried out, beside those whose results it uses. */
  after?: string[];
}

export interface ClaimedEffect {
  id: string;
  sessionId: string;
  runId: string | null;
  /** "ENG-123". */
  ticket: string;
  key: string;
  lane: Lane;
  operation: Operation;
  tries: number;
  lease: string;
}

/** A poster has this long to carry an effect out before another may try. */
const leaseSeconds = 60;

export async function addEffects(tx: Tx, effects: NewEffect[]): Promise<void> {
  if (effects.length > 0) await insertEffects(tx, effects).execute();
}

/** The statement alone, for those who have something to write with it. There must be one effect at least. */
export function insertEffects(tx: Pick<Tx, 'insertInto'>, effects: NewEffect[]) {
  return tx
    .insertInto('effects')
    .values(
      effects.map((effect) => ({
        id: deterministicId('effect', effect.key),
        session_id: effect.sessionId,
        run_id: effect.runId,
        step_id: effect.stepId,
        key: effect.key,
        lane: laneOf(effect.operation),
        operation: JSON.stringify(effect.operation),
        needs: [...laterKeys(effect.operation), ...(effect.after ?? [])],
        ephemeral: effect.ephemeral ?? false,
        lease: null,
        leased_by: null,
        error: null,
      })),
    )
    .onConflict((conflict) => conflict.column('key').doNothing());
}

/**
 * Takes the first pending effect of each session and lane that is free, at most `limit`, and leases them. Ephemeral ones
 * that something later has overtaken are dropped.
 */
export async function claimEffects(
  db: Database,
  { worker, inHand }: { worker: string; inHand: ReadonlySet<string> },
  limit: number,
): Promise<ClaimedEffect[]> {
  // A claim whose answer was lost on the way left leases that nobody knows of: old ones of this worker, not in its hand.
  const isFree = sql`(e.leased_until is null or e.leased_until < now() or (
    e.leased_by = ${worker} and e.id <> all(${[...inHand]}::uuid[])
    and e.leased_until < now() + make_interval(secs => ${leaseSeconds - 3})))`;
  const claimed = await sql<{
    id: string;
    session_id: string;
    run_id: string | null;
    ticket: string;
    key: string;
    lane: Lane;
    operation: Operation;
    tries: number;
    lease: string;
  }>`
    with dropped as (
      update effects e set state = 'dropped', settled_at = now()
      where e.state = 'pending' and e.ephemeral and ${isFree}
        and exists (
          select 1 from effects l
          where l.session_id = e.session_id and l.lane = e.lane and l.state = 'pending' and l.seq > e.seq
            -- A plan gives way to a later plan only: the last one must be seen.
            and (e.operation ->> 'kind' <> 'updatePlan' or l.operation ->> 'kind' = 'updatePlan')
        )
      returning id
    ), heads as (
      select distinct on (session_id, lane) id from effects
      where state = 'pending' and id not in (select id from dropped)
      order by session_id, lane, seq
    )
    update effects set lease = gen_random_uuid(), leased_by = ${worker}, leased_until = now() + make_interval(secs => ${leaseSeconds}), tries = tries + 1
    where id in (
      select e.id from effects e
      join heads using (id)
      where e.state = 'pending' and e.not_before <= now() and ${isFree}
        and not exists (select 1 from effects n where n.key = any(e.needs) and n.state <> 'done')
      order by e.seq
      for update of e skip locked
      limit ${limit}
    )
    returning id, session_id, run_id,
      (select t.identifier from sessions s join tickets t on t.id = s.ticket_id where s.id = effects.session_id) as ticket, key, lane, operation, tries, lease`.execute(
    db,
  );
  return claimed.rows.map((row) => ({
    id: row.id,
    sessionId: row.session_id,
    runId: row.run_id,
    ticket: row.ticket,
    key: row.key,
    lane: row.lane,
    operation: row.operation,
    tries: row.tries,
    lease: row.lease,
  }));
}

export async function resultsOf(db: Database, keys: string[]): Promise<Record<string, Record<string, unknown>>> {
  if (keys.length === 0) return {};
  const rows = await db.selectFrom('effects').select(['key', 'result']).where('key', 'in', keys).execute();
  return Object.fromEntries(rows.map((row) => [row.key, row.result ?? {}]));
}

/** Settles by the lease; false when somebody else has it. */
export async function settleEffect(
  tx: Database | Tx,
  effect: ClaimedEffect,
  settled: { state: 'done'; result: Record<string, unknown> } | { state: 'failed'; error: string },
): Promise<boolean> {
  const row = await tx
    .updateTable('effects')
    .set({
      state: settled.state,
      settled_at: sql`now()`,
      result: settled.state === 'done' ? JSON.stringify(settled.result) : null,
      error: settled.state === 'failed' ? settled.error : null,
    })
    .where('id', '=', effect.id)
    .where('lease', '=', effect.lease)
    .where('state', '=', 'pending')
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Effects that need a failed one can never be sent; they fail with it, and are returned. */
export async function failDependents(tx: Tx, key: string): Promise<{ operation: Operation }[]> {
  const failed = await tx
    .updateTable('effects')
    .set({ state: 'failed', settled_at: sql`now()`, error: `it needs ${key}, which failed` })
    .where('state', '=', 'pending')
    .where(sql<boolean>`${key} = any(needs)`)
    .returning(['key', 'operation'])
    .execute();
  const further = [];
  for (const dependent of failed) further.push(...(await failDependents(tx, dependent.key)));
  return [...failed, ...further];
}

/** Gives the lease back; the next try is not before `waitMs` from now. */
export async function postponeEffect(
  db: Database,
  effect: ClaimedEffect,
  waitMs: number,
  error: string,
): Promise<void> {
  await db
    .updateTable('effects')
    .set({ lease: null, leased_until: null, error, not_before: sql`now() + make_interval(secs => ${waitMs / 1000})` })
    .where('id', '=', effect.id)
    .where('lease', '=', effect.lease)
    .execute();
}

/** The tree of the session's pull request, as it is or is about to be; null without one: then all is still to be published. */
export async function publishedTree(db: Database, sessionId: string): Promise<string | null> {
  const row = await db
    .selectFrom('effects')
    .select('operation')
    .where('session_id', '=', sessionId)
    .where('lane', '=', 'code')
    .where(sql<boolean>`operation ->> 'kind' = 'pushBranch'`)
    .where('state', 'in', ['pending', 'done'])
    .where(sql<boolean>`exists (
      select 1 from effects p where p.session_id = ${sessionId} and p.lane = 'code' and p.state in ('pending', 'done')
        and p.operation ->> 'kind' = 'openPullRequest')`)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.operation.kind === 'pushBranch' ? row.operation.tree : null;
}

/** Leases of posters on this machine that are known to be dead are free at once. */
export async function releaseLeasesOf(db: Database, isDead: (worker: string) => boolean): Promise<void> {
  const leased = await db
    .selectFrom('effects')
    .select(['id', 'lease', 'leased_by'])
    .where('state', '=', 'pending')
    .where('lease', 'is not', null)
    .execute();
  for (const { id, lease, leased_by } of leased)
    if (leased_by !== null && isDead(leased_by))
      await db
        .updateTable('effects')
        .set({ lease: null, leased_by: null, leased_until: null })
        .where('id', '=', id)
        .where('lease', '=', lease)
        .execute();
}
