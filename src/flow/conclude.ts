import { attend } from '../core/attention.ts';
import { type StopCause, stopReasons } from '../core/closing-text.ts';
import { writeAnswer } from '../core/decisions.ts';
import type { Operation } from '../core/effect.ts';
import type { Outcome, StopReason } from '../core/outcome.ts';
import { cleanText } from '../core/outgoing-text.ts';
import { branchName, commitMessage, writeClosing, writePullRequest } from '../core/pull-request-text.ts';
import type { SessionState } from '../core/session.ts';
import type { Journal } from '../core/step.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Stage } from '../store/activities.ts';
import { markAnswered, readAttention } from '../store/attention.ts';
import type { Tx } from '../store/database.ts';
import { addDecisions, answeredQuestions, listDecisions } from '../store/decisions.ts';
import { addEffects } from '../store/effects.ts';
import { reopenPrompts, unreadPrompts } from '../store/prompts.ts';
import { type ClaimedRun, endRun, holdRun } from '../store/runs.ts';
import { currentConversation, lockSession, moveSession, type SessionRow, updateSession } from '../store/sessions.ts';
import { settleLostCalls } from '../store/spending.ts';
import { changedFiles, closeStopped, endOf, sayClosing, settlePlan } from './closing.ts';
import { type EscalateDeps, type Escalated, escalate } from './escalate.ts';
import { type Finished, lastFinished } from './finish.ts';
import { writeFooter } from './footer.ts';
import { type Instructions, keepLearned, readInstructions } from './learn.ts';
import type { Prepared } from './prepare.ts';
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
}

/** These end whatever is unread: a run that may not or cannot work cannot read either. What was said stays for the next one. */
const endsAnyway: StopReason[] = ['stopped', 'failed', 'budgetExceeded'];

type ConcludeDeps = EscalateDeps & Pick<RunDeps, 'wake' | 'failpoint'>;

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
  const learns = work && finished && learnedBy(finished).length > 0;
  const instructions = learns ? await readInstructions(deps, work.prepared) : null;
  deps.failpoint('conclude/before');
  let result = await end(deps, run, { ...escalated, instructions }, ending, files);
  if (result === 'look') {
    files = await look();
    result = await end(deps, run, { outcome: stopped, effects: [], instructions: null }, ending, files);
  }
  deps.failpoint('conclude/after');
  if (result !== 'goesOn') deps.wake('post');
  if (result === 'again') deps.wake('run');
  return result !== 'goesOn';
}

/** `look`: it was stopped, and its closing words need to know what it changed. `again`: another run was queued. */
type Result = 'ended' | 'again' | 'goesOn' | 'look';

async function end(
  deps: ConcludeDeps,
  run: ClaimedRun,
  { outcome: reached, effects, instructions }: Escalated & { instructions: Instructions | null },
  { work, heard = [], spent = false }: Ending,
  /** Paths that the session has changed, for the closing words of a stop; undefined until somebody has looked. */
  files: string[] | null | undefined,
): Promise<Result> {
  return deps.db.transaction().execute(async (tx) => {
    // The session before the run, as everybody who locks both.
    const session = await lockSession(tx, run.sessionId);
    if (!session) throw new Error(`run ${run.id} has no session`);
    const { stopRequested } = await holdRun(tx, run);
    const isStopped = stopRequested || reached.stopReason === 'stopped';
    if (isStopped && files === undefined) return 'look';
    const reason = isStopped ? await reasonOf(tx, session) : null;
    const outcome: Outcome = reason ? { stopReason: 'stopped', message: stopReasons[reason] } : reached;
    const unread = (await unreadPrompts(tx, session.id)).filter((prompt) => !heard.includes(prompt.id));
    if (unread.length > 0 && !spent && !endsAnyway.includes(outcome.stopReason)) return 'goesOn';
    await settleLostCalls(tx, run.id);
    await reopenPrompts(tx, run.id);
    const conversation = await currentConversation(tx, session.id);
    const stage: Stage = { sessionId: session.id, runId: run.id, stepId: null, conversation };
    const finished = work && outcome.stopReason === 'finished' ? lastFinished(work.journal, run.id) : null;
    if (reason) await closeStopped(tx, session, run, endOf(run), stage, reason, files ?? null);
    else if (finished && work) await publish(tx, deps, run, session, work.prepared, finished, instructions, stage);
    else {
      await report(tx, run, outcome, stage);
      await addEffects(tx, effects);
    }
    const { state } = endings[outcome.stopReason];
    if (session.state !== state) await moveSession(tx, session, state);
    const proof = finished?.type === 'change' ? { proof: finished.proof.verdict } : {};
    await endRun(tx, run, { ...outcome, ...proof });
    // A run that was stopped has answered nothing; one that finished leaves what it did not read to the next.
    if (!reason) await markAnswered(tx, session.id, { words: finished === null });
    deps.failpoint('conclude/mid');
    const next = await readAttention(tx, session.id);
    if (attend(next.registers, next.unread) !== 'work') return 'ended';
    const started = await startRun(tx, deps.policy, { ...session, state }, next, conversation);
    return started ? 'again' : 'ended';
  });
}

