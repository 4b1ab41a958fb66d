import { cleanLine } from '../core/outside-text.ts';
import type { StepRecord } from '../core/step.ts';
import { latestHandover, markTaken, readHandedOver } from '../store/handovers.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { latestSnapshot, placeWorkspace, saveSnapshot, wasStoredAt } from '../store/snapshots.ts';
import type { Prepared } from './prepare.ts';
import type { RunDeps } from './run.ts';

/**
 * Makes what a person handed over the session's newest snapshot, so that the workspace is made from it, and none that a
 * machine still has is gone on with. Once: after a crash the snapshot is there.
 */
export async function takeHandover(
  deps: Pick<RunDeps, 'db' | 'failpoint'>,
  run: ClaimedRun,
  { session: { ticketId }, handover }: Prepared,
  steps: readonly StepRecord[],
): Promise<void> {
  if (handover?.runId !== null) return;
  const { id: _id, ...handed } = await readHandedOver(deps.db, handover);
  const snapshot = { ...handed, stepSeq: steps.at(-1)?.seq ?? 0, bytes: handed.bundle?.byteLength ?? 0 };
  await deps.db.transaction().execute(async (tx) => {
    await placeWorkspace(tx, run.sessionId, 'nowhere'); // the session before the run, as everybody who locks both
    await holdRun(tx, run);
    await saveSnapshot(tx, { sessionId: run.sessionId, runId: run.id }, snapshot);
    await markTaken(tx, ticketId, run.id);
  });
  deps.failpoint('handover/taken');
}

/** What the model must be told of it, until a model call has begun that was told. */
export async function noteOfHandover(
  deps: Pick<RunDeps, 'db'>,
  run: ClaimedRun,
  { session: { ticketId }, baseBranch }: Prepared,
  steps: readonly StepRecord[],
): Promise<string[]> {
  const [handover, newest] = await Promise.all([
    latestHandover(deps.db, ticketId),
    latestSnapshot(deps.db, run.sessionId),
  ]);
  if (!handover || !newest) return [];
  const { stepSeq } = newest;
  if (!(await wasStoredAt(deps.db, run.sessionId, { commit: handover.commit, stepSeq }))) return [];
  if (steps.some((step) => step.kind === 'model' && step.seq > stepSeq)) return [];
  const name = cleanLine(handover.by.name, 100);
  const files =
    handover.commit === newest.commit
      ? `the files in the workspace are as ${name} left them`
      : `what ${name} changed was put on the newest ${cleanLine(baseBranch, 100)}`;
  return [
    `${name} has worked on this and handed it over: ${files}, whatever you remember of them. ` +
      'Read `git status` and `git diff` first, keep what is there unless it is wrong, and go on from it.',
  ];
}
