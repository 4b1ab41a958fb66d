import { sql } from 'kysely';
import type { Word } from '../core/approval.ts';
import { codeOf, type Proposal, type ProposalState } from '../core/proposal.ts';
import type { Person } from '../core/ticket.ts';
import { deterministicId, hashOf } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import { microseconds } from './attention.ts';
import type { Database, Tx } from './database.ts';

export interface ProposalRow {
  id: string;
  sessionId: string;
  number: number;
  code: string;
  content: Proposal;
  state: ProposalState;
  silenceMinutes: number | null;
  /** Who approved it last, where it is approved; null: silence. */
  decidedBy: Person | null;
  /** The service carries it out, not the agent. */
  isOurs: boolean;
  /** When it was shown: as the tracker says, where it does; null: not yet. */
  shownAt: string | null;
  /**
   * When silence would approve it, by the same clock; null: it never does, or it is not shown yet, or its ticket was closed
   * or changed hands before.
   */
  silentAt: string | null;
  /** It is so long ago by our own clock that it was shown. */
  isSilenceOver: boolean;
  /** No model step has begun since it was decided: the model has yet to hear of it. */
  isUntold: boolean;
  /** What was approved is done, by the service or by a run that finished: its yes is spent. */
  isCarriedOut: boolean;
}

/**
 * Makes this the session's newest proposal, open to be decided on; what was open before is superseded. Call with the
 * session's lock held.
 */
export async function openProposal(
  tx: Tx,
  proposal: { sessionId: string; runId: string; content: Proposal; shownBy: string; silenceMinutes: number | null },
): Promise<void> {
  const { sessionId, runId, content, shownBy, silenceMinutes } = proposal;
  const id = deterministicId('proposal', sessionId, hashOf(content));
  await tx
    .updateTable('proposals')
    .set({ state: 'superseded' })
    .where('session_id', '=', sessionId)
    .where('state', '=', 'open')
    .where('id', '!=', id)
    .execute();
  const opened = {
    number: sql<number>`(select coalesce(max(number), 0) + 1 from proposals where session_id = ${sessionId})`,
    run_id: runId,
    shown_by: shownBy,
    state: 'open' as const,
    proposed_at: sql<Date>`now()`,
    heard_seq: sql<number>`(select coalesce(max(seq), 0) from prompts where session_id = ${sessionId})`,
    until_seq: null,
    silence_minutes: silenceMinutes,
    decided_at: null,
    decided_by: null,
    carried_out_at: null,
  };
  await tx
    .insertInto('proposals')
    .values({ id, session_id: sessionId, code: codeOf(content), content: toJson(content), ...opened })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(opened))
    .execute();
}

/** The session's newest proposal; null before it made one. Call with the session's lock held to act on it. */
export async function newestProposal(db: Database | Tx, sessionId: string): Promise<ProposalRow | null> {
  const found = await sql<{
    id: string;
    number: number;
    code: string;
    content: Proposal;
    state: ProposalState;
    silence_minutes: number | null;
    decided_by: Person | null;
    shown_at: string | null;
    silent_at: string | null;
    is_silence_over: boolean;
    is_untold: boolean;
    is_carried_out: boolean;
  }>`
    select p.id, p.number, p.code, p.content, p.state, p.silence_minutes, p.decided_by,
      p.carried_out_at is not null as is_carried_out,
      ${microseconds('v.shown_at')} as shown_at, ${microseconds('v.silent_at')} as silent_at,
      coalesce(e.settled_at + make_interval(secs => p.silence_minutes * 60) <= now(), false) as is_silence_over,
      p.decided_at is not null and not exists (
        select from steps s join runs r on r.id = s.run_id
        where s.session_id = p.session_id and s.kind = 'model' and s.begun_at >= p.decided_at
          and (s.completed_at is not null or r.ended_at is null)) as is_untold
    from proposals p
    join sessions s on s.id = p.session_id
    left join effects e on e.key = p.shown_by and e.state = 'done'
    cross join lateral (select coalesce((e.result ->> 'at')::timestamptz, e.settled_at) as shown_at) t
    cross join lateral (select t.shown_at + make_interval(secs => p.silence_minutes * 60) as at) silent
    cross join lateral (
      select t.shown_at, case when not exists (
        select from unnest(array[s.given_at, s.over_at]) moved(at) where moved.at > t.shown_at and moved.at <= silent.at)
        then silent.at end as silent_at) v
    where p.session_id = ${sessionId}
    order by p.number desc limit 1`.execute(db);
  const row = found.rows[0];
  if (!row) return null;
  return {
    id: row.id,
    sessionId,
    number: row.number,
    code: row.code,
    content: row.content,
    state: row.state,
    silenceMinutes: row.silence_minutes,
    decidedBy: row.decided_by,
    isOurs: row.content.kind === 'split',
    shownAt: row.shown_at,
    silentAt: row.silent_at,
    isSilenceOver: row.is_silence_over,
    isUntold: row.is_untold,
    isCarriedOut: row.is_carried_out,
  };
}

