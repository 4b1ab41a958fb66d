import type { Activity } from '../../../src/core/activity.ts';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { Plan } from '../../../src/core/plan.ts';
import {
  type Attachment,
  isOver,
  type Person,
  type RelationType,
  type StateCategory,
  type Ticket,
  type TicketComment,
  type TicketHint,
  type TicketMatch,
  type TicketPart,
  type TicketQuery,
} from '../../../src/core/ticket.ts';
import { describeChange } from '../../../src/trackers/board/changes.ts';
import { type DeliveryBody, deliveryIdOf } from '../../../src/trackers/board/delivery.ts';
import { categoryOf, stateNamed, stateOf } from '../../../src/trackers/board/states.ts';
import { hintOf, identifierOf, type TicketRow } from '../../../src/trackers/board/tickets.ts';
import { rankByWords } from '../rank-words.ts';
import { Refusal } from './refusal.ts';

export const pageSize = 50;

export interface TicketDraft {
  title: string;
  description?: string;
  priority?: Ticket['priority'];
  labels?: string[];
  fields?: Record<string, string>;
  state?: string;
  assignee?: string;
}

/** Everything there is to see of a ticket. */
export interface WorldTicket extends Omit<Ticket, 'attachments'> {
  files: Attachment[];
  plan: Plan;
  activities: { id: string; activity: Activity; at: number }[];
  attachments: { url: string; title: string }[];
}

/** A change, and what is to be delivered of it; null where nothing became different. */
export interface Changed {
  ticket: WorldTicket;
  told: DeliveryBody | null;
}

interface Row extends TicketRow {
  files: (Attachment & { content: string })[];
  comments: TicketComment[];
  plan: Plan;
  activities: { id: string; activity: Activity; at: number }[];
  attachments: { url: string; title: string }[];
  updatedAt: string;
  /** What reads still show, until then. */
  stale: { state: Row['state']; until: number } | null;
}

const fromTheOtherSide = {
  blocks: 'blockedBy',
  relatedTo: 'relatedTo',
  parent: 'child',
  duplicateOf: 'relatedTo',
} as const;

export type Board = ReturnType<typeof createBoard>;

