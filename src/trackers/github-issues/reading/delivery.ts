import { z } from 'zod';
import type { Said, TrackerEvent } from '../../../core/delivery.ts';
import type { Person, TicketPart } from '../../../core/ticket.ts';
import { changedByText } from '../../../lib/stored-files.ts';
import { mentionsAny } from '../../../vendors/github/mentions.ts';
import { conversationOf, hintOf, isPriorityLabel, type RepositoryName } from '../hint.ts';
import { type Account, type Authorship, isOwn, personOf } from '../people.ts';
import { signalIn } from '../signal-in.ts';
import { categoryOf, hasLabel, isSame, isStateLabel } from '../states.ts';
import { storeOf } from './attachments.ts';
import { markingOf } from './markings.ts';
import { account, authorship, changes, common, type DeliveryReader, repositoryIn, time } from './payload.ts';
import { readRequestEvents } from './request-delivery.ts';

const issue = z.object({
  ...common,
  id: z.number(),
  state_reason: z.string().nullish(),
  assignees: z.array(account).nullish(),
  created_at: time,
  pull_request: z.object({}).nullish(),
});
type Issue = z.output<typeof issue>;

const comment = z.object({
  id: z.number(),
  body: z.string().nullish(),
  user: account,
  created_at: time,
  updated_at: time,
  ...authorship,
});

const payload = z.object({
  action: z.string(),
  sender: account,
  issue: issue.optional(),
  comment: comment.optional(),
  label: z.object({ name: z.string() }).optional(),
  assignee: account,
  changes,
  sub_issue: issue.optional(),
  parent_issue: issue.optional(),
  blocked_issue: issue.optional(),
  blocking_issue: issue.optional(),
});
type Payload = z.output<typeof payload>;

/** What a delivery means. A pull request is a ticket only where somebody calls the agent to one of others. */
export function readEvents(reader: DeliveryReader, event: string | undefined, body: unknown): TrackerEvent[] {
  const place = repositoryIn(body);
  if (!place || !reader.repositories.isOurs(place)) return [];
  const { data: told } = payload.safeParse(body);
  const about = told && issueOf(event, told);
  if (about?.pull_request || event?.startsWith('pull_request'))
    return readRequestEvents(reader, event ?? '', place, body);
  if (!told || !about) return [];
  const scene: Scene = { ...reader, place, told, issue: about };
  if (event === 'issue_comment') return readComment(scene);
  if (event === 'issues') return readIssue(scene);
  return [changed(scene, ['relations'])];
}

interface Scene extends DeliveryReader {
  place: RepositoryName;
  told: Payload;
  issue: Issue;
}

/** The issue that a delivery is about: of two that are related now, the one that its repository is told for. */
function issueOf(event: string | undefined, told: Payload): Issue | undefined {
  if (event === 'issues' || event === 'issue_comment') return told.issue;
  if (event === 'sub_issues') return told.action.startsWith('sub_issue_') ? told.parent_issue : told.sub_issue;
  if (event !== 'issue_dependencies') return undefined;
  return told.action.startsWith('blocked_by_') ? told.blocked_issue : told.blocking_issue;
}

function readIssue(scene: Scene): TrackerEvent[] {
  const { told, issue, label, own } = scene;
  const isAgents = isOwn(told.assignee, own);
  const isTrigger = told.label !== undefined && isSame(told.label.name, label);
  switch (told.action) {
    case 'opened': {
      const isAsked = isCalledBy(scene, issue.body, issue.user, issue);
      return isOurs(scene) || isAsked ? [given(scene, issue.created_at)] : [];
    }
    case 'assigned':
      return isAgents ? [given(scene)] : [changed(scene, ['assignee'])];
    case 'unassigned':
      return isAgents && !isOurs(scene) ? [taken(scene)] : [changed(scene, ['assignee'])];
    case 'labeled':
      return isTrigger ? [given(scene)] : [labelled(scene, 'got')];
    case 'unlabeled':
      if (!isTrigger) return [labelled(scene, 'lost')];
      return isOurs(scene) ? [] : [taken(scene)];
    case 'edited': {
      const parts = editedParts(scene);
      const isAsked =
        told.changes?.body !== undefined &&
        isCalledBy(scene, issue.body, told.sender, {}) &&
        !mentionsAny(told.changes.body.from, own.names);
      return [...(isAsked ? [given(scene)] : []), ...(parts.length > 0 ? [changed(scene, parts)] : [])];
    }
    case 'closed':
    case 'reopened':
      return [changed(scene, ['state'], told.action === 'closed' ? (issue.closed_at ?? issue.updated_at) : undefined)];
    // What goes on elsewhere, or nowhere, is over here; of where it went another delivery tells.
    case 'transferred':
    case 'deleted':
      return [{ ...changed(scene, ['state']), category: 'canceled' }];
    case 'milestoned':
    case 'demilestoned':
    case 'typed':
    case 'untyped':
      return [changed(scene, ['fields'])];
    default:
      return [];
  }
}

