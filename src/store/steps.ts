import { sql } from 'kysely';
import type { Reservation } from '../core/budget.ts';
import { RunLost, type StepKind, type StepRecord, StopRequested } from '../core/step.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';
import { type ClaimedRun, holding } from './runs.ts';
import { type Payers, reserving, settling } from './spending.ts';
import { insertingUsage, type Usage } from './usage.ts';

/** Steps of a session, all runs, in the order in which they began, but for those whose bodies were deleted. */
export async function listSteps(db: Database, sessionId: string): Promise<StepRecord[]> {
  const rows = await db
    .selectFrom('steps')
    .select(['id', 'run_id', 'seq', 'kind', 'key', 'read_only', 'input', 'result', 'completed_at'])
    .where('session_id', '=', sessionId)
    .where('input', 'is not', null)
    .orderBy('seq')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    runId: row.run_id,
    seq: row.seq,
    kind: row.kind,
    key: row.key,
    readOnly: row.read_only,
    input: row.input,
    result: row.result,
    completed: row.completed_at !== null,
  }));
}

/**
 * Records a step as begun. One that an earlier attempt had begun keeps its place and its input. Holds the run's row as it
 * does so, in one statement: most steps have nothing else to write. Throws `RunLost`, and `StopRequested` from the moment on
 * at which a stop was asked for. With `spending` it sets aside what the step may use, and fails where that does not fit
 * (`isOverLimit`).
 */
export async function beginStep(
  db: Database | Tx,
  run: ClaimedRun,
  step: { kind: StepKind; key: string; readOnly: boolean; input: unknown },
  spending?: { reserve: Reservation; payers: Payers },
): Promise<StepRecord> {
  const { kind, key, readOnly } = step;
  const id = stepIdOf(run, key);
  const begun = await sql<{ id: string; seq: number; input: unknown }>`
    with held as (${holding(run)}), begun as (
    insert into steps (id, run_id, session_id, kind, key, read_only, attempt, input)
    select ${id}::uuid, held.id, ${run.sessionId}::uuid, ${kind}, ${key},
      ${readOnly}::boolean, ${run.attempt}::int, ${toJson(step.input ?? null)}::json
    from held where held.stop_requested_at is null
    on conflict (run_id, key) do update set attempt = excluded.attempt
    returning id, seq, input
    )${spending ? reserving({ stepId: id, runId: run.id }, spending.reserve, spending.payers) : sql``}
    select id, seq, input from begun`.execute(db);
  const row = begun.rows[0];
  if (!row) throw (await isStopping(db, run)) ? new StopRequested() : new RunLost(run.id);
  return { ...row, runId: run.id, kind, key, readOnly, result: null, completed: false };
}

async function isStopping(db: Database | Tx, run: ClaimedRun): Promise<boolean> {
  const held = await holding(run).execute(db);
  return held.rows[0] !== undefined;
}

export function stepIdOf(run: ClaimedRun, key: string): string {
  return deterministicId('step', run.id, key);
}

/** Stores a step's result, and what it used, as `beginStep` does: holds the run's row, or throws `RunLost`. */
export async function completeStep(
  db: Database | Tx,
  run: ClaimedRun,
  stepId: string,
  result: unknown,
  used: Usage[],
  workedMs: number,
): Promise<void> {
  const completed = await sql`
    with held as (${holding(run)}),
    used as (${insertingUsage({ sessionId: run.sessionId, stepId }, used)})${settling(stepId, used)}
    update steps set result = ${toJson(result ?? null)}, completed_at = now(), worked_ms = ${workedMs}
    from held where steps.id = ${stepId} and steps.run_id = held.id
    returning steps.id`.execute(db);
  if (completed.rows.length === 0) throw new RunLost(run.id);
}

/** What completed steps did is gone: from now on `result` is what they came to. The run's row must be held. */
export async function replaceResults(tx: Tx, stepIds: string[], result: unknown): Promise<void> {
  if (stepIds.length === 0) return;
  const json = toJson(result);
  await tx.updateTable('steps').set({ result: json }).where('id', 'in', stepIds).execute();
}

/** Whether a run has begun anything. */
export async function hasSteps(db: Database | Tx, runId: string): Promise<boolean> {
  const row = await db.selectFrom('steps').select('id').where('run_id', '=', runId).limit(1).executeTakeFirst();
  return row !== undefined;
}

/** Whether a tool of any of the session's runs may have changed files. */
export async function hasWrites(db: Database, sessionId: string): Promise<boolean> {
  const row = await db
    .selectFrom('steps')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('kind', '=', 'tool')
    .where('read_only', '=', false)
    .where('completed_at', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * The last step of the session's runs up to the newest that finished, or that people stopped, at work or at rest: what was
 * changed after it is for another wish.
 */
export async function lastFinishedSeq(db: Database | Tx, sessionId: string): Promise<number> {
  const found = await sql<{ seq: number }>`
    select coalesce(max(s.seq), 0) as seq from steps s
    join runs r on r.id = s.run_id join sessions e on e.id = s.session_id
    where s.session_id = ${sessionId} and (s.begun_at <= e.stop_at or r.number <= (
      select max(number) from runs where session_id = ${sessionId} and purpose = 'work'
        and outcome ->> 'stopReason' in ('finished', 'stopped')))`.execute(db);
  return found.rows[0]?.seq ?? 0;
}

/** Files that a run has edited or written, those that it began with first. */
export async function editedPaths(db: Database, runId: string, most = 20): Promise<string[]> {
  const { rows } = await sql<{ path: string }>`
    select input -> 'call' -> 'input' ->> 'path' as path from steps
    where run_id = ${runId} and kind = 'tool' and key ~ ':(edit|write)$' and completed_at is not null
      and result ->> 'isError' = 'false' and input -> 'call' -> 'input' ->> 'path' is not null
    group by 1 order by min(seq) limit ${most}`.execute(db);
  return rows.map(({ path }) => path);
}

/** A command that the agent ran. */
export interface RanCommand {
  command: string;
  /** "exit 1 in 0.3 s". */
  ended: string;
  failed: boolean;
  output: string;
}

/** The last commands of a run that came to an end, the newest last. */
export async function lastCommands(db: Database, runId: string, most: number): Promise<RanCommand[]> {
  const { rows } = await sql<RanCommand>`
    select input -> 'call' -> 'input' ->> 'command' as command, result ->> 'summary' as ended,
      (result ->> 'isError')::boolean as failed, result ->> 'text' as output
    from steps where run_id = ${runId} and kind = 'tool' and completed_at is not null
      and input -> 'call' ->> 'name' = 'bash' and result ->> 'summary' is not null
    order by seq desc limit ${most}`.execute(db);
  return rows.reverse();
}
