import { setTimeout as delay } from 'node:timers/promises';
import type {
  Capture,
  CaptureDraft,
  CaptureResult,
  CodePlace,
  Concern,
  Duplicate,
  FiledTicket,
} from '../core/capture.ts';
import { type CaptureRoute, routeCapture } from '../core/capture-routing.ts';
import { type CaptureAbout, writeAddition, writeCapture } from '../core/capture-text.ts';
import { pathsOf } from '../core/concern-paths.ts';
import { judgeDuplicates } from '../core/duplicates.ts';
import { fingerprintOf } from '../core/error-fingerprint.ts';
import { nameThem } from '../core/people.ts';
import type { RouteRule } from '../core/routing.ts';
import { hintOf, type Person, type TeamPlace, type TicketHint, type TrackerKind } from '../core/ticket.ts';
import type { FieldNames } from '../core/ticket-facts.ts';
import type { TicketForm } from '../core/ticket-form.ts';
import { ticketNameIn } from '../core/ticket-name.ts';
import { VendorError } from '../core/vendor-error.ts';
import { orAborted } from '../lib/abort.ts';
import { deterministicId, hashOf } from '../lib/ids.ts';
import {
  addCaptures,
  claimBatch,
  findSame,
  type NewCapture,
  readBatch,
  reopenRefused,
  type StoredCapture,
} from '../store/captures.ts';
import type { Tracker } from '../trackers/tracker.ts';
import { fileBatch } from './file-captures.ts';
import { findCandidates, type Sought } from './find-duplicates.ts';
import { findTicket, trackerOf } from './find-ticket.ts';
import { createHiding, type Hiding, hideInCapture } from './hide-in-capture.ts';
import type { SortDeps } from './sort.ts';
import { mayGiveOrders, speakers } from './strangers.ts';

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

/** People wait: so long is the tracker asked what it knows, and so long for a ticket, and for each further one. */
const patience = { lookMs: 1_200, fileMs: 1_500, furtherMs: 600, mostMs: 10_000 };
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
  // A person's own: nobody learns of another's by its id.
  const batch = deterministicId('capture', by.id, capture.id);
  const same = { batch, hash: hashOf(whatIsSaid(capture, by)) };
  const again = async () => {
    const earlier = await findSame(db, same);
    return earlier === null ? null : answerAgain(deps, earlier, earlier !== batch, signal);
  };
  const answered = capture.dryRun ? null : await again();
  if (answered) return answered;
  const { captures, duplicates, notes } = await prepare(deps, tracker, capture, by, signal);
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

interface Prepared {
  captures: NewCapture[];
  duplicates: Duplicate[];
  notes: string[];
}

/** Everything that is known before anything is written. */
async function prepare(
  deps: CaptureDeps,
  tracker: Tracker,
  given: Capture,
  by: Person,
  signal: AbortSignal,
): Promise<Prepared> {
  const hiding = createHiding(deps.secrets);
  const capture = await hideInCapture(given, hiding);
  const concerns: Concern[] = [capture, ...capture.also];
  const sought = concerns.map(
    (concern): Sought => ({ concern, fingerprint: concern.error && fingerprintOf(concern.error) }),
  );
  const looking = AbortSignal.any([signal, AbortSignal.timeout(patience.lookMs)]);
  const [known, teams, related, { form, notes: ofForm }] = await Promise.all([
    capture.addTo !== null || capture.anyway
      ? { candidates: [], notes: [] }
      : findCandidates(deps, tracker, sought, looking),
    listTeams(tracker, looking),
    findRelated(deps, capture, looking),
    deps.form(),
  ]);
  signal.throwIfAborted();
  const wanted = capture.assign ?? (capture.addTo === null && deps.assign);
  const assign = wanted && mayGiveOrders(deps.policy, by);
  const notes = [...known.notes, ...related.notes, ...ofForm];
  if (wanted && !assign)
    notes.push(
      `It was not given to the agent: orders are taken from ${nameThem(speakers(deps.policy), 'and') || 'people of the team'} only. Ask one of them.`,
    );

  const captures: NewCapture[] = [];
  const duplicates = new Map<string, Duplicate>();
  for (const [place, { concern, fingerprint }] of sought.entries()) {
    const repositories = [...deps.repositories.values()];
    const route = routeCapture(concern, capture, { repositories, rules: deps.routes, teams });
    const linkTo = (place: CodePlace) => linkOf(deps, capture, route, place);
    const about = { capture, route, form, fields: deps.fields, fingerprint, by, linkTo };
    const said = place === 0 ? withRelated(concern, capture) : concern;
    const written = await writeHidden(said, about, hiding, concerns.length > 1);
    const found = judgeDuplicates(concern, fingerprint, known.candidates);
    for (const duplicate of found) {
      const earlier = duplicates.get(duplicate.identifier);
      if (!earlier?.isLikely) duplicates.set(duplicate.identifier, duplicate);
    }
    const [likely] = found.filter(({ isLikely }) => isLikely);
    const alike = likely && concerns.length > 1 ? [`"${written.draft.title}" may be ${likely.identifier}.`] : [];
    captures.push({
      ...written,
      id: deterministicId('captured', by.id, capture.id, place),
      place,
      person: by,
      tracker: tracker.kind,
      routed: [
        ...(capture.team === null && route.team !== null ? (['team'] as const) : []),
        ...(capture.project === null && route.project !== null ? (['project'] as const) : []),
      ],
      assign,
      related: place === 0 ? related.hint : null,
      repository: route.repository?.name ?? null,
      fingerprint,
      paths: pathsOf(concern),
      hint: null,
      notes: [...route.notes, ...alike],
      duplicates: [],
    });
  }
  notes.push(...hiding.notes());
  const byLikelihood = [...duplicates.values()].sort((a, b) => Number(b.isLikely) - Number(a.isLikely));
  return { captures, duplicates: byLikelihood, notes };
}

