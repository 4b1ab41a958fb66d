import { sql } from 'kysely';
import type { CodeOperation, Operation } from '../core/effect.ts';
import { toJson } from '../lib/json.ts';
import type { Database } from './database.ts';

/** An effect that waits until people let us in again. */
export interface LockedOut {
  sessionId: string;
  runId: string | null;
  key: string;
  operation: CodeOperation;
  /** What the vendor said. */
  why: string;
}

/**
 * What each session does next on a code host that lets us in no more, whoever found that out. Not of kinds that are `passedOver`,
 * nor what a session has an effect about already: `toldKey`, with the key of what waits for %.
 */
export async function listLockedOut(
  db: Database,
  accounts: Record<string, string>,
  { passedOver, toldKey }: { passedOver: readonly Operation['kind'][]; toldKey: string },
): Promise<LockedOut[]> {
  const found = await sql<{
    session_id: string;
    run_id: string | null;
    key: string;
    operation: CodeOperation;
    why: string;
  }>`
    select next.session_id, next.run_id, next.key, next.operation, c.closed_why as why
    from accounts c cross join lateral (
      select distinct on (e.session_id) e.* from effects e
      where e.state = 'pending' and e.lane = 'code'
        and c.name = ${toJson(accounts)}::json ->> (e.operation ->> 'repository')
        and e.operation ->> 'kind' <> all(${passedOver}::text[])
      order by e.session_id, e.seq
    ) next
    where c.closed_by = 'disconnected' and c.closed_why is not null and c.open_at > now()
      and not exists (select from effects t where t.key = replace(next.session_id || ${toldKey}, '%', next.key))`.execute(
    db,
  );
  return found.rows.map(({ session_id, run_id, ...row }) => ({ sessionId: session_id, runId: run_id, ...row }));
}
