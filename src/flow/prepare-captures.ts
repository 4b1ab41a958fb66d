import type { Capture, CodePlace, Concern, Duplicate } from '../core/capture.ts';
import { type CaptureRoute, routeCapture } from '../core/capture-routing.ts';
import { type CaptureAbout, writeAddition, writeCapture } from '../core/capture-text.ts';
import { pathsOf } from '../core/concern-paths.ts';
import { judgeDuplicates } from '../core/duplicates.ts';
import { fingerprintOf } from '../core/error-fingerprint.ts';
import { nameThem } from '../core/people.ts';
import { hintOf, type Person, type TeamPlace, type TicketHint } from '../core/ticket.ts';
import { ticketNameIn } from '../core/ticket-name.ts';
import { VendorError } from '../core/vendor-error.ts';
import { orAborted } from '../lib/abort.ts';
import { deterministicId } from '../lib/ids.ts';
import type { NewCapture } from '../store/captures.ts';
import type { Tracker } from '../trackers/tracker.ts';
import type { CaptureDeps } from './captures.ts';
import { findCandidates, type Sought } from './find-duplicates.ts';
import { findTicket } from './find-ticket.ts';
import { createHiding, type Hiding, hideInCapture } from './hide-in-capture.ts';
import { mayGiveOrders, speakers } from './strangers.ts';

/** People wait: so long is the tracker asked what it knows. */
const lookMs = 1_200;

export interface Prepared {
  captures: NewCapture[];
  duplicates: Duplicate[];
  notes: string[];
}

/** Everything that is known before anything is written. */
export async function prepareCaptures(
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
  const looking = AbortSignal.any([signal, AbortSignal.timeout(lookMs)]);
  const [known, teams, related, { form, notes: ofForm }] = await Promise.all([
    capture.addTo === null ? findCandidates(deps, tracker, sought, looking) : { candidates: [], notes: [] },
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
    const found = judgeDuplicates(concern, fingerprint, known.candidates);
    const before = found.filter(({ why, isLikely }) => why === 'error' && !isLikely);
    const said = withLine(
      place === 0 ? withRelated(concern, capture) : concern,
      'Seen before',
      before.map(({ identifier, state }) => `${identifier} (${state})`),
    );
    const written = await writeHidden(said, about, hiding, concerns.length > 1);
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
  return withLine(concern, 'Related', names);
}

function withLine(concern: Concern, what: string, tickets: readonly string[]): Concern {
  if (tickets.length === 0) return concern;
  return { ...concern, notes: `${concern.notes}\n\n${what}: ${tickets.join(', ')}`.trim() };
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

/** The lines as they are where everybody sees them: of what is not as it is there, the file alone; null: it is not there. */
function linkOf(
  { codeHosts }: CaptureDeps,
  { checkout }: Capture,
  { repository }: CaptureRoute,
  { path, from, to }: CodePlace,
): string | null {
  const host = repository && codeHosts.get(repository.codeHost);
  const commit = checkout?.published;
  if (!host || !commit || checkout.unpublished.includes(path)) return null;
  const isSame = !checkout.edited.includes(path);
  return host.linkTo(repository, { commit, path, ...(isSame ? { from, to } : { from: null, to: null }) });
}
