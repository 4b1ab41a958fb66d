import { sql } from 'kysely';
import type { StepKind, StepRecord } from '../core/step.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Database, Tx } from './database.ts';
import type { ClaimedRun } from './runs.ts';

/** Steps of a session, all runs, in the order in which they began. */
export async function listSteps(db: Database, sessionId: string): Promise<StepRecord[]> {
  const rows = await db
    .selectFrom('steps')
    .select(['id', 'run_id', 'seq', 'kind', 'key', 'read_only', 'input', 'result', 'completed_at'])
    .where('session_id', '=', sessionId)
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

/** Records a step as begun. One that an earlier attempt had begun keeps its place and its input. */
export async function beginStep(
  tx: Tx,
  run: ClaimedRun,
  step: { kind: StepKind; key: string; readOnly: boolean; input: unknown },
): Promise<StepRecord> {
  const row = await tx
    .insertInto('steps')
    .values({
      id: deterministicId('step', run.id, step.key),
      run_id: run.id,
      session_id: run.sessionId,
      kind: step.kind,
      key: step.key,
      read_only: step.readOnly,
      attempt: run.attempt,
      input: JSON.stringify(step.input ?? null),
      result: null,
    })
    .onConflict((conflict) => conflict.columns(['run_id', 'key']).doUpdateSet({ attempt: run.attempt }))
    .returning(['id', 'seq', 'input'])
    .executeTakeFirstOrThrow();
  const { kind, key, readOnly } = step;
  return {
    id: row.id,
    runId: run.id,
    seq: row.seq,
    kind,
    key,
    readOnly,
    input: row.input,
    result: null,
    completed: false,
  };
}

export async function completeStep(tx: Tx, stepId: string, result: unknown): Promise<void> {
  await tx
    .updateTable('steps')
    .set({ result: JSON.stringify(result ?? null), completed_at: sql`now()` })
    .where('id', '=', stepId)
    .execute();
}

/** Whether any tool of the session's runs may have changed files. */
export async function hasWrites(db: Database, sessionId: string): Promise<boolean> {
  const row = await db
    .selectFrom('steps')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('kind', '=', 'tool')
    .where('read_only', '=', false)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
