import type { Log } from '../lib/log.ts';
import { deleteOldAlerts } from '../store/alerts.ts';
import { deleteOldCaptureKeys } from '../store/captures.ts';
import type { Database } from '../store/database.ts';
import { deleteOldDeliveries, deleteSpentSnapshots, forgetSteps, restingOf, whileAtRest } from '../store/retention.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';

export interface RetentionLimits {
  deliveriesDays: number;
  /** null: for ever. */
  stepsDays: number | null;
  workspaceHours: number;
}

/** Deletes from the database what nobody needs any more, a small batch at a time. */
export async function deleteSpentRows(db: Database, limits: RetentionLimits, signal: AbortSignal): Promise<void> {
  const { deliveriesDays, stepsDays } = limits;
  const untilNone = async (batch: () => Promise<number>) => {
    while (!signal.aborted && (await batch()) > 0);
  };
  await untilNone(() => deleteSpentSnapshots(db));
  await untilNone(() => deleteOldDeliveries(db, deliveriesDays));
  await untilNone(() => deleteOldCaptureKeys(db));
  await untilNone(() => deleteOldAlerts(db));
  if (stepsDays !== null) await untilNone(() => forgetSteps(db, stepsDays));
}

/**
 * Takes the files of sessions that rest off this machine: after their time, and sooner, the longest at rest first, where
 * they take more than their share of the disk. A session that goes on is restored from its snapshot.
 */
export async function releaseWorkspaces(
  deps: { db: Database; workspaces: Workspaces; log: Log },
  limits: RetentionLimits,
  signal: AbortSignal,
): Promise<void> {
  const held = await deps.workspaces.held();
  const bytes = new Map(held.sessions.map((session) => [session.id, session.bytes]));
  let { excess } = held;
  for (const { id, hours } of await restingOf(deps.db, [...bytes.keys()])) {
    if (signal.aborted || (hours < limits.workspaceHours && excess <= 0)) return;
    if (!(await whileAtRest(deps.db, id, (bundles) => deps.workspaces.release(id, bundles)))) continue;
    excess -= bytes.get(id) ?? 0;
    deps.log.debug({ session_id: id, hours: Math.round(hours) }, 'the files of a session at rest were released');
  }
}
