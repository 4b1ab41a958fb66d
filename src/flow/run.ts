import type { Agent } from '../agents/agent.ts';
import type { CodeHost } from '../code-hosts/code-host.ts';
import type { Limits } from '../core/budget.ts';
import type { Stages } from '../core/dependencies.ts';
import { inEscalation } from '../core/escalation.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ToolPolicy } from '../core/policy.ts';
import type { Repository } from '../core/repository.ts';
import type { RouteRule } from '../core/routing.ts';
import type { RunPurpose } from '../core/session.ts';
import { RunLost, StopRequested } from '../core/step.ts';
import type { FieldNames } from '../core/ticket-facts.ts';
import type { Tool } from '../core/tool.ts';
import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import type { Failpoint } from '../lib/failpoint.ts';
import type { Log } from '../lib/log.ts';
import { retry } from '../lib/retry.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import type { Database } from '../store/database.ts';
import { type ClaimedRun, claimRun, outsideAwayForMs, releaseRun, workedMs } from '../store/runs.ts';
import type { OtherTools, OtherToolsUse } from '../tools/other-servers.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { RepositoryConfigError } from '../workspaces/repository-config.ts';
import type { RepositoryFacts } from '../workspaces/repository-facts.ts';
import { SetupError, type Workspace, WorkspaceError, type Workspaces } from '../workspaces/workspaces.ts';
import type { ApprovalPolicy } from './approval.ts';
import type { FileParts } from './await-approval.ts';
import type { Baselines } from './baselines.ts';
import { startClock } from './clock.ts';
import { conclude, stopped } from './conclude.ts';
import type { PublishPolicy } from './finish.ts';
import type { Heart } from './heart.ts';
import type { PageOf } from './link-session.ts';
import { judgeLosses } from './losses.ts';
import type { RatingPolicy } from './scope.ts';
import type { PeoplePolicy } from './strangers.ts';
import { tellDisconnected } from './tell-disconnected.ts';
import { workOnTicket } from './work.ts';

export interface RunDeps {
  db: Database;
  /** This process, as `host:pid:start`. */
  worker: string;
  /** Nothing: it works on runs of any purpose. */
  only?: RunPurpose | undefined;
  trackers: ReadonlyMap<string, Tracker>;
  codeHosts: ReadonlyMap<string, CodeHost>;
  repositories: ReadonlyMap<string, Repository>;
  /** Where tickets go that name none of them. */
  routes: readonly RouteRule[];
  workspaces: Workspaces;
  describeRepository(repository: Repository, commit: string): Promise<RepositoryFacts>;
  driver: SandboxDriver;
  agent: Agent;
  /** Tools of the tool servers for one session's workspace, known before that is there, and for its repository. */
  serverTools(workspace: Promise<Workspace>, repository: Repository): Tool[];
  /** Those of servers that are not ours, which there may be none of. */
  otherTools(of: { repository: string; team: string | null }, use: OtherToolsUse): Promise<OtherTools>;
  budget: Limits;
  /** What each standing order may spend in a day, in USD. */
  usdOfOrders: ReadonlyMap<string, number | null>;
  policy: RatingPolicy & {
    tools: ToolPolicy;
    publish: PublishPolicy;
    runsPerHour: number | null;
    stages: Stages;
    approval: ApprovalPolicy;
    people: PeoplePolicy['people'];
    escalation: { pushSnapshot: boolean };
    reviews: { resolve: boolean };
  };
  /** How the parts of an approved split become tickets; without it the agent is told that it may go on. */
  fileParts?: FileParts;
  baselines: Baselines;
  /** How the fields of tickets are understood. */
  fields: FieldNames;
  /** The agent's name on this team. */
  name: string;
  guidance: string;
  pageOf: PageOf | null;
  knownSecrets: string[];
  /** Tells the workers of this process that there is something to do. */
  wake(drain: 'post' | 'run'): void;
  failpoint: Failpoint;
  heart: Heart;
  /** Whether this process has room for one more run; told of each that it takes. */
  admission: { admits(): boolean; took(): void };
  /** Whether the worker of a run that fell silent has ended, as far as can be known; not: could not reach the database. */
  hasFallen(worker: string): boolean;
  /** Whether an error says that the database is away; then that is told, once however many notice. */
  databaseAway(error: unknown): boolean;
  log: Log;
}

/** An outside service that stays away longer than the in-process retries: the run waits this long and is claimed again. */
const outsideWaitMs = 60_000;
/** A reply that broke off is asked for again almost at once; its tries are counted, and limited like any model call. */
const afterCutMs = 2_000;
/** Away for so long, with nothing completed meanwhile, the run ends. */
const outsideAwayMs = 2 * 3_600_000;
/** A run ends by itself when its time has run out; one that has not after so much more work is ended. */
const overdueAfterMinutes = 5;

/** The run is past its limit of time and did not come to an end. */
class Overdue extends Error {
  constructor(minutes: number) {
    super(
      `The run was ended: it had worked ${overdueAfterMinutes} min longer than its limit of ${inWords(minutes)} (\`budget.minutes\`) ` +
        'and did not come to an end by itself. What it had completed is kept.',
    );
    this.name = 'Overdue';
  }
}

