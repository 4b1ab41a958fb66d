import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { RunLost } from '../core/step.ts';
import { type BegunStep, identifyStep } from '../core/step-words.ts';
import type { Database } from './database.ts';
import { type ClaimedRun, isProgress } from './runs.ts';

export interface Losses {
  /** Workers that fell, one after the other, with nothing completed in between. */
  count: number;
  /** What the run was doing each time; null: it was getting ready. */
  step: BegunStep | null;
  /** Meanwhile other workers fell that did not have this run: something else may be ending them. */
  othersFell: boolean;
}

/** How far back other workers' ends are looked for. */
const othersWithinMinutes = 10;

/**
 * Writes down that the worker a run was taken from has fallen, and answers what that comes to. It counts on only while the
 * step that had begun is the same, and no tool call or verification completed in that attempt: being told of the interruption
 * and asking the model once more is no progress. A worker that was heard of since had only been cut off, and does not count.
 */
export async function noteLostWorker(db: Database, run: ClaimedRun): Promise<Losses> {
  const step = await openStep(db, run);
  const mark = createHash('sha256').update(identifyStep(step)).digest('hex');
  const noted = await sql<{ lost: string[]; others: boolean }>`
    with state as (
      select r.id, case when r.lost_step is distinct from ${mark} or exists (
          select 1 from steps s
          where s.run_id = r.id and s.completed_at > r.lost_at and ${isProgress})
        then array[]::text[] else array(
          select one from unnest(r.lost_workers) one
          where one <> ${run.takenFrom} and not exists (
            select 1 from workers w where w.name = one and w.seen_at > r.lost_at)
        ) end || ${run.takenFrom}::text as lost
      from runs r where r.id = ${run.id} and r.attempt = ${run.attempt} and r.ended_at is null for no key update
    ), noted as (
      update runs set lost_workers = state.lost, lost_step = ${mark}, lost_at = now() from state where runs.id = state.id
    )
    select lost, exists (
      select 1 from runs o
      where o.id <> ${run.id} and o.lost_at > now() - make_interval(mins => ${othersWithinMinutes}) and not (o.lost_workers <@ state.lost)
    ) as others from state`.execute(db);
  const row = noted.rows[0];
  if (!row) throw new RunLost(run.id);
  return { count: row.lost.length, step, othersFell: row.others };
}

/** The newest step that the attempt before this one began and did not complete. What an earlier one left is not its doing. */
async function openStep(db: Database, run: ClaimedRun): Promise<BegunStep | null> {
  const row = await db
    .selectFrom('steps')
    .select(['kind', 'key', 'input'])
    .where('run_id', '=', run.id)
    .where('attempt', '=', run.attempt - 1)
    .where('completed_at', 'is', null)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}
