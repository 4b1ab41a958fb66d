import { type RawBuilder, sql } from 'kysely';
import { isLater, type Lane, laneOf, laterKeys, type Operation } from '../core/effect.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
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
  /** Whose limit it is under; null: nobody can tell. */
  account: string | null;
  tries: number;
  redrives: number;
  lease: string;
}

/**
 * A poster that falls silent for so long loses what it had in hand. It renews its leases every `renewLeasesEveryMs`, and each
 * just before it sends, so that a try has this long from its last look; what takes longer is renewed as it goes on.
 */
export const leaseSeconds = 15;
export const renewLeasesEveryMs = 3_000;

export const fromNow = sql<Date>`now() + make_interval(secs => ${leaseSeconds})`;

export async function addEffects(tx: Tx, effects: NewEffect[]): Promise<void> {
  if (effects.length > 0) await insertEffects(tx, effects).execute();
}

/**
 * The statement alone, for those who have something to write with it. There must be one effect at least. What is there
 * already stays, whichever key it meets first: of a row that is being written meanwhile, that may be either.
 */
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
        operation: toJson(effect.operation),
        needs: [...laterKeys(effect.operation), ...(effect.after ?? [])],
        ephemeral: effect.ephemeral ?? false,
        // What a step still shows after the stop of its run waits to be dropped by the run's end.
        ...(effect.stepId !== null && {
          not_before: sql<Date>`(select case when stop_requested_at is null then now() else now() + interval '1 minute' end
            from runs where id = ${effect.runId})`,
        }),
        lease: null,
        leased_by: null,
        error: null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing());
}

export async function resultsOf(db: Database, keys: string[]): Promise<Record<string, Record<string, unknown>>> {
  if (keys.length === 0) return {};
  const rows = await db.selectFrom('effects').select(['key', 'result']).where('key', 'in', keys).execute();
  return Object.fromEntries(rows.map((row) => [row.key, row.result ?? {}]));
}

/** Keeps what this poster still works on. One whose lease has run out is not had back: somebody may be at it. */
export async function renewLeases(db: Database, effects: readonly ClaimedEffect[]): Promise<void> {
  if (effects.length === 0) return;
  const leases = effects.map((effect) => effect.lease);
  await db
    .updateTable('effects')
    .set({ leased_until: fromNow })
    .where('lease', 'in', leases)
    .where('state', '=', 'pending')
    .where('leased_until', '>', sql<Date>`now()`)
    .execute();
}

/**
 * The second fence, just before something is sent: the lease is ours and whole again, or null. Answers whether the effect's
 * account is closed.
 */
