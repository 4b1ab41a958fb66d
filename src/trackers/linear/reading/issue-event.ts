import type { z } from 'zod';
import type { TrackerEvent } from '../../../core/delivery.ts';
import type { Marking } from '../../../core/marking.ts';
import { readSignal } from '../../../core/prompt-signal.ts';
import type { StateCategory, TicketPart } from '../../../core/ticket.ts';
import { changedByText } from '../../../lib/stored-files.ts';
import { conversationOf, hintOf } from '../hint.ts';
import { categoryOf } from '../states.ts';
import { storeOf } from './attachments.ts';
import { commentEvent, hintOfChild, issueEvent, notificationEvent, personOf } from './payload.ts';

type IssueData = z.infer<typeof issueEvent>['data'];

/**
 * What became of an issue. That it was given to us begins nothing: its agent session does, which Linear tells of at the same
 * moment, and which is the place to answer in. An event here that came first would have us answer beside it.
 */
export function readIssue(appUser: string | null, apiUrl: string, body: unknown): TrackerEvent[] {
  const { data: event } = issueEvent.safeParse(body);
  if (!event || event.action === 'create') return [];
  const { organizationId: workspace, data, updatedFrom } = event;
  const ticket = hintOf(workspace, { ...data, project: data.project ?? null });
  const by = personOf(event.actor, appUser);
  const at = data.updatedAt;
  const before = updatedFrom ?? {};
  const wasOurs = appUser !== null && before.delegateId === appUser;
  const changed = event.action === 'remove' ? (['state'] as const).slice() : changedParts(before, data, apiUrl);
  const category = event.action === 'remove' ? 'canceled' : standing(data);
  const isOnlyGivenAway = wasOurs && changed.every((part) => part === 'assignee');
  return [
    ...(wasOurs && data.delegateId !== appUser ? [{ type: 'unassigned' as const, at, ticket, by }] : []),
    ...(changed.length > 0 && !isOnlyGivenAway
      ? [{ type: 'ticketChanged' as const, at, ticket, category, by, changed, ...markingIn(before, data) }]
      : []),
  ];
}

function standing({ state, trashed }: IssueData): StateCategory {
  return trashed ? 'canceled' : categoryOf(state);
}

const parts: Record<string, TicketPart> = {
  title: 'title',
  labelIds: 'labels',
  priority: 'priority',
  stateId: 'state',
  trashed: 'state',
  assigneeId: 'assignee',
  delegateId: 'assignee',
  estimate: 'fields',
  dueDate: 'fields',
  cycleId: 'fields',
  projectMilestoneId: 'fields',
  parentId: 'relations',
  teamId: 'team',
};

/** Of what people order and look at their tickets by we hear, too: of that, nothing. */
function changedParts(before: Record<string, unknown>, { description }: IssueData, apiUrl: string): TicketPart[] {
  const changed = Object.keys(before).flatMap((key) => (Object.hasOwn(parts, key) ? [parts[key] as TicketPart] : []));
  if ('description' in before)
    changed.push(...changedByText(String(before.description ?? ''), description ?? '', storeOf(apiUrl)));
  return [...new Set(changed)];
}

/** The names of labels that it has no more nobody tells: their ids stand for them. */
function markingIn(before: Record<string, unknown>, { id, labels, updatedAt }: IssueData): { marking?: Marking } {
  const had = before.labelIds;
  if (!Array.isArray(had) || !labels) return {};
  const got = labels.filter((label) => !had.includes(label.id)).map(({ name }) => name);
  const lost = had.filter((label) => !labels.some((own) => own.id === label)).map(String);
  return { marking: { key: `${id}/${updatedAt}`, got, lost, fields: {} } };
}

/** What people say on an issue. In an agent's thread it comes a second time, as a prompt, under the same key. */
export function readComment(agent: string, appUser: string | null, body: unknown): TrackerEvent[] {
  const { data: event } = commentEvent.safeParse(body);
  if (!event) return [];
  const { organizationId: workspace, data, actor } = event;
  const { id: key, body: text, issue, user, externalUser, createdAt: at } = data;
  const author = personOf(user ?? externalUser, appUser);
  // What an app says for somebody is the app's, whatever name stands above it.
  const isBot = author.isBot || data.botActor != null || (actor != null && personOf(actor, appUser).isBot);
  const said = { key, author: { ...author, isBot }, body: text, signal: readSignal(text, agent), at };
  const comment = { id: key, thread: data.parentId ?? key };
  const conversation = conversationOf({ workspace, issue: issue.id, agentSession: null, comment });
  return [{ type: 'prompted', ticket: hintOfChild(workspace, issue), conversation, said }];
}

/** That it was taken from us; told although issues may not be. */
export function readUnassigned(body: unknown): TrackerEvent[] {
  const { data: event } = notificationEvent.safeParse(body);
  if (!event) return [];
  const { organizationId, appUserId, notification } = event;
  const ticket = hintOfChild(organizationId, notification.issue);
  return [{ type: 'unassigned', at: notification.createdAt, ticket, by: personOf(notification.actor, appUserId) }];
}
