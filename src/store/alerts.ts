import { sql } from 'kysely';
import type { AlertedError, AlertedKey, AlertLevel, AlertSignal, AlertState } from '../core/alert.ts';
import type { TicketHint } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Queryable } from './database.ts';

/** Whoever looks at an alert has it so long; what is asked of vendors meanwhile must end before. */
export const alertLeaseSeconds = 45;
/** However many webhooks come of an error that has too few events: so often is it read. */
const readAgainSeconds = 20;
/** What was told of while somebody looked is looked at again then. */
const soonSeconds = 3;

export interface StoredAlert extends AlertedKey {
  id: string;
  source: string;
  state: AlertState;
  status: AlertedError['status'] | null;
  cameBack: boolean;
  level: AlertLevel | null;
  batch: string | null;
  hint: TicketHint | null;
  /** How often it was reopened. */
  returns: number;
  fixedAt: Date | null;
  /** The number of the pull request that it was fixed by last. */
  request: number | null;
  release: string | null;
  releasedAt: Date | null;
  /** What the ticket was told of the fix; null: nothing yet. */
  answer: string | null;
  tries: number;
  /** How often webhooks changed when it is looked at; see `settleLook`. */
  hints: number;
  createdAt: Date;
}

/** The same for one error of one project, however often it is told of. */
export function alertIdOf(source: string, { project, error }: AlertedKey): string {
  return deterministicId('alert', source, project, error);
}

/**
 * A webhook told of it. One that is new, that has too few events, or whose day is over is looked at; so is one that has a
 * ticket where it came back or people have settled it, or where its fix is out. Of all others it is only counted.
 */
export async function noteAlert(
  client: Queryable,
  source: string,
  { project, error, type }: AlertSignal,
): Promise<void> {
  const id = alertIdOf(source, { project, error });
  // Not `do update`: of two at once one could fail by the key that is not named there.
  const added = await client.query(
    `insert into alerts (id, source, project, error, look_at, state)
     values ($1, $2, $3, $4, case when $5 in ('told', 'cameBack') then now() end,
       case when $5 in ('told', 'cameBack') then 'new' else 'left' end)
     on conflict do nothing returning id`,
    [id, source, project, error, type],
  );
  if (added.rows.length > 0) return;
  await client.query(
    `update alerts a set told = a.told + 1, told_at = now(),
       hints = a.hints + case when $2 = 'told' and a.state = 'filed' then 0 else 1 end,
       state = case when a.state = 'left' and a.batch is null and $2 in ('told', 'cameBack') then 'new' else a.state end,
       look_at = case
         when a.state = 'capped' and a.day >= (now() at time zone 'utc')::date then a.look_at
         when $2 = 'told' and a.state = 'filed' and (a.fixed_at is null or a.answer is not null) then a.look_at
         when $2 <> 'told' and a.batch is null and a.state = 'left' and $2 <> 'cameBack' then a.look_at
         else least(a.look_at, greatest(now(), case when $2 = 'told' then a.looked_at + make_interval(secs => ${readAgainSeconds}) end))
       end
     where a.id = $1`,
    [id, type],
  );
}

/** One that a person names, whatever is known of it; held by the caller. `isAtIt`: somebody else is filing it just now. */
export async function claimNamed(
  db: Database,
  source: string,
  key: AlertedKey,
): Promise<StoredAlert & { isAtIt: boolean }> {
  const { project, error } = key;
  const id = alertIdOf(source, key);
  await sql`
    insert into alerts (id, source, project, error, state)
    values (${id}, ${source}, ${project}, ${error}, 'left') on conflict do nothing`.execute(db);
  const { rows } = await sql<Row & { is_at_it: boolean }>`
    update alerts a set look_at = ${leaseEnd}, hints = a.hints + 1 where a.id = ${id}
    returning ${columns}, (a.state = 'filing' and a.batch is not null and a.hint is null
      and a.looked_at > now() - make_interval(secs => ${alertLeaseSeconds})) is true as is_at_it`.execute(db);
  const { is_at_it: isAtIt, ...row } = rows[0] as Row & { is_at_it: boolean };
  return { ...toAlert(row), isAtIt };
}

