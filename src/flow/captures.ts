import { setTimeout as delay } from 'node:timers/promises';
import type { Capture, CaptureDraft, CaptureResult, FiledTicket } from '../core/capture.ts';
import { fingerprintOf } from '../core/error-fingerprint.ts';
import type { RouteRule } from '../core/routing.ts';
import type { Person, TrackerKind } from '../core/ticket.ts';
import type { FieldNames } from '../core/ticket-facts.ts';
import type { TicketForm } from '../core/ticket-form.ts';
import { VendorError } from '../core/vendor-error.ts';
import { orAborted } from '../lib/abort.ts';
import { deterministicId, hashOf } from '../lib/ids.ts';
import { addCaptures, claimBatch, findSame, readBatch, reopenRefused, type StoredCapture } from '../store/captures.ts';
import { fileBatch } from './file-captures.ts';
import { trackerOf } from './find-ticket.ts';
import { prepareCaptures } from './prepare-captures.ts';
import type { SortDeps } from './sort.ts';

export interface CaptureDeps extends SortDeps {
  /** Where tickets are filed. */
  tracker: TrackerKind;
  /** Whether the agent is given what is filed, where nobody says. */
  assign: boolean;
  /** The team's, read now; `notes`: what is wrong with it. */
  form(): Promise<{ form: TicketForm; notes: string[] }>;
  fields: FieldNames;
  routes: readonly RouteRule[];
  /** Every secret that the service was given. */
  secrets: readonly string[];
  /** When this process ends. */
  until: AbortSignal;
}

/** People wait: so long for a ticket, and for each further one. */
const patience = { fileMs: 1_500, furtherMs: 600, mostMs: 10_000 };
const lookAgainMs = 50;

/**
 * Files what somebody brought, however often it is sent, once. It is stored first: what cannot be filed now, or is
 * interrupted anywhere, `fileCaptures` files under the same ids. Likely duplicates are told instead, and nothing is stored.
 * Throws `VendorError` where it is refused, with what to do; what was refused stays, and is tried again when it is sent again.
 */
export async function makeTicket(
  deps: CaptureDeps,
  capture: Capture,
  by: Person,
  signal: AbortSignal,
): Promise<CaptureResult> {
  const { db, failpoint } = deps;
  const tracker = trackerOf(deps.trackers, deps.tracker);
  const batch = batchOf(by, capture);
  const same = { batch, hash: hashOf(whatIsSaid(capture, by)) };
  const again = async () => {
    const earlier = await findSame(db, same);
    return earlier === null ? null : answerAgain(deps, earlier, earlier !== batch, signal);
  };
  const answered = capture.dryRun ? null : await again();
  if (answered) return answered;
  const { captures, duplicates, notes } = await prepareCaptures(deps, tracker, capture, by, signal);
  const drafts = captures.map(draftOf);
  const told = [...notes, ...captures.flatMap((one) => one.notes)];
  if (capture.dryRun) return { status: 'shown', drafts, duplicates, notes: told };
  if (duplicates.some(({ isLikely }) => isLikely) && !capture.anyway)
    return (await again()) ?? { status: 'duplicates', duplicates, drafts, notes: told }; // it may be its own, of just now
  failpoint('capture/before');
  const [first, ...others] = captures;
  const stored = first ? [{ ...first, notes: [...notes, ...first.notes], duplicates }, ...others] : [];
  const earlier = await addCaptures(db, { ...same, captures: stored });
  failpoint('capture/stored');
  if (earlier !== null) return answerAgain(deps, earlier, earlier !== batch, signal);
  await fileSoon(deps, batch, 1, captures.length, signal);
  return answer(await readBatch(db, batch), []);
}

/** By which it is known. A person's own: nobody learns of another's by its id. */
export function batchOf(by: Person, { id }: Pick<Capture, 'id'>): string {
  return deterministicId('capture', by.id, id);
}

/** What makes it the same: all that somebody says, and where; nothing else that is found out. */
function whatIsSaid(capture: Capture, by: Person): unknown {
  const { team, project, repository, related, assign, addTo, anyway, checkout } = capture;
  const concerns = [capture, ...capture.also].map(
    ({ title, notes, kind, places, error, steps, expected, ...concern }) => {
      const { criteria, labels, priority } = concern;
      const where = places.map(({ path, from, to }) => ({ path, from, to }));
      const failed = error && { command: error.command, fingerprint: fingerprintOf(error) };
      return { title, notes, kind, where, failed, steps, expected, criteria, labels, priority };
    },
  );
  const remotes = checkout?.remotes ?? [];
  return { by: by.id, remotes, concerns, team, project, repository, related, assign, addTo, anyway };
}