/** Why a run is stopped. What has been said since may have taken that back: then another run follows. */
async function reasonOf(tx: Tx, session: SessionRow): Promise<StopCause> {
  if (session.gone) return 'gone';
  const { registers, unread } = await readAttention(tx, session.id);
  const todo = attend(registers, unread);
  return todo === 'work' || todo === 'nothing' ? 'stopped' : todo;
}

async function report(tx: Tx, run: ClaimedRun, outcome: Outcome, stage: Stage): Promise<void> {
  const { activity: type } = endings[outcome.stopReason];
  const options = outcome.options && outcome.options.length > 0 ? { options: outcome.options } : {};
  if (outcome.stopReason === 'failed') await settlePlan(tx, endOf(run), stage, 'pending');
  const body = outcome.message;
  await sayClosing(tx, stage, endOf(run), type === 'elicitation' ? { type, body, ...options } : { type, body });
}

/** What an earlier version left in the journal has none. */
function learnedBy({ report }: Finished): string[] {
  return report?.learned ?? [];
}

/** Adds what was decided in this run, by people who were asked and by the agent, to what was decided before; answers all of it. */
async function keepDecisions(tx: Tx, run: ClaimedRun, chosen: readonly string[]): Promise<string[]> {
  const answers = await answeredQuestions(tx, run.sessionId);
  await addDecisions(tx, { sessionId: run.sessionId, runId: run.id }, [
    ...answers.map((answer) => ({ key: answer.key, text: writeAnswer(answer) })),
    ...chosen.map((text) => ({ key: text.trim(), text: cleanText(text, 1000) })).filter(({ text }) => text !== ''),
  ]);
  return listDecisions(tx, run.sessionId);
}

/** Push, pull request, ticket, closing words: as effects, each naming what it needs of the one before. */
async function publish(
  tx: Tx,
  deps: Pick<RunDeps, 'policy'>,
  run: ClaimedRun,
  session: SessionRow,
  prepared: Prepared,
  finished: Finished,
  instructions: Instructions | null,
  stage: Stage,
): Promise<void> {
  const { ticket, repository, baseBranch } = prepared;
  const prefix = `${session.id}/run/${run.number}`;
  const cause = { sessionId: session.id, runId: run.id, stepId: null };
  const add = (name: string, operation: Operation, after: string[] = []) =>
    addEffects(tx, [{ ...cause, key: `${prefix}/${name}`, operation, after }]);
  const id = (name: string) => deterministicId(prefix, name);
  await settlePlan(tx, endOf(run), stage, 'completed');
  const decisions = await keepDecisions(tx, run, finished.report?.decisions ?? []);
  await keepLearned(tx, session, repository, learnedBy(finished), instructions, stage);

  if (finished.type === 'answer') {
    await sayClosing(tx, stage, endOf(run), { type: 'response', body: finished.answer });
    await add('review', {
      kind: 'moveTicket',
      id: id('review'),
      to: 'review',
      from: ['backlog', 'unstarted', 'started'],
    });
    return;
  }

  const branch = session.branch ?? branchName(ticket.identifier, finished.report.title ?? ticket.title);
  if (session.branch === null) await updateSession(tx, session.id, { branch });
  const draft = deps.policy.publish.pullRequest === 'draft' || finished.proof.verdict !== 'proved';
  const text = writePullRequest({
    ticket,
    report: { ...finished.report, decisions },
    proof: finished.proof,
    changes: finished.changes,
    risks: finished.risks,
    baseBranch,
    draft,
    cost: await writeFooter(tx, session.id),
  });
  await add('push', {
    kind: 'pushBranch',
    id: id('push'),
    repository: repository.name,
    branch,
    expected: session.headCommit,
    snapshotId: finished.snapshotId,
    tree: finished.tree,
    parent: session.headCommit ?? finished.base,
    message: commitMessage({ ticket, title: text.title, summary: finished.report.summary }),
    date: finished.date,
  });
  const pullRequestKey = `${prefix}/pull-request`;
  await add(
    'pull-request',
    {
      kind: 'openPullRequest',
      id: id('pull-request'),
      repository: repository.name,
      head: branch,
      base: baseBranch,
      title: text.title,
      body: text.body,
      draft,
    },
    [`${prefix}/push`],
  );
  await add('attach', {
    kind: 'attachPullRequest',
    id: id('attach'),
    url: { from: pullRequestKey, field: 'url' },
    number: { from: pullRequestKey, field: 'number' },
    title: text.title,
  });
  await add(
    'review',
    { kind: 'moveTicket', id: id('review'), to: 'review', from: ['backlog', 'unstarted', 'started'] },
    [pullRequestKey],
  );
  const closing = writeClosing({ url: '{link}', proof: finished.proof, draft, summary: finished.report.summary });
  await sayClosing(tx, stage, endOf(run), { type: 'response', body: closing }, { from: pullRequestKey, field: 'url' });
}
