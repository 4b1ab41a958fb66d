import type { CodeHost } from '../code-hosts/code-host.ts';
import { isOnlyReopened } from '../core/attention.ts';
import { askAboutClosed, followUp, nextBranch, noteOfFollowUp } from '../core/follow-up.ts';
import type { Repository } from '../core/repository.ts';
import type { StepRecord } from '../core/step.ts';
import { readAttention } from '../store/attention.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { lastPushedTree } from '../store/published.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { lockSession, type SessionRow, updateSession, updateSessionOf } from '../store/sessions.ts';
import { type SnapshotRow, saveSnapshot } from '../store/snapshots.ts';
import { hasSteps } from '../store/steps.ts';
import { readRequest } from './base-branch.ts';
import type { NotPrepared, Pinned, Prepared } from './prepare.ts';
import { takeInPushed } from './pushed-by-others.ts';
import { rebase } from './rebase.ts';
import { tellAttachment } from './request-fates.ts';
import type { RunDeps } from './run.ts';

/**
 * What became of the session's pull request since, looked at as a run begins: one that is open is gone on with, and there
 * is never a second beside it. A run that has begun stays with what it found.
 */
export async function lookAtPullRequest(
  deps: RunDeps,
  run: ClaimedRun,
  session: SessionRow,
  repository: Repository,
  host: CodeHost,
  signal: AbortSignal,
): Promise<SessionRow | NotPrepared> {
  const { pullRequest, branch } = session;
  if (!pullRequest || branch === null || (await hasSteps(deps.db, run.id))) return session;
  const request = await readRequest({ repository, host }, pullRequest.number, signal);
  const { askedAbout } = session;
  const wasAsked = async ({ number, head }: { number: number; head?: string }): Promise<boolean> => {
    // Not what this very run asked before it was interrupted: nobody has answered that.
    if (askedAbout?.number !== number || askedAbout.head !== head || askedAbout.run === run.number) return false;
    const { registers, unread } = await readAttention(deps.db, session.id);
    return !isOnlyReopened(registers, unread); // who opens the ticket again has not answered, either
  };
  if (session.adopted && request?.state !== 'open') {
    const message = `${pullRequest.url} is not open any more, so I leave its branch alone. Give me a ticket for what is to be done.`;
    return { outcome: { stopReason: 'needsInput', message }, heard: [] };
  }
  const next = followUp(request?.state ?? null, await wasAsked({ number: pullRequest.number }));
  if (next === 'goOn') {
    const now = await takeInPushed(deps, run, session, { repository, host }, wasAsked, signal);
    return 'outcome' in now ? now : rebase(deps, run, now, { repository, host }, signal);
  }
  if (next === 'ask') {
    await updateSessionOf(deps.db, run, { askedAbout: { number: pullRequest.number, run: run.number } });
    const prompts = await unreadPrompts(deps.db, session.id);
    return {
      outcome: { stopReason: 'needsInput', message: askAboutClosed(pullRequest) },
      heard: prompts.map(({ id }) => id), // they stay unread for the run that the answer starts
    };
  }
  const changes = {
    branch: nextBranch(branch, session.follows === null),
    headCommit: null,
    pullRequest: null,
    follows: { ...pullRequest, merged: next === 'beginAnew' },
    ...(next === 'beginAnew' && { baseCommit: null }),
  };
  await deps.db.transaction().execute(async (tx) => {
    await lockSession(tx, session.id);
    await holdRun(tx, run);
    // From here on nobody asks what became of it.
    if (request) await tellAttachment(tx, session.id, request);
    await updateSession(tx, session.id, changes);
  });
  deps.wake('post');
  return { ...session, ...changes };
}

/** Told until the new pull request is on its way, in each run before its first model call. */
export function noteOfNewRequest(
  { session, baseBranch }: Prepared,
  run: ClaimedRun,
  steps: readonly StepRecord[],
): string[] {
  const { follows, headCommit } = session;
  if (!follows || headCommit !== null) return [];
  if (steps.some((step) => step.runId === run.id && step.kind === 'model')) return [];
  return [noteOfFollowUp(follows, follows.merged, baseBranch)];
}

/**
 * The session stands on another base than its newest snapshot: what that has beyond what was merged, or beyond its own base,
 * is put on the new one. Where both changed the same lines, both are in the file, between git's marks, and the model is told.
 */
export async function carryOver(
  deps: RunDeps,
  run: ClaimedRun,
  { session, repository, baseBranch }: Prepared,
  snapshot: SnapshotRow,
  pinned: Pinned,
  signal: AbortSignal,
): Promise<string[]> {
  const { workspaces } = deps;
  const store = await workspaces.receive(run.sessionId, repository, snapshot, signal);
  // What was pushed on that base counts as there already only once it was merged.
  const merged = session.follows?.merged ? await lastPushedTree(deps.db, run.sessionId, snapshot.base) : null;
  const before = merged ?? (await workspaces.resolve(repository, snapshot.base, signal))?.tree ?? snapshot.tree;
  const isNews = before !== snapshot.tree;
  const trees = { before, ours: pinned.tree, theirs: snapshot.tree };
  const carried = isNews ? await workspaces.mergeTrees(store, trees, signal) : { tree: pinned.tree, conflicts: [] };
  const made = await workspaces.snapshotOf(store, carried.tree, { commit: pinned.commit, tree: pinned.tree }, signal);
  const kept = await workspaces.keep(run.sessionId, made);
  await deps.db.transaction().execute(async (tx) => {
    await lockSession(tx, run.sessionId);
    await holdRun(tx, run);
    const where = { sessionId: run.sessionId, runId: run.id };
    await saveSnapshot(tx, where, { ...kept, stepSeq: snapshot.stepSeq, bytes: made.bytes });
  });
  const moved =
    merged === null && isNews ? [`The workspace now stands on the newest ${baseBranch}, with your changes.`] : [];
  if (carried.conflicts.length === 0) return moved;
  const names = carried.conflicts.slice(0, 20).join(', ');
  return [
    ...moved,
    `What was changed and not published conflicts with it: resolve git's conflict marks in ${names} first.`,
  ];
}
