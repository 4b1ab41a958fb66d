import { sql } from 'kysely';
import type { Duplicate } from '../core/capture.ts';
import type { Person, TicketDraft, TicketHint, TrackerKind } from '../core/ticket.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** One concern of what somebody brought, on its way to its ticket or there. */
export interface StoredCapture extends NewCapture {
  batch: string;
  state: 'filing' | 'filed' | 'refused';
  /** The agent has it. */
  assigned: boolean;
  /** Why it was refused, or could not be filed the last time. */
  reason: string | null;
  /** Whoever files it has made it grow. */
  tries: number;
  createdAt: Date;
}

export interface NewCapture {
  id: string;
  /** Among those that came together, from 0. */
  place: number;
  person: Person;
  tracker: TrackerKind;
  draft: TicketDraft;
  /** What of the draft's team and project nobody named. */
  routed: ('team' | 'project')[];
  assign: boolean;
  /** The ticket that the first of a batch is related to. */
  related: TicketHint | null;
  repository: string | null;
  fingerprint: string | null;
  paths: string[];
  /** Where it is, or is added. */
  hint: TicketHint | null;
  /** What is said on a ticket that was there, and what people call that; null: it is filed. */
  addition: { to: string; comment: string } | null;
  notes: string[];
  duplicates: Duplicate[];
}

/** Whoever files a batch has it so long, from when it was last held. */
export const captureLeaseSeconds = 15;
/** What says the same within these is one. */
const sameForMinutes = 10;

const leaseEnd = sql<Date>`now() + make_interval(secs => ${captureLeaseSeconds})`;
const isFresh = sql<boolean>`capture_keys.at > now() - make_interval(mins => ${sameForMinutes})`;

/**
 * The batch that says this already: the same one, or another with the same words a moment ago; null: there is none. Whoever
 * was asked twice at once may still be about to write it.
 */
export async function findSame(db: Database, { batch, hash }: { batch: string; hash: string }): Promise<string | null> {
  const { rows } = await sql<{ batch: string }>`
    select batch from captures where batch = ${batch}
    union all select batch from capture_keys where hash = ${hash} and ${isFresh}
    limit 1`.execute(db);
  return rows[0]?.batch ?? null;
}

/**
 * Keeps a batch, held by the caller, unless the same is there: of those who bring the same words at once, be it under one id,
 * one keeps them. null: the caller does; else the batch that somebody else has kept, and holds.
 */
