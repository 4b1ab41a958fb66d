import { VendorError } from '../core/vendor-error.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import type { Log } from '../lib/log.ts';
import type { Database } from '../store/database.ts';
import { claimHint, failHint, type Hint, keepReadAgain, putOffHint } from '../store/hints.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { isClosed } from './rate-limits.ts';

export interface ReadHintsDeps {
  db: Database;
  trackers: ReadonlyMap<string, Tracker>;
  /** Tells our own: others may read what is left of the hints, and there is something to sort. */
  wake(drain: 'hint' | 'sort'): void;
  log: Log;
}

type Rereader = Tracker & Required<Pick<Tracker, 'readAgain'>>;

/** A tracker that takes longer is asked again later. */
const answerWithinMs = 10_000;
/** Whoever falls silent over a hint loses it then. */
const holdMs = 15_000;
/** After the first try that fails; each time twice as long, up to five minutes. */
const waitMs = { first: 1_000, most: 300_000 };
/** What could not be asked for so long will not be. */
const tryForMs = 86_400_000;

/** Those trackers some of whose deliveries are only hints. */
export function rereadersOf(trackers: ReadonlyMap<string, Tracker>): Rereader[] {
  return [...trackers.values()].filter((tracker): tracker is Rereader => tracker.readAgain !== undefined);
}

/**
 * Deliveries that only hint are read again where they come from, one after the other; several may do so at the same time, so that
 * one that takes long holds up no other. What the tracker says they mean is kept with them: from there on they are
 * sorted like any other, wait for a session or are redriven, and nobody looks at what stood in them any more. No transaction
 * is open meanwhile. A tracker that is away is asked again, less and less often, for a day.
 */
export async function readHints(deps: ReadHintsDeps, signal: AbortSignal): Promise<void> {
  const trackers = rereadersOf(deps.trackers);
  while (!signal.aborted) {
    const hint = await claimHint(
      deps.db,
      trackers.map(({ source }) => source),
      holdMs,
    );
    const tracker = trackers.find(({ source }) => source === hint?.source);
    if (!hint || !tracker) return;
    deps.wake('hint');
    await readHint(deps, tracker, hint, signal);
  }
}

async function readHint(
  { db, wake, log }: ReadHintsDeps,
  tracker: Rereader,
  hint: Hint,
  signal: AbortSignal,
): Promise<void> {
  try {
    const events = await tracker.readAgain(hint, AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]));
    if (await keepReadAgain(db, hint, events)) wake('sort');
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    if (signal.aborted) return putOffHint(db, hint, 0); // another process may go on at once
    const fields = { err: error, source: hint.source, delivery: hint.deliveryId, tries: hint.tries };
    if (Date.now() - hint.receivedAt.getTime() > tryForMs) {
      log.error(fields, 'what a webhook tells of could not be read for a day, and is let go');
      return failHint(db, hint, `for a day it could not be read what it tells of: ${messageOf(error)}`);
    }
    if (!isClosed(error)) log.warn(fields, 'what a webhook tells of cannot be read now; it is tried again');
    await putOffHint(db, hint, waitOf(hint, error));
  }
}

function waitOf({ tries }: Hint, error: unknown): number {
  const asked = error instanceof VendorError ? (error.retryAfterMs ?? 0) : 0;
  // Nothing was sent: it is due when the account opens, however often it was not open before.
  if (asked > 0 && isClosed(error)) return asked;
  return Math.max(asked, Math.min(waitMs.most, waitMs.first * 2 ** (tries - 1)));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
