import type { CaptureKind, CodePlace, Concern } from './capture.ts';
import { isCodeFile } from './error-frames.ts';
import { createFenceReader } from './markdown.ts';
import { withoutComments } from './ticket-facts.ts';

/** Why a text cannot be split, for people, and what to do. */
export class SplitError extends Error {}

const most = { concerns: 30, characters: 200_000, title: 200, line: 2_000, notes: 20_000, places: 20, criteria: 50 };

/** An item with what is in it, or a heading with what stands under it. */
interface Found {
  title: string;
  lines: string[];
}

/**
 * What a review, a meeting's notes or a list is about: a concern for each item that is in no other; without any item, for
 * each heading; without those, for each paragraph. A checked box is done. Throws `SplitError` where there is none, or more
 * than 30.
 */
export function concernsIn(markdown: string): Concern[] {
  if (markdown.length > most.characters)
    throw new SplitError(
      `The text has ${markdown.length} characters, of ${most.characters} at most. Bring it in parts.`,
    );
  const blocks = readBlocks(withoutComments(markdown).replace(/\r\n?/g, '\n'));
  const found = blocks.items.length > 0 ? blocks.items : (headed(blocks.sections) ?? blocks.paragraphs);
  const concerns = found.flatMap((each) => concernOf(each) ?? []);
  if (concerns.length === 0)
    throw new SplitError('There is nothing in it to file. Write one concern an item ("- ..."), or one a heading.');
  if (concerns.length > most.concerns)
    throw new SplitError(
      `It has ${concerns.length} concerns, and ${most.concerns} can be filed at once. Bring it in parts.`,
    );
  return concerns;
}

interface Section extends Found {
  depth: number;
}

interface Blocks {
  items: Found[];
  sections: Section[];
  paragraphs: Found[];
}

const item = /^( *)(?:[-*+•]|\d{1,3}[.)])(?: +|$)(.*)$/;
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const rule = /^ {0,3}([-*_])(?: *\1){2,} *$/;
/** Whose items are people, or what was to be spoken of. */
const noWork = /^(?:attendees|attending|participants|present|absent|apologies|agenda|who)\b/i;

/** All three at once; which of them counts is known at the end. */
function readBlocks(text: string): Blocks {
  const blocks: Blocks = { items: [], sections: [], paragraphs: [] };
  let open: { found: Found; indent: number } | null = null;
  let isAfterBlank = true;
  const isInCode = createFenceReader();
  for (const raw of text.split('\n')) {
    const line = raw.replace(/^[ \t]+/, (space) => space.replaceAll('\t', '    '));
    const isCode = isInCode(line);
    const isBlank = line.trim() === '';
    const title = isCode ? null : heading.exec(line);
    const begun = isCode || rule.test(line) ? null : item.exec(line);
    const indent = line.search(/\S/);
    if (title) {
      open = null;
      blocks.sections.push({ depth: title[1]?.length ?? 1, title: title[2] ?? '', lines: [] });
    } else {
      blocks.sections.at(-1)?.lines.push(line);
      if (begun && (open === null || indent < open.indent + 2)) {
        open = { found: { title: begun[2] ?? '', lines: [] }, indent };
        if (!noWork.test(blocks.sections.at(-1)?.title ?? '')) blocks.items.push(open.found);
      } else if (open && (isBlank || isCode || indent >= open.indent + 2 || !isAfterBlank)) open.found.lines.push(line);
      else {
        open = null;
        const above = isBlank || isCode || !isAfterBlank ? blocks.paragraphs.at(-1) : undefined;
        if (above) above.lines.push(line);
        else if (!isBlank) blocks.paragraphs.push({ title: line, lines: [] });
      }
    }
    isAfterBlank = isBlank || title !== null;
  }
  return blocks;
}

/** The highest headings below the text's own title, with all that stands under each; null: there are none. */
function headed(sections: readonly Section[]): Found[] | null {
  const [first, ...others] = sections;
  if (!first) return null;
  const isTitle = others.length > 0 && others.every(({ depth }) => depth > first.depth);
  const rest = isTitle ? others : sections;
  const top = Math.min(...rest.map(({ depth }) => depth));
  const found: Found[] = [];
  for (const { depth, title, lines } of rest) {
    const last = found.at(-1);
    if (depth > top && last) last.lines.push(`${'#'.repeat(depth)} ${title}`, ...lines);
    else found.push({ title: title.replace(/^\d{1,3}[.)]\s+/, ''), lines: [...lines] });
  }
  return found;
}

const box = /^\[([ xX]?)\](?:\s+|$)/;

