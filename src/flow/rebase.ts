import { setTimeout as delay } from 'node:timers/promises';
import type { CodeHost } from '../code-hosts/code-host.ts';
import { noteOfRebased, tellRebased } from '../core/follow-up.ts';
import type { Repository } from '../core/repository.ts';
import type { StepRecord } from '../core/step.ts';
import { VendorError } from '../core/vendor-error.ts';
import { addActivities, readActivity } from '../store/activities.ts';
import { isPublishing } from '../store/effects.ts';
import { latestHandover } from '../store/handovers.ts';
import { isRebaseWanted, settleRebaseWishes } from '../store/rebase-wishes.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { currentConversation, findSession, lockSession, type SessionRow, updateSession } from '../store/sessions.ts';
import { latestSnapshot, placeWorkspace, saveSnapshot } from '../store/snapshots.ts';
import type { RunDeps } from './run.ts';

/**
 * Where people want it, or its code host does, the work is put on the newest commit of its base before the run begins: what
 * both have changed is between git's marks then, and the agent resolves it. What is published afterwards has that commit as a
 * second parent, so that nothing reviewers saw is rewritten.
 */
export async function rebase(
  deps: RunDeps,
  run: ClaimedRun,
  session: SessionRow,
  { repository, host }: { repository: Repository; host: CodeHost },
  signal: AbortSignal,
): Promise<SessionRow> {
  const { db } = deps;
  if (run.purpose === 'scope' || !(await isRebaseWanted(db, session.id))) return session;
  // What the run before has finished goes out first.
  for (let waited = 0; waited < mostWaits && (await isPublishing(db, session.id)); waited++)
    await delay(waitMs, undefined, { signal });
  if (await isPublishing(db, session.id)) throw stillOnItsWay(repository);
  const changes = await putOnNewest(deps, run, session, { repository, host }, signal);
  await db.transaction().execute(async (tx) => {
    await lockSession(tx, session.id);
    await holdRun(tx, run);
    await settleRebaseWishes(tx, session.id);
  });
  return { ...session, ...changes };
}

const waitMs = 500;
const mostWaits = 120;

/** The run is tried again later, with no model asked meanwhile. */
function stillOnItsWay({ name }: Repository): VendorError {
  const message = `What was finished before is still on its way to ${name}; then it is put on the newest base.`;
  return new VendorError(message, { code: 'unavailable', retryable: true });
}

/** Answers what has changed of the session; nothing where there is nothing to put anywhere, or it stands there. */
async function putOnNewest(
  deps: RunDeps,
  run: ClaimedRun,
  session: SessionRow,
  { repository, host }: { repository: Repository; host: CodeHost },
  signal: AbortSignal,
): Promise<Partial<SessionRow>> {
  const { db, workspaces } = deps;
  const { headCommit, baseBranch, baseCommit } = (await findSession(db, session.id)) ?? session;
  const [snapshot, handover] = await Promise.all([
    latestSnapshot(db, session.id),
    latestHandover(db, session.ticketId),
  ]);
  if (headCommit === null || baseBranch === null || !snapshot || handover?.runId === null) return {};
  await workspaces.refresh(repository, await host.locate(repository, signal), signal);
  const tip = await workspaces.resolve(repository, baseBranch, signal);
  const before = await workspaces.resolve(repository, baseCommit ?? snapshot.base, signal);
  if (!tip || !before || (await workspaces.mergeBase(repository, tip.commit, headCommit)) === tip.commit) return {};

  const store = await workspaces.receive(session.id, repository, snapshot, signal);
  const trees = { before: before.tree, ours: tip.tree, theirs: snapshot.tree };
  const { tree, conflicts } = await workspaces.mergeTrees(store, trees, signal);
  const made = await workspaces.snapshotOf(store, tree, tip, signal);
  const kept = await workspaces.keep(session.id, made);
  const changes = { baseCommit: tip.commit };
  await db.transaction().execute(async (tx) => {
    await placeWorkspace(tx, session.id, 'nowhere'); // the session before the run, as everybody who locks both
    await holdRun(tx, run);
    const where = { sessionId: session.id, runId: run.id };
    await saveSnapshot(tx, where, { ...kept, stepSeq: snapshot.stepSeq, bytes: made.bytes });
    await updateSession(tx, session.id, changes);
    const stage = { ...where, stepId: null, conversation: await currentConversation(tx, session.id) };
    const body = tellRebased({ branch: baseBranch, commit: tip.commit }, conflicts);
    await addActivities(tx, stage, rebasedBy(run), [{ type: 'thought', body }]);
  });
  deps.wake('post');
  return changes;
}

/** Told in the run that did it, before its first model call, however often that begins. */
export async function noteOfRebase(
  { db }: Pick<RunDeps, 'db'>,
  run: ClaimedRun,
  steps: readonly StepRecord[],
): Promise<string[]> {
  if (steps.some((step) => step.runId === run.id && step.kind === 'model')) return [];
  const told = await readActivity(db, run.sessionId, rebasedBy(run));
  return told && 'body' in told ? [noteOfRebased(told.body)] : [];
}

function rebasedBy(run: { number: number }): string {
  return `run/${run.number}/rebased`;
}
