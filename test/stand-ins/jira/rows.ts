/** A document of Atlassian's format, as it came. */
export interface Adf {
  type: 'doc';
  version: 1;
  content: unknown[];
}

export interface User {
  accountId: string;
  displayName: string;
  emailAddress: string;
  /** "app": an app's own account. A service account is an "atlassian" one that no person has. */
  accountType: 'atlassian' | 'app' | 'customer';
  active: boolean;
  isServiceAccount: boolean;
  /** Has "Administer Jira". */
  isAdmin: boolean;
  /** Roles and groups by name: which comments he sees, and may write for them only. */
  roles: string[];
  /** By which JQL reads the dates that this user writes. */
  timeZone: string;
}

export type StatusCategory = 'new' | 'indeterminate' | 'done';

export interface Status {
  id: string;
  name: string;
  category: StatusCategory;
}

export interface Transition {
  id: string;
  name: string;
  /** Statuses by their ids; null: from any. */
  from: string[] | null;
  to: string;
  /** Fields on its screen, by their ids; null: it has no screen. */
  screen: string[] | null;
  /** Those of them that must be given. */
  required: string[];
  /** Whether this user may; a condition of the workflow. */
  allows(user: User, issue: Issue): boolean;
  /** Why it is refused when it is tried: a validator of the workflow. */
  refuses(issue: Issue): string | null;
}

export interface Workflow {
  statuses: Status[];
  /** Where issues begin. */
  initial: Status;
  transitions: Transition[];
}

export interface IssueType {
  id: string;
  name: string;
  /** -1: a sub-task; 1: an epic. */
  hierarchyLevel: number;
  /** Only of this project: of a team-managed one. */
  projectId: string | null;
}

export interface Field {
  id: string;
  name: string;
  custom: boolean;
  schema: { type: string; items?: string; system?: string; custom?: string; customId?: number };
  options: { id: string; value: string }[];
  /** Of a team-managed project, the only one that has it. */
  projectId: string | null;
}

export interface Component {
  id: string;
  name: string;
}

export interface Project {
  id: string;
  key: string;
  oldKeys: string[];
  name: string;
  style: 'classic' | 'next-gen';
  issueTypes: IssueType[];
  workflow: Workflow;
  /** Of those issue types that have one of their own, by the type's id. */
  workflows: Map<string, Workflow>;
  components: Component[];
  lead: User;
  /** Fields that must be given when an issue is created, beside the summary. */
  required: string[];
  /** Fields that its screens do not have. */
  hidden: Set<string>;
  /** What somebody may not do here, by account; all else they may. */
  denied: Map<string, Set<Permission>>;
  lastNumber: number;
}

export const permissions = [
  'ADMINISTER',
  'BROWSE_PROJECTS',
  'CREATE_ISSUES',
  'EDIT_ISSUES',
  'DELETE_ISSUES',
  'ASSIGN_ISSUES',
  'ASSIGNABLE_USER',
  'TRANSITION_ISSUES',
  'LINK_ISSUES',
  'ADD_COMMENTS',
  'EDIT_OWN_COMMENTS',
  'EDIT_ALL_COMMENTS',
  'DELETE_OWN_COMMENTS',
  'CREATE_ATTACHMENTS',
] as const;
export type Permission = (typeof permissions)[number];

export interface Comment {
  id: string;
  author: User;
  updateAuthor: User;
  body: Adf;
  created: string;
  updated: string;
  visibility: { type: 'role' | 'group'; value: string; identifier?: string } | null;
  properties: { key: string; value: unknown }[];
}

export interface Attachment {
  id: string;
  mediaId: string;
  author: User;
  filename: string;
  mimeType: string;
  content: Uint8Array;
  created: string;
}

export interface RemoteLink {
  id: number;
  globalId: string | null;
  application: { type?: string; name?: string } | null;
  relationship: string | null;
  object: Record<string, unknown>;
}

export interface Change {
  field: string;
  fieldtype: 'jira' | 'custom';
  fieldId: string;
  from: string | null;
  fromString: string | null;
  to: string | null;
  toString: string | null;
}

export interface History {
  id: string;
  author: User;
  created: string;
  items: Change[];
}

/** What JQL goes by, and what a search shows: it may lag behind. */
export interface IssueState {
  project: Project;
  key: string;
  issueType: IssueType;
  status: Status;
  summary: string;
  description: Adf | null;
  assignee: User | null;
  reporter: User | null;
  creator: User;
  priority: { id: string; name: string } | null;
  resolution: { id: string; name: string } | null;
  labels: string[];
  components: Component[];
  /** The id of what it is a part of. */
  parentId: string | null;
  duedate: string | null;
  /** Of custom fields, as they are read. */
  values: Record<string, unknown>;
  comments: Comment[];
  attachments: Attachment[];
  created: string;
  updated: string;
  statusChanged: string;
}

export interface Issue extends IssueState {
  id: string;
  oldKeys: string[];
  remoteLinks: RemoteLink[];
  properties: Map<string, unknown>;
  /** Oldest first. */
  histories: History[];
  /** What the search index has had, newest last. */
  indexed: { at: number; state: IssueState }[];
}

export interface LinkType {
  id: string;
  name: string;
  inward: string;
  outward: string;
}

/** `inward` blocks `outward`, where the type is "Blocks". */
export interface Link {
  id: string;
  type: LinkType;
  inward: Issue;
  outward: Issue;
}
