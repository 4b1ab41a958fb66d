import { hintOf, type Person, type TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { orAborted } from '../lib/abort.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { deterministicId } from '../lib/ids.ts';
import {
  captureLeaseSeconds,
  claimBatch,
  dueBatches,
  holdBatch,
  lockUnsettled,
  noteCapture,
  postponeBatch,
  readBatch,
  type StoredCapture,
  settleCapture,
} from '../store/captures.ts';
import { sendOne } from '../trackers/tracker.ts';
import { findTicket, trackerOf } from './find-ticket.ts';
import { openTaken } from './open-taken.ts';
import { limitWrites } from './rate-limits.ts';
import { sayOnTicket } from './say-on-ticket.ts';
import type { SortDeps } from './sort.ts';
import { takeTicket } from './take-ticket.ts';

const batchesAtOnce = 8;
/** What is asked of a tracker for one capture must end while it is still held. */
const mostMs = (captureLeaseSeconds - 3) * 1000;
/** A tracker that is back gets what was kept for it within this time. */
const longestWaitMs = 60_000;

/**
 * Files what people brought and whoever was at it did not bring to its end: a tracker that was away, a process that was
 * killed. Each under its own id, so that one ticket comes of it whatever is interrupted; it is never given up.
 */
export async function fileCaptures(deps: SortDeps, signal: AbortSignal): Promise<void> {
  const due = await dueBatches(deps.db, batchesAtOnce);
  await Promise.all(
    due.map(async (batch) => {
      const tries = await claimBatch(deps.db, batch);
      if (tries !== null) await fileBatch(deps, batch, tries, signal);
    }),
  );
}

/** Files what is left of a batch that the caller holds by `tries`. What cannot be done now is left to `fileCaptures`. */
export async function fileBatch(deps: SortDeps, batch: string, tries: number, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  const captures = await readBatch(db, batch);
  let first = captures[0]?.related ?? null;
  try {
    for (const capture of captures) {
      let { hint } = capture;
      if (capture.state === 'filing') {
        if (!(await holdBatch(db, batch, tries))) return; // somebody else's by now
        hint = await fileOne(deps, capture, first, AbortSignal.any([signal, AbortSignal.timeout(mostMs)]));
      }
      if (capture.place === 0 && hint) first = hint;
    }
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error; // its lease ends by itself
    if (signal.aborted) return; // so it does: by then the tracker is done with what it was asked
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    const isKnown = isLate || error instanceof VendorError;
    if (!isKnown) log.error({ err: error, capture: batch }, 'a capture could not be filed; it is tried again');
    const waitMs = waitAfter(error, tries);
    const told = error instanceof VendorError ? error.message : null;
    const reason = isLate ? 'It did not answer in time.' : told;
    await postponeBatch(db, batch, { tries, waitMs, reason });
  }
}

function waitAfter(error: unknown, tries: number): number {
  const asked = error instanceof VendorError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(asked, Math.min(longestWaitMs, 1_000 * 2 ** Math.min(tries - 1, 10)) * (0.5 + Math.random() / 2));
}

/** Its ticket; null: it was refused. Throws when it is to be tried again. */
async function fileOne(
  deps: SortDeps,
  given: StoredCapture,
  first: TicketHint | null,
  signal: AbortSignal,
): Promise<TicketHint | null> {
  let capture = given;
  let on = first;
  for (;;)
    try {
      return await (capture.addition ? add(deps, capture, capture.addition, signal) : file(deps, capture, on, signal));
    } catch (error) {
      if (!(error instanceof VendorError) || error.retryable) throw error;
      const plainer = withoutRoute(capture, on, error);
      if (!plainer) {
        deps.log.warn({ err: error, capture: capture.id }, 'a capture was refused');
        await settleCapture(deps.db, capture.id, { state: 'refused', reason: error.message });
        return null;
      }
      await noteCapture(deps.db, capture.id, plainer);
      capture = { ...capture, ...plainer };
      on = null;
    }
}

/** What nobody named must not keep a ticket from being filed; null: nothing of that is left to blame. */
function withoutRoute(
  { draft, routed, notes, addition, hint }: StoredCapture,
  on: TicketHint | null,
  { message }: VendorError,
): Pick<StoredCapture, 'draft' | 'routed' | 'related' | 'notes'> | null {
  if (addition || hint || (routed.length === 0 && on === null)) return null;
  const found = routed.map((part) => `the ${part} "${draft[part]}"`);
  const left = [...found, ...(on ? [`its relation to ${on.identifier}`] : [])].join(' and ');
  return {
    draft: {
      ...draft,
      ...(routed.includes('team') && { team: null }),
      ...(routed.includes('project') && { project: null }),
    },
    routed: [],
    related: null,
    notes: [...notes, `It was filed without ${left}, for that was refused: ${message}`],
  };
}

/** On the ticket that it is related to, where there is one. */
async function file(
  deps: SortDeps,
  capture: StoredCapture,
  on: TicketHint | null,
  signal: AbortSignal,
): Promise<TicketHint> {
  const { db, failpoint } = deps;
  const { id, draft, person } = capture;
  const tracker = trackerOf(deps.trackers, capture.tracker);
  let { hint } = capture;
  if (!hint) {
    hint = on
      ? await orAborted(createOn(deps, on, capture, signal), signal)
      : await orAborted(tracker.createTicket({ id, draft, since: capture.createdAt.toISOString() }, signal), signal);
    failpoint(capture.place === 0 ? 'capture/created' : 'capture/linked');
    await noteCapture(db, id, { hint });
    failpoint('capture/noted');
    deps.log.info({ ticket: hint.identifier, by: person.name }, 'a captured ticket was filed');
  }
  await settle(deps, capture, hint, false, signal);
  return hint;
}

async function createOn(
  deps: SortDeps,
  on: TicketHint,
  { id, draft, createdAt }: StoredCapture,
  signal: AbortSignal,
): Promise<TicketHint> {
  const operation = {
    ...{ kind: 'createTicket' as const, id, draft, relation: 'relatedTo' as const, blockedBy: [] },
    since: createdAt.toISOString(),
  };
  const tracker = trackerOf(deps.trackers, on.tracker);
  const { hint } = await limitWrites(deps, on)(() => sendOne(tracker, on, operation, signal));
  return hint as TicketHint;
}

/** Said on the ticket that was there; the agent hears it where it has to do with that, and the person may speak to it. */
async function add(
  deps: SortDeps,
  capture: StoredCapture,
  { to, comment }: { to: string; comment: string },
  signal: AbortSignal,
): Promise<TicketHint> {
  let { hint } = capture;
  if (!hint) {
    hint = hintOf(await findTicket(deps.trackers, capture.tracker, to, signal));
    await noteCapture(deps.db, capture.id, { hint });
  }
  const said = { key: `capture/${capture.id}`, by: capture.person, body: comment, signal: null, shown: comment };
  const { isHeard } = await sayOnTicket(deps, hint, said, signal);
  deps.failpoint('capture/said');
  await settle(deps, capture, hint, isHeard, signal);
  return hint;
}

/** The agent gets it, where that is wanted; `isGiven`: it has it. */
async function settle(
  deps: SortDeps,
  { id, assign, notes, person }: StoredCapture,
  hint: TicketHint,
  isGiven: boolean,
  signal: AbortSignal,
): Promise<void> {
  const refused = assign && !isGiven ? await giveToAgent(deps, hint, person, { id, signal }) : null;
  if (refused !== null) await noteCapture(deps.db, id, { notes: [...notes, refused] });
  // Where it was given, that is settled already.
  await settleCapture(deps.db, id, { state: 'filed', assigned: isGiven });
  deps.failpoint('capture/settled');
}

/** null: it is the agent's, and its capture settled in the transaction that opened its session. */
async function giveToAgent(
  deps: SortDeps,
  hint: TicketHint,
  by: Person,
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<string | null> {
  try {
    const taken = await takeTicket(deps, hint, deterministicId('capture/take', id), signal);
    deps.failpoint('capture/taken');
    if ('skipped' in taken) return `${hint.identifier} was not given to the agent: ${taken.skipped}`;
    await openTaken(deps, hint, taken.at, {
      by,
      isOurs: (tx) => lockUnsettled(tx, id),
      settle: (tx) => settleCapture(tx, id, { state: 'filed', assigned: true }),
    });
    return null;
  } catch (error) {
    if (!(error instanceof VendorError) || error.retryable) throw error;
    return `${hint.identifier} was not given to the agent: ${error.message}`;
  }
}
