import { sql } from 'kysely';
import type { StepKind } from '../core/step.ts';
import type { BegunStep } from '../core/step-words.ts';
import type { Database } from './database.ts';

/** A run that lives and whose ticket has seen nothing for long. */
export interface QuietRun {
  id: string;
  sessionId: string;
  number: number;
  /** The last activity that was shown. */
  lastSeq: number;
  /** Whether a worker has it. */
  isHeld: boolean;
  isBegun: boolean;
  turns: number;
  step: BegunStep | null;
  /** Since the step began; without one, since the last activity. */
  minutes: number;
}

export async function quietRuns(db: Database, quietMinutes: number, limit: number): Promise<QuietRun[]> {
  const found = await sql<{
    id: string;
    session_id: string;
    number: number;
    last_seq: number;
    is_held: boolean;
    is_begun: boolean;
    turns: number;
    kind: StepKind | null;
    key: string;
    input: unknown;
    minutes: number;
  }>`
    select r.id, r.session_id, r.number, coalesce(a.seq, 0) as last_seq, r.worker is not null as is_held,
      r.started_at is not null as is_begun, s.kind, s.key, s.input,
      (select count(*) from steps t where t.run_id = r.id and t.kind = 'model')::int as turns,
      floor(extract(epoch from now() - coalesce(s.begun_at, a.created_at, r.queued_at)) / 60)::int as minutes
    from runs r
    left join lateral (
      select seq, created_at from activities where session_id = r.session_id order by seq desc limit 1) a on true
    left join lateral (
      select kind, key, input, begun_at from steps
      where run_id = r.id and completed_at is null order by seq desc limit 1) s on true
    where r.ended_at is null and r.purpose = 'work' and coalesce(a.created_at, r.queued_at) < now() - make_interval(mins => ${quietMinutes})
    limit ${limit}`.execute(db);
  return found.rows.map((row) => ({
    id: row.id,
    sessionId: row.session_id,
    number: row.number,
    lastSeq: row.last_seq,
    isHeld: row.is_held,
    isBegun: row.is_begun,
    turns: row.turns,
    step: row.kind && { kind: row.kind, key: row.key, input: row.input },
    minutes: row.minutes,
  }));
}
