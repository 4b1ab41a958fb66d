import type { Check } from '../core/check.ts';
import type { Delivery } from '../core/delivery.ts';
import type { RequestOperation } from '../core/effect.ts';
import type { PullRequest } from '../core/pull-request.ts';
import type { Repository } from '../core/repository.ts';
import type { CheckRun, RequestProgress } from '../core/request-progress.ts';

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

  /**
   * Where people see these lines of a file as it is in that commit; null: nowhere. `path` is as git has it, lines count from 1,
   * and without them it is the file. `isImage`: the file itself, for Markdown to show. Asks nobody.
   */
  linkTo(
    repository: Repository,
    place: { commit: string; path: string; from: number | null; to: number | null; isImage?: boolean },
  ): string | null;

  /** The pull request as it stands now. Throws `VendorError` `not_found`. */
  readPullRequest(repository: Repository, number: number, signal: AbortSignal): Promise<PullRequest>;

  /** Checks, reviews and all that becomes of a pull request; null where a host knows of none: a bare repository. */
  readonly following: RequestFollowing | null;

  /** What it tells of itself; null: nothing, it is asked. */
  readonly webhooks: HostWebhooks | null;

  /** Whether this host can be reached and is set up. Never throws. */
  check(): Promise<Check[]>;
}

export interface RequestFollowing {
  /** All of it as it stands now; what has not changed since it was last asked costs next to nothing. Throws `VendorError` `not_found`. */
  read(repository: Repository, number: number, signal: AbortSignal): Promise<RequestProgress>;

  /** What a check that failed has logged, cut to what matters: 16 kB at most, without secrets. null: there is no log (any more). */
  readLog(repository: Repository, run: CheckRun, signal: AbortSignal): Promise<string | null>;

  /** The same operation (same `id`) sent again changes nothing and answers the same. Throws `VendorError`. */
  write(repository: Repository, operation: RequestOperation, signal: AbortSignal): Promise<Record<string, unknown>>;

  /** For the agent's own questions; missing: there is no token that may only do this. */
  readonly logAccess?: LogAccess;
}

/** How a program apart from us, `mcp-servers/ci-logs`, reads checks and CI logs. */
export interface LogAccess {
  apiUrl: string;
  /** For this one repository, to read checks and logs and do nothing else; good for some minutes at least. Throws `VendorError`. */
  token(repository: Repository, signal: AbortSignal): Promise<string>;
}

/** A webhook is a hint: what it is about is read again. */
export interface HostWebhooks {
  /** As `Tracker.verifyDelivery`. */
  verifyDelivery(
    headers: Record<string, string>,
    body: Uint8Array,
  ): { deliveryId: string; isLate?: boolean; isBroad?: boolean; isUrgent?: boolean };

  /** Which pull requests a verified delivery may have changed. Never throws for its content. */
  readHints(delivery: Delivery): RequestHint[];

  /**
   * Asks for another try of deliveries that did not arrive, some of them and each a few times at most. `arrived` says which of
   * these ids have come after all. null: the host sends again by itself, or has no list of them. Throws `VendorError`.
   */
  redeliver:
    | ((arrived: (deliveryIds: string[]) => Promise<ReadonlySet<string>>, signal: AbortSignal) => Promise<Redelivery>)
    | null;
}

/** Ids of deliveries. */
export interface Redelivery {
  /** Those that are tried again now. */
  asked: string[];
  /** Those that failed as often as they may; each is told once. */
  givenUp: string[];
}

/** Of the repository at this `location`, the pull request of this number, or those of this branch or head commit. */
export interface RequestHint {
  location: string;
  number?: number;
  branch?: string;
  commit?: string;
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
  /** Paths that it changes, by which the host finds who is to review them; missing: not known. */
  paths?: readonly string[];
}
