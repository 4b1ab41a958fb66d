import { deterministicId } from '../lib/ids.ts';
import { isBugTicket } from './bug-ticket.ts';
import { openBlockers, openChildren } from './dependencies.ts';
import { namedPaths } from './named-paths.ts';
import type { Outcome } from './outcome.ts';
import { cleanText } from './outgoing-text.ts';
import { type Routing, routeTicket } from './routing.ts';
import { type Confidence, confidences } from './scope.ts';
import { priorities, type Ticket, type TicketHint, type TicketQuery, type TrackerKind } from './ticket.ts';
import { type FieldNames, readFacts } from './ticket-facts.ts';
import { kindsOf } from './ticket-kinds.ts';
import { decideTier } from './tiers.ts';

export type OpenCategory = NonNullable<TicketQuery['categories']>[number];

export const ticketKinds = ['bug', 'feature', 'any'] as const;

/** Tickets that the agent takes by itself: which, and how many of them in a day (UTC). */
export interface StandingOrder {
  name: string;
  tracker: TrackerKind;
  team: string | null;
  project: string | null;
  labels: string[];
  states: OpenCategory[];
  kinds: (typeof ticketKinds)[number];
  /** At least. */
  rating: Confidence;
  perDay: number;
  usdPerDay: number | null;
  repository: string | null;
  paused: boolean;
}

/** What an order has come to today. */
export interface OrderDay {
  /** Tickets that it took, those that it is about to take among them. */
  taken: number;
  /** Those that it gave back. */
  declined: number;
  /** What its tickets have cost that day, with what is set aside for calls that are under way. */
  usd: number;
}

export function queryOf({ team, project, labels, states }: StandingOrder): TicketQuery {
  return {
    assignee: 'nobody',
    categories: states,
    ...(labels.length > 0 && { labels }),
    ...(team !== null && { team }),
    ...(project !== null && { project }),
  };
}

/** Of its money of a day; with less left, a ticket would be taken only to come to a stop. */
const leastLeft = 0.1;

/** Why an order takes nothing more today, in words for people; null: it may. */
export function whyIdle(order: StandingOrder, { taken, declined, usd }: OrderDay): string | null {
  const { paused, perDay, usdPerDay } = order;
  if (paused) return `paused (orders.${order.name}.paused)`;
  if (taken >= perDay) return `it has taken its ${perDay} of the day (orders.${order.name}.perDay)`;
  if (declined >= perDay) return `it has given back ${declined} today, as many as it may take`;
  if (usdPerDay !== null && usd > usdPerDay * (1 - leastLeft))
    return `what it took has cost ${usd.toFixed(2)} of ${usdPerDay} USD today, too much for another ticket (orders.${order.name}.usdPerDay)`;
  return null;
}

/** The most pressing first; of equals, as they were listed: the oldest first. */
export function mostPressing<T extends Pick<TicketHint, 'priority'>>(tickets: readonly T[]): T[] {
  return tickets.toSorted((a, b) => priorities.indexOf(a.priority) - priorities.indexOf(b.priority));
}

/** What says which repository a ticket is about, beside what people answered before. */
export interface OrderRouting extends Omit<Routing, 'remembered'> {
  fields: FieldNames;
}

/** Why an order does not take a ticket, as it stands now; null: it fits. `remembered`: see `Routing`. */
export function whyNot(
  order: StandingOrder,
  ticket: Ticket,
  routing: OrderRouting,
  remembered: string | null,
): string | null {
  const { category } = ticket.state;
  if (ticket.assignee) return `${cleanText(ticket.assignee.name, 100)} has it`;
  if (!order.states.some((state) => state === category)) return `it is in "${cleanText(ticket.state.name, 100)}"`;
  if (order.kinds === 'bug' && !isBugTicket(ticket)) return 'it is not a bug';
  if (order.kinds === 'feature' && isBugTicket(ticket)) return 'it is a bug';
  const blockers = openBlockers(ticket);
  if (blockers.length > 0) return `it is blocked by ${identifiersOf(blockers)}`;
  // Its session would lead them and take them all; each of them is looked at by itself.
  const children = openChildren(ticket);
  if (children.length > 0) return `it has open sub-tickets: ${identifiersOf(children)}`;
  const facts = readFacts(ticket, routing.fields);
  const route = routeTicket(ticket, facts, { ...routing, remembered });
  if ('repository' in route) {
    const isAnother = order.repository !== null && route.repository.name !== order.repository;
    if (isAnother) return `it is not about ${order.repository}`;
    const paths = namedPaths(ticket, facts);
    const { tier, because } = decideTier(route.repository, { from: 'ticket', kinds: kindsOf(ticket), paths });
    return tier === 'never' ? because : null;
  }
  // Taken, it could only ask, and would hold a place of the day until somebody answers.
  return 'unknown' in route
    ? 'it names a repository that is not configured'
    : 'it does not say which repository it is about';
}

function identifiersOf(tickets: readonly TicketHint[]): string {
  return tickets
    .slice(0, 10)
    .map(({ identifier }) => identifier)
    .join(', ');
}

/** Said on the ticket that was taken; `nth` of the day. */
export function whyTaken(order: StandingOrder, ticket: Ticket, nth: number): string {
  const labels = order.labels.map((label) => `"${cleanText(label, 100)}"`).join(', ');
  const reasons = [
    'nobody has it',
    ...(order.team === null ? [] : [`its team is ${cleanText(order.team, 100)}`]),
    ...(order.project === null ? [] : [`its project is ${cleanText(order.project, 100)}`]),
    ...(labels === '' ? [] : [`it is labelled ${labels}`]),
    ...(order.kinds === 'any' ? [] : [order.kinds === 'bug' ? 'it is a bug' : 'it is not a bug']),
    ...(ticket.priority === 'none' ? [] : [`its priority is ${ticket.priority}`]),
    'nothing blocks it',
  ];
  return (
    `I took this by the standing order "${order.name}" (${nth} of ${order.perDay} today): ${reasons.join(', ')}. ` +
    'Say "stop", or give it to someone else, and I let go of it.'
  );
}

/** What a ticket says, as one id: where it stands and who has it do not count, because taking it changes that. */
export function fingerprintOf(ticket: Ticket): string {
  const { title, description, labels, fields, priority, comments, attachments } = ticket;
  const said = comments.filter(({ author }) => !author.isBot).map(({ id, body }) => [id, body]);
  const parts = [title, description, labels.toSorted(), Object.entries(fields).toSorted(), priority, said];
  const attached = attachments.filter(({ isOwn }) => !isOwn).map(({ id }) => id);
  if (attached.length > 0) parts.push(attached.toSorted());
  return deterministicId('fingerprint', JSON.stringify(parts));
}

/** What an order asks of a ticket that it took. */
export interface Demand {
  order: string;
  /** At least. */
  rating: Confidence;
}

/**
 * What becomes of a ticket that an order took, when it has been rated: null, it is worked on; else the end of its run,
 * which gives it back and says what is missing.
 */
export function judgeRating(demand: Demand, rating: Confidence, missing: readonly string[]): Outcome | null {
  if (confidences.indexOf(rating) <= confidences.indexOf(demand.rating)) return null;
  const list = missing.map((each) => `- ${cleanText(each, 500)}`).join('\n');
  const message =
    `I give this back: the standing order "${demand.order}" takes tickets that are ${demand.rating} at least, and this one is ${rating}.` +
    `${list === '' ? '' : `\n\nWhat is missing:\n${list}`}\n\n` +
    'When the ticket says more, I may take it again; assign it to me, and I begin at once.';
  return { stopReason: 'finished', message, givesBack: rating };
}
