import type { CodeHost } from '../code-hosts/code-host.ts';
import { isBugTicket } from '../core/bug-ticket.ts';
import type { Outcome } from '../core/outcome.ts';
import { writeRequest, writeSystemPrompt } from '../core/prompt-text.ts';
import type { Repository } from '../core/repository.ts';
import { routeTicket } from '../core/routing.ts';
import type { Ticket } from '../core/ticket.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { findSession, type SessionRow, saveReading, updateSession } from '../store/sessions.ts';
import { describeRepository, type RepositoryFacts } from '../workspaces/repository-facts.ts';
import type { RunDeps } from './run.ts';

/** What a run starts from. */
export interface Prepared {
  session: SessionRow;
  ticket: Ticket;
  repository: Repository;
  host: CodeHost;
  baseBranch: string;
  isBug: boolean;
  brief: { system: string; request: string };
  /** The base commit that this session works on, for ever, and what its repository says of itself there. */
  pinned: Promise<Pinned>;
}

export interface Pinned {
  commit: string;
  tree: string;
  facts: RepositoryFacts;
}

/**
 * Reads the ticket, finds its repository, and writes the brief. What the mirror already knows is enough for the brief, so
 * the fetch of what is new goes on beside the first model call (`pinned`). An outcome instead: people have to do something.
 */
export async function prepare(
  deps: RunDeps,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<Prepared | { outcome: Outcome }> {
  const session = await findSession(deps.db, run.sessionId);
  if (!session) throw new Error(`run ${run.id} has no session`);
  const tracker = deps.trackers.get(session.hint.tracker);
  if (!tracker) throw new Error(`The tracker "${session.hint.tracker}" is not configured; add it to shipmate.yaml.`);
  const ticket = await tracker.readTicket(session.hint, signal);
  await saveReading(deps.db, session.ticketId, ticket);

  const found = findRepository(deps, session, ticket);
  if ('outcome' in found) return found;
  const { repository } = found;
  const host = deps.codeHosts.get(repository.codeHost);
  if (!host) throw new Error(`The code host "${repository.codeHost}" of ${repository.name} is not configured.`);
  const location = await host.locate(repository, signal);
  const baseBranch = session.baseBranch ?? found.base ?? repository.base ?? location.defaultBranch;

  const resolve = () => deps.workspaces.resolve(repository, session.baseCommit ?? baseBranch, signal);
  const refreshed = session.baseCommit ? Promise.resolve() : deps.workspaces.refresh(repository, location, signal);
  refreshed.catch(() => {}); // looked at below; a failure must not end the process before that
  let known = await resolve();
  if (!known) {
    await refreshed;
    known = await resolve();
  }
  if (!known) return { outcome: noSuchBranch(repository, baseBranch) };
  const facts = await describeRepository(deps.workspaces, repository, known.commit);
  const pinned = pin(deps, session, { repository, baseBranch, known: { ...known, facts }, refreshed, resolve });
  pinned.catch(() => {});

  const brief = session.brief ?? {
    system: writeSystemPrompt({
      name: deps.name,
      guidance: deps.guidance,
      repository: { ...facts, name: repository.name, base: baseBranch },
    }),
    request: writeRequest(ticket),
  };
  if (!session.brief) await updateSession(deps.db, session.id, { brief, repository: repository.name, baseBranch });
  return { session, ticket, repository, host, baseBranch, isBug: isBugTicket(ticket), brief, pinned };
}

async function pin(
  deps: RunDeps,
  session: SessionRow,
  from: {
    repository: Repository;
    baseBranch: string;
    known: Pinned;
    refreshed: Promise<void>;
    resolve(): Promise<{ commit: string; tree: string } | null>;
  },
): Promise<Pinned> {
  await from.refreshed;
  const now = await from.resolve();
  if (!now) throw new Error(`The branch ${from.baseBranch} of ${from.repository.name} is gone.`);
  if (!session.baseCommit) await updateSession(deps.db, session.id, { baseCommit: now.commit });
  if (now.commit === from.known.commit) return from.known;
  return { ...now, facts: await describeRepository(deps.workspaces, from.repository, now.commit) };
}

function findRepository(
  deps: RunDeps,
  session: SessionRow,
  ticket: Ticket,
): { repository: Repository; base: string | null } | { outcome: Outcome } {
  const all = [...deps.repositories.values()];
  if (session.repository !== null) {
    const repository = deps.repositories.get(session.repository);
    if (repository) return { repository, base: session.baseBranch };
    return failed(`The repository "${session.repository}" of this ticket is no longer in shipmate.yaml; add it back.`);
  }
  if (all.length === 0)
    return failed('No repository is configured. Name one under "repositories" in shipmate.yaml and say "continue".');
  const route = routeTicket(ticket, all);
  if ('ask' in route)
    return { outcome: { stopReason: 'needsInput', message: route.ask.question, options: route.ask.options } };
  if ('unknown' in route)
    return failed(
      `There is no repository "${route.unknown.given}" here; there are: ${route.unknown.known.join(', ')}. ` +
        'Correct the ticket\'s "repository" field, or add it to shipmate.yaml, and say "continue".',
    );
  return route;
}

function failed(message: string): { outcome: Outcome } {
  return { outcome: { stopReason: 'failed', message } };
}

function noSuchBranch(repository: Repository, branch: string): Outcome {
  const message =
    `${repository.name} has no branch "${branch}", or no commit on it. ` +
    'Push a first commit, or name another base branch, and say "continue".';
  return { stopReason: 'failed', message };
}
