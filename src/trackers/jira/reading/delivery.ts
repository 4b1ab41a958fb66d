import { z } from 'zod';
import { isSpoken, type Said, type TrackerEvent } from '../../../core/delivery.ts';
import { isOver, type TicketPart } from '../../../core/ticket.ts';
import type { Desks } from '../desks.ts';
import { conversationOf, hintOf } from '../hint.ts';
import type { OwnMove } from '../news.ts';
import { isOwn, type Own, personOf } from '../people.ts';
import { signalOf } from '../signal-of.ts';
import type { Site } from '../sites.ts';
import { categoryOf, isSame } from '../states.ts';
import { mentions, spokenOf } from '../text.ts';
import { type Change, change, hasLabel, isRank, isTaking, labelsIn } from './change.ts';
import { isAgents } from './is-asked.ts';
import { account, listOf, named, project, statusNode, time } from './issue.ts';
import { markingIn } from './markings.ts';
import { parse } from './verify-delivery.ts';

/** Not every delivery's body is signed: what would be a key or a path in its place is none. */
const id = z.string().regex(/^\d{1,19}$/);

const comment = z.object({
  id,
  author: account,
  body: z.unknown().optional(),
  created: time,
  visibility: z.unknown().optional(),
});
/** Of a delivery, or of an answer. */
export type SaidComment = z.output<typeof comment>;

/** null: it is no comment, as far as we know them. */
export function readCommentNode(answer: unknown): SaidComment | null {
  return comment.safeParse(answer).data ?? null;
}

const payload = z.object({
  /** As a `Date` can hold it: not every delivery's body is signed. */
  timestamp: z.number().min(0).max(8.64e15),
  webhookEvent: z.string(),
  issue_event_type_name: z.string().optional(),
  user: account,
  issue: z.object({
    id,
    key: z.string().regex(/^\w{1,255}-\d{1,19}$/),
    self: z.string().default(''),
    fields: z.object({
      summary: z.string().nullish(),
      description: z.unknown().optional(),
      priority: named,
      project,
      status: statusNode,
      resolution: named,
      assignee: account,
      labels: z.array(z.string()).nullish(),
    }),
  }),
  changelog: z.object({ id: z.coerce.string().optional(), items: listOf(change) }).optional(),
  comment: comment.optional(),
});
type Payload = z.output<typeof payload>;

interface Scene extends Payload {
  desks: Desks;
  site: Site;
  own: Own;
  at: string;
}

/**
 * What a delivery means. Its texts are in the older markup, and only hints (`isHint`). Until our account is known nothing is given
 * to it. Never throws. `comment`: what the one that the delivery tells of is, in place of what stands there.
 */
export function readEvents(desks: Desks, bytes: Uint8Array, comment?: SaidComment): TrackerEvent[] {
  const scene = readScene(desks, bytes);
  return scene ? eventsOf(comment ? { ...scene, comment } : scene) : [];
}

/**
 * Whether it has to be read again: it tells what a person wrote; or, where nobody has signed that, what gives work or consent, or
 * ends work; or it comes before we know its site and which account there is ours, so that nobody can tell what it means.
 */
export function isOnlyHint(desks: Desks, bytes: Uint8Array, isBodySigned: boolean): boolean {
  const { data } = payload.safeParse(parse(bytes));
  if (!data) return false;
  const scene = readScene(desks, bytes);
  if (!scene || !isOfKnownSite(desks, bytes) || scene.site.knownOwn() === null) return true;
  return eventsOf(scene).some((event) => {
    if (isSpoken(event) || (!isBodySigned && isEnd(event))) return true;
    if (event.type === 'sessionCreated')
      return !event.by.isBot && event.said === null && !(isBodySigned && isOurs(scene));
    return event.type === 'ticketChanged' && !event.by.isBot && event.marking !== undefined && !isBodySigned;
  });
}

/** Whether it names a site that we know: it may be of one that was connected since. */
export function isOfKnownSite(desks: Desks, bytes: Uint8Array): boolean {
  const { data } = payload.safeParse(parse(bytes));
  return data !== undefined && siteAt(desks.sites.known(), data.issue.self) !== undefined;
}