/** The tracker's side: tickets in memory. Each function is done when it returns, so nothing can come in between. */
export function createBoard(agent: string) {
  const rows = new Map<number, Row>();
  const known = new Set<string>();
  /** Tickets that the agent filed, by the id of the operation. */
  const filed = new Map<string, number>();
  /** When tickets changed hands, by the id of the operation. */
  const handed = new Map<string, string>();
  const relations: { ticket: number; type: keyof typeof fromTheOtherSide; other: number }[] = [];
  let last = 0;
  let numbers = 0;

  /** ISO 8601 to the microsecond; no two are the same, whatever happens in one millisecond. */
  function now(): string {
    last = Math.max(last + 1, Date.now() * 1000);
    const [seconds = ''] = new Date(last / 1000).toISOString().split('.');
    return `${seconds}.${String(last % 1_000_000).padStart(6, '0')}Z`;
  }
  const agentAccount: Person = { id: agent, name: agent, isBot: true };
  let comments = 0;

  function find(id: string): Row {
    const row = rows.get(Number(id.replace(/^BOARD-/, '')));
    if (!row) throw new Refusal(404, `there is no ticket ${id}`);
    return row;
  }

  function change(id: string, by: Person, event: DeliveryBody['event'], edit: Partial<TicketRow>): Changed {
    const row = find(id);
    const previous = row.assignee;
    const parts = Object.entries(edit).filter(
      ([key, value]) => JSON.stringify(row[key as keyof TicketRow]) !== JSON.stringify(value),
    );
    if (parts.length === 0) return { ticket: view(row), told: null };
    touch(row, edit);
    const changed = parts.map(([part]) => part as TicketPart);
    return { ticket: view(row), told: describeChange(event, row, by, previous, row.updatedAt, changed) };
  }

  function touch(row: Row, edit: Partial<TicketRow>): void {
    Object.assign(row, edit, { version: row.version + 1, updatedAt: now() });
  }

  /** An id that is known is refused: a vendor that takes ids of ours shows what they name once. */
  function claim(id: string): void {
    if (known.has(id)) throw new Refusal(409, `${id} exists already`, 'exists');
    known.add(id);
  }

  return {
    identifiers: () => [...rows.keys()].map(identifierOf),
    show: (id: string) => view(find(id)),

    create({ title, state = 'Todo', assignee, ...rest }: TicketDraft, by: Person): Changed {
      const number = ++numbers;
      const row: Row = {
        number,
        title,
        description: '',
        priority: 'none',
        labels: [],
        fields: {},
        ...rest,
        state: stateNamed(state),
        assignee: assignee === undefined ? null : account(assignee),
        version: 1,
        comments: [],
        plan: [],
        activities: [],
        attachments: [],
        files: [],
        updatedAt: now(),
        stale: null,
      };
      rows.set(number, row);
      return { ticket: view(row), told: describeChange('ticket.created', row, by, null, row.updatedAt) };
    },
    assign: (id: string, name: string, by: Person) => change(id, by, 'ticket.assigned', { assignee: account(name) }),
    unassign: (id: string, by: Person) => change(id, by, 'ticket.unassigned', { assignee: null }),
    move: (id: string, state: string, by: Person) => change(id, by, 'ticket.changed', { state: stateNamed(state) }),
    comment(id: string, body: string, by: Person): Changed {
      const row = find(id);
      const comment = { id: `comment-${++comments}`, author: by, body, at: now() };
      row.comments.push(comment);
      row.updatedAt = comment.at;
      const told = describeChange('comment.created', row, by, row.assignee, comment.at);
      const { author: _, ...said } = comment;
      return { ticket: view(row), told: { ...told, id: deliveryIdOf(row.number, comment.id), comment: said } };
    },
    attachFile(id: string, name: string, content: string, by: Person): Changed {
      const row = find(id);
      const bytes = Buffer.from(content, 'base64').length;
      const mediaType = name.endsWith('.png') ? 'image/png' : 'text/plain';
      row.files.push({ id: `file-${row.files.length + 1}`, name, mediaType, bytes, content });
      touch(row, {});
      const told = describeChange('ticket.changed', row, by, row.assignee, row.updatedAt, ['attachments']);
      return { ticket: view(row), told };
    },
    readFile(id: string, file: string): string {
      const found = find(id).files.find((one) => one.id === file);
      if (!found) throw new Refusal(404, `there is no file ${file} on ticket ${id}`);
      return found.content;
    },
    /** Nothing is told: a tracker's webhook for this is the one that people forget to switch on. */
    remove(id: string): void {
      rows.delete(find(id).number);
    },

    read(id: string): Ticket {
      const row = find(id);
      const { plan: _, activities: _a, attachments: _b, files, ...rest } = view(row);
      const ticket = { ...rest, attachments: files };
      if (row.stale === null || row.stale.until < Date.now()) return ticket;
      return { ...ticket, state: { name: row.stale.state, category: categoryOf(row.stale.state) } };
    },
    list(query: TicketQuery, cursor: string | null): { tickets: TicketHint[]; next: string | null } {
      const { assignee, categories, labels = [], team, project, spokenSince } = query;
      const isSince = (comment: TicketComment) => !comment.author.isBot && comment.at > (spokenSince ?? '');
      const after = [...rows.values()].filter(
        (row) =>
          row.number > Number(cursor ?? 0) &&
          !isOver(categoryOf(row.state)) &&
          (assignee === undefined || (assignee === 'agent' ? row.assignee?.id === agent : row.assignee === null)) &&
          (categories === undefined || categories.some((category) => category === categoryOf(row.state))) &&
          labels.every((label) => row.labels.includes(label)) &&
          (team === undefined || row.fields.team === team) &&
          (project === undefined || row.fields.project === project) &&
          (spokenSince === undefined || row.comments.some(isSince)),
      );
      const page = after.slice(0, pageSize);
      return { tickets: page.map(hintOf), next: after.length > pageSize ? String(page.at(-1)?.number) : null };
    },
    search(words: string, limit: number): TicketMatch[] {
      const found = rankByWords(words.match(/[\p{L}\p{N}_]+/gu) ?? [], rows.values(), (row) => ({
        ...{ title: row.title, text: row.description },
      }));
      return found.slice(0, limit).map(({ row }) => ({
        hint: hintOf(row),
        state: { name: row.state, category: categoryOf(row.state) },
        text: row.description,
        updatedAt: row.updatedAt,
      }));
    },

    /** Unlike others it answers a repetition, as a vendor does whose tickets carry an id of ours that can be searched for. */
    file(id: string | null, operation: TicketOperation & { kind: 'createTicket' }) {
      const from = id === null ? null : find(id);
      const earlier = filed.get(operation.id);
      if (earlier !== undefined) return { hint: hintOf(find(String(earlier))), isNew: false, told: null };
      const blockers = operation.blockedBy.map((blocker) => find(String(blocker)).number);
      const { team, project, ...draft } = operation.draft;
      const fields = { ...draft.fields, ...(team !== null && { team }), ...(project !== null && { project }) };
      const labels = draft.labels.map((label) => label.toWellFormed().trim()).filter((label) => label !== '');
      const { ticket, told } = this.create(
        { ...draft, labels, title: draft.title.trim() === '' ? 'Untitled' : draft.title, fields },
        agentAccount,
      );
      const number = Number(ticket.id);
      filed.set(operation.id, number);
      if (from && operation.relation === 'child')
        relations.push({ ticket: number, type: 'parent', other: from.number });
      if (from && operation.relation === 'relatedTo')
        relations.push({ ticket: from.number, type: 'relatedTo', other: number });
      for (const blocker of blockers) relations.push({ ticket: blocker, type: 'blocks', other: number });
      return { hint: hintOf(find(ticket.id)), isNew: true, told };
    },
    relate(id: string, type: RelationType, other: string, by: Person): Changed {
      const row = find(id);
      const [ticket, to] = [row.number, find(other).number];
      if (type === 'blockedBy') relations.push({ ticket: to, type: 'blocks', other: ticket });
      else if (type === 'child') relations.push({ ticket: to, type: 'parent', other: ticket });
      else relations.push({ ticket, type, other: to });
      touch(row, {});
      return {
        ticket: view(row),
        told: describeChange('ticket.changed', row, by, row.assignee, row.updatedAt, ['relations']),
      };
    },
    /** These two answer a repetition as well: with when it was done. */
    take(id: string, operationId: string) {
      const row = find(id);
      const at = handed.get(operationId);
      if (at !== undefined) return { at, told: null };
      if (row.assignee && row.assignee.id !== agent)
        return { skipped: `${row.assignee.name} has the ticket`, told: null };
      if (isOver(categoryOf(row.state))) return { skipped: `the ticket is in "${row.state}"`, told: null };
      if (row.assignee) return { at: row.updatedAt, told: null };
      return hand(row, operationId, agentAccount);
    },
    release(id: string, operationId: string) {
      const row = find(id);
      const at = handed.get(operationId);
      if (at !== undefined) return { at, told: null };
      if (row.assignee?.id !== agent) return { skipped: 'the agent does not have the ticket', told: null };
      return hand(row, operationId, null);
    },

    postActivity(id: string, operationId: string, activity: Activity): void {
      const row = find(id);
      claim(operationId);
      row.activities.push({ id: operationId, activity, at: Date.now() });
    },
    replacePlan(id: string, operationId: string, plan: Plan): void {
      const row = find(id);
      claim(operationId);
      row.plan = plan;
    },
    attach(id: string, operationId: string, url: string, title: string): boolean {
      const row = find(id);
      claim(operationId);
      const attached = row.attachments.find((attachment) => attachment.url === url);
      if (attached) attached.title = title;
      else row.attachments.push({ url, title });
      return !attached;
    },
    /** The agent's move, on condition that the ticket's category is one of `from`. */
    moveFrom(id: string, operationId: string, to: StateCategory, from: StateCategory[], hideMs: number) {
      const row = find(id);
      if (known.has(operationId)) throw new Refusal(409, `${operationId} exists already`, 'exists');
      const state = stateOf(to);
      if (row.state === state) return { state, told: null };
      if (!from.includes(categoryOf(row.state))) return { skipped: `the ticket is in "${row.state}"`, told: null };
      known.add(operationId);
      row.stale = hideMs > 0 ? { state: row.state, until: Date.now() + hideMs } : null;
      touch(row, { state });
      return { state, told: describeChange('ticket.changed', row, agentAccount, row.assignee, row.updatedAt) };
    },
  };

  function hand(row: Row, operationId: string, assignee: Person | null) {
    const previous = row.assignee;
    touch(row, { assignee });
    handed.set(operationId, row.updatedAt);
    const event = assignee ? 'ticket.assigned' : 'ticket.unassigned';
    return { at: row.updatedAt, told: describeChange(event, row, agentAccount, previous, row.updatedAt) };
  }

  function account(name: string): Person {
    return name === agent ? agentAccount : { id: name.toLowerCase(), name, isBot: false };
  }

  function view(row: Row): WorldTicket {
    const { description, labels, fields, state, assignee, comments, plan, activities, attachments, updatedAt } = row;
    const files = row.files.map(({ content: _, ...file }) => file);
    return structuredClone({
      ...hintOf(row),
      description,
      labels,
      fields,
      state: { name: state, category: categoryOf(state) },
      assignee,
      comments,
      relations: relations.flatMap(({ ticket, type, other }): Ticket['relations'] => {
        if (ticket !== row.number && other !== row.number) return [];
        const far = rows.get(ticket === row.number ? other : ticket);
        if (!far) return [];
        const seen = ticket === row.number ? type : fromTheOtherSide[type];
        return [{ type: seen, ticket: hintOf(far), category: categoryOf(far.state) }];
      }),
      updatedAt,
      plan,
      activities,
      attachments,
      files,
    });
  }
}
