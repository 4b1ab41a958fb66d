import { sql } from 'kysely';
import type { Remark } from '../core/request-progress.ts';
import { isBare, type MarkedRemark } from '../core/review.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** Of these keys those that the session has not heard yet. Call with the session's lock held. */
export async function unknownRemarks(tx: Tx, sessionId: string, remarks: readonly Remark[]): Promise<Remark[]> {
  if (remarks.length === 0) return [];
  const keys = remarks.map(({ key }) => key);
  const rows = await tx
    .selectFrom('remarks')
    .select('key')
    .where('session_id', '=', sessionId)
    .where('key', 'in', keys)
    .execute();
  const known = new Set(rows.map(({ key }) => key));
  return remarks.filter(({ key }) => !known.has(key));
}

/** The threads in which the agent has answered. */
export async function answeredThreads(tx: Tx, sessionId: string): Promise<Set<string>> {
  const { rows } = await sql<{ thread: string }>`
    select distinct remark ->> 'thread' as thread from remarks where session_id = ${sessionId}
      and remark ->> 'thread' is not null and prompt is not null and answered_at is not null`.execute(tx);
  return new Set(rows.map(({ thread }) => thread));
}

/** Each gets the mark of its thread, or the next one; what says nothing of its own has none. */
export async function markRemarks(tx: Tx, sessionId: string, remarks: readonly Remark[]): Promise<MarkedRemark[]> {
  const { rows } = await sql<{ thread: string | null; code: string }>`
    select remark ->> 'thread' as thread, code from remarks where session_id = ${sessionId}`.execute(tx);
  const codes = new Map(rows.flatMap(({ thread, code }) => (thread === null ? [] : [[thread, code] as const])));
  let last = Math.max(0, ...rows.map(({ code }) => Number(code.slice(1))));
  return remarks.map((remark) => {
    if (isBare(remark)) return { code: '', remark };
    const known = remark.thread === null ? undefined : codes.get(remark.thread);
    const code = known ?? `T${++last}`;
    if (remark.thread !== null) codes.set(remark.thread, code);
    return { code, remark };
  });
}

/** `prompt`: the key of the words by which the agent hears them; null: nobody need answer them. */
export async function keepRemarks(
  tx: Tx,
  sessionId: string,
  number: number,
  remarks: readonly MarkedRemark[],
  prompt: string | null,
): Promise<void> {
  if (remarks.length === 0) return;
  await tx
    .insertInto('remarks')
    .values(
      remarks.map(({ code, remark }) => ({
        ...{ session_id: sessionId, key: remark.key, number, code, remark: toJson(remark), prompt },
        ...(prompt === null && { answered_at: new Date() }),
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** What the agent has read and nobody has answered, oldest first. */
export async function openRemarks(
  db: Database | Tx,
  sessionId: string,
): Promise<(MarkedRemark & { number: number })[]> {
  const { rows } = await sql<{ code: string; remark: Remark; number: number }>`
    select r.code, r.remark, r.number from remarks r
    join prompts p on p.session_id = r.session_id and p.key = r.prompt and p.read_at is not null
    where r.session_id = ${sessionId} and r.answered_at is null order by p.seq, r.taken_at, r.code, r.key`.execute(db);
  return rows;
}

/** By their keys: what was said in the same thread since has no answer yet. */
export async function settleRemarks(tx: Tx, sessionId: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await tx
    .updateTable('remarks')
    .set({ answered_at: new Date() })
    .where('session_id', '=', sessionId)
    .where('key', 'in', keys)
    .where('answered_at', 'is', null)
    .execute();
}

/** The last answer to these could not be given: it is still owed. */
export async function reopenRemarks(tx: Tx, sessionId: string, codes: readonly string[]): Promise<void> {
  if (codes.length === 0) return;
  await sql`
    update remarks r set answered_at = null
    where session_id = ${sessionId} and code = any(${codes}::text[]) and prompt is not null and answered_at = (
      select max(answered_at) from remarks l
      where l.session_id = r.session_id and l.code = r.code and l.prompt is not null)`.execute(tx);
}
