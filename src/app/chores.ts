import type { Config } from '../config.ts';
import {
  type AlertDeps,
  fileAlerts,
  fileCaptures,
  followRequests,
  heedQuestions,
  heedSilence,
  keepOverviews,
  type SortDeps,
  tellLockedOut,
  tellPlaces,
  tellQuiet,
  wakeWaiting,
} from '../flow.ts';
import type { Workers } from '../jobs/workers.ts';
import type { Log } from '../lib/log.ts';
import { isDeadWorker } from '../lib/worker-name.ts';
import type { Database } from '../store/database.ts';
import { releaseLeasesOf } from '../store/effects.ts';
import { silenceRunsOf } from '../store/runs.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';
import { captureSettings } from './ticket-desk.ts';

interface Deps {
  db: Database;
  workers: Workers;
  log: Log;
}

/** What worked here and is known to be dead gives back what it held. */
export async function freeTheDead({ db, workers, log }: Deps): Promise<void> {
  await releaseLeasesOf(db, isDeadWorker);
  const runs = await silenceRunsOf(db, isDeadWorker);
  if (runs === 0) return;
  log.info({ runs }, 'runs of a worker that died here are free again');
  workers.wake('run');
}

/** Small looks now and again; each may be done by any number of processes. */
export function startChores(
  deps: Deps & SortDeps & Pick<AlertDeps, 'alerts' | 'until'> & { config: Config; workspaces: Workspaces },
): void {
  const { db, workers, config, alerts } = deps;
  const telling = { db, wake: workers.wake };
  workers.every(1_000, 'dead workers', () => freeTheDead(deps));
  workers.every(1_000, 'what waits', (signal) => wakeWaiting(deps, signal));
  workers.every(1_000, 'captures', (signal) => fileCaptures(deps, signal));
  const filing = { ...deps, ...captureSettings(deps, config) };
  if (alerts.size > 0) workers.every(1_000, 'alerts', (signal) => fileAlerts(filing, signal));
  let behind: string | null = null;
  workers.every(5_000, 'overviews', async () => {
    behind = await keepOverviews(deps, behind);
  });
  workers.every(5_000, 'places in the queue', () => tellPlaces(telling));
  workers.every(1_000, 'pull requests', (signal) =>
    followRequests({ ...deps, policy: config.policy, pollSeconds: config.github?.pollSeconds ?? null }, signal),
  );
  workers.every(1_000, 'closed accounts', (signal) => tellLockedOut({ ...deps, ...telling }, signal));
  workers.every(60_000, 'quiet tickets', () => tellQuiet(telling));
  const { policy } = config;
  workers.every(2_000, 'silence', () => heedSilence({ ...telling, policy, name: deps.name }));
  workers.every(60_000, 'unanswered questions', () => heedQuestions({ ...telling, policy }));
}
