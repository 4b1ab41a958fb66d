import { z } from 'zod';
import type { ConversationHint } from '../../core/delivery.ts';
import type { Priority, TicketHint } from '../../core/ticket.ts';

/** The handle of a ticket. */
export interface TicketRef {
  /** The id of the organization, as Linear calls it. */
  workspace: string;
  team: string;
}

/**
 * The handle of a conversation. One that a comment began names no agent session: it is the one that this comment is in or has
 * begun, which Linear tells elsewhere and maybe later; where there is none, the newest on the issue.
 */
export interface ConversationRef {
  workspace: string;
  issue: string;
  agentSession: string | null;
  /** Absent: nobody has said anything there. */
  comment?: { id: string; thread: string } | undefined;
}

/** What a hint is made of, of an issue or of what a search found. */
export const hintSelection = 'id identifier title url priority team { id name } project { name }';

/** For a document that selects an issue: `...HintFields`, with this beside it. */
export const hintFields = `fragment HintFields on Issue {
  ${hintSelection}
}`;

export interface HintNode {
  id: string;
  identifier: string;
  title: string;
  url: string;
  priority: number;
  team: { id: string; name: string };
  project: { name: string } | null;
}

export function hintOf(workspace: string, issue: HintNode): TicketHint {
  const { id, identifier, title, url, team, project } = issue;
  const ref: TicketRef = { workspace, team: team.id };
  const priority = priorityOf(issue.priority);
  return {
    tracker: 'linear',
    id,
    identifier,
    title,
    url,
    priority,
    team: team.name,
    project: project?.name ?? null,
    account: workspace,
    ref,
  };
}

const byNumber: Priority[] = ['none', 'urgent', 'high', 'medium', 'low'];

export function priorityOf(number: number): Priority {
  return byNumber[number] ?? 'none';
}

export function priorityNumberOf(priority: Priority): number {
  return byNumber.indexOf(priority);
}

const ticketRef = z.object({ workspace: z.string(), team: z.string() });

/** null: the hint was not made by us, but of what a person typed. */
export function refOf(hint: Pick<TicketHint, 'ref'>): TicketRef | null {
  return ticketRef.safeParse(hint.ref).data ?? null;
}

export function conversationOf(ref: ConversationRef): ConversationHint {
  const key = `linear:${ref.agentSession ?? ref.comment?.id ?? ref.issue}`;
  return ref.agentSession === null ? { key, ref, isProvisional: true } : { key, ref };
}

const conversationRef = z.object({
  workspace: z.string(),
  issue: z.string(),
  agentSession: z.string().nullable(),
  comment: z.object({ id: z.string(), thread: z.string() }).optional(),
});

/** null: nobody has told of a place to talk yet; the ticket itself is it then. */
export function conversationRefOf(ref: unknown): ConversationRef | null {
  return conversationRef.safeParse(ref).data ?? null;
}
