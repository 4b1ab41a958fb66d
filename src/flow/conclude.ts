import type { Activity } from '../core/activity.ts';
import type { Operation } from '../core/effect.ts';
import type { Outcome, StopReason } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import { branchName, commitMessage, writeClosing, writePullRequest } from '../core/pull-request-text.ts';
import type { SessionState } from '../core/session.ts';
import type { Journal } from '../core/step.ts';
import { deterministicId } from '../lib/ids.ts';
import { addActivities, readPlan, type Stage, savePlan } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import { markStopsRead, reopenPrompts, unreadPrompts } from '../store/prompts.ts';
import { ensureRun } from '../store/queued-runs.ts';
import { type ClaimedRun, endRun, holdRun } from '../store/runs.ts';
import { currentConversation, lockSession, moveSession, type SessionRow, updateSession } from '../store/sessions.ts';
import { type Finished, lastFinished } from './finish.ts';
import type { Prepared } from './prepare.ts';
import type { RunDeps } from './run.ts';

/** Where each ending leaves the session, and how it is shown. */
const endings: Record<StopReason, { state: SessionState; activity: Activity['type'] }> = {
  finished: { state: 'complete', activity: 'response' },
  needsInput: { state: 'awaitingInput', activity: 'elicitation' },
  budgetExceeded: { state: 'awaitingInput', activity: 'elicitation' },
  loopDetected: { state: 'awaitingInput', activity: 'elicitation' },
  stopped: { state: 'stopped', activity: 'response' },
  failed: { state: 'error', activity: 'error' },
};

/** What a person's stop comes to. */
export const stopped: Outcome = {
  stopReason: 'stopped',
  message: 'Stopped, as you asked. Nothing more will be done here. Say "continue" to go on from where it stands.',
};

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

/**
 * Ends a run, in one transaction that holds the session's lock: the effects that publish and report, the session's state,
 * and the run's end commit together. Answers false, with nothing written, when people said something that no step has
 * read: then the run goes on. A stop that came in time wins over whatever the run came to. Throws `RunLost`.
 */
export async function conclude(
  deps: Pick<RunDeps, 'db' | 'wake' | 'policy' | 'failpoint'>,
  run: ClaimedRun,
  reached: Outcome,
  { work, heard = [], spent = false }: Ending,
): Promise<boolean> {
  let again = false;
  deps.failpoint('conclude/before');
  const ended = await deps.db.transaction().execute(async (tx) => {
    // The session before the run, as everybody who locks both.
    const session = await lockSession(tx, run.sessionId);
    if (!session) throw new Error(`run ${run.id} has no session`);
    const { stopRequested } = await holdRun(tx, run);
    const outcome = stopRequested ? stopped : reached;
    const unread = (await unreadPrompts(tx, session.id)).filter((prompt) => !heard.includes(prompt.id));
    if (unread.length > 0 && !spent && !endsAnyway.includes(outcome.stopReason)) return false;
    await reopenPrompts(tx, run.id);
    if (outcome.stopReason === 'stopped') await markStopsRead(tx, session.id);
    const conversation = await currentConversation(tx, session.id);
    const stage: Stage = { sessionId: session.id, runId: run.id, stepId: null, conversation };
    const finished = work && outcome.stopReason === 'finished' ? lastFinished(work.journal, run.id) : null;
    if (finished && work) await publish(tx, deps, run, session, work.prepared, finished, stage);
    else await report(tx, run, outcome, stage);
    const { state } = endings[outcome.stopReason];
    if (session.state !== state) await moveSession(tx, session, state);
    const proof = finished?.type === 'change' ? { proof: finished.proof.verdict } : {};
    await endRun(tx, run, { ...outcome, ...proof });
    again = finished !== null && unread.length > 0;
    deps.failpoint('conclude/mid');
    if (again) await ensureRun(tx, { ...session, state });
    return true;
  });
  deps.failpoint('conclude/after');
  if (ended) deps.wake('post');
  if (again) deps.wake('run');
  return ended;
}

async function report(tx: Tx, run: ClaimedRun, outcome: Outcome, stage: Stage): Promise<void> {
  const { activity: type } = endings[outcome.stopReason];
  const options = outcome.options && outcome.options.length > 0 ? { options: outcome.options } : {};
  const activity: Activity =
    type === 'elicitation'
      ? { type, body: outcome.message, ...options }
      : ({ type, body: outcome.message } as Activity);
  await settlePlan(tx, run, stage, 'canceled', outcome.stopReason === 'stopped' || outcome.stopReason === 'failed');
  await addActivities(tx, stage, `run/${run.number}/ended`, [activity]);
}

/** A plan that nobody works on any more shows no step in progress. */
async function settlePlan(
  tx: Tx,
  run: ClaimedRun,
  stage: Stage,
  to: 'completed' | 'canceled',
  over: boolean,
): Promise<void> {
  const plan = await readPlan(tx, stage.sessionId);
  if (!over || !plan.some((step) => step.status === 'pending' || step.status === 'inProgress')) return;
  const settled: Plan = plan.map((step) =>
    step.status === 'pending' || step.status === 'inProgress' ? { ...step, status: to } : step,
  );
  await savePlan(tx, stage, `run/${run.number}/ended`, settled);
}

/** Push, pull request, ticket, closing words: as effects, each naming what it needs of the one before. */
async function publish(
  tx: Tx,
  deps: Pick<RunDeps, 'policy'>,
  run: ClaimedRun,
  session: SessionRow,
  prepared: Prepared,
  finished: Finished,
  stage: Stage,
): Promise<void> {
  const { ticket, repository, baseBranch } = prepared;
  const prefix = `${session.id}/run/${run.number}`;
  const cause = { sessionId: session.id, runId: run.id, stepId: null };
  const add = (name: string, operation: Operation, after: string[] = []) =>
    addEffects(tx, [{ ...cause, key: `${prefix}/${name}`, operation, after }]);
  const id = (name: string) => deterministicId(prefix, name);
  await settlePlan(tx, run, stage, 'completed', true);

  if (finished.type === 'answer') {
    await addActivities(tx, stage, `run/${run.number}/ended`, [{ type: 'response', body: finished.answer }]);
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
    report: finished.report,
    proof: finished.proof,
    changes: finished.changes,
    risks: finished.risks,
    baseBranch,
    draft,
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
  await addActivities(tx, stage, `run/${run.number}/ended`, [{ type: 'response', body: closing }], {
    link: {
      from: pullRequestKey,
      field: 'url',
    },
  });
}
