import type { Concern } from '../core/capture.ts';
import { fingerprintIn } from '../core/capture-parts.ts';
import { pathsOf } from '../core/concern-paths.ts';
import type { Candidate } from '../core/duplicates.ts';
import { namedPaths } from '../core/named-paths.ts';
import { isOver, type Ticket, type TicketMatch } from '../core/ticket.ts';
import { orAborted } from '../lib/abort.ts';
import type { Log } from '../lib/log.ts';
import { type StoredCapture, similarCaptures } from '../store/captures.ts';
import type { Database } from '../store/database.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { readIfThere } from './read-if-there.ts';

/** What of it is searched for: each costs the tracker a request. */
const bounds = { concerns: 8, found: 10, read: 5 };

/** What may be a duplicate of a concern is looked for by these. */
export interface Sought {
  concern: Concern;
  fingerprint: string | null;
}

/**
 * Tickets that may be about the same as any of these: those that we have filed, and what the tracker finds beside them until
 * `signal` ends it. A note says what could not be searched: a slow tracker holds nobody up.
 */
export async function findCandidates(
  { db, log }: { db: Database; log: Log },
  tracker: Tracker,
  sought: readonly Sought[],
  signal: AbortSignal,
): Promise<{ candidates: Candidate[]; notes: string[] }> {
  const fingerprints = sought.flatMap(({ fingerprint }) => fingerprint ?? []);
  const paths = [...new Set(sought.flatMap(({ concern }) => pathsOf(concern)))];
  let unsearched = Math.max(0, sought.length - bounds.concerns);
  const search = async ({ concern, fingerprint }: Sought): Promise<TicketMatch[]> => {
    const words = [concern.title, ...(fingerprint === null ? [] : [fingerprint])].join(' ');
    try {
      return await orAborted(tracker.searchTickets(words, bounds.found, signal), signal);
    } catch (err) {
      log.debug({ err, tracker: tracker.kind }, 'duplicates could not be searched for');
      unsearched += 1;
      return [];
    }
  };
  const searching = Promise.all(sought.slice(0, bounds.concerns).map(search));
  const own = await similarCaptures(db, tracker.kind, { fingerprints, paths });
  const reading = Promise.all(own.slice(0, bounds.read).map((capture) => readNow(tracker, capture, signal)));
  const [matches, read] = [(await searching).flat(), await reading];
  const candidates = new Map<string, Candidate>();
  for (const capture of own) {
    const now = read.find(({ id }) => id === capture.id);
    // One that is gone is no duplicate.
    if (capture.hint && now?.ticket !== null) candidates.set(capture.hint.identifier, ofCapture(capture, now?.ticket));
  }
  for (const match of matches) {
    const known = candidates.get(match.hint.identifier);
    candidates.set(match.hint.identifier, ofMatch(match, fingerprints, known));
  }
  const all = unsearched >= sought.length;
  const what = all ? 'The tracker could not be searched' : `The tracker was not searched for ${unsearched} of them`;
  const notes = unsearched === 0 ? [] : [`${what}: only what was filed from here was compared.`];
  return { candidates: [...candidates.values()], notes };
}

/** `ticket`: null where it is gone, undefined where it cannot be read now. */
async function readNow(
  tracker: Tracker,
  { id, hint }: StoredCapture,
  signal: AbortSignal,
): Promise<{ id: string; ticket: Ticket | null | undefined }> {
  if (!hint) return { id, ticket: undefined };
  try {
    return { id, ticket: await orAborted(readIfThere(tracker, hint, signal), signal) };
  } catch {
    return { id, ticket: undefined };
  }
}

function ofCapture({ hint, draft, fingerprint, paths }: StoredCapture, now: Ticket | undefined): Candidate {
  return {
    identifier: hint?.identifier ?? '',
    title: now?.title ?? hint?.title ?? draft.title,
    url: hint?.url ?? '',
    state: now?.state.name ?? 'filed',
    isOver: now ? isOver(now.state.category) : false,
    fingerprint,
    paths,
    text: draft.description,
  };
}

function ofMatch({ hint, state, text }: TicketMatch, sought: readonly string[], known?: Candidate): Candidate {
  const { identifier, title, url } = hint;
  return {
    ...{ identifier, title, url, text: text || (known?.text ?? '') },
    state: state.name,
    isOver: isOver(state.category),
    fingerprint: known?.fingerprint ?? sought.find((each) => text.includes(each)) ?? fingerprintIn(text),
    paths: known?.paths ?? namedPaths({ title, description: text }, { allowedPaths: [] }),
  };
}
