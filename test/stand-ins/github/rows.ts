/** Whoever acts: a person, an organization that owns, or the account of an App. */
export interface User {
  id: number;
  login: string;
  type: 'User' | 'Bot' | 'Organization';
}

export type Level = 'admin' | 'write' | 'read' | 'none';

export interface Repository {
  id: number;
  owner: User;
  name: string;
  /** "owner/name" that it had before, in lower case. */
  formerNames: string[];
  isPrivate: boolean;
  isArchived: boolean;
  hasIssues: boolean;
  parent: Repository | null;
  defaultBranch: string;
  /** The bare repository on disk. */
  dir: string;
  /** By login. Who is not in it has no right beyond what everybody has. */
  levels: Map<string, Level>;
  /** By name. */
  teams: Map<string, User[]>;
  /** Issues and pull requests by their number, which they share. */
  issues: Map<number, Issue>;
  labels: Map<string, Label>;
  protections: Map<string, Protection>;
  rulesets: Ruleset[];
  createdAt: string;
}

export interface Label {
  id: number;
  name: string;
  color: string;
}

/** Classic protection of one branch. */
export interface Protection {
  requiredChecks: string[];
  requiredReviews: number;
}

export interface Ruleset {
  id: number;
  name: string;
  /** Names of branches; "~DEFAULT_BRANCH" and "~ALL" as the real one has them. */
  include: string[];
  rules: { type: string; parameters?: Record<string, unknown> }[];
}

export interface Issue {
  id: number;
  number: number;
  title: string;
  body: string | null;
  user: User;
  state: 'open' | 'closed';
  stateReason: string | null;
  labels: Label[];
  assignees: User[];
  comments: Comment[];
  createdAt: string;
  updatedAt: string;
  closedAt: string | null;
  closedBy: User | null;
  /** null: it is an issue proper. */
  pull: Pull | null;
}

export interface Pull {
  id: number;
  head: string;
  /** Where the head is, if it is elsewhere. */
  fork: Repository | null;
  base: string;
  /** Where the head was last seen while it was open. */
  headSha: string;
  baseSha: string;
  draft: boolean;
  merged: { at: string; by: User; commit: string } | null;
  reviewers: User[];
  teamReviewers: string[];
  /** So many reads say that mergeability is not known yet. */
  unknownReads: number;
}

export interface Comment {
  id: number;
  body: string;
  user: User;
  /** It was written by our App. */
  viaApp: boolean;
  createdAt: string;
  updatedAt: string;
}

/** "owner/name" */
export const fullName = ({ owner, name }: Pick<Repository, 'owner' | 'name'>): string => `${owner.login}/${name}`;
