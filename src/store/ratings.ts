import { sql } from 'kysely';
import type { Estimate, Sample } from '../core/estimate.ts';
import type { Outcome } from '../core/outcome.ts';
import type { LiveWork } from '../core/overlap.ts';
import type { Confidence, Followed, RatingRecord, Size } from '../core/scope.ts';
import type { TicketHint } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';
import { usedByRuns } from './usage.ts';

/** Keeps the ratings of one step. Its transaction holds the run. */
export async function addRatings(
  tx: Tx,
  where: { sessionId: string; runId: string; stepId: string },
  records: readonly RatingRecord[],
): Promise<void> {
  for (const [index, { rating, followed, repository, isBug, estimate }] of records.entries())
    await tx
      .insertInto('ratings')
      .values({
        id: deterministicId('rating', where.stepId, index),
        session_id: where.sessionId,
        run_id: where.runId,
        confidence: rating.confidence,
        size: rating.size,
        files: toJson(rating.files),
        plan: toJson(rating.plan),
        questions: toJson(rating.questions),
        parts: rating.parts.length,
        followed,
        repository,
        is_bug: isBug,
        estimate: estimate && toJson(estimate),
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
}

export interface RatingRow {
  confidence: Confidence;
  size: Size;
  files: string[];
  plan: string[];
  questions: string[];
  estimate: Estimate | null;
}

/** The newest of a session; of one run where that is named. */
export async function latestRating(db: Database | Tx, sessionId: string, runId?: string): Promise<RatingRow | null> {
  let query = db
    .selectFrom('ratings')
    .select(['confidence', 'size', 'files', 'plan', 'questions', 'estimate'])
    .where('session_id', '=', sessionId);
  if (runId !== undefined) query = query.where('run_id', '=', runId);
  return (await query.orderBy('seq', 'desc').limit(1).executeTakeFirst()) ?? null;
}

/** The newest rating of a session, as far as work may begin on it. */
export interface StandingRating {
  confidence: Confidence;
  files: string[];
  followed: Followed;
  /** The number of its run. */
  run: number;
  /** It was only asked for. */
  only: boolean;
  /** Files were changed by now. */
  hasChanged: boolean;
  /** A later run has asked a model by now. */
  isTakenUp: boolean;
}

export async function standingRating(db: Database, sessionId: string): Promise<StandingRating | null> {
  const found = await sql<StandingRating>`
    select a.confidence, a.files, a.followed, r.number as run, r.purpose = 'scope' as only, exists (
      select from steps st where st.session_id = a.session_id and st.kind = 'tool' and st.key ~ ':(edit|write)$'
        and st.completed_at is not null) as "hasChanged", exists (
      select from runs l join steps st on st.run_id = l.id and st.kind = 'model'
      where l.session_id = a.session_id and l.number > r.number) as "isTakenUp"
    from ratings a join runs r on r.id = a.run_id
    where a.session_id = ${sessionId} order by a.seq desc limit 1`.execute(db);
  return found.rows[0] ?? null;
}

/** What came of it, beside the newest rating of a session whose run has just ended. */
export async function settleRating(
  tx: Tx,
  sessionId: string,
  outcome: Outcome,
  changed: readonly string[] | null,
): Promise<void> {
  const { minutes, usd } = await spentOn(tx, sessionId);
  await tx
    .updateTable('ratings')
    .set({
      ended_at: sql<Date>`now()`,
      stop_reason: outcome.stopReason,
      proof: outcome.proof ?? null,
      minutes,
      usd,
      ...(changed && { changed: toJson(changed) }),
    })
    .where('id', '=', (query) =>
      query.selectFrom('ratings').select('id').where('session_id', '=', sessionId).orderBy('seq', 'desc').limit(1),
    )
    .execute();
}

/** What all runs of a session have taken so far. */
export async function spentOn(tx: Database | Tx, sessionId: string): Promise<{ minutes: number; usd: number | null }> {
  const runs = await usedByRuns(tx, sessionId);
  const priced = runs.flatMap(({ used }) => (used.usd === null ? [] : [used.usd]));
  return {
    minutes: runs.reduce((sum, { used }) => sum + used.ms, 0) / 60_000,
    usd: priced.length === 0 ? null : priced.reduce((sum, usd) => sum + usd, 0),
  };
}

/** Ratings that work followed: its time and cost are theirs. One that came to a question or to parts has none of its own. */
const wasWorkedOn = sql<boolean>`followed in ('work', 'plan', 'wait')`;

/** Rated sessions whose work finished, the newest ones: what a new ticket is compared with. */
export async function listSamples(db: Database, most = 500): Promise<Sample[]> {
  const rows = await db
    .selectFrom('ratings')
    .select(['repository', 'size', 'is_bug', 'minutes', 'usd'])
    .where('stop_reason', '=', 'finished')
    .where(wasWorkedOn)
    .where('minutes', 'is not', null)
    .orderBy('seq', 'desc')
    .limit(most)
    .execute();
  return rows.map((row) => ({
    repository: row.repository,
    size: row.size,
    isBug: row.is_bug,
    minutes: row.minutes ?? 0,
    usd: row.usd === null ? null : Number(row.usd),
  }));
}

/** Other sessions that are at work in a repository: what they are rated to touch, and what they have touched so far. */
export async function listLiveWork(
  db: Database,
  sessionId: string,
  repository: string,
): Promise<LiveWork<TicketHint & { id: string }>[]> {
  const found = await sql<{ hint: TicketHint; files: string[] | null; touched: string[] | null; begun_at: string }>`
    select t.hint, latest.files, touched.paths as touched, ${begunAt('r.started_at')} as begun_at
    from sessions s
    join tickets t on t.id = s.ticket_id
    join runs r on r.session_id = s.id and r.ended_at is null and r.started_at is not null and r.purpose = 'work'
    left join lateral (
      select files from ratings where session_id = s.id order by seq desc limit 1) latest on true
    left join lateral (
      select json_agg(distinct st.input -> 'call' -> 'input' ->> 'path') as paths from steps st
      where st.session_id = s.id and st.kind = 'tool' and st.key ~ ':(edit|write)$'
        and st.input -> 'call' -> 'input' ->> 'path' is not null) touched on true
    where s.state = 'active' and s.repository = ${repository} and s.id <> ${sessionId}
    order by r.started_at limit 50`.execute(db);
  return found.rows.map(({ hint, files, touched, begun_at }) => ({
    session: hint,
    files: [...(files ?? []), ...(touched ?? [])],
    begunAt: begun_at,
  }));
}

/** When a run was first claimed, as text that compares. */
export async function begunAtOf(db: Database, runId: string): Promise<string> {
  const found = await sql<{ at: string | null }>`
    select ${begunAt('started_at')} as at from runs where id = ${runId}`.execute(db);
  return found.rows[0]?.at ?? '';
}

function begunAt(column: string) {
  return sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** How ratings of one confidence compare with what came of them. */
export interface RatingStanding {
  confidence: Confidence;
  rated: number;
  /** Of these, sessions that have come to an end since. */
  ended: number;
  finished: number;
  proved: number;
  /** How far the middle of the estimate was from what it took, as a share of that; the median. null: nothing to compare. */
  minutesOff: number | null;
  usdOff: number | null;
}

/** The last rating of each session, by confidence. */
export async function compareRatings(db: Database): Promise<RatingStanding[]> {
  const found = await sql<{
    confidence: Confidence;
    rated: number;
    ended: number;
    finished: number;
    proved: number;
    minutes_off: number | null;
    usd_off: number | null;
  }>`
    with last as (
      select distinct on (session_id) *,
        ((estimate -> 'minutes' ->> 'low')::float8 + (estimate -> 'minutes' ->> 'high')::float8) / 2 as expected_minutes,
        ((estimate -> 'usd' ->> 'low')::float8 + (estimate -> 'usd' ->> 'high')::float8) / 2 as expected_usd
      from ratings order by session_id, seq desc
    )
    select confidence, count(*)::int as rated, count(stop_reason)::int as ended,
      count(*) filter (where stop_reason = 'finished' and ${wasWorkedOn})::int as finished,
      count(*) filter (where proof = 'proved')::int as proved,
      percentile_cont(0.5) within group (order by abs(expected_minutes - minutes) / nullif(minutes, 0))
        filter (where stop_reason = 'finished' and ${wasWorkedOn}) as minutes_off,
      percentile_cont(0.5) within group (order by abs(expected_usd - usd::float8) / nullif(usd::float8, 0))
        filter (where stop_reason = 'finished' and ${wasWorkedOn}) as usd_off
    from last group by confidence order by array_position(array['green', 'yellow', 'red'], confidence)`.execute(db);
  return found.rows.map(({ minutes_off, usd_off, ...row }) => ({ ...row, minutesOff: minutes_off, usdOff: usd_off }));
}
