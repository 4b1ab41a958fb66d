import { z } from 'zod';
import type { ConversationHint } from '../../core/delivery.ts';
import type { Priority, TicketHint } from '../../core/ticket.ts';

const ticketRef = z.object({
  /** The host of its site. */
  site: z.string(),
  issueId: z.string(),
  projectId: z.string().nullable(),
});
/** The handle of a ticket. Its ids stay when it is moved to another project and gets another key. */
export type TicketRef = z.output<typeof ticketRef>;

/** What a hint is made of. */
export const hintFieldIds = ['summary', 'priority', 'project'];

export interface HintNode {
  id: string;
  key: string;
  fields: {
    summary?: string | null | undefined;
    priority?: { id?: string | undefined; name?: string | undefined } | null | undefined;
    project?: { id?: string | undefined; name?: string | undefined; key?: string | undefined } | null | undefined;
  };
}

/**
 * A project in Jira is what elsewhere is a team: tickets are filed into it, and begin with its key. `site`: as people open it.
 * Of an issue that another one tells of, the project is not known but by its key.
 */
export function hintOf(site: { host: string; url: string }, { id, key, fields }: HintNode): TicketHint {
  const { summary, priority, project } = fields;
  const ref: TicketRef = { site: site.host, issueId: id, projectId: project?.id ?? null };
  const team = project?.name ?? key.replace(/-\d+$/, '');
  return {
    tracker: 'jira',
    id: idOf(site.host, id),
    identifier: key,
    title: summary ?? '',
    url: `${site.url}/browse/${key}`,
    priority: priorityOf(priority),
    team,
    project: team,
    account: site.host,
    ref,
  };
}

export function idOf(host: string, issueId: string): string {
  return `${host}/${issueId}`;
}

/** null: the hint was not made by us, but of what a person typed. */
export function refOf({ ref }: Pick<TicketHint, 'ref'>): TicketRef | null {
  return ticketRef.safeParse(ref).data ?? null;
}

/**
 * What people write in place of an id: "ENG-12", "eng-12", or the address of a ticket, which names its site, too; and our own id.
 * null: it is none of these.
 */
export function readIdentifier(text: string): { site: string | null; issue: string } | null {
  const [, host, keyThere] = /^https?:\/\/([^/\s]+)\/browse\/([a-z]\w*-\d{1,18})(?:[?#].*)?$/i.exec(text.trim()) ?? [];
  if (host !== undefined && keyThere !== undefined) return { site: host.toLowerCase(), issue: keyThere.toUpperCase() };
  const [, site, id] = /^([\w.:-]+)\/(\d{1,18})$/.exec(text.trim()) ?? [];
  if (site !== undefined && id !== undefined) return { site, issue: id };
  const [key] = /^[a-z]\w*-\d{1,18}$/i.exec(text.trim()) ?? [];
  return key === undefined ? null : { site: null, issue: key.toUpperCase() };
}

/** Of an issue all is said in one place. The key is as reconcile makes it. */
export function conversationOf({ tracker, id, ref }: TicketHint): ConversationHint {
  return { key: `${tracker}:${id}`, ref };
}

const byName: Record<string, Priority> = {
  blocker: 'urgent',
  critical: 'urgent',
  highest: 'urgent',
  urgent: 'urgent',
  high: 'high',
  major: 'high',
  medium: 'medium',
  normal: 'medium',
  low: 'low',
  minor: 'low',
  lowest: 'low',
  trivial: 'low',
};
/** As every site has them to begin with, whatever its language. */
const byId: Record<string, Priority> = { '1': 'urgent', '2': 'high', '3': 'medium', '4': 'low', '5': 'low' };

/** Sites name their priorities as they like. */
export function priorityOf(priority: HintNode['fields']['priority']): Priority {
  const name = priority?.name?.trim().toLowerCase() ?? '';
  const number = priority?.id ?? '';
  if (Object.hasOwn(byName, name)) return byName[name] ?? 'none';
  return Object.hasOwn(byId, number) ? (byId[number] ?? 'none') : 'none';
}
