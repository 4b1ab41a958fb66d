import { withoutMarks } from '../core/marking.ts';
import { wantsApproval } from '../core/scope.ts';
import type { Ticket } from '../core/ticket.ts';
import {
  acknowledgeChange,
  changeOf,
  type KnownTicket,
  knownOf,
  type Progress,
  writeChange,
} from '../core/ticket-change.ts';
import { oddCommandsOf, readFacts, type TicketFacts } from '../core/ticket-facts.ts';
import { VendorError } from '../core/vendor-error.ts';
import { retry } from '../lib/retry.ts';
import { addActivities } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { addEdit, markEditsRead, readKnownTicket, saveImages, saveKnownTicket, unreadEditAt } from '../store/edits.ts';
import { hasChanged, hasEditsSinceEnd } from '../store/moves.ts';
import { newestProposal } from '../store/proposals.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { currentConversation, lockSession, type SessionRow, saveReading } from '../store/sessions.ts';
import { hasSteps } from '../store/steps.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { oddPathsOf } from './allowed-paths.ts';
import { readAttachments } from './attachments.ts';
import type { RunDeps } from './run.ts';

type EditDeps = Pick<RunDeps, 'db' | 'fields' | 'trackers' | 'wake' | 'failpoint' | 'policy'>;

/** Between two turns a tracker that is away is asked for so long; then the run waits like one that begins. */
const askForMs = 60_000;

/**
 * Reads the ticket of a session, and remembers that all that it was told of edits before is in that reading. By what marks people
 * approve is said of a proposal, and is no part of it.
 */
export async function readTicketNow(
  { db, policy }: Pick<EditDeps, 'db' | 'policy'>,
  run: ClaimedRun,
  session: Pick<SessionRow, 'id' | 'ticketId' | 'hint'>,
  tracker: Tracker,
  signal: AbortSignal,
): Promise<Ticket> {
  const editedAt = await unreadEditAt(db, session.id);
  const read = await tracker.readTicket(session.hint, signal, { mayBeOld: editedAt === null });
  const ticket = withoutMarks(read, policy.approval);
  await whileHeld(db, run, async (tx) => {
    await saveReading(tx, session.ticketId, ticket);
    await markEditsRead(tx, session.id, [editedAt, ticket.updatedAt]);
  });
  return ticket;
}

/** The ticket of a run at work as it is known by now: as it was read when that began, with what was edited since. */
export async function newestReading(
  { db, fields }: Pick<EditDeps, 'db' | 'fields'>,
  from: { session: Pick<SessionRow, 'id'>; ticket: KnownTicket; facts: TicketFacts },
): Promise<{ ticket: KnownTicket; facts: TicketFacts }> {
  const ticket = await readKnownTicket(db, from.session.id);
  return ticket ? { ticket, facts: readFacts(ticket, fields) } : from;
}

/**
 * What was edited since the model was last told of the ticket, if anything may have been: read, kept for it, and acknowledged.
 * Answers whether anything may have been.
 */
export async function hearEdits(
  deps: EditDeps,
  run: ClaimedRun,
  session: Pick<SessionRow, 'id' | 'ticketId' | 'hint'>,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await unreadEditAt(deps.db, session.id)) === null) return false;
  const tracker = deps.trackers.get(session.hint.tracker);
  if (!tracker) throw new Error(`The tracker "${session.hint.tracker}" is not configured; add it to shipmate.yaml.`);
  const judge = (error: unknown) => (error instanceof VendorError && error.retryable ? error : null);
  const ask = async () => {
    const ticket = await readTicketNow(deps, run, session, tracker, signal);
    await tellEdits(deps, run, tracker, ticket, signal);
  };
  await retry(ask, { signal, judge, forMs: askForMs });
  return true;
}

/**
 * Keeps for the model in what a reading of the ticket differs from what it knows, and says on the ticket that it was seen: once,
 * in one transaction with what it knows from then on.
 */
export async function tellEdits(
  deps: EditDeps,
  run: ClaimedRun,
  tracker: Tracker,
  ticket: Ticket,
  signal: AbortSignal,
): Promise<void> {
  const now = knownOf(ticket);
  const known = await readKnownTicket(deps.db, run.sessionId);
  const change = known && changeOf(known, now, deps.fields);
  if (known && !change) return;
  deps.failpoint('edit/read');
  const attached = change ? await readAttachments(tracker, ticket, change.attached, signal) : null;
  await whileHeld(deps.db, run, async (tx) => {
    await saveKnownTicket(tx, run.sessionId, now);
    if (!change || !attached) return; // a session from before edits were told
    await saveImages(tx, run.sessionId, attached.images);
    const number = await addEdit(tx, run.sessionId, {
      note: writeChange(ticket.identifier, change, attached.texts),
      images: attached.images.map(({ hash }) => hash),
    });
    const conversation = await currentConversation(tx, run.sessionId);
    const stage = { sessionId: run.sessionId, runId: run.id, stepId: null, conversation };
    const facts = readFacts(now, deps.fields);
    const at = {
      progress: await progressOf(tx, run),
      isPlanLate: await isPlanLate(tx, run, deps, { before: known, now }),
    };
    const body = [acknowledgeChange(change, at), oddPathsOf(facts), oddCommandsOf(facts)].filter(Boolean).join('\n\n');
    await addActivities(tx, stage, `edit/${number}`, [{ type: 'thought', body }]);
  });
  deps.failpoint('edit/kept');
  if (change) deps.wake('post');
}

async function progressOf(tx: Tx, run: ClaimedRun): Promise<Progress> {
  if (await hasChanged(tx, run.sessionId)) return 'changed';
  return (await hasSteps(tx, run.id)) ? 'looking' : 'beginning';
}

/** Whether a plan is wanted from this edit on, and is not asked for any more: files were changed, and none was proposed. */
async function isPlanLate(
  tx: Tx,
  run: ClaimedRun,
  { fields, policy }: Pick<EditDeps, 'fields' | 'policy'>,
  { before, now }: { before: KnownTicket; now: KnownTicket },
): Promise<boolean> {
  const wants = (ticket: KnownTicket) => wantsApproval(ticket, readFacts(ticket, fields), policy);
  if (wants(before) || !wants(now)) return false;
  const proposal = await newestProposal(tx, run.sessionId);
  return (proposal === null || proposal.isCarriedOut) && (await hasEditsSinceEnd(tx, run.sessionId));
}

/** The session before the run, as everybody who locks both. Throws `RunLost`. */
async function whileHeld<T>(db: EditDeps['db'], run: ClaimedRun, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await lockSession(tx, run.sessionId);
    await holdRun(tx, run);
    return work(tx);
  });
}
