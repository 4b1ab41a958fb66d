import { isBugTicket } from './bug-ticket.ts';
import type { Capture, CodePlace, Concern } from './capture.ts';
import {
  type Room,
  writeCriteria,
  writeEnvironment,
  writeEvidence,
  writeExpected,
  writePlaces,
  writeSteps,
  writeWords,
} from './capture-parts.ts';
import type { CaptureRoute } from './capture-routing.ts';
import { errorIn } from './error-fingerprint.ts';
import { cleanText, shorten } from './outgoing-text.ts';
import type { Person, Priority } from './ticket.ts';
import { type FieldNames, meanings, readFacts } from './ticket-facts.ts';
import { builtInForm, fillForm, type TicketForm } from './ticket-form.ts';

/** What a ticket is written from, beside its concern. */
export interface CaptureAbout {
  capture: Capture;
  route: CaptureRoute;
  form: TicketForm;
  fields: FieldNames;
  fingerprint: string | null;
  by: Person;
  /** A permalink; null: nobody can see it. */
  linkTo(place: CodePlace): string | null;
}

export interface WrittenTicket {
  title: string;
  description: string;
  labels: string[];
  priority: Priority;
}

const most = { title: 200, description: 20_000, addition: 8_000 };

/** The roomiest that fits is taken. */
const rooms: [Room, ...Room[]] = [
  { what: 10_000, snippet: 1_500, evidence: 6_000, items: 4_000, expected: 2_000, environment: 4_000 },
  { what: 8_000, snippet: 500, evidence: 4_000, items: 3_000, expected: 1_000, environment: 2_000 },
  { what: 5_000, snippet: 0, evidence: 2_500, items: 2_500, expected: 800, environment: 1_500 },
  { what: 3_000, snippet: 0, evidence: 1_500, items: 1_500, expected: 500, environment: 800 },
];

/** What is filed of a concern. `readFacts` finds its criteria and its repository under the headings. */
export function writeCapture(concern: Concern, about: CaptureAbout): WrittenTicket {
  let description = '';
  for (const room of rooms) {
    description = writeDescription(concern, about, room);
    if (description.length <= most.description) break;
  }
  return {
    title: writeTitle(concern),
    description: shorten(description, most.description),
    labels: writeLabels(concern, about.route),
    priority: concern.priority ?? 'none',
  };
}

function writeDescription(concern: Concern, about: CaptureAbout, room: Room): string {
  const { capture, route, fields, form } = about;
  const { checkout } = capture;
  // People who write them into their words mean them.
  const inNotes = readFacts({ fields: {}, description: concern.notes }, fields).acceptanceCriteria;
  const criteria = concern.criteria.length > 0 ? concern.criteria : inNotes;
  return fillForm(form.text === builtInForm ? { text: inTheirWords(builtInForm, fields) } : form, {
    what: asWords(writeWords(concern.notes, room.what), fields),
    where: writePlaces(concern.places, checkout, about.linkTo, room),
    evidence: writeEvidence(concern.error, room.evidence),
    steps: writeSteps(concern.steps, room),
    expected: asWords(writeExpected(concern.expected, room.expected), fields),
    criteria: writeCriteria(concern, criteria, room),
    repository: route.repository?.name ?? '',
    environment: writeEnvironment(capture, about.fingerprint, room.environment),
    by: signature(about),
  });
}

/** A comment on a ticket that is there: what is new about it. */
export function writeAddition(concern: Concern, about: CaptureAbout): string {
  const { capture, fields } = about;
  const room: Room = { what: 2_000, snippet: 500, evidence: 2_500, items: 500, expected: 0, environment: 1_000 };
  const title = cleanText(concern.title, most.title);
  const write = (snippet: number) =>
    [
      `Seen again by ${signature(about)}${title === '' ? '.' : `: ${title}`}`,
      asWords(writeWords(concern.notes, room.what), fields),
      writePlaces(concern.places, capture.checkout, about.linkTo, { ...room, snippet }),
      writeEvidence(concern.error, room.evidence),
      writeEnvironment(capture, about.fingerprint, room.environment),
    ]
      .filter((part) => part !== '')
      .join('\n\n');
  const text = write(room.snippet);
  return shorten(text.length <= most.addition ? text : write(0), most.addition);
}

function signature({ by, capture }: CaptureAbout): string {
  const name = cleanText(by.name, 80) || 'somebody';
  const client = cleanText(capture.client ?? '', 80);
  return client === '' ? name : `${name} with ${client}`;
}

/** The form's own headings, as the team's configuration calls them. */
function inTheirWords(text: string, fields: FieldNames): string {
  const called = (usual: string, names: readonly string[]) => `## ${cleanText(names[0] ?? usual, 100) || usual}`;
  return text
    .replace('## Acceptance criteria', () => called('Acceptance criteria', fields.acceptanceCriteria))
    .replace('## Repository', () => called('Repository', fields.repository));
}

/** Somebody's words are no part of the ticket that means something to us, whatever they put in bold. */
function asWords(text: string, fields: FieldNames): string {
  const plain = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  const known = new Set(meanings.flatMap((meaning) => [meaning, ...fields[meaning]].map(plain)));
  return text.replace(
    /^([ \t]*)\*\*(.{1,100}?)\*\*(:?[ \t]*)$/gm,
    (line, before: string, name: string, after: string) =>
      known.has(plain(name)) ? `${before}*${name.replaceAll('*', '')}*${after}` : line,
  );
}

const tooGeneric =
  /^(?:an? |the |this |some )?(?:bugs?|issues?|errors?|problems?|tickets?|to-?dos?|tasks?|titles?|untitled|fix(?: (?:this|it|bug))?|help|tests?|broken|(?:it(?: is|'s) |this is )?(?:broken|not working|failing)|it|this|here|new ticket)$/i;

/** What it is about in one line: the title, else how the notes begin, else what the error says. */
export function writeTitle({ title, notes, error }: Pick<Concern, 'title' | 'notes' | 'error'>): string {
  const given = titleOf(title);
  if (given !== '' && !tooGeneric.test(given)) return given;
  const firstWords = notes
    .slice(0, 5_000)
    .split('\n')
    .map(titleOf)
    .find((line) => line !== '' && !tooGeneric.test(line));
  const other = firstWords ?? titleOf(errorIn(error?.output ?? '') ?? '');
  return other || given || 'Something that was captured without a word';
}

function titleOf(line: string): string {
  const text = line.replace(/^\s*(?:#{1,6}\s+|>\s+|[-*+•]\s+(?:\[[ xX]?\]\s*)?|\d{1,3}[.)]\s+|`{3,}.*|~{3,}.*)/, '');
  const words = cleanText(text, most.title)
    .replace(/^[\s*_]+|[\s*_]+$/g, '')
    .replace(/(?<!\.)[.。]$/, '');
  return /[\p{L}\p{N}]/u.test(words) ? words : '';
}

function writeLabels(concern: Concern, route: CaptureRoute): string[] {
  const named = [...concern.labels, ...route.labels]
    .map((label) => cleanText(label, 100))
    .filter((label) => label !== '');
  const labels = [...new Map(named.toReversed().map((label) => [label.toLowerCase(), label])).values()].toReversed();
  const isCalledBug = isBugTicket({ title: '', labels, fields: {} });
  return concern.kind === 'bug' && !isCalledBug ? [...labels, 'bug'] : labels;
}
