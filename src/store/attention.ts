import { sql } from 'kysely';
import type { Registers } from '../core/attention.ts';
import type { RunPurpose } from '../core/session.ts';
import type { Database, Tx } from './database.ts';

/** All that decides what a session has to do now. */
export interface AttentionRow {
  registers: Registers;
  /** Something that was said to the agent is neither read nor answered. One that waits heeds nothing but "continue". */
  unread: boolean;
  run: { id: string; number: number; isHeld: boolean; stopRequested: boolean; purpose: RunPurpose } | null;
  /** The number of its newest run; 0 before the first. */
  lastRun: number;
  /** All its runs, and those of the last hour. */
  runs: number;
  runsInHour: number;
  /** Places in which people have talked to it. */
  conversations: number;
}

/** Call with the session's lock held. */
export async function readAttention(db: Database | Tx, sessionId: string): Promise<AttentionRow> {
  const found = await sql<{
    given: boolean;
    given_at: string | null;
    closed: boolean;
    closed_at: string | null;
    over_at: string | null;
    stop_at: string | null;
    spoke_at: string | null;
    answered_at: string | null;
    due: boolean;
    edited_at: string | null;
    edits_read_at: string | null;
    asked: boolean;
    scope_asked_at: string | null;
    scoped_at: string | null;
    unread: boolean;
    last_run: number;
    runs: number;
    runs_in_hour: number;
    conversations: number;
    run_id: string | null;
    number: number;
    worker: string | null;
    purpose: RunPurpose | null;
    stop_requested_at: Date | null;
  }>`
    select s.given, ${microseconds('s.given_at')} as given_at, s.closed, s.due, s.asked,
      ${microseconds('s.edited_at')} as edited_at, ${microseconds('s.edits_read_at')} as edits_read_at,
      ${microseconds('s.closed_at')} as closed_at, ${microseconds('s.over_at')} as over_at, ${microseconds('s.stop_at')} as stop_at,
      ${microseconds('s.spoke_at')} as spoke_at, ${microseconds('s.answered_at')} as answered_at,
      ${microseconds('s.scope_asked_at')} as scope_asked_at, ${microseconds('s.scoped_at')} as scoped_at,
      exists (
        select from prompts p where p.session_id = s.id and p.read_at is null and p.obeyed and p.signal is distinct from 'stop'
          and p.seq > s.answered_seq and (s.opened_at is null or p.said_at >= s.opened_at)
          and (not s.waiting or p.signal = 'continue')
      ) as unread,
      (select count(*)::int from conversations where session_id = s.id) as conversations,
      h.last_run, h.runs, h.runs_in_hour, r.id as run_id, r.number, r.worker, r.purpose, r.stop_requested_at
    from sessions s
    left join runs r on r.session_id = s.id and r.ended_at is null
    cross join lateral (
      select count(*)::int as runs, coalesce(max(number), 0)::int as last_run,
        count(*) filter (where queued_at > now() - interval '1 hour' and purpose = 'work')::int as runs_in_hour
      from runs where session_id = s.id
    ) h
    where s.id = ${sessionId}`.execute(db);
  const row = found.rows[0];
  if (!row) throw new Error(`there is no session ${sessionId}`);
  return {
    registers: {
      given: row.given,
      givenAt: row.given_at,
      closed: row.closed,
      closedAt: row.closed_at,
      overAt: row.over_at,
      stopAt: row.stop_at,
      spokeAt: row.spoke_at,
      answeredAt: row.answered_at,
      due: row.due,
      editedAt: row.edited_at,
      editsReadAt: row.edits_read_at,
      asked: row.asked,
      scopeAskedAt: row.scope_asked_at,
      scopedAt: row.scoped_at,
    },
    unread: row.unread,
    run:
      row.run_id === null
        ? null
        : {
            id: row.run_id,
            number: row.number,
            isHeld: row.worker !== null,
            stopRequested: row.stop_requested_at !== null,
            purpose: row.purpose ?? 'work',
          },
    lastRun: row.last_run,
    runs: row.runs,
    runsInHour: row.runs_in_hour,
    conversations: row.conversations,
  };
}

/**
 * A run has come to its end and answered the assignment by it, and that the ticket was opened again; `words`: and all that was said until now, read or not, so
 * that none of it starts another run by itself, or all before the word of that `seq`. `asked`: it ended with a question. Call
 * with the session's lock held.
 */
export async function markAnswered(
  tx: Tx,
  sessionId: string,
  { words, asked = false }: { words: boolean | { before: number }; asked?: boolean },
): Promise<void> {
  const before = typeof words === 'object' ? sql`and seq < ${words.before}` : sql``;
  const heard = sql<number>`coalesce((select max(seq) from prompts where session_id = ${sessionId} ${before}), 0)`;
  await tx
    .updateTable('sessions')
    .set({ answered_at: sql<string>`greatest(given_at, over_at)`, asked, ...(words && { answered_seq: heard }) })
    .where('id', '=', sessionId)
    .execute();
}

/** To the microsecond, all of one length. */
export function microseconds(column: string) {
  return sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
