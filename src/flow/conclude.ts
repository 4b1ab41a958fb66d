import { proposalOptions, writeProposal } from '../core/approval-text.ts';
import { attend } from '../core/attention.ts';
import { type StopCause, stopReasons } from '../core/closing-text.ts';
import type { Outcome, StopReason } from '../core/outcome.ts';
import { isObeyed, type Prompt } from '../core/prompt.ts';
import { codeOf, type Proposal } from '../core/proposal.ts';
import type { SessionState } from '../core/session.ts';
import type { Journal } from '../core/step.ts';
import { activityKey, type Stage } from '../store/activities.ts';
import { markAnswered, readAttention } from '../store/attention.ts';
import type { Tx } from '../store/database.ts';
import { unreadEditAt, unreadEdits } from '../store/edits.ts';
import { addEffects } from '../store/effects.ts';
import { endAsking } from '../store/followed-requests.ts';
import { reopenPrompts, unreadPrompts } from '../store/prompts.ts';
import { markCarriedOut, markSpent, openProposal, passOver } from '../store/proposals.ts';
import { markAsked } from '../store/questions.ts';
import { ensureRun } from '../store/queued-runs.ts';
import { settleRating } from '../store/ratings.ts';
import { isRebaseWanted } from '../store/rebase-wishes.ts';
import { type ClaimedRun, endRun, holdRun } from '../store/runs.ts';
import { currentConversation, lockSession, moveSession, type SessionRow, updateSession } from '../store/sessions.ts';
import { settleLostCalls } from '../store/spending.ts';
import { beginWaiting, markDueNext } from '../store/waits.ts';
import { rejectionOf } from './approval.ts';
import { approversOf } from './await-approval.ts';
import { changedFiles, closeStopped, endOf, sayClosing, settlePlan } from './closing.ts';
import { endScoping } from './end-scoping.ts';
import { type EscalateDeps, type Escalated, escalate } from './escalate.ts';
import { type Finished, lastFinished } from './finish.ts';
import { giveBack } from './give-back.ts';
import { showLeading } from './lead-children.ts';
import { leaveOthers } from './leave.ts';
import type { Prepared } from './prepare.ts';
import { publish, readSurroundings, type Surroundings } from './publish.ts';
import type { RunDeps } from './run.ts';
import { startRun } from './start.ts';

/** Where each ending leaves the session, and how it is shown. */
const endings: Record<StopReason, { state: SessionState; activity: 'response' | 'elicitation' | 'error' }> = {
  finished: { state: 'complete', activity: 'response' },
  needsInput: { state: 'awaitingInput', activity: 'elicitation' },
  waiting: { state: 'awaitingInput', activity: 'elicitation' },
  budgetExceeded: { state: 'awaitingInput', activity: 'elicitation' },
  loopDetected: { state: 'awaitingInput', activity: 'elicitation' },
  stopped: { state: 'stopped', activity: 'response' },
  failed: { state: 'error', activity: 'error' },
};

/** What a stop comes to, whoever or whatever asked for it. */
export const stopped: Outcome = { stopReason: 'stopped', message: stopReasons.stopped };

export interface Ending {
  /** What publishing needs; null when the run came to nothing that could be published. */
  work: { prepared: Prepared; journal: Journal } | null;
  /** Prompts that led to this outcome, though no step read them. */
  heard?: string[];
  /** The run has nothing left to go on with: it ends even when something is unread. */
  spent?: boolean;
  /** What was said ended it: what was edited meanwhile is for the next run. */
  leavesEdits?: boolean;
}

/** These end whatever is unread: a run that may not or cannot work cannot read either. What was said stays for the next one. */
const endsAnyway: StopReason[] = ['stopped', 'failed', 'budgetExceeded'];

const _lookWithinMs = 20_000;

type ConcludeDeps = EscalateDeps & Pick<RunDeps, 'name' | 'wake' | 'failpoint'>;

/**
 * Ends a run, in one transaction that holds the session's lock: the effects that publish and report, the session's state,
 * and the run's end commit together, with the next run where something is left to do. Answers false, with nothing written,
 * when people said something that no step has read: then the run goes on. A stop that came in time wins over whatever the
 * run came to. Throws `RunLost`.
 */
