import type { GitHub } from './github.ts';
import type { Repository, User } from './rows.ts';

/** Who reports checks. */
export interface Reporter {
  id: number;
  slug: string;
  name: string;
}

export const actions: Reporter = { id: 15368, slug: 'github-actions', name: 'GitHub Actions' };

/** One reporter's checks of one commit; of GitHub Actions one run of a workflow. */
export interface CheckSuite {
  id: number;
  repository: Repository;
  headSha: string;
  headBranch: string | null;
  app: Reporter;
  /** Of GitHub Actions. */
  workflow: { id: number; name: string; runId: number; event: 'push' | 'pull_request' } | null;
  createdAt: string;
}

export interface Annotation {
  path: string;
  line: number;
  level: 'notice' | 'warning' | 'failure';
  title: string | null;
  message: string;
}

export type Conclusion = 'success' | 'failure' | 'neutral' | 'cancelled' | 'skipped' | 'timed_out' | 'action_required';

/** Of GitHub Actions it is a job, with the same id. */
export interface CheckRun {
  id: number;
  suite: CheckSuite;
  name: string;
  status: 'queued' | 'in_progress' | 'completed';
  conclusion: Conclusion | null;
  output: { title: string | null; summary: string | null; text: string | null };
  annotations: Annotation[];
  startedAt: string;
  completedAt: string | null;
  detailsUrl: string | null;
  /** What a job has logged; as a function it is made while it is read. `gone`: it was too old. null: none. */
  log: Uint8Array | (() => AsyncIterable<Uint8Array>) | 'gone' | null;
}

export interface CommitStatus {
  id: number;
  repository: Repository;
  sha: string;
  context: string;
  state: 'pending' | 'success' | 'failure' | 'error';
  description: string | null;
  targetUrl: string | null;
  creator: User;
  createdAt: string;
}

interface ChecksOf {
  suites: CheckSuite[];
  runs: CheckRun[];
  statuses: CommitStatus[];
}

const kept = new WeakMap<GitHub, ChecksOf>();

/** All that was reported, oldest first. */
export function checksOf(github: GitHub): ChecksOf {
  const known = kept.get(github) ?? { suites: [], runs: [], statuses: [] };
  kept.set(github, known);
  return known;
}
