import type { CodeHost } from '../code-hosts/code-host.ts';
import { isBugTicket } from '../core/bug-ticket.ts';
import type { Brief } from '../core/conversation.ts';
import type { Outcome } from '../core/outcome.ts';
import { cleanLine } from '../core/outside-text.ts';
import { writeRequest, writeSystemPrompt } from '../core/prompt-text.ts';
import type { Repository } from '../core/repository.ts';
import { isBranch } from '../core/routing.ts';
import { wantsApproval } from '../core/scope.ts';
import type { Ticket } from '../core/ticket.ts';
import { knownOf } from '../core/ticket-change.ts';
import { readFacts, type TicketFacts } from '../core/ticket-facts.ts';
import { neverTouched } from '../core/tiers.ts';
import { VendorError } from '../core/vendor-error.ts';
import { retry } from '../lib/retry.ts';
import { saveImages, saveKnownTicket } from '../store/edits.ts';
import { guidanceOf } from '../store/guidance.ts';
import { type Handover, latestHandover } from '../store/handovers.ts';
import { newestStepOf } from '../store/moves.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { findSession, readBrief, type SessionRow, updateSessionOf } from '../store/sessions.ts';
import { hasWrites } from '../store/steps.ts';
import { errorsOfTicket } from '../store/ticket-errors.ts';
import type { RepositoryFacts } from '../workspaces/repository-facts.ts';
import { adoptRequest, noteOfAdopted } from './adopt.ts';
import { tellUnmatchedPaths } from './allowed-paths.ts';
import { readAttachments } from './attachments.ts';
import { baseNow, moveBase, noteOfStanding, standOn } from './base-branch.ts';
import { type Beginning, mayBegin } from './before-work.ts';
import { readTicketNow, tellEdits } from './edits.ts';
import { failed, findRepository } from './find-repository.ts';
import { lookAtPullRequest } from './follow-up.ts';
import { isToMove, placeNamed, tellMove } from './move-repository.ts';
import type { RunDeps } from './run.ts';
import { startTicket } from './start.ts';
import { tellBeginning } from './tell-beginning.ts';
import { refuseNever } from './tiers.ts';

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
  /** What a person last handed over with the ticket. */
  handover: Handover | null;
  /** What the agent is told first. */
  note: string | undefined;
  brief: Brief;
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
  let session = await findSession(deps.db, run.sessionId);
  if (!session) throw new Error(`run ${run.id} has no session`);
  const tracker = deps.trackers.get(session.hint.tracker);
  if (!tracker) throw new Error(`The tracker "${session.hint.tracker}" is not configured; add it to shipmate.yaml.`);
  const ticket = await readTicket(deps, run, session, tracker, signal);
  const facts = readFacts(ticket, deps.fields);
  // Before anything is decided: what was edited is heard like a word, also by a run that does not begin.
  let written = await readBrief(deps.db, session.id);
  if (written && run.purpose === 'work') await tellEdits(deps, run, tracker, ticket, signal);
  // Before the checks: what they look at is where the work is to be.
  const from =
    written && !ticket.request && (await isToMove(deps, run, { session, ticket, facts, brief: written }))
      ? session
      : null;
  if (from) {
    session = { ...session, repository: null, baseBranch: null, baseCommit: null };
    written = null;
  }
  const beginning: Beginning = { deps, run, session, ticket, facts, standsOn: null, signal };
  const refused = run.purpose === 'work' ? await mayBegin(beginning) : null;
  if (refused) return refused;
  const found = await findRepository(deps, run, session, ticket, facts, signal);
  if ('outcome' in found) return found;
  const { repository } = found;
  const isBegun = written !== null;
  const never = run.purpose === 'work' ? await refuseNever(beginning, repository, isBegun) : null;
  if (never) return never;
  const host = deps.codeHosts.get(repository.codeHost);
  if (!host) throw new Error(`The code host "${repository.codeHost}" of ${repository.name} is not configured.`);
  const place = { repository, host };
  const adopted = await adoptRequest(deps, run, session, ticket, place, signal);
  if ('outcome' in adopted) return adopted;
  const standing = await lookAtPullRequest(deps, run, adopted, repository, host, signal);
  if ('outcome' in standing) return standing;
  session = await moveBase(deps, run, standing, place, signal);
  const location = await host.locate(repository, signal);
  const { standsOn } = beginning;
  const stacked = standsOn?.repository === repository.name ? standsOn.branch : null;
  const handover = await latestHandover(deps.db, session.ticketId);
  // Files that come back after the pull request was merged go to the newest base, as all that was not published.
  const isOvertaken = session.follows?.merged === true && session.headCommit === null;
  const handed = handover?.runId === null && !isOvertaken ? handover.base : null;
  if (stacked !== null && handed === null) session = await standOn(deps, run, session, place, stacked, signal);
  const chosen = stacked ?? found.base ?? facts.base ?? repository.base ?? location.defaultBranch;
  const baseBranch = session.baseBranch ?? (await baseNow(deps, place, chosen, signal));
  if (!isBranch(baseBranch)) return noSuchBranch(repository, cleanLine(baseBranch, 100));
  if (run.purpose === 'work' && !ticket.request) await startTicket(deps, run, ticket);

  const isPinned = session.baseCommit !== null && (await hasWork(deps, run, session, handover));
  const refresh = once(() => deps.workspaces.refresh(repository, location, signal));
  const look = async (before: Pinned | null = null): Promise<Pinned | null> => {
    const at = handed ?? ((isPinned && session.baseCommit) || baseBranch);
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
  if (!known) return handed ? noSuchBase(repository, handed) : noSuchBranch(repository, baseBranch);
  const base = { repository, baseBranch, known, refresh, look };
  const pinned = once(async () => (isPinned ? base.known : pin(deps, run, base)));

  const { commit } = known;
  if (run.purpose === 'work') {
    await tellBeginning(deps, run, ticket, { isNew: !written, isMoved: from !== null });
    await tellUnmatchedPaths({ deps, run, facts }, () => deps.workspaces.listFiles(repository, commit));
  }
  const errors = await errorsOfTicket(deps.db, session.id);
  // Whatever the tracker could keep of its labels.
  const isBug = isBugTicket(ticket) || errors.length > 0;
  const notes = written && stacked !== null ? [noteOfStanding(baseBranch)] : [];
  if (session.adopted && !written) notes.push(noteOfAdopted(session, ticket));
  if (beginning.note !== undefined) notes.push(beginning.note);
  const prepared = {
    session,
    ticket,
    facts,
    repository,
    host,
    baseBranch,
    isBug,
    handover,
    note: notes.length === 0 ? undefined : notes.join('\n\n'),
    pinned,
  };
  if (written) return { ...prepared, brief: written };
  const system = writeSystemPrompt({
    name: deps.name,
    guidance: [deps.guidance, await guidanceOf(deps.db, session.id)].filter((each) => each.trim() !== '').join('\n\n'),
    repository: { ...known.facts, name: repository.name, base: baseBranch },
    scope: deps.policy.scope.before || wantsApproval(ticket, facts, deps.policy),
  });
  const { texts, images } = await readAttachments(tracker, ticket, ticket.attachments, signal);
  const request = writeRequest(ticket, {
    facts,
    attachments: texts,
    now: new Date(),
    neverTouched: neverTouched(repository),
    errors,
  });
  const { id } = session;
  const brief: Brief = {
    ...{ system, request, named: placeNamed(ticket, facts) },
    ...(images.length > 0 && { images: images.map(({ hash }) => hash) }),
    ...(from && { since: await newestStepOf(deps.db, id) }),
  };
  const to = { repository: repository.name, baseBranch };
  await deps.db.transaction().execute(async (tx) => {
    await updateSessionOf(tx, run, { brief, ...to, ...(from && { baseCommit: null }) });
    if (from) await tellMove(tx, run, from, to);
    await saveKnownTicket(tx, id, knownOf(ticket));
    await saveImages(tx, id, images);
  });
  if (from) deps.wake('post');
  return { ...prepared, brief };
}

/** A tracker that fails is asked again for so long, before the run lets go of its worker and waits a minute. */
const askForMs = 30_000;

function readTicket(...[deps, run, session, tracker, signal]: Parameters<typeof readTicketNow>): Promise<Ticket> {
  const judge = (error: unknown) => (error instanceof VendorError && error.code === 'unavailable' ? error : null);
  return retry(() => readTicketNow(deps, run, session, tracker, signal), { signal, judge, forMs: askForMs });
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
async function hasWork(
  deps: RunDeps,
  run: ClaimedRun,
  session: SessionRow,
  handover: Handover | null,
): Promise<boolean> {
  const isHandedOver = handover !== null && handover.base === session.baseCommit;
  return run.attempt > 1 || isHandedOver || session.headCommit !== null || hasWrites(deps.db, session.id);
}

function noSuchBase(repository: Repository, base: string): NotPrepared {
  return failed(
    `${repository.name} does not have the commit ${base}, on which this was handed over.`,
    'Push it there, or hand the work over again; then say "continue".',
  );
}

function noSuchBranch(repository: Repository, branch: string): NotPrepared {
  return failed(
    `${repository.name} has no branch "${branch}", or no commit on it.`,
    'Push a first commit, or name another base branch, and say "continue".',
  );
}