export async function conclude(
  deps: ConcludeDeps,
  run: ClaimedRun,
  reached: Outcome,
  ending: Ending,
): Promise<boolean> {
  const look = () => changedFiles(deps, run.sessionId);
  let files = reached.stopReason === 'stopped' ? await look() : undefined;
  const escalated = await escalate(deps, run, reached);
  const { work } = ending;
  const finished = work && reached.stopReason === 'finished' ? lastFinished(work.journal, run.id) : null;
  const surroundings = work && finished ? await readSurroundings(deps, work.prepared, finished) : null;
  deps.failpoint('conclude/before');
  let result = await end(deps, run, { ...escalated, surroundings }, ending, files);
  if (result === 'look') {
    files = await look();
    result = await end(deps, run, { outcome: stopped, effects: [], surroundings }, ending, files);
  }
  deps.failpoint('conclude/after');
  if (result !== 'goesOn') deps.wake('post');
  if (result === 'again') deps.wake('run');
  return result !== 'goesOn';
}

/** `look`: it was stopped, and its closing words need to know what it changed. `again`: another run was queued. */
type Result = 'ended' | 'again' | 'goesOn' | 'look';

interface Reached extends Escalated {
  /** Of what is published; null: nothing is. */
  surroundings: Surroundings | null;
}

async function end(
  deps: ConcludeDeps,
  run: ClaimedRun,
  { outcome: reached, effects, surroundings }: Reached,
  { work, heard = [], spent = false, leavesEdits = false }: Ending,
  /** Paths that the session has changed, for the closing words of a stop; undefined until somebody has looked. */
  files: string[] | null | undefined,
): Promise<Result> {
  return deps.db.transaction().execute(async (tx) => {
    // The session before the run, as everybody who locks both.
    const session = await lockSession(tx, run.sessionId);
    if (!session) throw new Error(`run ${run.id} has no session`);
    const { stopRequested } = await holdRun(tx, run);
    const isStopped = stopRequested || reached.stopReason === 'stopped';
    if (run.purpose === 'scope')
      return (await endScoping(tx, deps.policy, run, session, isStopped ? stopped : reached)) ? 'again' : 'ended';
    if (isStopped && files === undefined) return 'look';
    const rejection = isStopped ? await rejectionOf(tx, session.id, approversOf(deps)) : null;
    const reason = isStopped ? await reasonOf(tx, session, rejection !== null) : null;
    const generally = reason && { stopReason: 'stopped' as const, message: stopReasons[reason] };
    const outcome: Outcome = (reason === 'rejected' ? rejection : generally) ?? reached;
    // A no that was taken back meanwhile ends nothing.
    if (reached.rejected && !stopRequested && !rejection) return 'goesOn';
    const unread = (await unreadPrompts(tx, session.id)).filter((each) => isObeyed(each) && !heard.includes(each.id));
    const isEdited = !leavesEdits && (await isEditUnheard(tx, session.id, work !== null));
    const endsNow = spent || outcome.carriesOut !== undefined || endsAnyway.includes(outcome.stopReason);
    if ((unread.length > 0 || isEdited) && !endsNow) return 'goesOn';
    await settleLostCalls(tx, run.id);
    await reopenPrompts(tx, run);
    const conversation = await currentConversation(tx, session.id);
    const stage: Stage = { sessionId: session.id, runId: run.id, stepId: null, conversation };
    const finished = work && outcome.stopReason === 'finished' ? lastFinished(work.journal, run.id) : null;
    const why = outcome.rejected ? outcome.message : undefined;
    if (reason) await closeStopped(tx, session, run, endOf(run), stage, reason, files ?? null, why);
    else if (finished && work && surroundings)
      await publish(tx, deps, run, session, work.prepared, finished, surroundings, stage);
    else if (outcome.proposal) await propose(tx, deps, run, outcome, outcome.proposal, stage);
    else {
      await report(tx, run, outcome, stage);
      await addEffects(tx, effects);
    }
    if (outcome.givesBack) await giveBack(tx, session.id, run.id, outcome.givesBack);
    if (outcome.leads) await showLeading(tx, run, outcome, stage);
    if (!reason) await leaveOthers(tx, session.id, conversation);
    const { state } = endings[outcome.stopReason];
    if (session.state !== state) await moveSession(tx, session, state);
    await endAsking(tx, session.id);
    await markAsked(tx, session.id, state === 'awaitingInput' && outcome.stopReason !== 'waiting');
    if (work && !reason && !outcome.proposal) await passOver(tx, session.id);
    if (outcome.carriesOut !== undefined) await markCarriedOut(tx, outcome.carriesOut);
    else if (finished) await markSpent(tx, session.id);
    const proof = finished?.type === 'change' ? { proof: finished.proof.verdict } : {};
    await endRun(tx, run, { ...outcome, ...proof });
    // Filing parts, leading them, or giving a ticket back says nothing of how long its work would take.
    if (finished || outcome.stopReason !== 'finished')
      await settleRating(tx, session.id, { ...outcome, ...proof }, pathsOf(finished));
    // A run that was stopped has answered nothing, but for a no; one that finished leaves what it did not read to the next.
    if (!reason || reason === 'rejected') {
      const words = outcome.carriesOut === undefined ? finished === null : answeredWords(unread);
      await markAnswered(tx, session.id, { words, asked: outcome.stopReason === 'needsInput' });
    }
    if (outcome.stopReason === 'waiting' || outcome.waits) await beginWaiting(tx, session.id, outcome);
    else if (outcome.stopReason === 'finished') await updateSession(tx, session.id, { leads: false });
    // Said while it was at work: the next run begins with it.
    if (finished && session.headCommit !== null && (await isRebaseWanted(tx, session.id)))
      await markDueNext(tx, session.id);
    deps.failpoint('conclude/mid');
    const next = await readAttention(tx, session.id);
    const todo = attend(next.registers, next.unread);
    if (todo === 'scope') await ensureRun(tx, session, next, 'scope');
    if (todo !== 'work') return todo === 'scope' ? 'again' : 'ended';
    const started = await startRun(tx, deps.policy, { ...session, state }, next, conversation);
    return started ? 'again' : 'ended';
  });
}

