import { z } from 'zod';
import type { ConversationHint } from '../../core/delivery.ts';
import { type Priority, priorities, type TicketHint } from '../../core/ticket.ts';
import { labelsOf, type Standing } from './states.ts';

/** A repository as GitHub names it now. Its id stays when it is renamed or moved to another owner. */
export interface RepositoryName {
  id: number;
  /** "owner/name" */
  fullName: string;
}

const ticketRef = z.object({
  repositoryId: z.number(),
  repository: z.string(),
  number: z.number(),
  isRequest: z.literal(true).optional(),
});
/** The handle of a ticket. `isRequest`: it is a pull request. */
export type TicketRef = z.output<typeof ticketRef>;

export interface HintNode extends Pick<Standing, 'labels' | 'pull_request'> {
  number: number;
  title: string;
  html_url: string;
  milestone?: { title: string } | null | undefined;
}

export function hintOf({ id: repositoryId, fullName }: RepositoryName, issue: HintNode): TicketHint {
  const { number, title, html_url: url, milestone } = issue;
  const isRequest = issue.pull_request ? ({ isRequest: true } as const) : {};
  const ref: TicketRef = { repositoryId, repository: fullName, number, ...isRequest };
  return {
    tracker: 'github-issues',
    id: idOf({ id: repositoryId }, number),
    identifier: `${fullName}#${number}`,
    title,
    url,
    priority: priorityOf(issue),
    team: shortName(fullName),
    project: milestone?.title ?? null,
    account: accountOf(fullName),
    ref,
  };
}

export function idOf({ id }: Pick<RepositoryName, 'id'>, number: number): string {
  return `${id}/${number}`;
}

export function refOf({ ref }: Pick<TicketHint, 'ref'>): TicketRef | null {
  return ticketRef.safeParse(ref).data ?? null;
}

/** Whether a ticket is a pull request of others, on which somebody asked for the agent. */
export function isRequest(hint: Pick<TicketHint, 'ref'>): boolean {
  return refOf(hint)?.isRequest === true;
}

/** Of an issue all is said in one place. The key is as reconcile makes it. */
export function conversationOf({ tracker, id, ref }: TicketHint): ConversationHint {
  return { key: `${tracker}:${id}`, ref };
}

/** What people write in place of an id: "owner/name#12", "name#12", "#12". */
export function readIdentifier(text: string): { repository: string | null; number: number } | null {
  const [, repository = null, number] = /^([\w.-]+(?:\/[\w.-]+)?)?#?(\d{1,10})$/.exec(text.trim()) ?? [];
  if (number === undefined || (repository !== null && !text.includes('#'))) return null;
  return { repository, number: Number(number) };
}

export function readId(id: string): { repositoryId: number; number: number } | null {
  const [, repositoryId, number] = /^(\d{1,15})\/(\d{1,10})$/.exec(id) ?? [];
  return number === undefined ? null : { repositoryId: Number(repositoryId), number: Number(number) };
}

/** Each owner lets the App in, and has us wait, by itself. */
export function accountOf(fullName: string): string {
  return fullName.slice(0, fullName.indexOf('/')).toLowerCase();
}

export function shortName(fullName: string): string {
  return fullName.slice(fullName.indexOf('/') + 1);
}

const prioritized = /^priority\s{0,3}[:/-]?\s{0,3}(urgent|high|medium|low)$/i;

/** GitHub has no priorities; a label such as "priority: high" says it. */
export function priorityOf(issue: Pick<Standing, 'labels'>): Priority {
  const said = labelsOf(issue).flatMap((label) => prioritized.exec(label.trim())?.[1]?.toLowerCase() ?? []);
  return priorities.find((priority) => said.includes(priority)) ?? 'none';
}

export function priorityLabel(priority: Priority): string | null {
  return priority === 'none' ? null : `priority: ${priority}`;
}

export function isPriorityLabel(name: string): boolean {
  return prioritized.test(name.trim());
}
