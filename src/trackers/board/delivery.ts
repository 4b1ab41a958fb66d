import { z } from 'zod';
import type { Delivery, TrackerEvent } from '../../core/delivery.ts';
import { readSignal } from '../../core/prompt-signal.ts';
import { priorities, ticketParts } from '../../core/ticket.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { signatureMatches, signBody } from '../../lib/signature.ts';
import { type BoardState, boardStates, categoryOf } from './states.ts';
import { hintOf, identifierOf } from './tickets.ts';

const person = z.object({ id: z.string(), name: z.string(), isBot: z.boolean() });

const deliveryBody = z.object({
  /** Repeated in the header; here it is signed. */
  id: z.string(),
  event: z.enum(['ticket.created', 'ticket.assigned', 'ticket.unassigned', 'ticket.changed', 'comment.created']),
  /** When, to the microsecond; of what happens to one ticket, no two are the same. Older versions did not tell. */
  at: z.iso.datetime().optional(),
  actor: person,
  /** As the change left it. */
  ticket: z.object({
    number: z.int().positive(),
    title: z.string(),
    priority: z.enum(priorities).default('none'),
    fields: z.record(z.string(), z.string()).default({}),
    state: z.enum(boardStates.map((state) => state.name) as [BoardState, ...BoardState[]]),
    assignee: person.nullable(),
  }),
  previousAssignee: person.nullish(),
  changed: z.array(z.enum(ticketParts)).optional(),
  marking: z
    .object({ got: z.array(z.string()), lost: z.array(z.string()), fields: z.record(z.string(), z.string()) })
    .optional(),
  comment: z
    .object({ id: z.string(), body: z.string(), at: z.string(), means: z.literal('continue').optional() })
    .optional(),
});

export type DeliveryBody = z.input<typeof deliveryBody>;

export const signatureHeader = 'board-signature';
export const idHeader = 'board-delivery';

/** A delivery as `POST /webhooks/board` takes it. */
export interface BoardDelivery {
  source: 'board';
  headers: Record<string, string>;
  body: Uint8Array;
}

export function signDelivery(secret: string, content: DeliveryBody): BoardDelivery {
  const body = Buffer.from(JSON.stringify(content));
  return {
    source: 'board',
    headers: {
      'content-type': 'application/json',
      [idHeader]: content.id,
      [signatureHeader]: signBody(secret, body),
    },
    body,
  };
}

export function verifyDelivery(
  secret: string,
  headers: Record<string, string>,
  body: Uint8Array,
): { deliveryId: string } {
  if (!signatureMatches(secret, body, headers[signatureHeader]))
    throw new VendorError(`The header ${signatureHeader} is missing, or it does not match the body and our secret.`, {
      code: 'unauthorized',
      retryable: false,
    });
  const deliveryId = headers[idHeader];
  const signed = z.object({ id: z.string().min(1) }).safeParse(parse(body));
  // The header alone would let anyone who saw a delivery send it again as a new one.
  if (deliveryId === undefined || deliveryId !== signed.data?.id)
    throw new VendorError(`The header ${idHeader} is missing, or it differs from "id" in the signed body.`, {
      code: 'invalid',
      retryable: false,
    });
  return { deliveryId };
}

/** The agent's own doings are a bot's, whatever the board says of its account. */
export function readEvents(agent: string, delivery: Delivery): TrackerEvent[] {
  const parsed = deliveryBody.safeParse(parse(delivery.body));
  if (!parsed.success) return [];
  const { event, actor, ticket: row, previousAssignee, comment, changed, marking } = parsed.data;
  const at = parsed.data.at ?? comment?.at ?? new Date().toISOString();
  const by = { ...actor, isBot: actor.isBot || actor.id === agent };
  const ticket = hintOf(row);
  const category = categoryOf(row.state);
  const conversation = { key: `board:${row.number}`, ref: { number: row.number } };
  switch (event) {
    case 'ticket.created':
    case 'ticket.assigned':
    case 'ticket.unassigned':
      if (row.assignee?.id === agent)
        return [{ type: 'sessionCreated', at, ticket, conversation, said: null, by, category }];
      return previousAssignee?.id === agent ? [{ type: 'unassigned', at, ticket, by }] : [];
    case 'ticket.changed':
      return [
        {
          ...{ type: 'ticketChanged', at, ticket, category, by },
          ...(changed && { changed }),
          ...(marking && { marking: { key: parsed.data.id, ...marking } }),
        },
      ];
    case 'comment.created': {
      if (!comment) return [];
      const { id: key, body } = comment;
      const said = { key, author: by, body, signal: readSignal(body, agent) ?? comment.means ?? null, at: comment.at };
      return [{ type: 'prompted', ticket, conversation, said }];
    }
  }
}

/** Deterministic: the ticket and which of its versions this is, or which comment. */
export function deliveryIdOf(number: number, change: number | string): string {
  return `${identifierOf(number)}/${change}`;
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return null;
  }
}