/** What was approved is done by the service; what was said since it looked is for another run. */
function answeredWords(unread: Prompt[]): true | { before: number } {
  return unread.length === 0 || { before: Math.min(...unread.map(({ seq }) => seq)) };
}

/** Whether the ticket was edited and its model, if it has one, not told. */
async function isEditUnheard(tx: Tx, sessionId: string, hasModel: boolean): Promise<boolean> {
  if ((await unreadEditAt(tx, sessionId)) !== null) return true;
  return hasModel && (await unreadEdits(tx, sessionId)).length > 0;
}

/** Paths of what is published; null: nothing is. */
function pathsOf(finished: Finished | null): string[] | null {
  if (finished === null) return null;
  return finished.type === 'change' ? (finished.paths ?? null) : [];
}

/** Why a run is stopped. What has been said since may have taken that back: then another run follows. */
async function reasonOf(tx: Tx, session: SessionRow, isRejected: boolean): Promise<StopCause> {
  if (session.gone) return 'gone';
  const { registers, unread } = await readAttention(tx, session.id);
  const todo = attend(registers, unread);
  if (todo === 'scope') return 'taken';
  if (todo !== 'work' && todo !== 'nothing') return todo;
  return isRejected ? 'rejected' : 'stopped';
}

/** People are asked whether what it proposes may be done; the run ends, and waiting costs nothing. */
async function propose(
  tx: Tx,
  { policy }: Pick<RunDeps, 'policy'>,
  run: ClaimedRun,
  outcome: Outcome,
  content: Proposal,
  stage: Stage,
): Promise<void> {
  const { by, silenceMinutes, ...marks } = policy.approval;
  const named = { code: codeOf(content), content, message: outcome.message, silenceMinutes };
  const body = writeProposal(named, { by }, marks);
  await sayClosing(tx, stage, endOf(run), { type: 'elicitation', body, options: proposalOptions });
  const shownBy = activityKey(run.sessionId, endOf(run));
  await openProposal(tx, { sessionId: run.sessionId, runId: run.id, content, shownBy, silenceMinutes });
}

async function report(tx: Tx, run: ClaimedRun, outcome: Outcome, stage: Stage): Promise<void> {
  const { activity: type } = endings[outcome.stopReason];
  const options = outcome.options && outcome.options.length > 0 ? { options: outcome.options } : {};
  if (outcome.stopReason === 'failed') await settlePlan(tx, endOf(run), stage, 'pending');
  const body = outcome.message;
  await sayClosing(tx, stage, endOf(run), type === 'elicitation' ? { type, body, ...options } : { type, body });
}
