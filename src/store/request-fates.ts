import { sql } from 'kysely';
import type { PullRequest } from '../core/pull-request.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** A pull request that waits for people. */
export interface AwaitedRequest {
  sessionId: string;
  repository: string;
  number: number;
  /** What its ticket goes by. */
  told: ToldFate;
}

export interface ToldFate {
  state: PullRequest['state'];
  /** How often the ticket was told of a change. */
  changes: number;
}

const told = sql<ToldFate>`case when (request_fate ->> 'number') is not distinct from (pull_request ->> 'number')
  then json_build_object('state', request_fate ->> 'state', 'changes', (request_fate ->> 'changes')::int)
  else json_build_object('state', 'open', 'changes', 0) end`;

/** Those of sessions at rest whose tickets are open and do not know them to be merged. */
export async function listAwaitedRequests(db: Database, most: number): Promise<AwaitedRequest[]> {
  const { rows } = await sql<AwaitedRequest>`
    select id as "sessionId", repository, (pull_request ->> 'number')::int as number, ${told} as told from sessions
    where pull_request is not null and repository is not null and state in ('complete', 'stopped', 'error') and closed is not true
      and gone is not true and ${told} ->> 'state' <> 'merged'
    order by updated_at desc limit ${most}`.execute(db);
  return rows;
}

/** Call with the session's lock held. */
export async function readToldFate(tx: Tx, sessionId: string): Promise<ToldFate> {
  const { rows } = await sql<{ told: ToldFate }>`select ${told} as told from sessions where id = ${sessionId}`.execute(
    tx,
  );
  const [found] = rows;
  if (!found) throw new Error(`there is no session ${sessionId}`);
  return found.told;
}

export async function noteToldFate(tx: Tx, sessionId: string, number: number, fate: ToldFate): Promise<void> {
  await sql`update sessions set request_fate = ${toJson({ number, ...fate })} where id = ${sessionId}`.execute(tx);
}