export async function confirmLease(db: Database, effect: ClaimedEffect): Promise<{ isClosed: boolean } | null> {
  const confirmed = await sql<{ is_closed: boolean }>`
    update effects set leased_until = ${fromNow}
    where id = ${effect.id} and lease = ${effect.lease} and state = 'pending' and leased_until > now()
    returning exists (select from accounts where name = ${effect.account} and open_at > now()) as is_closed`.execute(
    db,
  );
  const row = confirmed.rows[0];
  return row ? { isClosed: row.is_closed } : null;
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
      result: settled.state === 'done' ? toJson(settled.result) : null,
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
export async function failDependents(tx: Tx, key: string): Promise<{ key: string; operation: Operation }[]> {
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

/** Gives the lease back; the next try is not before `waitMs` from now. One that was not really made does not count as a try. */
export async function postponeEffect(
  db: Database,
  effect: ClaimedEffect,
  waitMs: number,
  error: string,
  counts = true,
): Promise<void> {
  await db
    .updateTable('effects')
    .set({
      lease: null,
      leased_until: null,
      error,
      // Where its run was stopped meanwhile, it waits for that run's end.
      not_before: sql`greatest(not_before, now() + make_interval(secs => ${waitMs / 1000}))`,
      tries: counts ? sql`tries` : sql`greatest(tries - 1, 0)`,
    })
    .where('id', '=', effect.id)
    .where('lease', '=', effect.lease)
    .execute();
}

/**
 * What a run that is being stopped was about to show is not shown any more, nor does its ticket move to be worked on. What
 * somebody is sending just now may have arrived: it is left to them, and given up where they do not get it through. While
 * the run is at work, it waits until that ends (`isOver`): then the closing words overtake it.
 */
export async function dropUnsent(tx: Tx, runId: string, isOver: boolean): Promise<void> {
  const isSent = sql<boolean>`coalesce(leased_until >= now(), false)`;
  await sql`
    update effects set ephemeral = true,
      state = case when ${isSent} then state else 'dropped' end,
      settled_at = case when ${isSent} then null else now() end,
      not_before = case when ${isOver} then now() else now() + interval '1 minute' end
    where session_id = (select session_id from runs where id = ${runId}) and run_id = ${runId} and state = 'pending'
      and (operation ->> 'kind' in ('postActivity', 'updatePlan')
        or (operation ->> 'kind' = 'moveTicket' and operation ->> 'to' = 'started'))`.execute(tx);
}

const files = sql<boolean>`(effects.operation ->> 'kind' = 'createTicket')`;

/** Of failed effects: a later run has not published over them. None files what an earlier one was to. */
export const isRedrivable = sql<boolean>`(effects.run_id is null or ${files} or effects.run_id = (
  select r.id from runs r where r.session_id = effects.session_id order by r.number desc limit 1))`;

/**
 * Makes what failed for good pending again, in its old place: the failed effects of the session's last run with those that
 * failed with them, tickets that were to be filed, and what belongs to no run. Older runs' are left: later ones have
 * published over them. The session's row must be locked. Answers how many there were.
 */
export function redriveEffects(tx: Tx, sessionId: string): Promise<number> {
  return redrive(tx, sessionId, isRedrivable);
}

/** The same of nothing but tickets that were to be filed. */
export function refileTickets(tx: Tx, sessionId: string): Promise<number> {
  return redrive(tx, sessionId, files);
}

/** Titles of the tickets of a session that were to be filed and are not yet; `failed`: and are not tried any more. */
export async function listUnfiled(db: Database, sessionId: string): Promise<{ title: string; failed: boolean }[]> {
  const found = await sql<{ title: string; failed: boolean }>`
    select operation -> 'draft' ->> 'title' as title, state = 'failed' as failed from effects
    where session_id = ${sessionId} and state in ('pending', 'failed') and ${files} order by seq`.execute(db);
  return found.rows;
}

async function redrive(tx: Tx, sessionId: string, which: RawBuilder<boolean>): Promise<number> {
  const redriven = await tx
    .updateTable('effects')
    .set({
      state: 'pending',
      tries: 0,
      redrives: sql`redrives + 1`,
      not_before: sql`now()`,
      lease: null,
      leased_by: null,
      leased_until: null,
      error: null,
      settled_at: null,
    })
    .where('session_id', '=', sessionId)
    .where('state', '=', 'failed')
    .where(which)
    .returning(['run_id', 'operation'])
    .execute();
  // Those that were never to be shown had been taken off the record.
  for (const { run_id, operation } of redriven)
    if (operation.kind === 'postActivity')
      await tx
        .insertInto('activities')
        .values({
          id: operation.id,
          session_id: sessionId,
          run_id,
          conversation_id: null,
          activity: toJson(operation.activity),
          awaits_link: isLater(operation.link),
        })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
  return redriven.length;
}

/** Whether tickets of a session are still to be filed. */
export function isFiling(tx: Tx, sessionId: string): Promise<boolean> {
  return isPending(tx, sessionId, 'createTicket');
}

/** Whether a session's own pull request is still to be opened or brought up to date. */
export function isPublishing(tx: Database | Tx, sessionId: string): Promise<boolean> {
  return isPending(tx, sessionId, 'openPullRequest');
}

async function isPending(tx: Database | Tx, sessionId: string, kind: Operation['kind']): Promise<boolean> {
  const row = await tx
    .selectFrom('effects')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('state', '=', 'pending')
    .where(sql<boolean>`operation ->> 'kind' = ${kind} and operation ->> 'for' is null`)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Leases of posters on this machine that are known to be dead are free at once. */
export async function releaseLeasesOf(db: Database, isDead: (worker: string) => boolean): Promise<void> {
  const leased = await db
    .selectFrom('effects')
    .select(['lease', 'leased_by'])
    .where('state', '=', 'pending')
    .where('lease', 'is not', null)
    .execute();
  const dead = leased.flatMap(({ lease, leased_by }) => (leased_by !== null && isDead(leased_by) ? [lease] : []));
  if (dead.length === 0) return;
  await db
    .updateTable('effects')
    .set({ lease: null, leased_by: null, leased_until: null })
    .where('lease', 'in', dead)
    .where('state', '=', 'pending')
    .execute();
}
