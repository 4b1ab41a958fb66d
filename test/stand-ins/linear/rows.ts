/** What Linear keeps, by its own names. What else its schema has is empty. */
export interface Row {
  __typename: string;
  id: string;
  createdAt: string;
  updatedAt: string;
}

export interface Organization extends Row {
  name: string;
  urlKey: string;
}

export interface User extends Row {
  name: string;
  displayName: string;
  email: string;
  url: string;
  app: boolean;
  active: boolean;
}

export interface Team extends Row {
  key: string;
  name: string;
  displayName: string;
  parentId: string | null;
  lastNumber: number;
  triageEnabled: boolean;
}

export interface WorkflowState extends Row {
  name: string;
  type: 'triage' | 'backlog' | 'unstarted' | 'started' | 'completed' | 'canceled' | 'duplicate';
  position: number;
  color: string;
  teamId: string;
}

/** Where issues of a team go with a pull request; `targetBranch` null: with one into any branch. */
export interface GitAutomationState extends Row {
  event: 'draft' | 'start' | 'review' | 'mergeable' | 'merge';
  stateId: string | null;
  targetBranch: { id: string } | null;
  teamId: string;
}

export interface IssueLabel extends Row {
  name: string;
  color: string;
  teamId: string | null;
  parentId: string | null;
}

export interface Project extends Row {
  name: string;
  description: string;
  content: string | null;
  url: string;
  teamIds: string[];
}

export interface Cycle extends Row {
  number: number;
  name: string | null;
  startsAt: string;
  endsAt: string;
  teamId: string;
}

export interface Issue extends Row {
  number: number;
  identifier: string;
  previousIdentifiers: string[];
  title: string;
  description: string | null;
  priority: number;
  estimate: number | null;
  dueDate: string | null;
  url: string;
  branchName: string;
  teamId: string;
  stateId: string;
  creatorId: string | null;
  assigneeId: string | null;
  delegateId: string | null;
  parentId: string | null;
  projectId: string | null;
  cycleId: string | null;
  labelIds: string[];
  startedAt: string | null;
  completedAt: string | null;
  canceledAt: string | null;
  archivedAt: string | null;
  trashed: boolean | null;
}

/** That an issue was moved. */
export interface IssueHistory extends Row {
  issueId: string;
  actorId: string | null;
  fromStateId: string | null;
  toStateId: string | null;
  fromDelegateId: string | null;
  toDelegateId: string | null;
}

export interface IssueRelation extends Row {
  issueId: string;
  relatedIssueId: string;
  type: string;
}

export interface Comment extends Row {
  body: string;
  issueId: string;
  /** Without one it is Linear's own. */
  userId: string | null;
  parentId: string | null;
  /** Set on the comment with which a session's thread begins. */
  agentSessionId: string | null;
  isArtificialAgentSessionRoot: boolean;
}

export interface Attachment extends Row {
  issueId: string;
  url: string;
  title: string;
  subtitle: string | null;
  metadata: Record<string, unknown>;
  sourceType: string | null;
  creatorId: string | null;
}

export interface Customer extends Row {
  name: string;
  domains: string[];
}

export interface CustomerNeed extends Row {
  body: string;
  priority: number;
  customerId: string | null;
  issueId: string;
  creatorId: string | null;
}

export type SessionStatus = 'pending' | 'active' | 'awaitingInput' | 'complete' | 'error' | 'stopping';

export interface AgentSession extends Row {
  slugId: string;
  type: 'commentThread';
  url: string;
  appUserId: string;
  creatorId: string | null;
  issueId: string;
  commentId: string;
  sourceCommentId: string | null;
  /** As the last activity left it; see `statusOf`. */
  lastStatus: SessionStatus;
  lastActivityAt: string;
  startedAt: string | null;
  endedAt: string | null;
  dismissedAt: string | null;
  summary: string | null;
  plan: unknown;
  externalUrls: { label: string; url: string }[];
}

export interface ActivityContent {
  __typename: string;
  type: string;
  body?: string;
  action?: string;
  parameter?: string;
  result?: string | null;
}

export interface AgentActivity extends Row {
  agentSessionId: string;
  content: ActivityContent;
  ephemeral: boolean;
  signal: string | null;
  signalMetadata: Record<string, unknown> | null;
  userId: string;
  sourceCommentId: string | null;
}

/** A file that was uploaded, or is going to be. */
export interface Asset extends Row {
  filename: string;
  contentType: string;
  content: Uint8Array | null;
}

export interface Kinds {
  Organization: Organization;
  User: User;
  Team: Team;
  WorkflowState: WorkflowState;
  GitAutomationState: GitAutomationState;
  IssueLabel: IssueLabel;
  Project: Project;
  Cycle: Cycle;
  Issue: Issue;
  IssueHistory: IssueHistory;
  IssueRelation: IssueRelation;
  Comment: Comment;
  Attachment: Attachment;
  Customer: Customer;
  CustomerNeed: CustomerNeed;
  AgentSession: AgentSession;
  AgentActivity: AgentActivity;
  Asset: Asset;
}

export type Kind = keyof Kinds;

/** By id, in the order in which they came to be. */
export type Tables = { [K in Kind]: Map<string, Kinds[K]> };

export function createTables(): Tables {
  return {
    Organization: new Map(),
    User: new Map(),
    Team: new Map(),
    WorkflowState: new Map(),
    GitAutomationState: new Map(),
    IssueLabel: new Map(),
    Project: new Map(),
    Cycle: new Map(),
    Issue: new Map(),
    IssueHistory: new Map(),
    IssueRelation: new Map(),
    Comment: new Map(),
    Attachment: new Map(),
    Customer: new Map(),
    CustomerNeed: new Map(),
    AgentSession: new Map(),
    AgentActivity: new Map(),
    Asset: new Map(),
  };
}
