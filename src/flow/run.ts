import type { Agent } from '../agents/agent.ts';
import type { CodeHost } from '../code-hosts/code-host.ts';
import type { BudgetLimits } from '../core/budget.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ToolPolicy } from '../core/policy.ts';
import type { Repository } from '../core/repository.ts';
import { RunLost } from '../core/step.ts';
import type { Tool } from '../core/tool.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import type { Failpoint } from '../lib/failpoint.ts';
import type { Log } from '../lib/log.ts';
import { retry } from '../lib/retry.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import type { Database } from '../store/database.ts';
import { beat, type ClaimedRun, claimRun, releaseRun, silentAfterSeconds } from '../store/runs.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { RepositoryConfigError } from '../workspaces/repository-config.ts';
import type { RepositoryFacts } from '../workspaces/repository-facts.ts';
import { SetupError, type Workspace, WorkspaceError, type Workspaces } from '../workspaces/workspaces.ts';
import type { Baselines } from './baselines.ts';
import { conclude, stopped } from './conclude.ts';
import type { PublishPolicy } from './finish.ts';
import { workOnTicket } from './work.ts';

export interface RunDeps {
  db: Database;
  /** This process, as `host:pid:start`. */
  worker: string;
  trackers: ReadonlyMap<string, Tracker>;
  codeHosts: ReadonlyMap<string, CodeHost>;
  repositories: ReadonlyMap<string, Repository>;
  workspaces: Workspaces;
  describeRepository(repository: Repository, commit: string): Promise<RepositoryFacts>;
  driver: SandboxDriver;
  agent: Agent;
  /** Tools of the tool servers for one session's workspace; known before that is there. */
  serverTools(workspace: Promise<Workspace>): Tool[];
  budget: BudgetLimits;
  policy: { tools: ToolPolicy; publish: PublishPolicy; runsPerHour: number | null };
  baselines: Baselines;
  /** The agent's name on this team. */
  name: string;
  guidance: string;
  knownSecrets: string[];
  /** Tells the workers of this process that there is something to do. */
  wake(drain: 'post' | 'run'): void;
  failpoint: Failpoint;
  log: Log;
}

const beatEveryMs = 1000;
/** Without a word from the database for so long, an attempt is over. */
const giveUpAfterMs = 30_000;
/** An outside service that stays away longer than the in-process retries: the run waits this long and is claimed again. */
const outsideWaitMs = 60_000;
const maxAttempts = 30;

/** A person asked for it, on the ticket or the command line. */
export class StopRequested extends Error {
  constructor() {
    super('a stop was requested');
    this.name = 'StopRequested';
  }
}

/** Run: claims runs and works on them, one after the other, until there is none to claim. */
export async function workRuns(deps: RunDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const run = await claimRun(deps.db, deps.worker);
    if (!run) return;
    deps.wake('run'); // there may be one for the next free slot, too
    await attemptRun(deps, run, signal);
  }
}

/** One attempt. However it ends, the run is concluded, released, or somebody else's: never silently dropped. */
async function attemptRun(deps: RunDeps, run: ClaimedRun, signal: AbortSignal): Promise<void> {
  const log = deps.log.child({ session_id: run.sessionId, run_id: run.id, ticket: run.ticket, attempt: run.attempt });
  const stopping = new AbortController();
  const stopHeart = startHeart(deps, run, stopping);
  const anyStop = AbortSignal.any([signal, stopping.signal]);
  log.info({ run: run.number }, 'run claimed');
  try {
    if (run.stopRequested) stopping.abort(new StopRequested());
    anyStop.throwIfAborted();
    if (run.attempt > maxAttempts)
      throw new Error(`this run was taken up ${maxAttempts} times and never came to an end`);
    const outcome = await workOnTicket({ ...deps, log }, run, anyStop);
    log.info({ stop_reason: outcome.stopReason }, 'run ended');
  } catch (error) {
    // Only our own signal says that this run was stopped or lost: what others threw may have come through shared work.
    const cause: unknown = stopping.signal.aborted ? stopping.signal.reason : error;
    if (cause instanceof RunLost) log.warn({ err: cause }, 'this run is not ours any more');
    else if (cause instanceof StopRequested) await concludeWith(deps, run, stopped);
    else if (signal.aborted) await releaseRun(deps.db, run);
    else await giveUp({ ...deps, log }, run, error, signal);
  } finally {
    stopHeart();
  }
}

async function giveUp(deps: RunDeps, run: ClaimedRun, error: unknown, signal: AbortSignal): Promise<void> {
  // The board and local-git live in our database, and say it as a vendor that is away.
  const noDatabase = [error, (error as Error | null)?.cause].some(isDatabaseUnavailable);
  const passing = noDatabase || (error instanceof VendorError && error.retryable);
  if (passing && run.attempt < maxAttempts) {
    const asked = error instanceof VendorError ? error.retryAfterMs : null;
    const waitMs = noDatabase ? 0 : (asked ?? outsideWaitMs);
    deps.log.warn({ err: error, wait_ms: waitMs }, 'a service that the run needs is away; it is tried again');
    // When even this cannot be written for so long, the run has fallen silent, and is claimed again for that.
    const trying = { signal, judge: isDatabaseAway, forMs: silentAfterSeconds * 1000, baseMs: 100, maxMs: 1000 };
    return retry(() => releaseRun(deps.db, run, waitMs), trying).catch((failed: unknown) =>
      deps.log.warn({ err: failed }, 'a run could not be released; it will be claimed when it has been silent'),
    );
  }
  deps.log.error({ err: error }, 'run failed');
  await concludeWith(deps, run, { stopReason: 'failed', message: explain(error) });
}

function isDatabaseAway(error: unknown): { retryAfterMs: null } | null {
  return isDatabaseUnavailable(error) ? { retryAfterMs: null } : null;
}

async function concludeWith(deps: RunDeps, run: ClaimedRun, outcome: Outcome): Promise<void> {
  await conclude(deps, run, outcome, { work: null }).catch((error: unknown) => {
    if (error instanceof RunLost) return;
    // The database is away: the run stays claimable, and the sweep finds it.
    deps.log.error({ err: error, run_id: run.id }, 'the end of a run could not be written');
  });
}

/** Faults that name their cause and remedy go to the ticket as they are; for the rest people need the log. */
function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const explained = [VendorError, WorkspaceError, SetupError, RepositoryConfigError].some(
    (type) => error instanceof type,
  );
  if (explained) return `${message}\n\nSay "continue" when that is mended.`;
  return `Something failed inside Shipmate: ${message}\n\nThe worker's log says more. Say "continue" to try again from the last finished step.`;
}

/** One beat at a time: a database that hangs must not be asked more and more often. */
function startHeart(deps: RunDeps, run: ClaimedRun, stopping: AbortController): () => void {
  let beating = false;
  let silentSince: number | null = null;
  const timer = setInterval(() => {
    // Fences keep a run that is somebody else's by now from writing; this only ends the useless work.
    if (silentSince !== null && performance.now() - silentSince > giveUpAfterMs) stopping.abort(new RunLost(run.id));
    if (beating) return;
    beating = true;
    silentSince ??= performance.now();
    beat(deps.db, run)
      .then(
        ({ stopRequested }) => {
          silentSince = null;
          if (stopRequested) stopping.abort(new StopRequested());
        },
        (error: unknown) => {
          if (error instanceof RunLost) stopping.abort(error);
        },
      )
      .finally(() => {
        beating = false;
      });
  }, beatEveryMs);
  return () => clearInterval(timer);
}
