import type { CheckReport, CheckRun } from './request-progress.ts';

/** What the checks of one commit come to. */
export interface ChecksVerdict {
  /** `none`: there are no checks, and none are required. */
  state: 'none' | 'pending' | 'green' | 'red';
  /** Names that count and have not come to an end, or have not even begun. */
  pending: string[];
  failed: CheckRun[];
}

/** Required checks decide where there are such; else all of them. What does not count may be red. */
export function judgeChecks({ runs, required }: CheckReport): ChecksVerdict {
  const newest = new Map(runs.map((run) => [run.name, run]));
  const counting = required ?? [...newest.keys()];
  const states = counting.map((name) => newest.get(name) ?? name);
  const failed = states.filter((run): run is CheckRun => typeof run !== 'string' && run.state === 'failed');
  const pending = states.flatMap((run) =>
    typeof run === 'string' ? [run] : run.state === 'pending' ? [run.name] : [],
  );
  if (counting.length === 0) return { state: 'none', pending, failed };
  // Mended all at once when all have ended, not one after the other.
  if (pending.length > 0) return { state: 'pending', pending, failed };
  return { state: failed.length > 0 ? 'red' : 'green', pending, failed };
}

/** Of what failed, what fails on the base, too: that is not the change's doing. */
export function failsOnBase(failed: readonly CheckRun[], base: CheckReport | null): CheckRun[] {
  const there = new Map(base?.runs.map((run) => [run.name, run.state]));
  return failed.filter(({ name }) => there.get(name) === 'failed');
}
