import { type SqlBool, sql } from 'kysely';
import type { TicketQuery } from '../../core/ticket.ts';
import type { TicketPage } from '../tracker.ts';
import { type BoardDatabase, isAssignedTo } from './database.ts';
import { finishedStates, stateOf } from './states.ts';
import { hintOf } from './tickets.ts';

const pageSize = 50;

/** Tickets that are not finished and fit the query, oldest first; the cursor is the number of the last one given. */
export async function listOpen(
  db: BoardDatabase,
  agent: string,
  { assignee, categories, labels = [], team, project, spokenSince }: TicketQuery,
  cursor: string | null,
  signal: AbortSignal,
): Promise<TicketPage> {
  let query = db
    .selectFrom('board_tickets')
    .select(['number', 'title', 'priority', 'fields'])
    .where('state', 'not in', finishedStates)
    .where('number', '>', cursor === null ? 0 : Number(cursor))
    .orderBy('number')
    .limit(pageSize + 1);
  if (assignee === 'agent') query = query.where(isAssignedTo(agent));
  if (assignee === 'nobody') query = query.where('assignee', 'is', null);
  if (categories) query = query.where(sql<SqlBool>`state = any(${categories.map(stateOf)})`); // which may be none
  if (labels.length > 0) query = query.where(sql<SqlBool>`labels @> ${labels}`);
  if (team !== undefined) query = query.where(sql<SqlBool>`fields ->> 'team' = ${team}`);
  if (project !== undefined) query = query.where(sql<SqlBool>`fields ->> 'project' = ${project}`);
  if (spokenSince !== undefined)
    query = query.where((ticket) =>
      ticket.exists(
        ticket
          .selectFrom('board_comments as comment')
          .whereRef('comment.ticket', '=', 'board_tickets.number')
          .where('comment.created_at', '>', sql<Date>`${spokenSince}::timestamptz`)
          .where(sql<SqlBool>`not coalesce((comment.author ->> 'isBot')::boolean, false)`),
      ),
    );
  const rows = await query.execute({ signal });
  const page = rows.slice(0, pageSize);
  return { tickets: page.map(hintOf), next: rows.length > pageSize ? String(page.at(-1)?.number) : null };
}