/** Whether or not the tracker can relate the two. */
function withRelated(concern: Concern, { related }: Capture): Concern {
  const names = related.map(ticketNameIn).filter((name) => name !== '');
  if (names.length === 0) return concern;
  return { ...concern, notes: `${concern.notes}\n\nRelated: ${names.join(', ')}`.trim() };
}

/** What is filed of it, and what is said where it is added instead, without secrets. */
async function writeHidden(
  concern: Concern,
  about: CaptureAbout,
  hiding: Hiding,
  isOneOfSeveral: boolean,
): Promise<Pick<NewCapture, 'draft' | 'addition'>> {
  const { addTo } = about.capture;
  const { team, project } = about.route;
  const { title, description, priority, labels } = writeCapture(concern, about);
  const ofText = isOneOfSeveral ? `the text of "${title}"` : 'the text';
  return {
    addition: addTo === null ? null : { to: addTo, comment: await hiding.hide(writeAddition(concern, about), ofText) },
    draft: {
      title: await hiding.hide(title, 'the title'),
      description: await hiding.hide(description, ofText),
      priority,
      labels: await withoutSecret(hiding, labels),
      ...{ fields: {}, team, project },
    },
  };
}

async function withoutSecret(hiding: Hiding, labels: readonly string[]): Promise<string[]> {
  const clean: string[] = [];
  for (const label of labels) if ((await hiding.hide(label, 'a label')) === label) clean.push(label);
  return clean;
}

/** Without them the tracker itself says what it has no such team as; a slow one holds nobody up. */
async function listTeams(tracker: Tracker, signal: AbortSignal): Promise<TeamPlace[]> {
  return orAborted(tracker.listTeams(signal), signal).catch(() => []);
}

/** The first of those that it has to do with, where the new ticket can be related to it. */
async function findRelated(
  { trackers, tracker }: CaptureDeps,
  { related, addTo }: Capture,
  signal: AbortSignal,
): Promise<{ hint: TicketHint | null; notes: string[] }> {
  if (addTo !== null) return { hint: null, notes: [] };
  const notes: string[] = [];
  for (const name of related)
    try {
      const ticket = await findTicket(trackers, tracker, name, signal);
      if (ticket.tracker === tracker) return { hint: hintOf(ticket), notes };
    } catch (error) {
      const isMissing = error instanceof VendorError && error.code === 'not_found';
      if (isMissing) notes.push(`The related ticket "${name}" was not found; it is named in the text only.`);
    }
  return { hint: null, notes };
}

/** The lines as they are where everybody sees them: of what was changed since that is pushed, the file alone. */
function linkOf(
  { codeHosts }: CaptureDeps,
  { checkout }: Capture,
  { repository }: CaptureRoute,
  { path, from, to }: CodePlace,
): string | null {
  const host = repository && codeHosts.get(repository.codeHost);
  const commit = checkout?.published;
  if (!host || !commit) return null;
  const isSame = checkout.ahead === 0 && !checkout.changed.some((line) => line.endsWith(path));
  return host.linkTo(repository, { commit, path, ...(isSame ? { from, to } : { from: null, to: null }) });
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
