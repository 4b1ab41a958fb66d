export interface Project {
  id: number;
  organization: Organization;
  slug: string;
  platform: string;
  /** What its alert rule is called that hands each event to the integration; null: it has none. */
  alertRule: string | null;
  /** The number in the newest short id. */
  issues: number;
}

export interface Organization {
  id: number;
  slug: string;
}

export interface Commit {
  id: string;
  message: string;
  dateCreated: string;
  author: { name: string; email: string };
  repository: string;
  /** Of the pull request that it came in. */
  pullRequest: { id: string; title: string; url: string } | null;
}

export interface Release {
  id: number;
  version: string;
  projects: Project[];
  commits: Commit[];
  dateCreated: string;
  dateReleased: string | null;
  deploys: { id: number; environment: string; dateFinished: string; url: string | null }[];
}

export interface FrameInput {
  filename: string;
  absPath?: string;
  function?: string | null;
  module?: string;
  lineNo: number;
  colNo?: number;
  inApp?: boolean;
  /** Numbered lines of the source. */
  context?: [number, string][];
  vars?: Record<string, unknown>;
}

export interface ExceptionInput {
  type: string;
  value: string;
  /** The innermost last; null: it came without. */
  frames: FrameInput[] | null;
  handled?: boolean;
}

export interface Breadcrumb {
  category: string;
  message?: string | null;
  level?: string;
  type?: string;
  timestamp?: string;
  data?: Record<string, unknown> | null;
}

/** What an SDK sends, as far as anything comes of it. */
export interface EventInput {
  /** What raised them last. */
  exceptions?: ExceptionInput[];
  message?: string;
  level?: 'debug' | 'info' | 'warning' | 'error' | 'fatal';
  transaction?: string;
  breadcrumbs?: Breadcrumb[];
  request?: {
    url?: string;
    method?: string;
    query?: [string, string][];
    headers?: [string, string][];
    cookies?: [string, string][];
    data?: unknown;
  };
  user?: { id?: string; email?: string; username?: string; ip_address?: string; name?: string };
  tags?: Record<string, string>;
  contexts?: Record<string, Record<string, unknown>>;
  extra?: Record<string, unknown>;
  release?: string;
  environment?: string;
  /** In place of the type and the frames of our own code. */
  fingerprint?: string[];
  /** What Sentry could not do with it: `js_no_source`, for one. */
  errors?: { type: string; message: string; data: Record<string, unknown> }[];
  /** Whatever else stands among its entries. */
  entries?: { type: string; data: unknown }[];
}

export interface EventRow {
  /** 32 hexadecimal digits. */
  eventID: string;
  issue: Issue;
  at: string;
  title: string;
  input: EventInput;
  release: Release | null;
}

export interface Issue {
  id: number;
  /** "WEB-1A" */
  shortId: string;
  project: Project;
  fingerprint: string;
  /** Those of its first event. */
  title: string;
  culprit: string;
  metadata: Record<string, unknown>;
  level: NonNullable<EventInput['level']>;
  status: 'unresolved' | 'resolved' | 'ignored';
  substatus: 'new' | 'ongoing' | 'regressed' | 'archived_forever' | null;
  statusDetails: { inNextRelease?: boolean; inRelease?: string; inCommit?: string };
  priority: 'low' | 'medium' | 'high';
  firstSeen: string;
  lastSeen: string;
  /** Events that it is told to have; those that are there are fewer where a test says so. */
  count: number;
  users: Set<string>;
  /** Oldest first. */
  events: EventRow[];
  /** Whom Sentry takes for the cause; null: it says nothing. */
  suspects: Commit[] | null;
  isDeleted: boolean;
}

export interface Token {
  value: string;
  scopes: string[];
  /** Of which it sees something; null: of all. */
  organizations: Organization[] | null;
  isRevoked: boolean;
}
