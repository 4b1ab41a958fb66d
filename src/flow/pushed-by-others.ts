import type { CodeHost } from '../code-hosts/code-host.ts';
import { askAboutRewritten, noteOfPushed, type Pushed, tellPushed } from '../core/follow-up.ts';
import type { Repository } from '../core/repository.ts';
import type { StepRecord } from '../core/step.ts';
import { addActivities, readActivity } from '../store/activities.ts';
import { isPublishing } from '../store/effects.ts';
import { latestHandover } from '../store/handovers.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { lastPushedTree } from '../store/published.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import {
  currentConversation,
  findSession,
  type SessionRow,
  updateSession,
  updateSessionOf,
} from '../store/sessions.ts';
import { latestSnapshot, placeWorkspace, saveSnapshot } from '../store/snapshots.ts';
import type { NotPrepared } from './prepare.ts';
import type { RunDeps } from './run.ts';

/** Where the change is published. */
interface Place {
  repository: Repository;
  host: CodeHost;
}

/**
 * People may push to the branch of an open pull request, as to any other. What they added is the work's, too: the session goes on
 * from their newest commit. Where they rewrote the branch, they are asked first, and "continue" takes it as it is. `wasAsked`:
 * about that, and they spoke.
 */
export async function takeInPushed(
  deps: RunDeps,
  run: ClaimedRun,
  session: SessionRow,
  place: Place,
  wasAsked: (about: { number: number; head: string }) => Promise<boolean>,
  signal: AbortSignal,
): Promise<SessionRow | NotPrepared> {
  const { db, workspaces } = deps;
  const { repository, host } = place;
  if (run.purpose === 'scope' || (await isPublishing(db, session.id))) return session;
  // What was published by now counts, not what was when the run began.
  const { branch, headCommit, pullRequest } = (await findSession(db, session.id)) ?? session;
  if (branch === null || headCommit === null || !pullRequest) return session;
  const [snapshot, handover] = await Promise.all([
    latestSnapshot(db, session.id),
    latestHandover(db, session.ticketId),
  ]);
  // What was handed over replaces the files; that the branch has moved is found when it is pushed.
  if (!snapshot || handover?.runId === null) return session;
  await workspaces.refresh(repository, await host.locate(repository, signal), signal);
  const head = await workspaces.resolve(repository, branch, signal);
  if (!head || head.commit === headCommit) return session;
  const isAdded = (await workspaces.mergeBase(repository, headCommit, head.commit)) === headCommit;
  const commits = isAdded ? await workspaces.commitsBetween(repository, headCommit, head.commit) : null;
  const pushed: Pushed = { branch, head: head.commit, commits };
  if (!isAdded && !(await wasAsked({ number: pullRequest.number, head: head.commit }))) {
    const askedAbout = { number: pullRequest.number, run: run.number, head: head.commit };
    await updateSessionOf(db, run, { askedAbout });
    const message = askAboutRewritten(session.hint.identifier, pushed, headCommit);
    const prompts = await unreadPrompts(db, session.id);
    // They stay unread for the run that the answer starts.
    return { outcome: { stopReason: 'needsInput', message }, heard: prompts.map(({ id }) => id) };
  }

  const base = await newestBase(deps, session, place, head.commit, snapshot.base, signal);
  const store = await workspaces.receive(session.id, repository, snapshot, signal);
  const left = await workspaces.resolve(repository, headCommit, signal);
  const before = left?.tree ?? (await lastPushedTree(db, session.id)) ?? snapshot.tree;
  const trees = { before, ours: head.tree, theirs: snapshot.tree };
  const isNews = before !== snapshot.tree;
  const merged = isNews ? await workspaces.mergeTrees(store, trees, signal) : { tree: head.tree, conflicts: [] };
  const made = await workspaces.snapshotOf(store, merged.tree, base, signal);
  const kept = await workspaces.keep(session.id, made);
  const changes = { headCommit: head.commit, baseCommit: base.commit };
  await db.transaction().execute(async (tx) => {
    await placeWorkspace(tx, session.id, 'nowhere'); // the session before the run, as everybody who locks both
    await holdRun(tx, run);
    const where = { sessionId: session.id, runId: run.id };
    await saveSnapshot(tx, where, { ...kept, stepSeq: snapshot.stepSeq, bytes: made.bytes });
    await updateSession(tx, session.id, { ...changes, headTree: head.tree });
    const stage = { ...where, stepId: null, conversation: await currentConversation(tx, session.id) };
    const body = tellPushed(pushed, merged.conflicts);
    await addActivities(tx, stage, takenInBy(run), [{ type: 'thought', body }]);
  });
  deps.wake('post');
  return { ...session, ...changes };
}

/** Of what the branch stands on now: people may have merged the base branch into it, and that is no change of ours. */
async function newestBase(
  { workspaces }: RunDeps,
  { baseBranch, baseCommit }: SessionRow,
  { repository }: Place,
  head: string,
  before: string,
  signal: AbortSignal,
): Promise<{ commit: string; tree: string }> {
  const known = baseCommit ?? before;
  const tip = baseBranch === null ? null : await workspaces.resolve(repository, baseBranch, signal);
  const common = tip && (await workspaces.mergeBase(repository, tip.commit, head));
  // It stays where the branch still has it and the base branch does not: that one was rewritten.
  const moves =
    common !== null &&
    ((await workspaces.mergeBase(repository, known, common)) === known ||
      (await workspaces.mergeBase(repository, known, head)) !== known);
  const base = await workspaces.resolve(repository, moves ? common : known, signal);
  if (!base) throw new Error(`The commit ${known} of ${repository.name}, on which this was built, is gone.`);
  return base;
}

/** Told in the run that took it in, before its first model call, however often that begins. */
export async function noteOfTakenIn(
  { db }: Pick<RunDeps, 'db'>,
  run: ClaimedRun,
  steps: readonly StepRecord[],
): Promise<string[]> {
  if (steps.some((step) => step.runId === run.id && step.kind === 'model')) return [];
  const told = await readActivity(db, run.sessionId, takenInBy(run));
  return told && 'body' in told ? [noteOfPushed(told.body)] : [];
}

function takenInBy(run: { number: number }): string {
  return `run/${run.number}/taken-in`;
}