export async function addCaptures(
  db: Database,
  { batch, hash, captures }: { batch: string; hash: string; captures: readonly NewCapture[] },
): Promise<string | null> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      insert into capture_keys (hash, batch) values (${hash}, ${batch})
      on conflict (hash) do update set batch = excluded.batch, at = now() where not ${isFresh}
      returning batch`.execute(tx);
    if (rows.length === 0) {
      const { batch: earlier } = await tx
        .selectFrom('capture_keys')
        .select('batch')
        .where('hash', '=', hash)
        .executeTakeFirstOrThrow();
      return earlier;
    }
    const added = await tx
      .insertInto('captures')
      .values(
        captures.map(({ person, draft, related, hint, addition, notes, duplicates, ...row }) => ({
          ...row,
          batch,
          add_to: addition?.to ?? null,
          comment: addition?.comment ?? null,
          person: toJson(person),
          draft: toJson(draft),
          related: related && toJson(related),
          hint: hint && toJson(hint),
          notes: toJson(notes),
          duplicates: toJson(duplicates),
          try_at: leaseEnd,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return added.numInsertedOrUpdatedRows === 0n ? batch : null;
  });
}

/** In their order; `[]`: there is no such batch. */
export async function readBatch(db: Database, batch: string): Promise<StoredCapture[]> {
  return (await select(db).where('batch', '=', batch).orderBy('place').execute()).map(toCapture);
}

/** Batches that nobody is at, and whose time has come; those that wait longest first. */
export async function dueBatches(db: Database, limit: number): Promise<string[]> {
  const { rows } = await sql<{ batch: string }>`
    select batch from captures where state = 'filing' and try_at <= now()
    group by batch order by min(try_at) limit ${limit}`.execute(db);
  return rows.map(({ batch }) => batch);
}

/** Takes a batch to file it; null: somebody is at some of it, or nothing of it is to be filed. The number by which it is held. */
export async function claimBatch(db: Database, batch: string): Promise<number | null> {
  const { rows } = await sql<{ tries: number }>`
    with due as (
      select id, try_at, tries from captures where batch = ${batch} and state = 'filing' order by place for update
    )
    update captures c set try_at = ${leaseEnd}, tries = (select max(tries) + 1 from due) from due
    where c.id = due.id and (select max(try_at) from due) <= now() returning c.tries`.execute(db);
  return rows[0]?.tries ?? null;
}

/** Keeps what was claimed from others; whether it is still the caller's. */
export async function holdBatch(db: Database, batch: string, tries: number): Promise<boolean> {
  const held = await db
    .updateTable('captures')
    .set({ try_at: leaseEnd })
    .where('batch', '=', batch)
    .where('state', '=', 'filing')
    .where('tries', '=', tries)
    .executeTakeFirstOrThrow();
  return held.numUpdatedRows > 0n;
}

/** What of it is not filed yet is tried again after so long. */
export async function postponeBatch(
  db: Database,
  batch: string,
  { tries, waitMs, reason }: { tries: number; waitMs: number; reason: string | null },
): Promise<void> {
  await db
    .updateTable('captures')
    .set({ try_at: sql<Date>`now() + make_interval(secs => ${waitMs / 1000})`, reason })
    .where('batch', '=', batch)
    .where('state', '=', 'filing')
    .where('tries', '=', tries)
    .execute();
}

/** Has what was refused tried again, by whoever claims it. */
export async function reopenRefused(db: Database, batch: string): Promise<void> {
  await db
    .updateTable('captures')
    .set({ state: 'filing', reason: null, try_at: sql<Date>`now()`, tries: sql<number>`tries + 1` })
    .where('batch', '=', batch)
    .where('state', '=', 'refused')
    .execute();
}

/** What becomes known of one while it is filed. */
export async function noteCapture(
  db: Database | Tx,
  id: string,
  known: Partial<Pick<StoredCapture, 'hint' | 'draft' | 'routed' | 'related' | 'notes' | 'assign'>>,
): Promise<void> {
  const { hint, draft, related, notes, ...rest } = known;
  await db
    .updateTable('captures')
    .set({
      ...rest,
      ...(hint !== undefined && { hint: hint && toJson(hint) }),
      ...(draft !== undefined && { draft: toJson(draft) }),
      ...(related !== undefined && { related: related && toJson(related) }),
      ...(notes !== undefined && { notes: toJson(notes) }),
    })
    .where('id', '=', id)
    .execute();
}

export async function settleCapture(
  db: Database | Tx,
  id: string,
  settled: { state: 'filed'; assigned: boolean } | { state: 'refused'; reason: string },
): Promise<void> {
  await db
    .updateTable('captures')
    .set(settled.state === 'filed' ? { ...settled, reason: null } : settled)
    .where('id', '=', id)
    .where('state', '=', 'filing')
    .execute();
}

/** Whether it is still to be settled; locks it. */
export async function lockUnsettled(tx: Tx, id: string): Promise<boolean> {
  const row = await tx
    .selectFrom('captures')
    .select('id')
    .where('id', '=', id)
    .where('state', '=', 'filing')
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

/** Of the newest of a tracker that are tickets of their own. */
const newest = 500;

/**
 * Tickets of ours that may be about the same: with this error, about one of these paths, or so new that the tracker's own search
 * may not know them. The likeliest first, once each.
 */
export async function similarCaptures(
  db: Database,
  tracker: TrackerKind,
  { fingerprints, paths }: { fingerprints: readonly string[]; paths: readonly string[] },
  limit = 20,
): Promise<StoredCapture[]> {
  const rows = await select(db)
    .where(
      sql<boolean>`id in (
        select id from captures where fingerprint = any(${fingerprints}::text[]) and tracker = ${tracker}
        union all
        select id from (select id, paths, created_at from captures where tracker = ${tracker} order by created_at desc limit ${newest}) n
        where paths && ${paths}::text[] or created_at > now() - interval '1 hour')`,
    )
    .where('hint', 'is not', null)
    .where('comment', 'is', null)
    .orderBy(sql`fingerprint is not null and fingerprint = any(${fingerprints}::text[])`, 'desc')
    .orderBy(sql`paths && ${paths}::text[]`, 'desc')
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map(toCapture);
}

/** What somebody brought in the last days, the newest first. */
export async function capturesOf(
  db: Database,
  personId: string,
  { days, limit }: { days: number; limit: number },
): Promise<StoredCapture[]> {
  const rows = await select(db)
    .where(sql<boolean>`person ->> 'id' = ${personId}`)
    .where(sql<boolean>`created_at > now() - make_interval(days => ${days})`)
    .orderBy('created_at', 'desc')
    .orderBy('place')
    .limit(limit)
    .execute();
  return rows.map(toCapture);
}

/** Keys that count no more. How many. */
export async function deleteOldCaptureKeys(db: Database, most = 500): Promise<number> {
  const deleted = await sql`
    delete from capture_keys where hash in (
      select hash from capture_keys where at < now() - interval '1 day' limit ${most})`.execute(db);
  return Number(deleted.numAffectedRows ?? 0n);
}

function select(db: Database) {
  return db
    .selectFrom('captures')
    .select(['id', 'batch', 'place', 'person', 'tracker', 'draft', 'routed', 'assign', 'related', 'repository'])
    .select([
      'fingerprint',
      'paths',
      'state',
      'hint',
      'add_to',
      'comment',
      'assigned',
      'reason',
      'notes',
      'duplicates',
      'tries',
    ])
    .select('created_at');
}

type Selected = Awaited<ReturnType<ReturnType<typeof select>['executeTakeFirstOrThrow']>>;

function toCapture({ created_at: createdAt, add_to: to, comment, ...row }: Selected): StoredCapture {
  return { ...row, addition: to === null || comment === null ? null : { to, comment }, createdAt };
}
