import { sql } from 'kysely';
import type { Database } from './database.ts';

/** A pull request that waits for people. */
export interface AwaitedRequest {
  sessionId: string;
  repository: string;
  number: number;
}

/** Those of sessions at rest whose tickets are open and have not gone with them yet. */
export async function listAwaitedRequests(db: Database, most: number): Promise<AwaitedRequest[]> {
  const { rows } = await sql<AwaitedRequest>`
    select id as "sessionId", repository, (pull_request ->> 'number')::int as number from sessions
    where pull_request is not null and repository is not null and state in ('complete', 'stopped', 'error') and closed is not true
      and gone is not true
      and not exists (
        select from effects where session_id = sessions.id
          and key = sessions.id || '/pull-request/' || (pull_request ->> 'number') || '/merged')
    order by updated_at desc limit ${most}`.execute(db);
  return rows;
}