function draftOf({
  draft,
  addition,
  repository,
  assign,
}: Pick<StoredCapture, 'draft' | 'addition' | 'repository' | 'assign'>): CaptureDraft {
  const { title, description, labels, priority, team, project } = draft;
  const text = addition ? `On ${addition.to}:\n\n${addition.comment}` : description;
  return { title, description: text, labels, priority, team, project, repository, assign };
}

/**
 * Files what the caller holds. It goes on when nobody waits for it any more: of a request that is broken off nobody knows what
 * came of it, and a tracker that was asked again at once would file it twice.
 */
async function fileSoon(
  deps: CaptureDeps,
  batch: string,
  tries: number,
  count: number,
  signal: AbortSignal,
): Promise<void> {
  const { fileMs, furtherMs, mostMs } = patience;
  const enough = AbortSignal.timeout(Math.min(fileMs + furtherMs * (count - 1), mostMs));
  const filing = fileBatch(deps, batch, tries, deps.until);
  filing.catch(() => {}); // nobody may be there to hear it; its lease ends by itself
  await orAborted(filing, AbortSignal.any([signal, enough])).catch((error) => {
    if (error !== enough.reason) throw error;
  });
}

/** What came of what is there already; what was refused is tried once more. `isOther`: the same words under another id. */
async function answerAgain(
  deps: CaptureDeps,
  batch: string,
  isOther: boolean,
  signal: AbortSignal,
): Promise<CaptureResult> {
  const { db } = deps;
  if ((await readBatch(db, batch)).some(({ state }) => state === 'refused')) await reopenRefused(db, batch);
  const tries = await claimBatch(db, batch);
  let captures = await readBatch(db, batch);
  if (tries !== null) {
    await fileSoon(deps, batch, tries, captures.length, signal);
    captures = await readBatch(db, batch);
  }
  // Somebody else is at it, who may be done in a moment.
  const until = performance.now() + patience.fileMs;
  while (captures.some(isOnItsWay) && performance.now() < until) {
    await delay(lookAgainMs, undefined, { signal });
    captures = await readBatch(db, batch);
  }
  return answer(captures, isOther ? ['The same was brought a moment ago: no other ticket was filed.'] : []);
}

const isOnItsWay = ({ state, hint, addition }: StoredCapture) =>
  state === 'filing' && (hint === null || addition !== null);

/** What is told of a batch, the same however often it is asked. Throws `VendorError` where some of it was refused. */
function answer(captures: readonly StoredCapture[], more: readonly string[]): CaptureResult {
  const tickets = [...new Map(captures.filter((one) => !isOnItsWay(one)).flatMap(ticketOf)).values()];
  const refused = captures.filter(({ state }) => state === 'refused');
  if (refused.length > 0) throw refusalOf(refused, tickets);
  const notes = [...captures.flatMap((capture) => capture.notes), ...more];
  const left = captures.filter(isOnItsWay);
  if (left.length > 0) {
    const [{ reason, tracker } = { reason: null, tracker: '' }] = left;
    const filed = tickets.map(({ identifier, url }) => `${identifier} is filed: ${url}`);
    const why = (reason ?? 'it does not answer in time').replace(/\.$/, '');
    const kept = `The tracker "${tracker}" cannot take it now (${why}). It is kept, and filed as soon as it can be.`;
    return { status: 'kept', drafts: left.map(draftOf), notes: [...filed, ...notes, kept] };
  }
  if (captures.some(({ state }) => state === 'filing')) notes.push('The agent is given it in a moment.');
  const duplicates = captures.flatMap((capture) => capture.duplicates);
  const isAdded = captures.some(({ addition }) => addition !== null);
  return { status: isAdded ? 'added' : 'filed', tickets, duplicates, notes };
}

function ticketOf({ hint, assigned }: StoredCapture): [string, FiledTicket][] {
  if (!hint) return [];
  const { identifier, title, url } = hint;
  return [[identifier, { identifier, title, url, isAssigned: assigned }]];
}

function refusalOf(refused: readonly StoredCapture[], tickets: readonly FiledTicket[]): VendorError {
  const [first] = refused;
  const filed = tickets.map(({ identifier, url }) => `${identifier} (${url})`).join(', ');
  const some = filed === '' ? '' : ` The others were: ${filed}.`;
  const titles = refused.length === 1 ? '' : ` ${refused.length} of them were not filed.`;
  return new VendorError(
    `The tracker "${first?.tracker}" refused it: ${first?.reason}${titles}${some} It is kept: when that is mended, send it again.`,
    { code: 'invalid', retryable: false },
  );
}
