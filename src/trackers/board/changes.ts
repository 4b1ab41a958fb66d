import { sql } from 'kysely';
import type { Person, TicketPart, TicketRelation } from '../../core/ticket.ts';
import { type BoardDatabase, type BoardTables, isoTime } from './database.ts';
import { type DeliveryBody, deliveryIdOf } from './delivery.ts';
import type { TicketRow } from './tickets.ts';

/** Files a ticket; answers its number and when that was. */
export function insertRow(
  db: BoardDatabase,
  row: Omit<TicketRow, 'number' | 'version'>,
): Promise<{ number: number; at: string }> {
  return db
    .insertInto('board_tickets')
    .values(columnsOf(row))
    .returning(['number', isoTime('updated_at').as('at')])
    .executeTakeFirstOrThrow();
}

/** Writes a locked ticket's row back; answers when that was. */
export async function updateRow(db: BoardDatabase, row: TicketRow): Promise<string> {
  const { at } = await db
    .updateTable('board_tickets')
    .set({ ...columnsOf(row), version: row.version, updated_at: nextMoment() })
    .where('number', '=', row.number)
    .returning(isoTime('updated_at').as('at'))
    .executeTakeFirstOrThrow();
  return at;
}

/** Later than anything before on the ticket, whatever the clock says: what happened in which order is told by it. */
export function nextMoment() {
  return sql<Date>`greatest(clock_timestamp(), updated_at + interval '1 microsecond')`;
}

function columnsOf({
  title,
  description,
  priority,
  labels,
  fields,
  state,
  assignee,
}: Omit<TicketRow, 'number' | 'version'>) {
  return {
    title,
    description,
    priority,
    labels,
    fields: JSON.stringify(fields),
    state,
    assignee: assignee && JSON.stringify(assignee),
  };
}

/** In what two rows of a ticket differ. */
export function changedParts(before: TicketRow, after: TicketRow): TicketPart[] {
  const { number: _number, version: _version, ...parts } = before;
  return (Object.keys(parts) as (keyof typeof parts)[]).filter(
    (part) => JSON.stringify(before[part]) !== JSON.stringify(after[part]),
  );
}

/** Which labels and fields are others in the second; the same are none. */
export function markingOf(before: TicketRow, after: TicketRow): NonNullable<DeliveryBody['marking']> {
  const without = (all: string[], others: string[]) => all.filter((label) => !others.includes(label));
  const names = [...new Set([...Object.keys(before.fields), ...Object.keys(after.fields)])];
  const changed = names.filter((name) => before.fields[name] !== after.fields[name]);
  return {
    got: without(after.labels, before.labels),
    lost: without(before.labels, after.labels),
    fields: Object.fromEntries(changed.map((name) => [name, after.fields[name] ?? ''])),
  };
}

/** What a delivery says of a change that made the ticket `row`. */
export function describeChange(
  event: DeliveryBody['event'],
  row: Omit<TicketRow, 'description' | 'labels'>,
  actor: Person,
  previousAssignee: Person | null,
  at: string,
  changed?: TicketPart[],
): DeliveryBody {
  const { number, title, priority, fields, state, assignee, version } = row;
  const id = deliveryIdOf(number, version);
  const ticket = { number, title, priority, fields, state, assignee };
  return { id, event, at, actor, ticket, previousAssignee, ...(changed && { changed }) };
}

type StoredRelation = BoardTables['board_relations'];

/** Stores a relation once, from whichever side it was told. Answers whether it is new. */
export async function storeRelation(
  db: BoardDatabase,
  [ticket, other]: readonly [number, number],
  type: TicketRelation['type'],
): Promise<boolean> {
  const values = stored(ticket, other, type);
  const added = await db
    .insertInto('board_relations')
    .values(values)
    .onConflict((conflict) => conflict.doNothing())
    .returning('type')
    .execute();
  return added.length > 0;
}

/** Takes all relations between two tickets away. Answers whether there were any. */
export async function removeRelations(db: BoardDatabase, [ticket, other]: readonly [number, number]): Promise<boolean> {
  const removed = await db
    .deleteFrom('board_relations')
    .where('ticket', 'in', [ticket, other])
    .where('other', 'in', [ticket, other])
    .returning('type')
    .execute();
  return removed.length > 0;
}

function stored(ticket: number, other: number, type: TicketRelation['type']): StoredRelation {
  switch (type) {
    case 'blockedBy':
      return { ticket: other, type: 'blocks', other: ticket };
    case 'child':
      return { ticket: other, type: 'parent', other: ticket };
    case 'relatedTo':
      return { ticket: Math.min(ticket, other), type, other: Math.max(ticket, other) };
    default:
      return { ticket, type, other };
  }
}