/** It is filed by this batch from now on. false: somebody else took it since it was read. */
export async function takeBatch(db: Database, { id, batch }: StoredAlert, mine: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update alerts set batch = ${mine}, state = 'filing', looked_at = now()
    where id = ${id} and hint is null and batch is not distinct from ${batch}`.execute(db);
  return numAffectedRows === 1n;
}

/** Nothing came of the caller's batch: it stands where it stood. */
export async function dropBatch(db: Database, { id, state, batch }: StoredAlert, mine: string): Promise<void> {
  await sql`update alerts set batch = ${batch}, state = ${state} where id = ${id} and batch = ${mine}`.execute(db);
}

const leaseEnd = sql<Date>`now() + make_interval(secs => ${alertLeaseSeconds})`;

/** Those whose time has come, those that wait longest first; nobody else looks at them meanwhile. */
export async function claimAlerts(db: Database, sources: readonly string[], most: number): Promise<StoredAlert[]> {
  const { rows } = await sql<Row>`
    update alerts a set look_at = ${leaseEnd}, looked_at = now(), tries = a.tries + 1
    from (
      select id from alerts where look_at <= now() and source = any(${sources}::text[])
      order by look_at limit ${most} for update skip locked
    ) due
    where a.id = due.id returning ${columns}`.execute(db);
  return rows.map(toAlert);
}

export type AlertChange = Partial<
  Pick<
    StoredAlert,
    | 'state'
    | 'status'
    | 'cameBack'
    | 'level'
    | 'batch'
    | 'hint'
    | 'returns'
    | 'fixedAt'
    | 'request'
    | 'release'
    | 'releasedAt'
    | 'answer'
  >
> & { name?: string; url?: string; fingerprint?: string | null; reason?: string | null };

/** What becomes known of one while it is looked at. One that was given its ticket meanwhile stays filed. */
export async function noteAlertChange(db: Database, id: string, change: AlertChange): Promise<void> {
  const { cameBack, hint, fixedAt, releasedAt, state, ...rest } = change;
  await db
    .updateTable('alerts')
    .set({
      ...rest,
      ...(state && { state: hint ? state : sql<AlertState>`case when hint is null then ${state} else 'filed' end` }),
      ...(cameBack !== undefined && { came_back: cameBack }),
      ...(hint !== undefined && { hint: hint && toJson(hint) }),
      ...(fixedAt !== undefined && { fixed_at: fixedAt }),
      ...(releasedAt !== undefined && { released_at: releasedAt }),
      looked_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .execute();
}

/** It was looked at; again in so many seconds, or at once where something was told of it meanwhile. null: when something is told. */
export async function settleLook(
  db: Database,
  { id, hints }: StoredAlert,
  { againSeconds, failed = false }: { againSeconds: number | null; failed?: boolean },
): Promise<void> {
  const again = sql<Date | null>`now() + make_interval(secs => ${againSeconds}::float)`;
  await sql`
    update alerts set look_at = case when hints = ${hints} or ${failed} then ${again}
        else least(${again}, now() + make_interval(secs => ${soonSeconds})) end,
      looked_at = now(), tries = case when ${failed} then tries else 0 end
    where id = ${id}`.execute(db);
}

/** Another alert with this error that is on its way to its ticket: what is filed of this one waits for it. */
export async function isBeingFiled(db: Database, id: string, fingerprint: string): Promise<boolean> {
  // Of several at once the first goes on, so that none waits for another that waits for it.
  const { rows } = await sql`
    select from alerts o join alerts me on me.id = ${id}
    where o.fingerprint = ${fingerprint} and o.state = 'filing' and o.hint is null and o.id <> me.id
      and (o.created_at, o.id) < (me.created_at, me.id) limit 1`.execute(db);
  return rows.length > 0;
}

const today = sql`(now() at time zone 'utc')::date`;

/** Whether the project has a place left today. */
export async function hasPlace(db: Database, source: string, project: string, perDay: number): Promise<boolean> {
  const { rows } = await sql<{ taken: number }>`
    select count(*)::int as taken from alerts
    where source = ${source} and project = ${project} and day = ${today} and nth is not null`.execute(db);
  return (rows[0]?.taken ?? 0) < perDay;
}

/**
 * Takes a place among the tickets of today, before anything is filed. false: there is none left. PostgreSQL gives each place
 * once, so no two processes pass the cap.
 */
export async function takePlace(db: Database, { id, source, project }: StoredAlert, perDay: number): Promise<boolean> {
  for (;;) {
    const { rows } = await sql<{ nth: number | null; mine: boolean }>`
      select (select n from generate_series(1, ${perDay}::int) n where not exists (
          select from alerts where source = ${source} and project = ${project} and day = ${today} and nth = n
        ) order by n limit 1) as nth,
        exists (select from alerts where id = ${id} and day = ${today} and nth is not null) as mine`.execute(db);
    const [{ nth, mine } = { nth: null, mine: false }] = rows;
    if (mine) return true;
    if (nth === null) return false;
    try {
      await sql`update alerts set day = ${today}, nth = ${nth} where id = ${id}`.execute(db);
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== '23505') throw error; // another took that one
    }
  }
}

/** This one, and what else is left of today's errors of its project: not looked at before they are told of again on another day. */
export async function capRest(db: Database, { id, source, project }: StoredAlert): Promise<void> {
  await sql`
    update alerts set state = 'capped', day = ${today}, nth = null, look_at = null, tries = 0, reason = 'the tickets of its day were used up'
    where source = ${source} and project = ${project} and batch is null and state in ('new', 'waiting', 'filing', 'capped')
      and (look_at is not null or id = ${id}) and (nth is null or day is distinct from ${today})`.execute(db);
}

/** Of a project's day what people are told of it: once. `on`: the newest ticket of the day; null: there is none, or it was told. */
export async function claimDayTold(
  db: Database,
  source: string,
  project: string,
): Promise<{ day: string; on: TicketHint | null } | null> {
  const { rows } = await sql<{ day: string; on: TicketHint | null }>`
    insert into alert_days (source, project, day) values (${source}, ${project}, ${today})
    on conflict (source, project, day) do update set day = excluded.day where alert_days.told_at is null
    returning day::text as day, (select hint from alerts where source = ${source} and project = ${project} and day = ${today}
      and nth is not null and hint is not null order by nth desc limit 1) as on`.execute(db);
  return rows[0] ?? null;
}

export async function noteDayTold(
  db: Database,
  source: string,
  project: string,
  { day, on }: { day: string; on: TicketHint | null },
): Promise<void> {
  await sql`
    update alert_days set told_at = now(), told_on = ${on && toJson(on)}::json
    where source = ${source} and project = ${project} and day = ${day}::date`.execute(db);
}

/** How many errors of a project were left alone today because its tickets were used up. */
export async function countCapped(db: Database, source: string, project: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from alerts
    where source = ${source} and project = ${project} and day = ${today} and state = 'capped'`.execute(db);
  return rows[0]?.count ?? 0;
}

