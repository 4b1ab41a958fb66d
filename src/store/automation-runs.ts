import { sql } from 'kysely';
import type { RunState } from '../core/automation-templates.ts';
import type { SessionState } from '../core/session.ts';
import type { TicketDraft, TicketHint } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** Something that comes round by the clock: from when on, and whether it was paused because it failed. */
export interface Recurring {
  since: Date;
  paused: { at: Date; why: string } | null;
}

/** Makes it known from now on, where it is not yet: what was due before is not made up for. */
export async function readRecurring(db: Database, name: string, now: Date): Promise<Recurring> {
  await sql`insert into recurring (name, since) values (${name}, ${now}) on conflict (name) do nothing`.execute(db);
  const row = await db
    .selectFrom('recurring')
    .select(['since', 'paused_at', 'paused_why'])
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  return { since: row.since, paused: row.paused_at && { at: row.paused_at, why: row.paused_why ?? '' } };
}

/** Whether it was not paused until now. */
export async function pause(db: Database, name: string, why: string, now: Date): Promise<boolean> {
  const paused = await sql`
    insert into recurring as r (name, since, paused_at, paused_why) values (${name}, ${now}, ${now}, ${why})
    on conflict (name) do update set paused_at = excluded.paused_at, paused_why = excluded.paused_why
    where r.paused_at is null`.execute(db);
  return paused.numAffectedRows === 1n;
}

/** From now on: what was due meanwhile is not made up for, and failures before do not count. Whether it was paused. */
export async function resume(db: Database, name: string, now: Date): Promise<boolean> {
  const resumed = await db
    .updateTable('recurring')
    .set({ since: now, paused_at: null, paused_why: null })
    .where('name', '=', name)
    .where('paused_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return resumed.numUpdatedRows > 0n;
}

export interface AutomationRun {
  id: string;
  automation: string;
  dueAt: Date;
  state: RunState;
  draft: TicketDraft;
  hint: TicketHint | null;
  /** Of its ticket, as it stands now. `publishes`: it has a pull request, or a change on its way to one. */
  session: { id: string; state: SessionState; publishes: boolean } | null;
  reason: string | null;
}

/**
 * Written before anything is filed: a moment at which an automation was due, once (`known`: it is there already). `after` is
 * the last run that was not skipped, by which it was decided whether this one is; `late`: another has been added since.
 * `name`: among all that comes round.
 */
export async function addAutomationRun(
  db: Database,
  name: string,
  run: { automation: string; dueAt: Date; draft: TicketDraft; skipped: string | null; after: string | null },
): Promise<'new' | 'known' | 'late'> {
  const { automation, dueAt, draft, skipped, after } = run;
  return db.transaction().execute(async (tx) => {
    // Of two that begin one at the same moment, one sees the other's.
    await sql`insert into recurring (name, since) values (${name}, ${dueAt}) on conflict (name) do nothing`.execute(tx);
    await tx.selectFrom('recurring').select('name').where('name', '=', name).forUpdate().execute();
    const last = await tx
      .selectFrom('automation_runs')
      .select('id')
      .where('automation', '=', automation)
      .where('state', '<>', 'skipped')
      .orderBy('due_at', 'desc')
      .limit(1)
      .executeTakeFirst();
    if ((last?.id ?? null) !== after) return 'late';
    const added = await tx
      .insertInto('automation_runs')
      .values({
        id: deterministicId('automation', automation, dueAt.toISOString()),
        automation,
        due_at: dueAt,
        draft: toJson(draft),
        session_id: null,
        ...(skipped === null ? { reason: null } : { state: 'skipped' as const, reason: skipped }),
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .execute();
    return added.length > 0 ? 'new' : 'known';
  });
}

export async function noteFiled(db: Database, id: string, hint: TicketHint): Promise<void> {
  await db
    .updateTable('automation_runs')
    .set({ hint: toJson(hint) })
    .where('id', '=', id)
    .execute();
}

export async function settleRun(
  db: Database | Tx,
  id: string,
  settled: { state: 'filed'; sessionId: string | null } | { state: 'failed'; reason: string },
): Promise<void> {
  await db
    .updateTable('automation_runs')
    .set(
      settled.state === 'filed'
        ? { state: 'filed', session_id: settled.sessionId }
        : { state: 'failed', reason: settled.reason },
    )
    .where('id', '=', id)
    .where('state', '=', 'filing')
    .execute();
}

/** Whether it is still to be filed; locks it. */
export async function lockUnfiled(tx: Tx, id: string): Promise<boolean> {
  const row = await tx
    .selectFrom('automation_runs')
    .select('id')
    .where('id', '=', id)
    .where('state', '=', 'filing')
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

/** Newest first: of one automation, or of all; those that were due after `since`; `tried`: and were not skipped. */
export async function listAutomationRuns(
  db: Database,
  query: { automation?: string; since?: Date; tried?: boolean; limit?: number },
): Promise<AutomationRun[]> {
  const { automation, since, tried = false, limit = 1_000 } = query;
  let found = db
    .selectFrom('automation_runs as r')
    .leftJoin('sessions as s', 's.id', 'r.session_id')
    .select(['r.id', 'r.automation', 'r.due_at', 'r.state', 'r.draft', 'r.hint', 'r.reason', 's.id as session_id'])
    .select('s.state as session_state')
    .select(sql<boolean>`s.pull_request is not null or s.branch is not null`.as('publishes'))
    .orderBy('r.due_at', 'desc')
    .limit(limit);
  if (automation !== undefined) found = found.where('r.automation', '=', automation);
  if (since) found = found.where('r.due_at', '>', since);
  if (tried) found = found.where('r.state', '<>', 'skipped');
  return (await found.execute()).map((row) => ({
    id: row.id,
    automation: row.automation,
    dueAt: row.due_at,
    state: row.state,
    draft: row.draft,
    hint: row.hint,
    session:
      row.session_id && row.session_state
        ? { id: row.session_id, state: row.session_state, publishes: row.publishes }
        : null,
    reason: row.reason,
  }));
}

/** Those whose filing was begun and not ended, the oldest first. */
export async function unfiledRuns(db: Database): Promise<AutomationRun[]> {
  const rows = await db
    .selectFrom('automation_runs')
    .selectAll()
    .where('state', '=', 'filing')
    .orderBy('due_at')
    .execute();
  return rows.map(({ id, automation, due_at, state, draft, hint, reason }) => {
    return { id, automation, dueAt: due_at, state, draft, hint, session: null, reason };
  });
}

/** Without those that we filed ourselves: tickets of automations, and summaries. */
export async function withoutOwn<T extends TicketHint>(db: Database, tickets: T[]): Promise<T[]> {
  const keyOf = ({ tracker, id }: TicketHint) => `${tracker}/${id}`;
  const found = await sql<{ key: string }>`
    select key from (
      select hint ->> 'tracker' || '/' || (hint ->> 'id') as key from automation_runs
      union all select hint ->> 'tracker' || '/' || (hint ->> 'id') from summaries) own
    where key = any(${tickets.map(keyOf)}::text[])`.execute(db);
  const own = new Set(found.rows.map(({ key }) => key));
  return tickets.filter((ticket) => !own.has(keyOf(ticket)));
}
