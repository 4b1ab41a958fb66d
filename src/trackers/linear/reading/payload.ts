import { z } from 'zod';
import type { Person, TicketHint } from '../../../core/ticket.ts';
import { hintOf } from '../hint.ts';

/*
 * The parts of Linear's webhook bodies that we read. What else is in them, and what Linear adds, does not matter; a body
 * that lacks what we need means nothing to us.
 */

const text = z.string();
const optional = text.nullish();
/** All written alike, so that they compare as text. */
const time = text
  .refine((written) => !Number.isNaN(Date.parse(written)))
  .transform((written) => new Date(written).toISOString());

const user = z.object({ id: text, name: text, email: optional });
const team = z.object({ id: text, name: text });

const issueChild = z.object({ id: text, identifier: text, title: text, url: text, team });

/** Common to all: whose it is, and when it was sent. */
export const envelope = z.object({ type: text, action: text, organizationId: text, webhookTimestamp: z.number() });

export const agentSessionEvent = z.object({
  action: z.enum(['created', 'prompted']),
  organizationId: text,
  appUserId: text,
  agentSession: z.object({
    id: text,
    createdAt: time,
    issue: issueChild.nullish(),
    comment: z.object({ id: text, body: text, userId: optional }).nullish(),
    sourceCommentId: optional,
    creator: user.nullish(),
  }),
  agentActivity: z
    .object({
      id: text,
      createdAt: time,
      // Linear's schema has the text in the content; its guide, and older deliveries, beside it.
      content: z.object({ body: optional }).nullish(),
      body: optional,
      signal: optional,
      sourceCommentId: optional,
      user: user.nullish(),
    })
    .nullish(),
  guidance: z
    .array(
      z.object({
        body: optional,
        // Without a team it is the whole workspace's.
        origin: z.object({ team: z.object({ id: text, name: optional, parentId: optional }).nullish() }).nullish(),
      }),
    )
    .nullish(),
  promptContext: optional,
});

const actor = z.object({ id: text, type: optional, name: optional, email: optional, service: optional });

const entity = { organizationId: text, actor: actor.nullish() };

export const issueEvent = z.object({
  ...entity,
  action: z.enum(['create', 'update', 'remove']),
  data: issueChild.extend({
    updatedAt: time,
    description: optional,
    priority: z.number(),
    state: z.object({ name: text, type: text }),
    project: z.object({ name: text }).nullish(),
    delegateId: optional,
    trashed: z.boolean().nullish(),
    labels: z.array(z.object({ id: text, name: text })).nullish(),
  }),
  /** What was there before, of each field that is different now. */
  updatedFrom: z.record(text, z.unknown()).nullish(),
});

export const commentEvent = z.object({
  ...entity,
  action: z.literal('create'),
  data: z.object({
    id: text,
    body: text,
    createdAt: time,
    parentId: optional,
    issue: issueChild,
    user: user.nullish(),
    externalUser: user.nullish(),
    botActor: z.unknown().optional(),
  }),
});

export const notificationEvent = z.object({
  organizationId: text,
  appUserId: text,
  action: z.literal('issueUnassignedFromYou'),
  notification: z.object({ createdAt: time, issue: issueChild, actor: user.nullish() }),
});

type User = z.infer<typeof user>;
type Actor = z.infer<typeof actor>;

/** An event tells little of its issue; what is missing is read when work begins. */
export function hintOfChild(workspace: string, issue: z.infer<typeof issueChild>): TicketHint {
  return hintOf(workspace, { ...issue, priority: 0, project: null });
}

/** Nobody is named where an automation did it. */
const automation: Person = { id: 'automation', name: 'Linear', isBot: true };

/** Linear gives each app user such an address. */
const appAddress = /@oauthapp\.linear\.app$/i;

/** `appUser`: our own account there, if it is known by now. */
export function personOf(someone: User | Actor | null | undefined, appUser: string | null): Person {
  if (!someone) return automation;
  const { id, email } = someone;
  const type = 'type' in someone ? (someone.type ?? 'user') : 'user';
  const service = 'service' in someone ? someone.service : null;
  const isBot = id === appUser || !/user$/i.test(type) || appAddress.test(email ?? '');
  return { id, name: someone.name ?? service ?? 'Linear', isBot };
}
