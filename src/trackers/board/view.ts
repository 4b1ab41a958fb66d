import { type SqlBool, sql } from 'kysely';
import type { Activity } from '../../core/activity.ts';
import type { Plan } from '../../core/plan.ts';
import type { Person, Priority, StateCategory, Ticket } from '../../core/ticket.ts';
import { type BoardDatabase, isAssignedTo, isoTime } from './database.ts';
import { boardStates, categoryOf } from './states.ts';
import { identifierOf, readTicket } from './tickets.ts';

/** Everything there is to see of a ticket: what people wrote, and what the agent showed. */
export interface TicketView {
  ticket: Ticket;
  plan: Plan;
  activities: { id: string; activity: Activity; at: string }[];
  attachments: { url: string; title: string }[];
}

export interface TicketSummary {
  identifier: string;
  title: string;
  state: Ticket['state'];
  priority: Priority;
  assignee: Person | null;
  updatedAt: string;
}

export interface TicketFilter {
  categories?: StateCategory[];
  /** A name. */
  assignee?: string;
  limit?: number;
}

export async function readView(db: BoardDatabase, number: number): Promise<TicketView> {
  const ticket = await readTicket(db, number);
  const plan = await db.selectFrom('board_plans').select('plan').where('ticket', '=', number).executeTakeFirst();
  const activities = await db
    .selectFrom('board_activities')
    .select(['id', 'activity', isoTime('created_at').as('at')])
    .where('ticket', '=', number)
    .orderBy('seq')
    .execute();
  const attachments = await db
    .selectFrom('board_attachments')
    .select(['url', 'title'])
    .where('ticket', '=', number)
    .orderBy('created_at')
    .execute();
  return { ticket, plan: plan?.plan ?? [], activities, attachments };
}

export async function listTickets(db: BoardDatabase, filter: TicketFilter): Promise<TicketSummary[]> {
  const { categories, assignee, limit = 100 } = filter;
  let query = db
    .selectFrom('board_tickets')
    .select(['number', 'title', 'state', 'priority', 'assignee', isoTime('updated_at').as('updatedAt')])
    .orderBy('number', 'desc')
    .limit(limit);
  if (categories) {
    const states = boardStates.filter(({ category }) => categories.includes(category)).map(({ name }) => name);
    query = query.where(sql<SqlBool>`state = any(${states})`); // which may be none
  }
  if (assignee !== undefined) query = query.where(isAssignedTo(assignee));
  const rows = await query.execute();
  return rows.map(({ number, state, ...row }) => ({
    identifier: identifierOf(number),
    ...row,
    state: { name: state, category: categoryOf(state) },
  }));
}