/** After which a session goes on no more. */
function isEnd(event: TrackerEvent): boolean {
  return event.type === 'unassigned' || (event.type === 'ticketChanged' && isOver(event.category));
}

function readScene(desks: Desks, bytes: Uint8Array): Scene | null {
  const { data } = payload.safeParse(parse(bytes));
  const site = data && siteIn(desks.sites.known(), data.issue.self);
  if (!data || !site) return null;
  const own = site.knownOwn() ?? { accountId: '', displayName: desks.agent };
  return { ...data, desks, site, own, at: new Date(data.timestamp).toISOString() };
}

function eventsOf(scene: Scene): TrackerEvent[] {
  const { issue, changelog, issue_event_type_name: kind } = scene;
  switch (scene.webhookEvent) {
    case 'jira:issue_created':
      return isOurs(scene) || isCalledIn(scene, issue.fields.description) ? [given(scene)] : [];
    case 'jira:issue_updated':
      return changelog === undefined && kind === 'issue_commented'
        ? readComment(scene)
        : readChanges(scene, changelog?.items ?? []);
    // What is gone is over; of where it went, if it did, another delivery tells.
    case 'jira:issue_deleted':
      return [{ ...changed(scene, ['state']), category: 'canceled' }];
    case 'comment_created':
      return readComment(scene);
    default:
      return [];
  }
}

/** The issue that a delivery is about, which searches may not know of yet; where we moved it; and whether others did, or gave it to somebody. `at`: Unix time in ms. */
export function touchedIn(
  desks: Pick<Desks, 'sites'>,
  bytes: Uint8Array,
): { site: Site; issueId: string; at: number; history: string; isMoved: boolean; moves: OwnMove[] } | null {
  const { data } = payload.safeParse(parse(bytes));
  const site = data && siteIn(desks.sites.known(), data.issue.self);
  if (!data || !site) return null;
  const { id: history = '', items = [] } = data.changelog ?? {};
  const own = site.knownOwn();
  const isOurs = own !== null && isOwn(data.user ?? data.comment?.author, own);
  const at = new Date(data.timestamp).toISOString();
  const moves = items.flatMap(({ fieldId, from, to }) => (fieldId === 'status' ? [{ history, from, to, at }] : []));
  const isMoved = !isOurs && items.some(({ fieldId }) => ['status', 'resolution', 'assignee'].includes(fieldId));
  return { site, issueId: data.issue.id, at: data.timestamp, history, isMoved, moves: isOurs ? moves : [] };
}

/** Whether somebody speaks to the agent, or gives it an issue, and looks for its first word. */
export function isUrgent(events: readonly TrackerEvent[]): boolean {
  return events.some(
    (event) =>
      (event.type === 'sessionCreated' && !event.by.isBot) || (event.type === 'prompted' && !event.said.author.isBot),
  );
}

/** By the address that the issue is told with, of the site or the gateway; of a single site nobody has to say. */
function siteIn(sites: readonly Site[], self: string): Site | undefined {
  return siteAt(sites, self) ?? (sites.length === 1 ? sites[0] : undefined);
}

function siteAt(sites: readonly Site[], self: string): Site | undefined {
  return sites.find(({ url, client }) => [url, client.baseUrl].some((base) => self.startsWith(`${base}/`)));
}

function readChanges(scene: Scene, items: readonly Change[]): TrackerEvent[] {
  const events: TrackerEvent[] = [];
  const { desks, own } = scene;
  const isGiven = items.some((item) => isGift(scene, item));
  const isTaken = items.some((item) => isTaking(item, own, desks.label));
  if (isGiven) events.push(given(scene));
  else if (isTaken && !isOurs(scene)) events.push(taken(scene));
  const parts = [...new Set(items.flatMap((item) => partOf(scene, item)))];
  const marking = markingIn(scene.changelog?.id, items);
  if (parts.length > 0) events.push({ ...changed(scene, parts), ...(marking && { marking }) });
  return events;
}

