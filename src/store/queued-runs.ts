import { sql } from 'kysely';
import type { Outcome } from '../core/outcome.ts';
import type { RunPurpose } from '../core/session.ts';
import { priorities, type TicketHint } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { AttentionRow } from './attention.ts';
import type { Tx } from './database.ts';
import { endSilence } from './proposals.ts';
import { settleLostCalls } from './spending.ts';

/**
 * The session's live run; one is queued when there is none, and the session active: what it waited for, be it silence, it
 * waits for no more. What only rates waits behind all work.
 * Call with the session's lock held.
 */
export async function ensureRun(
  tx: Tx,
  { id: sessionId, hint }: { id: string; hint: Pick<TicketHint, 'priority' | 'team'> },
  { run, lastRun }: Pick<AttentionRow, 'run' | 'lastRun'>,
  purpose: RunPurpose = 'work',
): Promise<{ id: string; number: number }> {
  if (run) return run;
  const number = lastRun + 1;
  const id = deterministicId('run', sessionId, number);
  await endSilence(tx, sessionId);
  await tx
    .with('woken', (query) =>
      query
        .updateTable('sessions')
        .set({
          state: 'active',
          gone: false,
          due: false,
          waiting: false,
          asked_at: null,
          reminded_at: null,
          updated_at: sql`now()`,
        })
        .where('id', '=', sessionId),
    )
    .with('awaited', (query) => query.deleteFrom('waits').where('session_id', '=', sessionId))
    .insertInto('runs')
    .values({
      id,
      session_id: sessionId,
      number,
      purpose,
      priority: purpose === 'scope' ? priorities.length : priorities.indexOf(hint.priority),
      team: hint.team ?? '',
      worker: null,
      outcome: null,
    })
    .execute();
  return { id, number };
}

/** A run that only rates waits behind all work; when its ticket is given to the agent, it waits like that one's work. */
export async function hurryRun(tx: Tx, runId: string, { priority }: Pick<TicketHint, 'priority'>): Promise<void> {
  await tx
    .updateTable('runs')
    .set({ priority: priorities.indexOf(priority) })
    .where('id', '=', runId)
    .where('started_at', 'is', null)
    .execute();
}

/** Ends a run that nobody has claimed. Answers whether it did. Call with the session's lock held. */
export async function endQueuedRun(tx: Tx, runId: string, outcome: Outcome): Promise<boolean> {
  const ended = await tx
    .updateTable('runs')
    .set({ ended_at: sql`now()`, outcome: toJson(outcome) })
    .where('id', '=', runId)
    .where('ended_at', 'is', null)
    .where('worker', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (ended) await settleLostCalls(tx, runId);
  return ended !== undefined;
}

/** Tells the run's worker to stop; one that waits for an outside service is claimed at once, to be ended. */
export async function askToStop(tx: Tx, runId: string): Promise<void> {
  // The row is locked first: an update reckons its values before it waits for a lock, so the moment it wrote would be
  // before that of a step which had the row meanwhile.
  await sql`
    with held as (select id from runs where id = ${runId} for no key update)
    update runs set stop_requested_at = coalesce(stop_requested_at, clock_timestamp()), not_before = least(not_before, now())
    from held where runs.id = held.id`.execute(tx);
}

/** Something newer is wanted than the stop. Only where nobody works on the run: a worker may have heard of it already. */
export async function takeBackStop(tx: Tx, runId: string): Promise<void> {
  await tx
    .updateTable('runs')
    .set({ stop_requested_at: null })
    .where('id', '=', runId)
    .where('worker', 'is', null)
    .execute();
}
