import { hostname } from 'node:os';
import type { CodeHost } from '../code-hosts/code-host.ts';
import type { Config } from '../config.ts';
import type { Repository } from '../core/repository.ts';
import { askForMissed, deleteSpentRows, reconcile, releaseWorkspaces, type SortDeps, tellFates } from '../flow.ts';
import type { Queues } from '../jobs/queues.ts';
import { createSchedules } from '../jobs/schedules.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import type { Database } from '../store/database.ts';
import { claimRound, endRound, holdRound } from '../store/schedules.ts';
import type { Tracker } from '../trackers/tracker.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';
import { createOwnWork, type OwnWork } from './own-work.ts';

const cleanEveryMinutes = 10;
const keepUpMinutes = 60;

export interface Upkeep {
  ownWork: OwnWork;
  /** What one process of all does: asks trackers for what webhooks missed, begins what nobody asked for, deletes what nobody needs. */
  ofService(): Promise<void>;
  /** What one process of each machine does: releases the files of sessions at rest. */
  ofMachine(): void;
}

/** What has to be done now and then beside the work. Registers its stop. */
export function createUpkeep(
  deps: SortDeps & {
    config: Config;
    /** Of trackers that cannot tell, by kind. */
    pollSeconds: ReadonlyMap<string, number>;
    workspaces: Workspaces;
    codeHosts: ReadonlyMap<string, CodeHost>;
    repositories: ReadonlyMap<string, Repository>;
    queues(): Promise<Queues>;
    stops: (() => Promise<unknown>)[];
  },
): Upkeep {
  const { config, db, log, workspaces, stops } = deps;
  const ownWork = createOwnWork(deps);
  const schedules = createSchedules({
    rounds: roundsIn(db),
    onError(round, error) {
      if (isDatabaseUnavailable(error)) return; // told by others
      log.error({ err: error, round }, 'a round of upkeep failed; it is tried again at its next time');
    },
  });
  stops.push(schedules.stop);
  return {
    ownWork,
    async ofService() {
      const { told, polled } = byPolling(deps);
      schedules.every('reconcile', config.reconcile.minutes, (signal) =>
        reconcile({ ...deps, trackers: told }, signal),
      );
      for (const { tracker, seconds } of polled) {
        const trackers = new Map([[tracker.kind, tracker]]);
        schedules.every(`reconcile ${tracker.kind}`, seconds / 60, (signal) =>
          reconcile({ ...deps, trackers }, signal, { hasWebhooks: false }),
        );
      }
      for (const { kind, keepUp } of deps.trackers.values())
        if (keepUp) schedules.every(`upkeep of ${kind}`, keepUpMinutes, keepUp);
      schedules.every('missed webhooks', config.reconcile.minutes, (signal) => askForMissed(deps, signal));
      schedules.every('pull requests', config.reconcile.minutes, (signal) => tellFates(deps, signal));
      schedules.every('retention', cleanEveryMinutes, (signal) => deleteSpentRows(db, config.retention, signal));
      for (const { name, minutes, work } of ownWork.rounds) schedules.every(name, minutes, work);
      await ownWork.listen();
    },
    ofMachine() {
      const parts = { db, workspaces, log };
      schedules.every(`workspaces of ${hostname()}:${config.dataDir}`, cleanEveryMinutes, (signal) =>
        releaseWorkspaces(parts, config.retention, signal),
      );
    },
  };
}

/** Which trackers tell what happens there, and which are asked every some seconds because they cannot. */
function byPolling({
  trackers,
  pollSeconds,
}: {
  trackers: ReadonlyMap<string, Tracker>;
  pollSeconds: ReadonlyMap<string, number>;
}) {
  const all = [...trackers].map(([kind, tracker]) => ({ kind, tracker, seconds: pollSeconds.get(kind) ?? null }));
  return {
    told: new Map(all.flatMap(({ kind, tracker, seconds }) => (seconds === null ? [[kind, tracker] as const] : []))),
    polled: all.flatMap(({ tracker, seconds }) => (seconds === null ? [] : [{ tracker, seconds }])),
  };
}

function roundsIn(db: Database) {
  return {
    claim: (name: string, afterSeconds: number) => claimRound(db, name, afterSeconds),
    hold: (name: string) => holdRound(db, name),
    end: (name: string) => endRound(db, name),
  };
}
