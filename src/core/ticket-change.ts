import { cutMiddle, grouped } from './cut-text.ts';
import { cleanLine, cleanText, markOutside } from './outside-text.ts';
import { nameInTicket } from './routing.ts';
import { diffLines } from './text-difference.ts';
import type { Attachment, Ticket, TicketPart } from './ticket.ts';
import { type FieldNames, readFacts } from './ticket-facts.ts';

/** What of a ticket its model knows, beside its talk: the parts that people edit. */
export type KnownTicket = Pick<Ticket, 'title' | 'description' | 'fields' | 'labels' | 'priority' | 'attachments'>;

/** The parts whose edits are told to a model. */
const toldParts: readonly TicketPart[] = ['title', 'description', 'fields', 'labels', 'priority', 'attachments'];

/** Whether a change of these parts is about what a model knows. Of one that does not tell its parts nobody can say. */
export function isEdit(changed: readonly TicketPart[] = []): boolean {
  return changed.some((part) => toldParts.includes(part));
}

export function knownOf({ title, description, fields, labels, priority, attachments }: Ticket): KnownTicket {
  const theirs = attachments.filter(({ isOwn }) => !isOwn);
  return { title, description, fields, labels, priority, attachments: theirs };
}

export interface TicketChange {
  parts: TicketPart[];
  /** What changed, for the model; not yet marked. */
  text: string;
  attached: Attachment[];
  /** It names another repository or base branch than before. */
  moves: boolean;
}

const limits = { field: 4_000, description: 16_000, all: 24_000 };

/** In what two readings of a ticket differ, as people would see it; null where they would see nothing. */
export function changeOf(before: KnownTicket, after: KnownTicket, names: FieldNames): TicketChange | null {
  const attached = after.attachments.filter(({ id }) => !before.attachments.some((other) => other.id === id));
  const told: [TicketPart, string | null][] = [
    ['title', wasAndIs('Title', cleanLine(before.title), cleanLine(after.title))],
    ['priority', wasAndIs('Priority', before.priority, after.priority)],
    ['labels', labelChange(before.labels, after.labels)],
    ['fields', fieldChange(before.fields, after.fields)],
    ['description', descriptionChange(before.description, after.description)],
    ['attachments', attachmentChange(before.attachments, after.attachments)],
  ];
  const changes = told.filter(([, text]) => text !== null);
  if (changes.length === 0) return null;
  const texts = changes.map(([, text]) => text);
  const [was, is] = [readFacts(before, names), readFacts(after, names)];
  const criteria = is.acceptanceCriteria;
  if (criteria.join('\n') !== was.acceptanceCriteria.join('\n'))
    texts.push(`Acceptance criteria now:\n${numbered(criteria) || '(none)'}`);
  return {
    parts: changes.map(([part]) => part),
    text: cut(texts.join('\n\n'), limits.all),
    attached,
    moves: nameInTicket(before, was) !== nameInTicket(after, is) || was.base !== is.base,
  };
}

/** The note of the service that tells a model of it; `more` are texts of files that came with it. */
export function writeChange(identifier: string, { text }: Pick<TicketChange, 'text'>, more: string[] = []): string {
  const ticket = `ticket ${cleanLine(identifier, 80)}`;
  return (
    `People have edited the ticket. What was there before and what is there now:\n\n` +
    `${markOutside(`edit of ${ticket}`, [text, ...more].join('\n\n'))}\n\n` +
    'The ticket as it is now says what is wanted: check what you have done and your plan against it.'
  );
}

/** How far a session is when its ticket is edited. `looking`: a run is at work and has changed nothing yet. */
export type Progress = 'beginning' | 'looking' | 'changed';

/** Said where another repository or base is named: a run goes on where it began, and so does what was changed. */
const staying: Record<Progress, string> = {
  beginning: '',
  looking:
    ' I am at work where I began. To move me, say "stop" now and then "continue"; once I have changed a file, the work stays there.',
  changed: ' The work stays in the repository and on the base branch where it began.',
};

/** Said where a plan is wanted only now that files were changed. */
const tooLate =
  'Work has begun, so I propose no plan for it any more. To have one, say "stop" and then "continue": I propose it before I go on. ' +
  'What you ask for once this is handed in is proposed first anyway.';

/** Shown once on the ticket. `isPlanLate`: it wants a plan, and did not when the work on it began. */
export function acknowledgeChange(
  { parts, moves }: Pick<TicketChange, 'parts' | 'moves'>,
  { progress, isPlanLate }: { progress: Progress; isPlanLate: boolean },
): string {
  const names = parts.map((part) => `the ${part}`);
  const list = names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  const seen = `I saw the change to ${list}; I take it into account.${moves ? staying[progress] : ''}`;
  return isPlanLate ? `${seen}\n\n${tooLate}` : seen;
}

export function numbered(items: readonly string[]): string {
  return items.map((item, index) => `${index + 1}. ${cleanLine(item, 1_000)}`).join('\n');
}

function wasAndIs(name: string, before: string, after: string): string | null {
  return before === after ? null : `${name}: was "${before}", is "${after}"`;
}

function labelChange(before: string[], after: string[]): string | null {
  const added = after.filter((label) => !before.includes(label));
  const removed = before.filter((label) => !after.includes(label));
  const told = [
    ...(added.length === 0 ? [] : [`added ${cleanLine(added.join(', '))}`]),
    ...(removed.length === 0 ? [] : [`removed ${cleanLine(removed.join(', '))}`]),
  ];
  return told.length === 0 ? null : `Labels: ${told.join('; ')}`;
}

function fieldChange(before: Record<string, string>, after: Record<string, string>): string | null {
  const value = (fields: Record<string, string>, name: string) =>
    Object.hasOwn(fields, name) ? cleanText(fields[name] ?? '').trim() : '';
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const told = names.flatMap((name) => {
    const [was, is] = [value(before, name), value(after, name)];
    if (was === is) return [];
    const field = `Field "${cleanLine(name, 100)}"`;
    if (isShort(was) && isShort(is)) return [`${field}: was ${quoted(was)}, is ${quoted(is)}`];
    return [`${field}, as a diff:\n${cut(diffLines(was, is), limits.field)}`];
  });
  return told.length === 0 ? null : told.slice(0, 100).join('\n\n');
}

function isShort(value: string): boolean {
  return value.length <= 200 && !value.includes('\n');
}

function quoted(value: string): string {
  return value === '' ? 'empty' : `"${value}"`;
}

function descriptionChange(before: string, after: string): string | null {
  const difference = diffLines(cleanText(before).trim(), cleanText(after).trim());
  return difference === '' ? null : `Description, as a diff:\n${cut(difference, limits.description)}`;
}

function attachmentChange(before: Attachment[], after: Attachment[]): string | null {
  const isIn = (list: Attachment[]) => (one: Attachment) => list.some(({ id }) => id === one.id);
  const told = [
    ...after.filter((one) => !isIn(before)(one)).map(({ name }) => `Attached: ${cleanLine(name, 200)}`),
    ...before.filter((one) => !isIn(after)(one)).map(({ name }) => `No longer attached: ${cleanLine(name, 200)}`),
  ];
  return told.length === 0 ? null : told.slice(0, 50).join('\n');
}

function cut(text: string, limit: number): string {
  return cutMiddle(text, limit, (leftOut) => `[${grouped(leftOut)} characters left out]`);
}
