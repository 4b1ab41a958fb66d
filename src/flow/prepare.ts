import type { CodeHost } from '../code-hosts/code-host.ts';
import { isBugTicket } from '../core/bug-ticket.ts';
import type { Outcome } from '../core/outcome.ts';
import { writeRequest, writeSystemPrompt } from '../core/prompt-text.ts';
import type { Repository } from '../core/repository.ts';
import type { Ticket } from '../core/ticket.ts';
import { readFacts, type TicketFacts } from '../core/ticket-facts.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { findSession, type SessionRow, saveReading, updateSessionOf } from '../store/sessions.ts';
import { hasWrites } from '../store/steps.ts';
import type { RepositoryFacts } from '../workspaces/repository-facts.ts';
import { mayBegin } from './before-work.ts';
import { failed, findRepository } from './find-repository.ts';
import type { RunDeps } from './run.ts';

/** What a run starts from. */
export interface Prepared {
  session: SessionRow;
  ticket: Ticket;
  /** What its fields say, in our words. */
  facts: TicketFacts;
  repository: Repository;
  host: CodeHost;
  baseBranch: string;
  isBug: boolean;
  brief: { system: string; request: string };
  /**
   * The base commit that this session works on, for ever once there is work on it, and what its repository says of itself
   * there. The first to ask starts the fetch.
   */
  pinned(): Promise<Pinned>;
}

export interface Pinned {
  commit: string;
  tree: string;
  facts: RepositoryFacts;
}

/** People have to do something. `heard` are the prompts that were looked at and said nothing of use here. */
export interface NotPrepared {
  outcome: Outcome;
  heard: string[];
}

/**
 * Reads the ticket, finds its repository, and writes the brief. What the mirror already knows is enough for the brief, so
 * the fetch of what is new can go on beside the first model call (`pinned`).
 */
export async function prepare(deps: RunDeps, run: ClaimedRun, signal: AbortSignal): Promise<Prepared | NotPrepared> {
  const session = await findSession(deps.db, run.sessionId);
  if (!session) throw new Error(`run ${run.id} has no session`);
  const tracker = deps.trackers.get(session.hint.tracker);
  if (!tracker) throw new Error(`The tracker "${session.hint.tracker}" is not configured; add it to shipmate.yaml.`);
  const ticket = await tracker.readTicket(session.hint, signal);
  await saveReading(deps.db, session.ticketId, ticket);

  const facts = readFacts(ticket, deps.fields);
  const refused = await mayBegin({ deps, run, session, ticket, facts, signal });
  if (refused) return refused;
  const found = await findRepository(deps, run, session, ticket, facts);
  if ('outcome' in found) return found;
  const { repository } = found;
  const host = deps.codeHosts.get(repository.codeHost);
  if (!host) throw new Error(`The code host "${repository.codeHost}" of ${repository.name} is not configured.`);
  const location = await host.locate(repository, signal);
  const baseBranch = session.baseBranch ?? found.base ?? repository.base ?? location.defaultBranch;

  const isPinned = session.baseCommit !== null && (await hasWork(deps, run, session));
  const refresh = once(() => deps.workspaces.refresh(repository, location, signal));
  const look = async (before: Pinned | null = null): Promise<Pinned | null> => {
    const at = (isPinned && session.baseCommit) || baseBranch;
    const base = await deps.workspaces.resolve(repository, at, signal);
    if (!base || base.commit === before?.commit) return base && before;
    return { ...base, facts: await deps.describeRepository(repository, base.commit) };
  };
  // What the mirror has may be old: a mistake there that was mended upstream is none any more.
  let known = await look().catch((error: unknown) => {
    if (isPinned) throw error;
    return null;
  });
  if (!known) {
    await refresh();
    known = await look();
  }
  if (!known) return noSuchBranch(repository, baseBranch);
  const from = { repository, baseBranch, known, refresh, look };
  const pinned = once(async () => (isPinned ? from.known : pin(deps, run, from)));

  const brief = session.brief ?? {
    system: writeSystemPrompt({
      name: deps.name,
      guidance: deps.guidance,
      repository: { ...known.facts, name: repository.name, base: baseBranch },
    }),
    request: writeRequest(ticket),
  };
  if (!session.brief) await updateSessionOf(deps.db, run, { brief, repository: repository.name, baseBranch });
  return { session, ticket, facts, repository, host, baseBranch, isBug: isBugTicket(ticket), brief, pinned };
}

async function pin(
  deps: RunDeps,
  run: ClaimedRun,
  from: {
    repository: Repository;
    baseBranch: string;
    known: Pinned;
    refresh(): Promise<void>;
    look(before: Pinned): Promise<Pinned | null>;
  },
): Promise<Pinned> {
  await from.refresh();
  const now = await from.look(from.known);
  if (!now) throw new Error(`The branch ${from.baseBranch} of ${from.repository.name} is gone.`);
  await updateSessionOf(deps.db, run, { baseCommit: now.commit });
  return now;
}

/** Started by the first call; all share what comes of it. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  return () => {
    started ??= work();
    return started;
  };
}

/** Whether anything stands on the session's base. Until then it is the newest there is, so that what was wrong in it can be mended. */
async function hasWork(deps: RunDeps, run: ClaimedRun, session: SessionRow): Promise<boolean> {
  return run.attempt > 1 || session.headCommit !== null || hasWrites(deps.db, session.id);
}

function noSuchBranch(repository: Repository, branch: string): NotPrepared {
  return failed(
    `${repository.name} has no branch "${branch}", or no commit on it.`,
    'Push a first commit, or name another base branch, and say "continue".',
  );
}