/** Run: claims runs and works on them, one after the other, until there is none to claim. */
export async function workRuns(deps: RunDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && deps.admission.admits()) {
    const run = await claimRun(deps.db, deps.worker, deps.only);
    if (!run) return;
    deps.admission.took();
    deps.failpoint('run/claimed');
    deps.wake('run'); // there may be one for the next free slot, too
    await attemptRun(deps, run, signal);
  }
}

/** One attempt. However it ends, the run is concluded, released, or somebody else's: never silently dropped. */
async function attemptRun(deps: RunDeps, run: ClaimedRun, signal: AbortSignal): Promise<void> {
  const log = deps.log.child({ session_id: run.sessionId, run_id: run.id, ticket: run.ticket, attempt: run.attempt });
  const claimedAt = performance.now();
  const stopping = new AbortController();
  const letGo = deps.heart.hold(run, stopping);
  const anyStop = AbortSignal.any([signal, stopping.signal]);
  let forgetLimit = () => {};
  log.info({ run: run.number, ...(run.takenFrom !== null && { taken_from: run.takenFrom }) }, 'run claimed');
  try {
    if (run.stopRequested) stopping.abort(new StopRequested());
    anyStop.throwIfAborted();
    const hopeless = await judgeLosses(deps, run);
    if (hopeless) {
      log.error({ outcome: hopeless.message }, 'a run that ends its workers was given up');
      return await concludeWith(deps, run, hopeless);
    }
    const clock = startClock((await workedMs(deps.db, run.sessionId)).get(run.id) ?? 0);
    const { minutes } = deps.budget;
    if (minutes !== null)
      forgetLimit = clock.at((minutes + overdueAfterMinutes) * 60_000, () => stopping.abort(new Overdue(minutes)));
    const outcome = await workOnTicket({ ...deps, log }, run, clock, anyStop);
    log.info({ stop_reason: outcome.stopReason }, 'run ended');
  } catch (error) {
    // Only our own signal says that this run was stopped or lost: what others threw may have come through shared work.
    const cause: unknown = stopping.signal.aborted ? stopping.signal.reason : error;
    if (cause instanceof RunLost) log.warn({ err: cause }, 'this run is not ours any more');
    else if (cause instanceof StopRequested) await concludeWith(deps, run, stopped);
    else if (cause instanceof Overdue)
      await concludeWith(
        deps,
        run,
        inEscalation('budgetExceeded', {
          blocks: cause.message,
          options: ['Say "continue" to give it another run', 'Raise the limit in shipmate.yaml', 'Split the ticket'],
        }),
      );
    else if (signal.aborted) await releaseRun(deps.db, run);
    else await giveUp({ ...deps, log }, run, error, performance.now() - claimedAt, signal);
  } finally {
    forgetLimit();
    letGo();
  }
}

async function giveUp(
  deps: RunDeps,
  run: ClaimedRun,
  error: unknown,
  triedMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (deps.databaseAway(error)) {
    // However long it takes: a run that was let go of is taken up at once, and nothing else can be done with this slot.
    const trying = { signal, judge: isDatabaseAway, forMs: Number.POSITIVE_INFINITY, baseMs: 100, maxMs: 1000 };
    return retry(() => releaseRun(deps.db, run), trying).catch((failed: unknown) =>
      deps.log.warn({ err: failed }, 'a run could not be released; it will be claimed when it has been silent'),
    );
  }
  if (
    error instanceof VendorError &&
    error.retryable &&
    // Somebody has to connect us again, and nothing could be told before.
    (error.code === 'disconnected' || (await outsideAwayForMs(deps.db, run, triedMs)) < outsideAwayMs)
  ) {
    const waitMs = error.retryAfterMs ?? (error.code === 'cut_stream' ? afterCutMs : outsideWaitMs);
    deps.log.warn({ err: error, wait_ms: waitMs }, 'a service that the run needs is away; it is tried again');
    await releaseRun(deps.db, run, waitMs);
    const about = { sessionId: run.sessionId, runId: run.id, cause: `run/${run.number}` };
    if (error.code === 'disconnected' && run.purpose === 'work') await tellDisconnected(deps, about, error.message);
    return;
  }
  deps.log.error({ err: error }, 'run failed');
  await concludeWith(deps, run, explain(error));
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

function inWords(minutes: number): string {
  return minutes < 1 ? `${Math.round(minutes * 60)} s` : `${Math.round(minutes * 10) / 10} min`;
}

/** Faults that name their cause and remedy go to the ticket as they are; for the rest people need the log. */
function explain(error: unknown): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  const explained = [VendorError, WorkspaceError, SetupError, RepositoryConfigError].some(
    (type) => error instanceof type,
  );
  if (explained) return inEscalation('failed', { blocks: message, options: ['Say "continue" when that is mended.'] });
  return inEscalation('failed', {
    blocks: `Something failed inside Shipmate: ${message}`,
    options: ['The worker\'s log says more. Say "continue" to try again from the last finished step.'],
  });
}
