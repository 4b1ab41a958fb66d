import type { Priority } from './ticket.ts';

/*
 * What somebody comes upon while they work, as `/make-ticket` brings it to be filed. All text in it comes from outside and is
 * data, never instructions.
 */

export const captureKinds = ['bug', 'feature', 'task'] as const;
export type CaptureKind = (typeof captureKinds)[number];

/** Somewhere in the code. `path` is within the repository, with `/`; lines count from 1. */
export interface CodePlace {
  path: string;
  from: number | null;
  /** The last line; the same as `from` where it is one. */
  to: number | null;
  /** Those lines as they are now, cut; null: they were not to be had. */
  snippet: string | null;
}

/** What failed, and what that said: clean text, cut around the first error, without what looks like a secret. */
export interface CapturedError {
  command: string | null;
  exitCode: number | null;
  output: string;
}

/** The clone that somebody works in, as git has it. */
export interface Checkout {
  /** Where it is fetched from and pushed to, without credentials; the likeliest first. */
  remotes: string[];
  /** null: its head is detached. */
  branch: string | null;
  /** The commit that is checked out; null: there is none yet. */
  commit: string | null;
  /** The newest commit in its history that a remote has, as far as the clone knows; null: none, or no remote. */
  published: string | null;
  /** Commits after that. */
  ahead: number;
  /** Files that differ from the commit, as `git status --short` shows them; the first of many. */
  changed: string[];
  /** Of the files that it is about, those whose lines are not as at `published`. */
  edited: string[];
  /** Of the files that it is about, those that are not in `published` at all. */
  unpublished: string[];
  /** The newest commits. */
  commits: { id: string; subject: string }[];
  /** Text of CODEOWNERS; null: there is none. */
  codeowners: string | null;
}

/** One concern: what becomes one ticket. */
export interface Concern {
  title: string;
  /** What is wanted or what happened, and why: Markdown; '' where the title says it all. */
  notes: string;
  kind: CaptureKind | null;
  places: CodePlace[];
  error: CapturedError | null;
  /** How to see it, one step each. */
  steps: string[];
  /** What should happen instead; ''. */
  expected: string;
  /** What must hold when it is done, one each. */
  criteria: string[];
  labels: string[];
  /** null: as `none`. */
  priority: Priority | null;
}

export interface Capture extends Concern {
  /** Of the person's side: a UUID, the same however often it is sent. */
  id: string;
  /** Further concerns that came up together, a ticket of its own each, related to the first. */
  also: Concern[];
  /** As the person names them; null: found out. */
  team: string | null;
  project: string | null;
  /** A name from the configuration; null: by the clone's remotes. */
  repository: string | null;
  /** Tickets that it has to do with, as people call them. */
  related: string[];
  /** Whether the agent is to work on it at once; null: as configured. */
  assign: boolean | null;
  /** What is known already is added to this ticket, and none is filed; null: it is filed. */
  addTo: string | null;
  /** Filed although there are likely duplicates. */
  anyway: boolean;
  /** Nothing is written anywhere: what would be filed is shown. */
  dryRun: boolean;
  checkout: Checkout | null;
  /** Versions of what it happened with, by name. */
  environment: Record<string, string>;
  /** What it was captured with: "Claude Code", "shell"; null: not known. */
  client: string | null;
  /** The address of an error that a source of alerts can read: what that says is filed, with what the person says before it. */
  from?: string | null | undefined;
}

/** A ticket that may be about the same. */
export interface Duplicate {
  identifier: string;
  title: string;
  url: string;
  /** As its tracker calls it. */
  state: string;
  /** `error`: it has the same error; `title`: its title says the same; `path`: it is about the same code. */
  why: 'error' | 'title' | 'path';
  /** Whether people should be asked before another is filed. */
  isLikely: boolean;
}

/** What is filed, before it is. */
export interface CaptureDraft {
  title: string;
  description: string;
  labels: string[];
  priority: Priority;
  team: string | null;
  project: string | null;
  repository: string | null;
  assign: boolean;
}

export interface FiledTicket {
  identifier: string;
  title: string;
  url: string;
  /** The agent has it. */
  isAssigned: boolean;
}

/** What came of a capture. In all of them `notes` says in sentences what was decided, hidden or left out. */
export type CaptureResult =
  | { status: 'filed'; tickets: FiledTicket[]; duplicates: Duplicate[]; notes: string[] }
  /** It was added to a ticket that was there. */
  | { status: 'added'; tickets: FiledTicket[]; duplicates: Duplicate[]; notes: string[] }
  /** Nothing was filed: people choose. Sent again with `addTo` or `anyway` it goes on. */
  | { status: 'duplicates'; duplicates: Duplicate[]; drafts: CaptureDraft[]; notes: string[] }
  /** The tracker cannot take it now. It is kept, and filed as soon as it can be. */
  | { status: 'kept'; drafts: CaptureDraft[]; notes: string[] }
  /** A dry run. */
  | { status: 'shown'; drafts: CaptureDraft[]; duplicates: Duplicate[]; notes: string[] };
