import { sql } from 'kysely';
import type { Person, Ticket, TicketComment, TicketHint, TicketRelation } from '../../core/ticket.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { type BoardDatabase, isoTime } from './database.ts';
import { filesOf } from './files.ts';
import { type BoardState, categoryOf } from './states.ts';

export function identifierOf(number: number): string {
  return `BOARD-${number}`;
}

/** From what a person types: "BOARD-12", "board-12", "#12" or "12". */
export function numberOf(identifier: string): number {
  const digits = /^(?:board-|#)?([1-9]\d{0,8})$/i.exec(identifier.trim())?.[1];
  if (digits === undefined) throw notFound(identifier);
  return Number(digits);
}

export function notFound(identifier: string): VendorError {
  return new VendorError(
    `There is no ticket "${identifier}" on the board. \`shipmate tickets list\` shows what is there.`,
    {
      code: 'not_found',
      retryable: false,
    },
  );
}

type Hinted = Pick<TicketRow, 'number' | 'title' | 'priority' | 'fields'>;

/** The board has no teams and projects of its own; a ticket's fields "team" and "project" name them. */
export function hintOf(row: Hinted): TicketHint {
  const identifier = identifierOf(row.number);
  return {
    tracker: 'board',
    id: String(row.number),
    identifier,
    title: row.title,
    url: `board://${identifier}`,
    priority: row.priority,
    team: row.fields.team ?? null,
    project: row.fields.project ?? null,
    ref: { number: row.number },
  };
}

/** A ticket's row, locked until the transaction ends: changes to one ticket happen one after the other. */
export async function lockTicket(db: BoardDatabase, number: number): Promise<TicketRow> {
  const row = await db
    .selectFrom('board_tickets')
    .selectAll()
    .where('number', '=', number)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!row) throw notFound(identifierOf(number));
  return row;
}

export interface TicketRow {
  number: number;
  title: string;
  description: string;
  priority: Ticket['priority'];
  labels: string[];
  fields: Record<string, string>;
  state: BoardState;
  assignee: Person | null;
  version: number;
}

export async function readTicket(db: BoardDatabase, number: number, signal?: AbortSignal): Promise<Ticket> {
  const row = await db
    .selectFrom('board_tickets')
    .selectAll()
    .select([isoTime('updated_at').as('updated'), filesOf(number).as('files')])
    .where('number', '=', number)
    .executeTakeFirst({ signal });
  if (!row) throw notFound(identifierOf(number));
  return {
    ...hintOf(row),
    description: row.description,
    labels: row.labels,
    fields: row.fields,
    state: { name: row.state, category: categoryOf(row.state) },
    assignee: row.assignee,
    comments: await readComments(db, number, signal),
    relations: await readRelations(db, number, signal),
    attachments: row.files,
    updatedAt: row.updated,
  };
}

function readComments(db: BoardDatabase, number: number, signal?: AbortSignal): Promise<TicketComment[]> {
  return db
    .selectFrom('board_comments')
    .select(['id', 'author', 'body', isoTime('created_at').as('at')])
    .where('ticket', '=', number)
    .orderBy('seq')
    .execute({ signal });
}

type Stored = 'blocks' | 'relatedTo' | 'parent' | 'duplicateOf';

/** A relation is stored once, on one of its two tickets; the other one sees it from its own side. */
const fromTheOtherSide: Record<Stored, TicketRelation['type']> = {
  blocks: 'blockedBy',
  relatedTo: 'relatedTo',
  parent: 'child',
  duplicateOf: 'relatedTo',
};

async function readRelations(db: BoardDatabase, number: number, signal?: AbortSignal): Promise<TicketRelation[]> {
  const rows = await db
    .selectFrom('board_relations as relation')
    .innerJoin('board_tickets as other', (join) =>
      join.on(
        'other.number',
        '=',
        sql<number>`case when relation.ticket = ${number} then relation.other else relation.ticket end`,
      ),
    )
    .select(['relation.ticket', 'relation.type'])
    .select(['other.number', 'other.title', 'other.state', 'other.priority', 'other.fields'])
    .where((where) => where.or([where('relation.ticket', '=', number), where('relation.other', '=', number)]))
    .orderBy('relation.type')
    .orderBy('other.number')
    .execute({ signal });
  return rows.map((row) => ({
    type: row.ticket === number ? row.type : fromTheOtherSide[row.type],
    ticket: hintOf(row),
    category: categoryOf(row.state),
  }));
}
