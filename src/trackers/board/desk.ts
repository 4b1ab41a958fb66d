import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import type { Attachment, Person, Ticket, TicketComment, TicketHint, TicketRelation } from '../../core/ticket.ts';
import {
  changedParts,
  describeChange,
  insertRow,
  markingOf,
  nextMoment,
  removeRelations,
  storeRelation,
  updateRow,
} from './changes.ts';
import { type BoardDatabase, boardDatabase, boardTransaction, isoTime } from './database.ts';
import { type BoardDelivery, type DeliveryBody, deliveryIdOf, signDelivery } from './delivery.ts';
import { accountNamed, checkEdit, type TicketDraft, type TicketEdit } from './edit.ts';
import { checkFile, insertFile } from './files.ts';
import { stateNamed } from './states.ts';
import { checkLine, checkText, invalid } from './text.ts';
import { hintOf, identifierOf, lockTicket, numberOf, readTicket, type TicketRow } from './tickets.ts';
import { listTickets, readView, type TicketFilter, type TicketSummary, type TicketView } from './view.ts';

/**
 * What people do on the board. A ticket is named as a person would: "BOARD-12" or "12". Each change commits together with
 * its delivery, or neither does; what changes nothing delivers nothing. Throws `VendorError` `not_found` or `invalid` with
 * a message for the person.
 */
export interface BoardDesk {
  createTicket(draft: TicketDraft, by: Person, also?: Also): Promise<Ticket>;
  editTicket(ticket: string, edit: TicketEdit, by: Person): Promise<Ticket>;
  /** `means`: by words that are no control word themselves. */
  comment(ticket: string, body: string, by: Person, more?: { also?: Also; means?: 'continue' }): Promise<TicketComment>;
  assign(ticket: string, assignee: string, by: Person): Promise<Ticket>;
  unassign(ticket: string, by: Person): Promise<Ticket>;
  /** To a state by its name: "In Review". */
  move(ticket: string, state: string, by: Person): Promise<Ticket>;
  relate(ticket: string, type: TicketRelation['type'], other: string, by: Person): Promise<Ticket>;
  /** Takes all relations between the two away. */
  unrelate(ticket: string, other: string, by: Person): Promise<Ticket>;
  /** Adds a file, of 10 MB at most. */
  attach(ticket: string, name: string, content: Uint8Array, by: Person): Promise<Attachment>;
  show(ticket: string): Promise<TicketView>;
  /** Newest first; at most `limit`, 100 unless told. */
  list(filter?: TicketFilter): Promise<TicketSummary[]>;
}

/** Is written in the transaction of the change, before anybody is told of it. Throwing undoes the change. */
export type Also = (tx: PoolClient, ticket: TicketHint) => Promise<void>;

