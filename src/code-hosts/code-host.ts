import type { Check } from '../core/check.ts';
import type { PullRequest } from '../core/pull-request.ts';
import type { Repository } from '../core/repository.ts';

/** Where branches are pushed and pull requests opened. */
export interface CodeHost {
  readonly kind: string;

  /** How host-side git reaches the repository for reading, and its default branch. Throws `VendorError` `not_found`. */
  locate(repository: Repository, signal: AbortSignal): Promise<Location>;

  /**
   * Moves `branch` from `expected` (null: it must not exist) to `commit`, whose objects are in the bare repository `gitDir`.
   * Succeeds when the branch is at `commit` already. Throws `VendorError` `conflict` when it is anywhere else.
   */
  pushBranch(repository: Repository, push: BranchPush, signal: AbortSignal): Promise<{ commit: string }>;

  /** Opens a pull request, or returns the open one of the same head: never a second. Base, title and body are updated. */
  openPullRequest(repository: Repository, input: PullRequestInput, signal: AbortSignal): Promise<PullRequest>;

  /** The pull request as it stands now. Throws `VendorError` `not_found`. */
  readPullRequest(repository: Repository, number: number, signal: AbortSignal): Promise<PullRequest>;

  /** Whether this host can be reached and is set up. Never throws. */
  check(): Promise<Check[]>;
}

export interface Location {
  /** What `git fetch` takes: a path or URL. */
  url: string;
  /** Extra environment for that fetch (credentials); never stored, never seen by a sandbox. */
  env: Record<string, string>;
  defaultBranch: string;
}

export interface BranchPush {
  gitDir: string;
  branch: string;
  commit: string;
  expected: string | null;
}

export interface PullRequestInput {
  /** Deterministic; where the host has no key of its own, the look-up by head stands in for it. */
  id: string;
  title: string;
  body: string;
  base: string;
  head: string;
  draft: boolean;
}
