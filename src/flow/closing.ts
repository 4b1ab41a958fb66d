import type { Activity } from '../core/activity.ts';
import { type StopCause, writeStopped } from '../core/closing-text.ts';
import type { Plan } from '../core/plan.ts';
import { addActivities, readPlan, type Stage, savePlan } from '../store/activities.ts';
import type { Database, Tx } from '../store/database.ts';
import { dropUnsent } from '../store/effects.ts';
import { findSession, type SessionRow } from '../store/sessions.ts';
import { latestSnapshot } from '../store/snapshots.ts';
import { hasWrites } from '../store/steps.ts';
import { writeFooter } from './footer.ts';
import { leaveOthers } from './leave.ts';
import type { RunDeps } from './run.ts';

/** The key of what is shown at a run's end: once, whoever ends it. */
export function endOf(run: { number: number }): string {
  return `run/${run.number}/ended`;
}

/** The last word, with what the session has cost so far. */
export async function sayClosing(
  tx: Tx,
  stage: Stage,
  key: string,
  activity: Exclude<Activity, { type: 'action' }>,
  link?: { from: string; field: string },
): Promise<void> {
  const footer = await writeFooter(tx, stage.sessionId);
  const body = footer === '' ? activity.body : `${activity.body}\n\n${footer}`;
  await addActivities(tx, stage, key, [{ ...activity, body }], link ? { link } : {});
}

/** Closes a run that was stopped, or a session that waited, with one activity: what was about to be shown is not shown any more. */
export async function closeStopped(
  tx: Tx,
  session: SessionRow,
  run: { id: string } | null,
  key: string,
  stage: Stage,
  reason: StopCause,
  files: string[] | null,
  why?: string,
): Promise<void> {
  const plan = await readPlan(tx, session.id);
  if (run) await dropUnsent(tx, run.id, true);
  await settlePlan(tx, key, stage, 'pending');
  const branch = session.headCommit === null ? null : session.branch;
  const body = writeStopped({
    identifier: session.hint.identifier,
    ...{ reason, plan, files, branch },
    ...(why !== undefined && { why }),
    pullRequest: session.pullRequest,
    leads: session.leads,
  });
  await sayClosing(tx, stage, key, { type: 'response', body });
  await leaveOthers(tx, session.id, stage.conversation);
}

/** A plan that nobody works on shows no step in progress; one that is done with, no open step either. */
export async function settlePlan(tx: Tx, key: string, stage: Stage, to: 'completed' | 'pending'): Promise<void> {
  const plan = await readPlan(tx, stage.sessionId);
  const isOpen = ({ status }: Plan[number]) => status === 'inProgress' || (status === 'pending' && to === 'completed');
  if (!plan.some(isOpen)) return;
  const settled: Plan = plan.map((step) => (isOpen(step) ? { ...step, status: to } : step));
  await savePlan(tx, stage, key, settled);
}

/** What a session has changed so far, as its newest snapshot has it; null: there is something, and it cannot be looked at here. */
export async function changedFiles(
  deps: Pick<RunDeps, 'db' | 'workspaces' | 'repositories' | 'log'>,
  sessionId: string,
): Promise<string[] | null> {
  const { db, workspaces } = deps;
  const [session, snapshot] = await Promise.all([findSession(db, sessionId), latestSnapshot(db, sessionId)]);
  const repository = deps.repositories.get(session?.repository ?? '');
  if (!snapshot || !repository) return mayHaveChanged(db, sessionId);
  try {
    const store = await workspaces.receive(sessionId, repository, snapshot, AbortSignal.timeout(lookWithinMs));
    const changes = await workspaces.changes(store, snapshot.base, snapshot.tree);
    return changes.map(({ path }) => path);
  } catch (error) {
    deps.log.warn({ err: error }, 'what a stopped run has changed could not be looked at');
    return null;
  }
}

const lookWithinMs = 5_000;

/** The same without looking. */
export async function mayHaveChanged(db: Database, sessionId: string): Promise<[] | null> {
  return (await hasWrites(db, sessionId)) ? null : [];
}
