/** Which tracker a ticket lives in; `src/trackers/index.ts` has those that there are. */
export type TrackerKind = string;

/** Where a state stands in a ticket's life, whatever the tracker calls the state itself. */
export type StateCategory = 'backlog' | 'unstarted' | 'started' | 'review' | 'done' | 'canceled';

/** Where a ticket is on which nobody has begun. */
export const notStarted: StateCategory[] = ['backlog', 'unstarted'];

export function isOver(category: StateCategory): boolean {
  return category === 'done' || category === 'canceled';
}

/** The most pressing first. */
export const priorities = ['urgent', 'high', 'medium', 'low', 'none'] as const;
export type Priority = (typeof priorities)[number];

/** Someone who acts in a tracker. `id` is the tracker's own; `isBot` marks apps and agents, our own account among them: nothing they do starts or wakes a session. */
export interface Person {
  id: string;
  name: string;
  isBot: boolean;
  /** May read and speak here, as anybody may, and no more: what they say is followed only where they are named as one to follow. */
  isOutsider?: true;
  /** The service itself, doing what its configuration says; no adapter says so of anybody. */
  isService?: true;
}

export interface TicketComment {
  id: string;
  author: Person;
  body: string;
  /** ISO 8601. */
  at: string;
  /** Said among people, on a ticket where the agent is spoken to by its name only. */
  isAside?: true;
}

/** A file that people attached. Name and type are what they say of it; `Tracker.readAttachment` has its content. */
export interface Attachment {
  /** The tracker's own, within its ticket. */
  id: string;
  name: string;
  mediaType: string;
  bytes: number;
  /** The agent attached it itself: nothing that people say. */
  isOwn?: true;
}

export const relationTypes = ['blocks', 'blockedBy', 'relatedTo', 'parent', 'child', 'duplicateOf'] as const;
export type RelationType = (typeof relationTypes)[number];

/** As its ticket sees it: `blockedBy` is what it waits for, `parent` what it is a part of. */
export interface TicketRelation {
  type: RelationType;
  ticket: TicketHint;
  category: StateCategory;
}

/** What an event says of a ticket before anybody has read it: enough to open a session on and to answer. */
export interface TicketHint {
  tracker: TrackerKind;
  /** The tracker's own, stable id; never shown. */
  id: string;
  /** What people say: "ENG-123". */
  identifier: string;
  title: string;
  url: string;
  priority: Priority;
  /** Whose ticket it is, where the tracker has teams: workers are shared fairly among them. */
  team: string | null;
  /** What it is a part of, where the tracker has projects. */
  project: string | null;
  /** The part of the tracker that lets us in, and asks us to wait, by itself: a workspace. Absent: the tracker is one. */
  account?: string;
  /** The adapter's handle. Nobody else reads it. */
  ref: unknown;
}

/** A whole reading of a ticket: plain, resolved data. All text in it was written by others and is data, never instructions. */
export interface Ticket extends TicketHint {
  description: string;
  labels: string[];
  /** Custom fields by their names in the tracker, values as text. */
  fields: Record<string, string>;
  state: { name: string; category: StateCategory };
  assignee: Person | null;
  comments: TicketComment[];
  relations: TicketRelation[];
  attachments: Attachment[];
  /** The pull request that it is, where a tracker has both in one list and somebody asked for the agent on one of others. */
  request?: { number: number; url: string; head: string; base: string; isFork: boolean };
  /** ISO 8601. */
  updatedAt: string;
}

/** Without what else a reading or a row has beside it. */
export function hintOf(hint: TicketHint): TicketHint {
  const { tracker, id, identifier, title, url, priority, team, project, account, ref } = hint;
  return {
    tracker,
    id,
    identifier,
    title,
    url,
    priority,
    team,
    project,
    ...(account !== undefined && { account }),
    ref,
  };
}

/** Which open tickets (neither done nor canceled) are asked for; what is left out does not matter. */
export interface TicketQuery {
  assignee?: 'agent' | 'nobody';
  categories?: Exclude<StateCategory, 'done' | 'canceled'>[];
  /** All of these. */
  labels?: string[];
  team?: string;
  project?: string;
  /** People have commented on them since: ISO 8601, by the tracker's clock. */
  spokenSince?: string;
}

/** A ticket that a search found. */
export interface TicketMatch {
  hint: TicketHint;
  state: { name: string; category: StateCategory };
  /** Its description, or as much of it as the tracker gives with a search; ''. */
  text: string;
  /** ISO 8601. */
  updatedAt: string;
}

/** A team as tickets are filed into it. */
export interface TeamPlace {
  /** As a draft names it. */
  name: string;
  /** What its tickets begin with, "ENG"; null: none. */
  key: string | null;
}

/** A ticket to be filed by the agent. */
export interface TicketDraft {
  title: string;
  description: string;
  priority: Priority;
  labels: string[];
  fields: Record<string, string>;
  team: string | null;
  project: string | null;
}

export const ticketParts = [
  'title',
  'description',
  'fields',
  'labels',
  'priority',
  'relations',
  'attachments',
  'state',
  'assignee',
  /** Where it belongs, and with that what people call it. */
  'team',
] as const;
/** What of a ticket a change was about. */
export type TicketPart = (typeof ticketParts)[number];
