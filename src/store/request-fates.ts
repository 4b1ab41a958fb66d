import { sql } from 'kysely';
import type { PullRequest } from '../core/pull-request.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** A pull request that waits for people. */
export interface AwaitedRequest {
  sessionId: string;
  repository: string;
  number: number;
  /** Whether its ticket goes where it goes: the ticket is open, and the session at rest. */
  moves: boolean;
  told: ToldFate;
}

export interface Told {
  state: PullRequest['state'];
  /** How often it was told of a change. */
  changes: number;
}

/** What of a pull request its ticket goes by, and what is written on its attachment there. */
export interface ToldFate {
  moved: Told;
  attached: Told;
}

const moved = sql`json_build_object('state', request_fate ->> 'state', 'changes', (request_fate ->> 'changes')::int)`;
const untold = sql`json_build_object('state', 'open', 'changes', 0)`;
const told = sql<ToldFate>`case when (request_fate ->> 'number') is not distinct from (pull_request ->> 'number')
  then json_build_object('moved', ${moved}, 'attached', coalesce(request_fate -> 'attached', ${moved}))
  else json_build_object('moved', ${untold}, 'attached', ${untold}) end`;

/**
 * Those of which something may have to be told: on their attachment as long as they are not merged, and not closed with
 * their ticket over; to a ticket that goes with them. Where there are more, others come each time.
 */
export async function listAwaitedRequests(db: Database, most: number): Promise<AwaitedRequest[]> {
  const { rows } = await sql<AwaitedRequest>`
    with requests as (
      select id, repository, (pull_request ->> 'number')::int as number, closed is true as over, ${told} as told,
        state in ('complete', 'stopped', 'error') and closed is not true as moves
      from sessions s where pull_request is not null and repository is not null and gone is not true and not adopted
        and not exists (select from followed_requests f where f.session_id = s.id
          and f.number::text = s.pull_request ->> 'number'))
    select id as "sessionId", repository, number, moves, told from requests
    where told #>> '{attached,state}' = 'open' or (not over and told #>> '{attached,state}' = 'closed')
      or (moves and told #>> '{moved,state}' <> 'merged')
    order by random() limit ${most}`.execute(db);
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

export async function noteToldFate(
  tx: Tx,
  sessionId: string,
  number: number,
  { moved, attached }: ToldFate,
): Promise<void> {
  const fate = toJson({ number, ...moved, attached });
  await sql`update sessions set request_fate = ${fate} where id = ${sessionId}`.execute(tx);
}