/** All that was said to the agent since it proposed this; an edit of its ticket is such a word. */
export async function wordsSince(db: Database | Tx, { id }: Pick<ProposalRow, 'id'>): Promise<Word[]> {
  const found = await sql<{
    id: string;
    key: string;
    author: Person;
    body: string;
    at: string;
    is_asked: boolean;
    is_new: boolean;
    is_read: boolean;
    is_stop: boolean;
  }>`
    select w.id, w.key, w.author, w.body, ${microseconds('w.said_at')} as at, w.read_at is not null as is_read,
      w.signal is not distinct from 'stop' as is_stop,
      w.seq <= coalesce(p.until_seq, w.seq) as is_asked, w.seq > s.answered_seq as is_new
    from proposals p join sessions s on s.id = p.session_id
    join prompts w on w.session_id = p.session_id and w.seq > p.heard_seq
    where p.id = ${id} and w.obeyed and (s.opened_at is null or w.said_at >= s.opened_at)
    union all
    select e.id, e.id::text, ${toJson(editor)}::json, '', ${microseconds('t.at')}, e.read_at is not null,
      false, true, e.read_at is null or e.created_at > coalesce(
        (select max(r.ended_at) from runs r where r.session_id = p.session_id), '-infinity')
    from proposals p join sessions s on s.id = p.session_id
    join edits e on e.session_id = p.session_id and (e.read_at is null or e.created_at > p.proposed_at)
    cross join lateral (select least(s.edited_at, e.created_at) as at) t
    where p.id = ${id}
    order by at, key`.execute(db);
  return found.rows.map((row) => ({
    id: row.id,
    key: row.key,
    author: row.author,
    body: row.body,
    at: row.at,
    isAsked: row.is_asked,
    isNew: row.is_new,
    isRead: row.is_read,
    isStop: row.is_stop,
  }));
}

/** Nobody is told who edited a ticket. */
const editor: Person = { id: '', name: 'somebody', isBot: false };

/** `open`: silence had approved it, and was none; nor will it be. */
export async function settleProposal(
  tx: Tx,
  { id }: Pick<ProposalRow, 'id'>,
  state: 'open' | 'approved' | 'rejected',
  by: Person | null,
): Promise<void> {
  const decided = state === 'open' ? { decided_at: null, silence_minutes: null } : { decided_at: sql<Date>`now()` };
  await tx
    .updateTable('proposals')
    .set({ state, ...decided, decided_by: by && toJson(by) })
    .where('id', '=', id)
    .execute();
}

/** The session is moved by something else: what it proposes waits for a word from now on, however long nobody says one. */
export async function endSilence(tx: Tx, sessionId: string): Promise<void> {
  await tx
    .updateTable('proposals')
    .set({ silence_minutes: null })
    .where('session_id', '=', sessionId)
    .where('state', '=', 'open')
    .execute();
}

export async function markCarriedOut(tx: Tx, id: string): Promise<void> {
  await tx.updateTable('proposals').set({ carried_out_at: sql<Date>`now()` }).where('id', '=', id).execute();
}

/** A run has finished by what was approved: whatever is wanted from here on is not what people said yes to. */
export async function markSpent(tx: Tx, sessionId: string): Promise<void> {
  await tx
    .updateTable('proposals')
    .set({ carried_out_at: sql<Date>`now()` })
    .where('session_id', '=', sessionId)
    .where('state', '=', 'approved')
    .where('carried_out_at', 'is', null)
    .execute();
}

/**
 * What people approved last and is done, where a run hears of nothing but its checks: no person has said or edited anything
 * that it has read or will. It mends what was approved. null: nothing was, or people spoke, or nobody did.
 */
export async function mendedPlan(
  db: Database,
  { id, sessionId }: { id: string; sessionId: string },
): Promise<Proposal | null> {
  const heard = sql`(h.read_at is null or h.read_by in (select s.id from steps s where s.run_id = ${id}))`;
  const found = await sql<{ content: Proposal }>`
    select p.content from (
      select content, state, carried_out_at from proposals where session_id = ${sessionId} order by number desc limit 1) p
    where p.state = 'approved' and p.carried_out_at is not null
      and (select bool_and(h.author ->> 'isBot' = 'true') from prompts h
        where h.session_id = ${sessionId} and h.obeyed and h.signal is distinct from 'stop' and ${heard})
      and not exists (select from edits h where h.session_id = ${sessionId} and ${heard})`.execute(db);
  return found.rows[0]?.content ?? null;
}

/** Nothing that was proposed counts any more. Answers the code of what counted until now; null: nothing did. */
export async function dropProposals(tx: Tx, sessionId: string): Promise<string | null> {
  const dropped = await sql<{ code: string }>`
    update proposals set carried_out_at = now(), state = case state when 'open' then 'superseded' else state end
    where session_id = ${sessionId} and carried_out_at is null and state <> 'superseded'
    returning code`.execute(tx);
  return dropped.rows[0]?.code ?? null;
}

/** Something else is asked or said by now: from here on a bare "yes" is not about the proposal. */
export async function passOver(tx: Tx, sessionId: string): Promise<void> {
  await tx
    .updateTable('proposals')
    .set({ until_seq: sql<number>`(select coalesce(max(seq), 0) from prompts where session_id = ${sessionId})` })
    .where('session_id', '=', sessionId)
    .where('until_seq', 'is', null)
    .execute();
}

/** Sessions at rest whose open proposal was shown so long ago that silence may approve it, and whose ticket was not edited since. */
export async function silentSessions(db: Database, limit: number): Promise<string[]> {
  const found = await sql<{ session_id: string }>`
    select p.session_id from proposals p
    join sessions s on s.id = p.session_id and s.state = 'awaitingInput'
    join effects e on e.key = p.shown_by and e.state = 'done'
    where p.state = 'open' and p.silence_minutes is not null and p.until_seq is null
      and coalesce(s.edited_at <= s.edits_read_at, s.edited_at is null)
      and not exists (select from edits where edits.session_id = p.session_id and edits.read_at is null)
      and e.settled_at + make_interval(secs => p.silence_minutes * 60) <= now()
      and not exists (
        select from prompts w where w.session_id = p.session_id and w.obeyed and w.seq > p.heard_seq and w.seq > s.answered_seq)
    limit ${limit}`.execute(db);
  return found.rows.map((row) => row.session_id);
}