export function createBoardDesk(options: {
  pool: Pool;
  agent: string;
  secret: string;
  /** Takes a delivery in, inside the transaction of the change it tells of. Throwing undoes the change. */
  accept(tx: PoolClient, delivery: BoardDelivery): Promise<unknown>;
}): BoardDesk {
  const { pool, agent, secret, accept } = options;

  const announce = (tx: PoolClient, content: DeliveryBody) => accept(tx, signDelivery(secret, content));

  /** One change to one ticket; where nothing becomes different nothing is written and nobody told. */
  async function change(
    written: string,
    by: Person,
    event: DeliveryBody['event'],
    edit: Partial<TicketRow>,
  ): Promise<Ticket> {
    const number = numberOf(written);
    return boardTransaction(pool, async (db, tx) => {
      const row = await lockTicket(db, number);
      const after = { ...row, ...edit, version: row.version + 1 };
      const changed = changedParts(row, after);
      if (changed.length > 0) {
        const at = await updateRow(db, after);
        const told = describeChange(event, after, by, row.assignee, at, changed);
        await announce(tx, { ...told, marking: markingOf(row, after) });
      }
      return readTicket(db, number);
    });
  }

  /** Both tickets hear of it, if `change` changed anything. */
  async function changeRelations(
    ticket: string,
    other: string,
    by: Person,
    change: (db: BoardDatabase, numbers: readonly [number, number]) => Promise<boolean>,
  ): Promise<Ticket> {
    const numbers = [numberOf(ticket), numberOf(other)] as const;
    if (numbers[0] === numbers[1])
      throw invalid(`${identifierOf(numbers[0])} cannot be related to itself. Name another ticket.`);
    return boardTransaction(pool, async (db, tx) => {
      // In one order, whoever asks, so that two people cannot wait for each other.
      const rows = [];
      for (const number of [...numbers].sort((a, b) => a - b)) rows.push(await lockTicket(db, number));
      if (await change(db, numbers)) {
        for (const row of rows) {
          const after = { ...row, version: row.version + 1 };
          const at = await updateRow(db, after);
          await announce(tx, describeChange('ticket.changed', after, by, row.assignee, at, ['relations']));
        }
      }
      return readTicket(db, numbers[0]);
    });
  }

  return {
    createTicket: async (draft, by, also) => {
      const { title, state: written = 'Todo', assignee: name, ...rest } = draft;
      const values = {
        description: '',
        priority: 'none' as const,
        labels: [],
        fields: {},
        ...checkEdit(rest),
        title: checkLine(title, 'title'),
        state: stateNamed(written),
        assignee: name === undefined ? null : accountNamed(name, agent),
      };
      return boardTransaction(pool, async (db, tx) => {
        const { number, at } = await insertRow(db, values);
        await also?.(tx, hintOf({ ...values, number }));
        await announce(tx, describeChange('ticket.created', { ...values, number, version: 1 }, by, null, at));
        return readTicket(db, number);
      });
    },

    editTicket: async (ticket, edit, by) => {
      const checked = checkEdit(edit);
      return change(ticket, by, 'ticket.changed', checked);
    },

    comment: async (ticket, written, by, { also, means } = {}) => {
      const body = checkText(written, 'comment');
      if (body.trim() === '') throw invalid('The comment is empty. Say something.');
      const number = numberOf(ticket);
      return boardTransaction(pool, async (db, tx) => {
        const row = await lockTicket(db, number);
        await also?.(tx, hintOf(row));
        const { at } = await db
          .updateTable('board_tickets')
          .set({ updated_at: nextMoment() })
          .where('number', '=', number)
          .returning(isoTime('updated_at').as('at'))
          .executeTakeFirstOrThrow();
        const id = randomUUID();
        await db
          .insertInto('board_comments')
          .values({ id, ticket: number, author: JSON.stringify(by), body, created_at: sql<Date>`${at}::timestamptz` })
          .execute();
        await announce(tx, {
          ...describeChange('comment.created', row, by, row.assignee, at),
          id: deliveryIdOf(number, id),
          comment: { id, body, at, ...(means && { means }) },
        });
        return { id, at, author: by, body };
      });
    },

    assign: async (ticket, name, by) => {
      const assignee = accountNamed(name, agent);
      return change(ticket, by, 'ticket.assigned', { assignee });
    },

    unassign: async (ticket, by) => change(ticket, by, 'ticket.unassigned', { assignee: null }),

    move: async (ticket, written, by) => {
      const state = stateNamed(written);
      return change(ticket, by, 'ticket.changed', { state });
    },

    relate: async (ticket, type, other, by) =>
      changeRelations(ticket, other, by, (db, numbers) => storeRelation(db, numbers, type)),

    unrelate: async (ticket, other, by) => changeRelations(ticket, other, by, removeRelations),

    attach: async (ticket, written, content, by) => {
      const file = checkFile(written, content);
      const number = numberOf(ticket);
      return boardTransaction(pool, async (db, tx) => {
        const row = await lockTicket(db, number);
        const attached = await insertFile(db, number, file, by);
        const after = { ...row, version: row.version + 1 };
        const at = await updateRow(db, after);
        await announce(tx, describeChange('ticket.changed', after, by, row.assignee, at, ['attachments']));
        return attached;
      });
    },

    show: async (ticket) => readView(boardDatabase(pool), numberOf(ticket)),
    list: (filter = {}) => listTickets(boardDatabase(pool), filter),
  };
}
