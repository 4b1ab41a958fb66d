import type { Activity } from './activity.ts';
import { cleanText } from './outgoing-text.ts';
import type { Plan, PlanStep } from './plan.ts';
import type { Part } from './proposal.ts';
import type { SessionState } from './session.ts';
import { isOver, type StateCategory, type Ticket, type TicketHint, type TicketRelation } from './ticket.ts';

/**
 * When a sub-ticket begins that depends on another: when that one is over, its change reviewed and merged (`review-each`),
 * or when it has a pull request, on that one's branch, so that all are reviewed at the end (`review-end`).
 */
export const stages = ['review-each', 'review-end'] as const;
export type Stages = (typeof stages)[number];

/** What people wrote of it: "Review each", "review-end". null: nothing of the kind. */
export function readStages(text: string | null): Stages | null {
  const plain = (text ?? '').toLowerCase().replace(/[^a-z]/g, '');
  return stages.find((each) => each.replace('-', '') === plain) ?? null;
}

/** Tickets that must be over before this one may begin. Its own parts are not among them: it leads those. */
export function openBlockers({ relations }: Pick<Ticket, 'relations'>): TicketHint[] {
  const parts = new Set(relations.filter(({ type }) => type === 'child').map(({ ticket }) => ticket.id));
  return relations
    .filter((relation) => relation.type === 'blockedBy' && isOpen(relation) && !parts.has(relation.ticket.id))
    .map(({ ticket }) => ticket);
}

export function openChildren(ticket: Pick<Ticket, 'relations'>): TicketHint[] {
  return childrenOf(ticket)
    .filter(isOpen)
    .map((child) => child.ticket);
}

export function childrenOf({ relations }: Pick<Ticket, 'relations'>): TicketRelation[] {
  return relations.filter(({ type }) => type === 'child');
}

/** All that a ticket is not over before: what blocks it, and its parts. */
export function awaitedBy({ relations }: Pick<Ticket, 'relations'>): TicketHint[] {
  return relations
    .filter((relation) => (relation.type === 'blockedBy' || relation.type === 'child') && isOpen(relation))
    .map(({ ticket }) => ticket);
}

function isOpen({ category }: TicketRelation): boolean {
  return !isOver(category);
}

/**
 * The first circle that one comes to from `start`, as the way there and round it: its last is also earlier in it. null:
 * there is none.
 */
export function findCircle(start: string, awaited: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const search = (path: string[]): string[] | null => {
    const here = path.at(-1) ?? start;
    for (const next of awaited.get(here) ?? []) {
      if (path.includes(next)) return [...path, next];
      const found = done.has(next) ? null : search([...path, next]);
      if (found) return found;
    }
    done.add(here);
    return null;
  };
  return search([start]);
}

/** "BOARD-1 waits for BOARD-2, which waits for BOARD-1". */
export function writeCircle([first = '', ...others]: string[]): string {
  return `${first} waits for ${others.join(', which waits for ')}`;
}

/** Parts in an order in which each comes after those that it needs; null where there is none, as places in the list. */
export function orderParts(parts: readonly Pick<Part, 'after'>[]): number[] | null {
  const order: number[] = [];
  while (order.length < parts.length) {
    const next = parts.findIndex(
      ({ after }, place) => !order.includes(place) && after.every((before) => order.includes(before)),
    );
    if (next === -1) return null;
    order.push(next);
  }
  return order;
}

/** A list of tickets for people. */
export function nameTickets(tickets: readonly Pick<TicketHint, 'identifier' | 'title'>[], most = 10): string {
  const named = tickets.slice(0, most).map(({ identifier, title }) => `${identifier} (${cleanText(title, 100)})`);
  if (tickets.length > most) named.push(`${tickets.length - most} more`);
  return named.length < 2 ? (named[0] ?? '') : `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`;
}

/** Words on a ticket that waits start nothing, but are read by the run that begins. */
export function noteWhileWaiting({ leads }: { leads: boolean }): Activity {
  const body = leads
    ? 'Noted, but I do no work on this ticket itself: I lead its sub-tickets. What concerns one of them, say there.'
    : 'Noted; I read it when I begin. Say "continue" to have me begin now.';
  return { type: 'thought', body };
}

/** A part of a ticket, as far as it is known. */
export interface Child {
  ticket: TicketHint;
  category: StateCategory;
  /** Who has it, where nobody of ours works on it. */
  assignee: string | null;
  /** null: it is not the agent's. */
  session: {
    state: SessionState;
    /** Whether a worker has its run. */
    isHeld: boolean;
    closed: boolean;
    waiting: boolean;
    leads: boolean;
    /** Identifiers of what it waits for. */
    waitsFor: string[];
    pullRequest: string | null;
  } | null;
}

/** How the parts of a ticket stand: one step each, for the ticket's plan. */
export function writeOverview(children: readonly Child[]): Plan {
  return children.map((child) => {
    const { status, words } = standingOf(child);
    const { identifier, title } = child.ticket;
    return { content: `${identifier} ${cleanText(title, 150)}: ${words}`, status };
  });
}

function standingOf({ category, assignee, session }: Child): { status: PlanStep['status']; words: string } {
  if (category === 'done') return { status: 'completed', words: 'done' };
  if (category === 'canceled') return { status: 'canceled', words: 'canceled' };
  if (!session)
    return { status: 'pending', words: `left to ${assignee === null ? 'people' : cleanText(assignee, 60)}` };
  if (session.closed) return { status: 'completed', words: 'closed' };
  const { state, pullRequest } = session;
  const review = pullRequest === null ? '' : `; its pull request: ${pullRequest}`;
  switch (state) {
    case 'pending':
      return { status: 'pending', words: 'waiting for a free worker' };
    case 'active':
      return session.isHeld
        ? { status: 'inProgress', words: `at work${review}` }
        : { status: 'pending', words: `waiting for a free worker${review}` };
    case 'awaitingInput':
      if (session.leads) return { status: 'inProgress', words: 'at work on its own sub-tickets' };
      if (session.waiting) return { status: 'pending', words: `waiting for ${nameShortly(session.waitsFor)}` };
      return { status: 'inProgress', words: `waiting for an answer${review}` };
    case 'complete':
      return {
        status: 'inProgress',
        words: pullRequest === null ? 'answered, in review' : `in review: ${pullRequest}`,
      };
    case 'error':
      return { status: 'inProgress', words: `failed, its ticket says why${review}` };
    case 'stopped':
      return { status: 'pending', words: `stopped${review}` };
  }
}

function nameShortly(identifiers: string[]): string {
  return identifiers.length === 0 ? 'its turn' : identifiers.slice(0, 10).join(', ');
}
