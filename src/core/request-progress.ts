import type { PullRequest } from './pull-request.ts';
import type { Person } from './ticket.ts';

/** A pull request as it stands: its commits, what its checks say, what people said of it, and what came of its merge. */
export interface RequestProgress {
  request: PullRequest;
  /** The commit that its branch is at; where the branch is gone, the last that it had. */
  head: string;
  /** The commit that is on the base branch since it was merged; null: it is not. */
  mergeCommit: string | null;
  /** Whether it could be merged as it is; `behind`: it could, and its base has moved since. */
  mergeable: 'clean' | 'behind' | 'conflict' | 'unknown';
  /** Of the head. */
  checks: CheckReport;
  /** Of the commit on the base that it started from, or was merged onto; asked for only where a check failed. */
  baseChecks: CheckReport | null;
  /** Of the merge commit. */
  mergeChecks: CheckReport | null;
  /** The newest of each environment: of the head; once merged, of the merge commit. */
  deployments: Deployment[];
  /** All that was submitted, oldest first; nothing of the agent's own. */
  remarks: Remark[];
  /** Who closed it, where that was no merge; null: nobody did, or it is not known. */
  closedBy: Person | null;
  /** The merged pull request that takes this one back; null: none does. */
  reverted: { by: Person | null; url: string } | null;
}

/** What is known of the checks of one commit. */
export interface CheckReport {
  commit: string;
  runs: CheckRun[];
  /** Names without which nothing may be merged, by branch protection and rulesets; null: nobody says, so all count. */
  required: string[] | null;
}

export interface CheckRun {
  /** As people know it. Of several of one name the newest counts. */
  name: string;
  state: 'pending' | 'passed' | 'failed' | 'skipped';
  /** What it says of itself, in a line or some; ''. */
  summary: string;
  url: string | null;
  /** The adapter's handle, by which its log is read. */
  ref: unknown;
  /** Failed by nothing that the agent could mend: people are asked at once. */
  isForPeople?: true;
}

export interface Deployment {
  environment: string;
  /** It comes and goes with the pull request. */
  isPreview: boolean;
  state: 'pending' | 'ready' | 'failed';
  url: string | null;
}

/** Something that a person said on a pull request, once submitted. */
export interface Remark {
  /** Identifies it within its code host. */
  key: string;
  kind: 'review' | 'line' | 'comment';
  author: Person;
  /** Whether its author may push to the repository: nobody else is heard. */
  mayWrite: boolean;
  /** Of a review. */
  verdict: 'approved' | 'changesRequested' | null;
  /** The thread that it is in, as `replyToRemark` takes it; null: said of the whole. */
  thread: string | null;
  isResolved: boolean;
  /** Of a line: where, as of the head; `line` is null where the line is gone. */
  path: string | null;
  line: number | null;
  /** The lines that it is about, as a diff shows them; ''. */
  excerpt: string;
  body: string;
  /** It names the agent. */
  mentions: boolean;
  /** ISO 8601. */
  at: string;
}
