import { type ReadHintsDeps, readHints, rereadersOf, type SortDeps, sortDeliveries } from '../flow.ts';
import type { Drain, DrainName } from '../jobs/workers.ts';

/** So many are read at the same time. */
const hintsAtOnce = 8;

/** Sees to what webhooks bring: reads again what is only a hint, where there is a tracker that gives such, and sorts it all. */
export async function takeInDeliveries(
  deps: SortDeps & ReadHintsDeps,
  start: (name: DrainName, drain: Drain, concurrency: number) => Promise<void>,
): Promise<void> {
  await start('sort', (signal) => sortDeliveries(deps, signal), 1);
  if (rereadersOf(deps.trackers).length > 0) await start('hint', (signal) => readHints(deps, signal), hintsAtOnce);
}