function readComment(scene: Scene): TrackerEvent[] {
  const { told, own, issue, place } = scene;
  const { comment } = told;
  if (!comment) return [];
  const body = comment.body ?? '';
  const author = personIn(scene, comment.user, comment);
  const at = comment.created_at;
  const said: Said = { key: String(comment.id), author, body, signal: signalIn(body, own.names), at };
  const ticket = hintOf(place, issue);
  const isAsked = isCalledBy(scene, body, comment.user, comment) && said.signal === null;
  if (told.action === 'created')
    return isAsked
      ? [{ ...given(scene, at), by: author, said }]
      : [{ type: 'prompted', ticket, conversation: conversationOf(ticket), said }];
  // Words stay as they were said first; but who adds the agent's name to them speaks to it only now.
  const isCalledNow = told.action === 'edited' && isAsked && !mentionsAny(told.changes?.body?.from ?? body, own.names);
  if (!isCalledNow || told.sender?.id !== comment.user?.id) return [];
  return [{ ...given(scene, comment.updated_at), by: author, said: { ...said, at: comment.updated_at } }];
}

/** Only who may write to the repository begins work by a word; an assignment or a label nobody else can give. */
function isCalledBy(scene: Scene, text: string | null | undefined, by: Account, written: Authorship): boolean {
  const person = personIn(scene, by, written);
  return person.isOutsider !== true && mentionsAny(text, scene.own.names);
}

function isOurs({ issue, label, own }: Scene): boolean {
  return hasLabel(issue, label) || (issue.assignees ?? []).some((assignee) => isOwn(assignee, own));
}

function personIn({ own, repositories, place }: Scene, user: Account, written: Authorship = {}): Person {
  return personOf(user, own, written, repositories.byId(place.id)?.writers ?? null);
}

function given(scene: Scene, at = scene.issue.updated_at): TrackerEvent & { type: 'sessionCreated' } {
  const ticket = hintOf(scene.place, scene.issue);
  const category = categoryOf(scene.issue);
  const by = personIn(scene, scene.told.sender);
  return { type: 'sessionCreated', at, ticket, conversation: conversationOf(ticket), said: null, by, category };
}

function taken(scene: Scene): TrackerEvent {
  const by = personIn(scene, scene.told.sender);
  return { type: 'unassigned', at: scene.issue.updated_at, ticket: hintOf(scene.place, scene.issue), by };
}

function changed(
  scene: Scene,
  parts: TicketPart[],
  at = scene.issue.updated_at,
): TrackerEvent & { type: 'ticketChanged' } {
  const ticket = hintOf(scene.place, scene.issue);
  const by = personIn(scene, scene.told.sender);
  return { type: 'ticketChanged', at, ticket, category: categoryOf(scene.issue), by, changed: parts };
}

function labelled(scene: Scene, how: 'got' | 'lost'): TrackerEvent {
  const { name } = scene.told.label ?? {};
  const event = changed(scene, labelParts(name ?? ''));
  return name === undefined ? event : { ...event, marking: markingOf(how, name, scene.issue.updated_at) };
}

function labelParts(name: string): TicketPart[] {
  if (isStateLabel(name)) return ['state'];
  return isPriorityLabel(name) ? ['labels', 'priority'] : ['labels'];
}

function editedParts({ told: { changes }, issue, webUrl }: Scene): TicketPart[] {
  return [
    ...(changes?.title ? (['title'] as const) : []),
    ...(changes?.body ? changedByText(changes.body.from ?? '', issue.body ?? '', storeOf(webUrl)) : []),
  ];
}
