import { createFenceReader } from './markdown.ts';
import { withoutComments } from './ticket-facts.ts';

/*
 * How a team's tickets look: Markdown with placeholders, each of which stands for a part of what was captured.
 */

export const placeholders = [
  'what',
  'where',
  'evidence',
  'steps',
  'expected',
  'criteria',
  'repository',
  'environment',
  'by',
] as const;
export type Placeholder = (typeof placeholders)[number];

/** A form that was read. */
export interface TicketForm {
  text: string;
}

/** Why a text is no form, for people, and what to do. */
export class FormError extends Error {}

/** The headings that mean something to us are named as `readFacts` knows them. */
export const builtInForm = `{{what}}

## Where

{{where}}

## Evidence

{{evidence}}

## How to reproduce

{{steps}}

{{expected}}

## Acceptance criteria

{{criteria}}

## Repository

{{repository}}

## Captured

By {{by}}

{{environment}}
`;

const most = 8_000;
const placeholder = /\{\{\s{0,5}([^{}\n]{0,60}?)\s{0,5}\}\}/g;

/** Hints in comments and a YAML header are left out. Throws `FormError`. */
export function readForm(text: string): TicketForm {
  const body = text.replace(/\r\n?/g, '\n').replace(/^\ufeff?---\n[\s\S]*?\n---(?:\n|$)/, '');
  const visible = withoutComments(body);
  if (visible.trim() === '') throw new FormError(`The form of a ticket is empty. ${begin}`);
  if (visible.length > most)
    throw new FormError(`The form of a ticket has ${visible.length} characters, of ${most} at most. Make it shorter.`);
  const named = [...visible.matchAll(placeholder)].map(([, name = '']) => name);
  const known = new Set<string>(placeholders);
  const unknown = named.find((name) => !known.has(name.toLowerCase()));
  if (unknown !== undefined)
    throw new FormError(
      `The form of a ticket has {{${unknown}}}, which means nothing here. What may stand in it: ${all}.`,
    );
  const twice = named.find(
    (name, index) => named.findIndex((each) => each.toLowerCase() === name.toLowerCase()) < index,
  );
  if (twice !== undefined) throw new FormError(`The form of a ticket has {{${twice}}} twice. Leave one of them out.`);
  if (!named.some((name) => name.toLowerCase() === 'what'))
    throw new FormError(`The form of a ticket has no {{what}}: nobody would see what it is about. ${begin}`);
  return { text: visible };
}

const all = placeholders.map((name) => `{{${name}}}`).join(', ');
const begin = 'Begin with the built-in one: `shipmate ticket --template`.';

interface Section {
  heading: string | null;
  depth: number;
  lines: string[];
  /** It had placeholders. */
  isFilled: boolean;
}

/**
 * The form with its placeholders filled, each once and whatever stands in it. A line is left out whose placeholders all are
 * empty, and so is a heading under which nothing but those stood.
 */
export function fillForm(form: TicketForm, values: Record<Placeholder, string>): string {
  const sections = readSections(form.text).map((section) => ({
    ...section,
    lines: fillLines(section.lines, values),
  }));
  const kept = sections.filter((section, index) => !isEmpty(section) || hasMore(sections, index));
  return kept
    .map(({ heading, lines }) => [heading ?? '', ...bodyOf(lines)].join('\n\n'))
    .join('\n\n')
    .replace(/^\s*\n/, '')
    .trim();
}

function isEmpty({ heading, isFilled, lines }: Section): boolean {
  return (isFilled || heading === null) && lines.join('').trim() === '';
}

/** Whether something is left under the deeper headings below it. */
function hasMore(sections: readonly Section[], index: number): boolean {
  const { depth } = sections[index] as Section;
  const after = sections.slice(index + 1);
  const end = after.findIndex((section) => section.depth <= depth);
  return depth > 0 && (end < 0 ? after : after.slice(0, end)).some((section) => !isEmpty(section));
}

function bodyOf(lines: readonly string[]): string[] {
  const body = lines
    .join('\n')
    .replace(/^(?:[ \t]*\n)+/, '')
    .trimEnd();
  return body === '' ? [] : [body];
}

function fillLines(lines: readonly string[], values: Record<Placeholder, string>): string[] {
  const filled: string[] = [];
  let isGap = false;
  for (const line of lines) {
    const now = fillLine(line, values);
    // A line that is left out takes the blank one after it along.
    if (!(isGap && line.trim() === '')) filled.push(...now);
    isGap = now.length === 0;
  }
  return filled;
}

function fillLine(line: string, values: Record<Placeholder, string>): string[] {
  const found = [...line.matchAll(placeholder)].map(([, name = '']) => values[name.toLowerCase() as Placeholder]);
  if (found.length === 0) return [line];
  if (found.every((value) => value === '')) return [];
  // A list takes the place of the item that stood for it.
  const [only = ''] = found;
  const isItem = /^\s*(?:[-*+]|\d+[.)])\s+(?:\[ ?\]\s*)?\{\{[^{}]*\}\}\s*$/.test(line);
  if (isItem && /^(?:[-*+]|\d+[.)])\s/.test(only)) return only.split('\n');
  return line.replace(placeholder, (_, name: string) => values[name.toLowerCase() as Placeholder]).split('\n');
}

function readSections(text: string): Section[] {
  let section: Section = { heading: null, depth: 0, lines: [], isFilled: false };
  const sections = [section];
  const isInCode = createFenceReader();
  for (const line of text.split('\n')) {
    const marks = isInCode(line) ? undefined : /^(#{1,6})\s+\S/.exec(line)?.[1];
    if (marks !== undefined) {
      section = { heading: line.trim(), depth: marks.length, lines: [], isFilled: false };
      sections.push(section);
    } else {
      section.lines.push(line);
      section.isFilled ||= line.match(placeholder) !== null;
    }
  }
  return sections;
}