/** null: it is done, or says nothing. */
function concernOf({ title, lines }: Found): Concern | null {
  if (/^\[[xX]\]/.test(title)) return null;
  const { criteria, notes } = readBody(lines);
  const paragraph = [title.replace(box, '')];
  while (
    notes[0] !== undefined &&
    notes[0].trim() !== '' &&
    !item.test(notes[0]) &&
    !/^ *(?:`{3}|~{3}|[>|#])/.test(notes[0])
  )
    paragraph.push(notes.shift() ?? '');
  const text = paragraph
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
  const { kind, words } = kindOf(text);
  const { head, rest } = titleOf(words);
  const body = [rest, outdent(notes)].filter((part) => part !== '').join('\n\n');
  if (!/[\p{L}\p{N}]/u.test(head)) return null;
  return {
    title: head,
    notes: body.slice(0, most.notes).toWellFormed(),
    kind,
    places: placesIn(`${text}\n${body}`),
    error: null,
    steps: [],
    expected: '',
    criteria,
    labels: [],
    priority: null,
  };
}

/** Boxes within are what must hold; those that are checked do already. */
function readBody(lines: readonly string[]): { criteria: string[]; notes: string[] } {
  const criteria: string[] = [];
  const notes = lines.filter((line) => {
    const inner = item.exec(line)?.[2] ?? '';
    if (!box.test(inner)) return true;
    const words = inner.replace(box, '').trim();
    if (words !== '' && !/^\[[xX]\]/.test(inner)) criteria.push(words.slice(0, most.line).toWellFormed());
    return false;
  });
  return { criteria: criteria.slice(0, most.criteria), notes };
}

const kinds: [RegExp, CaptureKind][] = [
  [/^(?:bugs?|bug ?fix|fix|hot ?fix|defect|regression|crash)$/i, 'bug'],
  [/^(?:feat|features?|enhancement|improvement|idea|request)$/i, 'feature'],
  [/^(?:tasks?|to-?do|chore|refactor|docs|tests?|perf|ci|build|style|action(?: item)?)$/i, 'task'],
];

/** "Bug: ...", "feat(api)!: ...", "[bug] ...", "**Task**: ...". */
function kindOf(text: string): { kind: CaptureKind | null; words: string } {
  const found =
    /^\[([a-z -]{2,20})\]:? +(.*)$/is.exec(text) ??
    /^[*_]{0,2}([a-z -]{2,20}?)(?:\([^()]{0,50}\))?!?(?::[*_]{0,2}|[*_]{1,2}:) +(.*)$/is.exec(text);
  const kind = found ? kinds.find(([pattern]) => pattern.test(found[1] ?? ''))?.[1] : undefined;
  return kind === undefined ? { kind: null, words: text } : { kind, words: found?.[2] ?? '' };
}

/** What is in bold at the beginning is the title; of a long text its first sentence, and all of it is in the notes. */
function titleOf(text: string): { head: string; rest: string } {
  const [, bold = '', after = ''] =
    /^(?:\*\*|__)([^*_]{3,200})(?:\*\*|__)[:.]?(?:\s*[-–—:]\s*|\s+|$)(.*)$/s.exec(text) ?? [];
  if (bold !== '') return { head: bold.replace(/[:.]$/, '').trim(), rest: after };
  if (text.length <= 120) return { head: text, rest: '' };
  const sentence =
    /^.{10,180}?[.!?。](?=\s|$)/s.exec(text)?.[0] ?? text.slice(0, most.title - 10).replace(/\s+\S*$/, ' …');
  return { head: sentence.slice(0, most.title).toWellFormed(), rest: sentence === text ? '' : text };
}

function outdent(lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const least = indents.length === 0 ? 0 : Math.min(...indents);
  return lines
    .map((line) => line.slice(Math.min(least, line.length)).trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

const place =
  /(?<![\w/.:@-])(?=[\w.@])((?:[\w.@+[\]-]{1,200}\/){0,40}[\w.@+[\]-]{1,200}\.[A-Za-z]\w{0,9})(?:(?::|#L)(\d{1,7})(?:-L?(\d{1,7}))?|(?=`))/g;

/** "src/a.ts:12", "src/a.ts:12-20", "src/a.ts#L12"; without a line, in backticks. */
function placesIn(text: string): CodePlace[] {
  const found = [...text.matchAll(place)].flatMap(([, path = '', from, to]): CodePlace[] => {
    if (!isCodeFile(path) || (from === undefined && !path.includes('/'))) return [];
    const first = from === undefined ? null : Math.max(1, Number(from));
    const last = first === null ? null : Math.max(first, Number(to ?? first));
    return [{ path: path.replace(/^(?:\.\/)+/, ''), from: first, to: last, snippet: null }];
  });
  const once = new Map(found.map((each) => [`${each.path}:${each.from}-${each.to}`, each]));
  return [...once.values()].slice(0, most.places);
}