/** What makes an issue the agent's. */
function isGift({ desks, own, ...scene }: Scene, { fieldId, to, fromText, toText }: Change): boolean {
  const { label, status, agent } = desks;
  switch (fieldId) {
    case 'assignee':
      return own.accountId !== '' && to === own.accountId;
    case 'labels':
      return label !== null && hasLabel(toText, label) && !hasLabel(fromText, label);
    case 'status':
      return status !== null && isSame(toText ?? '', status) && !isSame(fromText ?? '', status);
    case 'description':
      return (
        !personOf(scene.user, own).isOutsider && mentions(toText, own, [agent]) && !mentions(fromText, own, [agent])
      );
    default:
      return false;
  }
}

const parts: Record<string, TicketPart> = {
  summary: 'title',
  description: 'description',
  priority: 'priority',
  labels: 'labels',
  status: 'state',
  assignee: 'assignee',
  project: 'team',
  issuekey: 'team',
  key: 'team',
  attachment: 'attachments',
  issuelinks: 'relations',
  parent: 'relations',
  subtasks: 'relations',
  issueparentassociation: 'relations',
  'epic link': 'relations',
  components: 'fields',
  duedate: 'fields',
  fixversions: 'fields',
  versions: 'fields',
  environment: 'fields',
  issuetype: 'fields',
};

/** What comes with an event of its own, or by itself, is nothing that was changed. */
function partOf(scene: Scene, { fieldId, from, to, fromText, toText }: Change): TicketPart[] {
  const { desks, own } = scene;
  const id = fieldId.toLowerCase();
  if (id === 'assignee' && (to === own.accountId || (from === own.accountId && !isOurs(scene)))) return [];
  if (id === 'labels' && desks.label !== null) {
    const { label } = desks;
    const others = (text: string | null) =>
      labelsIn(text)
        .filter((each) => !isSame(each, label))
        .sort()
        .join(' ');
    return others(fromText) === others(toText) ? [] : ['labels'];
  }
  if (Object.hasOwn(parts, id)) return [parts[id] as TicketPart];
  if (!id.startsWith('customfield_')) return [];
  return isRank(toText ?? to) ? [] : ['fields'];
}

/** What was said among some of the people only is read from the ticket, if we may. */
function readComment(scene: Scene): TrackerEvent[] {
  const { comment: told, desks, own } = scene;
  if (!told || told.visibility) return [];
  const author = personOf(told.author, own);
  const signal = signalOf(told.body, own, desks.agent);
  const at = told.created || scene.at;
  const said: Said = { key: told.id, author, body: spokenOf(told.body, own, desks.agent), signal, at };
  const ticket = hintOf(scene.site, scene.issue);
  if (isCalledIn({ ...scene, user: told.author }, told.body) && signal === null)
    return [{ ...given(scene, at), by: author, said }];
  return [{ type: 'prompted', ticket, conversation: conversationOf(ticket), said }];
}

/** Who may only ask for help here begins no work by a word. */
function isCalledIn({ desks, own, user }: Pick<Scene, 'desks' | 'own' | 'user'>, text: unknown): boolean {
  return !personOf(user, own).isOutsider && mentions(text, own, [desks.agent]);
}

function isOurs({ desks, own, issue }: Scene): boolean {
  return isAgents(desks, issue, own);
}

function given(scene: Scene, at = scene.at): TrackerEvent & { type: 'sessionCreated' } {
  const ticket = hintOf(scene.site, scene.issue);
  const by = personOf(scene.user, scene.own);
  const conversation = conversationOf(ticket);
  return { type: 'sessionCreated', at, ticket, conversation, said: null, by, category: standing(scene) };
}

function taken(scene: Scene): TrackerEvent {
  const by = personOf(scene.user, scene.own);
  return { type: 'unassigned', at: scene.at, ticket: hintOf(scene.site, scene.issue), by };
}

function changed(scene: Scene, what: TicketPart[]): TrackerEvent & { type: 'ticketChanged' } {
  const ticket = hintOf(scene.site, scene.issue);
  const by = personOf(scene.user, scene.own);
  return { type: 'ticketChanged', at: scene.at, ticket, category: standing(scene), by, changed: what };
}

function standing({ issue, desks }: Scene) {
  return categoryOf(issue.fields.status, desks.states, issue.fields.resolution);
}