/** The ticket that a batch of captures came to, and how that stands; null: there is no such batch. */
export async function ticketOfBatch(
  db: Database,
  batch: string,
): Promise<{
  hint: TicketHint | null;
  state: 'filing' | 'filed' | 'refused';
  reason: string | null;
  isAdded: boolean;
} | null> {
  const row = await db
    .selectFrom('captures')
    .select(['hint', 'state', 'reason', sql<boolean>`comment is not null`.as('isAdded')])
    .where('batch', '=', batch)
    .where('place', '=', 0)
    .executeTakeFirst();
  return row ?? null;
}

/**
 * Of an alert `a`, its capture `c` and a session `s`: the ticket was filed for the cause only, and no person who is listened to
 * has said more. What was added to a ticket of people asks for nothing.
 */
export const isCauseOnly = sql<boolean>`(a.level = 'root-cause' and c.comment is null and not exists (
  select from prompts p where p.session_id = s.id and p.obeyed and p.author ->> 'isService' is null))`;

/** Whether the run's session is asked for the cause of an error only. */
export async function wantsCauseOnly(db: Database, sessionId: string): Promise<boolean> {
  const { rows } = await sql`
    select from sessions s join tickets t on t.id = s.ticket_id
    join captures c on c.tracker = t.tracker and c.hint ->> 'id' = t.external_id
    join alerts a on a.batch = c.batch
    where s.id = ${sessionId} and ${isCauseOnly} limit 1`.execute(db);
  return rows.length > 0;
}

/** What was merged for a ticket; null: nothing yet. */
export async function mergedFor(
  db: Database,
  sessionId: string,
): Promise<{ request: number; commits: string[] } | null> {
  const { rows } = await sql<{ request: number; commits: string[] }>`
    select (s.pull_request ->> 'number')::int as request, array_remove(array[s.head_commit, f.head], null) as commits
    from sessions s left join followed_requests f on f.session_id = s.id and f.number::text = s.pull_request ->> 'number'
    where s.id = ${sessionId} and s.pull_request is not null
      and (f.phase in ('landing', 'landed', 'over') or s.request_fate ->> 'state' = 'merged'
        or s.request_fate #>> '{attached,state}' = 'merged')`.execute(db);
  return rows[0] ?? null;
}

/** Errors that have no ticket, and of which nothing was told for a month. How many. */
export async function deleteOldAlerts(db: Database, most = 500): Promise<number> {
  const deleted = await sql`
    delete from alerts where id in (
      select id from alerts where told_at < now() - interval '30 days' and look_at is null and batch is null and hint is null
      limit ${most})`.execute(db);
  return Number(deleted.numAffectedRows ?? 0n);
}

interface Row {
  id: string;
  source: string;
  project: string;
  error: string;
  state: AlertState;
  status: AlertedError['status'] | null;
  came_back: boolean;
  level: AlertLevel | null;
  batch: string | null;
  hint: TicketHint | null;
  returns: number;
  fixed_at: Date | null;
  request: number | null;
  release: string | null;
  released_at: Date | null;
  answer: string | null;
  tries: number;
  hints: number;
  created_at: Date;
}

const columns = sql`a.id, a.source, a.project, a.error, a.state, a.status, a.came_back, a.level, a.batch, a.hint, a.returns,
  a.fixed_at, a.request, a.release, a.released_at, a.answer, a.tries, a.hints, a.created_at`;

function toAlert({ came_back, fixed_at, released_at, created_at, ...row }: Row): StoredAlert {
  return { ...row, cameBack: came_back, fixedAt: fixed_at, releasedAt: released_at, createdAt: created_at };
}
