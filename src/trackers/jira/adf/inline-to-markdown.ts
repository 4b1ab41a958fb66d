import { attribute, type Outside } from './document.ts';
import { leftoverText } from './leftover-text.ts';
import { codeSpan, escapeText, findAddress, linkTarget, protectLines } from './markdown-text.ts';

/** Where a run of text stands: in a cell and in a heading there is one line only, in a cell a bar ends it. */
export type Line = 'paragraph' | 'heading' | 'cell';

/** A mark as one word, so that equal marks are equal; outermost first. */
const order = ['link', 'strong', 'em', 'strike', 'underline', 'subsup', 'textColor', 'backgroundColor'];
const symbols: Record<string, string> = { strong: '**', em: '_', strike: '~~' };
const elements: Record<string, string> = { strong: 'strong', em: 'em', strike: 'del', underline: 'u' };

/** `raw` is text that is still to be escaped, `markdown` is done, `code` is code; a break is neither. */
interface Piece {
  kind: 'raw' | 'markdown' | 'code' | 'break';
  text: string;
  marks: Mark[];
}

interface Mark {
  key: string;
  type: string;
  node: Outside;
}

/** One run of text as Markdown; '' where nothing of it is seen. `bold`: all of it, as in a cell that is a heading. */
export function writeInline(nodes: readonly Outside[], line: Line, bold = false): string {
  const pieces = mergePieces(nodes.flatMap((node) => piecesOf(node, bold)));
  const written = writePieces(pieces, { line, before: '', after: '', isLink: false });
  if (line === 'cell') return closeBreaks(written, line).replaceAll('|', '\\|');
  if (line === 'heading') return closeBreaks(written, line).replace(/(^|\s)(#+)$/, '$1\\$2');
  return protectLines(closeBreaks(written, line));
}

/** A break at the end of a text would be a backslash, and one at its beginning nothing: there they are HTML. */
function closeBreaks(written: string, line: Line): string {
  const lines = written.split('\u0000').map((part) => part.trimEnd().replace(/^ +$/, ''));
  const from = lines.findIndex((part) => part !== '');
  if (from === -1) return '';
  const to = lines.findLastIndex((part) => part !== '');
  return lines.slice(from, to + 1).join(line === 'paragraph' ? '\\\n' : '<br>');
}

function piecesOf(node: Outside, bold: boolean): Piece[] {
  const piece = (kind: Piece['kind'], text: string): Piece[] => [{ kind, text, marks: [] }];
  switch (node.type) {
    case 'text':
      return textPieces(node, bold);
    case 'hardBreak':
      return piece('break', '');
    case 'mention':
      return mention(node);
    case 'emoji':
      return piece('raw', attribute(node, 'text') || attribute(node, 'shortName'));
    case 'date':
      return piece('raw', dateOf(attribute(node, 'timestamp')));
    case 'inlineCard':
      return cardPieces(node);
    case 'media':
    case 'mediaInline':
      return [{ kind: 'markdown', text: writeFile(node), marks: marksOf(node).filter(({ type }) => type === 'link') }];
    default:
      return piece('raw', leftoverText(node));
  }
}

function textPieces(node: Outside, bold: boolean): Piece[] {
  const marks = marksOf(node);
  if (marks.some(({ key }) => key === 'code')) {
    const links = marks.filter(({ type }) => type === 'link');
    return [{ kind: 'code', text: node.text.replace(/\s*\n\s*/g, ' '), marks: links }];
  }
  const all = bold && !marks.some(({ key }) => key === 'strong') ? sorted([...marks, strong]) : marks;
  const [first] = all;
  if (first?.type === 'link' && all.length === 1 && isAutolink(node.text, first.node))
    return [{ kind: 'markdown', text: `<${node.text}>`, marks: [] }];
  return node.text.split(/\r\n?|\n/).flatMap((line, index): Piece[] => {
    const pieces: Piece[] = first?.type === 'link' ? [{ kind: 'raw', text: line, marks: all }] : addresses(line, all);
    return index === 0 ? pieces : [{ kind: 'break', text: '', marks: [] }, ...pieces];
  });
}

const strong: Mark = {
  key: 'strong',
  type: 'strong',
  node: { type: 'strong', text: '', attrs: {}, marks: [], content: [] },
};

/** Addresses in a text would be read as links, and escapes would change them. */
function addresses(line: string, marks: Mark[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (let found = findAddress(line); found; found = findAddress(line, at)) {
    if (found.at > at) pieces.push({ kind: 'raw', text: line.slice(at, found.at), marks });
    pieces.push({ kind: 'markdown', text: `<${found.url}>`, marks });
    at = found.at + found.url.length;
  }
  if (at < line.length) pieces.push({ kind: 'raw', text: line.slice(at), marks });
  return pieces;
}

function isAutolink(text: string, link: Outside): boolean {
  if (attribute(link, 'title') !== '') return false;
  const href = attribute(link, 'href');
  if (href === `mailto:${text}`) return /^[\w.+-]+@[a-zA-Z\d-]+(\.[a-zA-Z\d-]+)+$/.test(text);
  return href === text && /^https?:\/\/[^\s<>\\&`]+$/.test(text);
}

/** `@[Name](account)`. Ids are never written otherwise; one that no account has stays text. */
function mention(node: Outside): Piece[] {
  const id = attribute(node, 'id');
  const name = attribute(node, 'text').replace(/^@/, '').replace(/\s+/g, ' ').trim() || id;
  if (!/^(?!https?:|mailto:)[\w:.|=+-]{1,200}$/.test(id) || name === '')
    return [{ kind: 'raw', text: `@${name}${id === '' || id === name ? '' : ` (${id})`}`, marks: [] }];
  return [{ kind: 'markdown', text: `@[${escapeText(name, true)}](${id})`, marks: [] }];
}

function dateOf(timestamp: string): string {
  const date = new Date(Number(timestamp));
  return timestamp === '' || Number.isNaN(date.getTime()) ? timestamp : date.toISOString().slice(0, 10);
}

/** A card is known by its address; some bring their own data instead. */
export function cardPieces(node: Outside): Piece[] {
  const url = attribute(node, 'url');
  if (/^https?:\/\/[^\s<>\\&`]+$/.test(url)) return [{ kind: 'markdown', text: `<${url}>`, marks: [] }];
  if (url !== '') return [{ kind: 'markdown', text: `[${escapeText(url, true)}](${linkTarget(url)})`, marks: [] }];
  return [{ kind: 'raw', text: leftoverText(node), marks: [] }];
}

/** `![name](attachment:id)`; what lies elsewhere by its address. */
function writeFile(node: Outside): string {
  const id = attribute(node, 'id');
  const url = attribute(node, 'url');
  const name = (attribute(node, 'alt') || attribute(node, '__fileName')).replace(/\s+/g, ' ').trim();
  if (url !== '') return `![${escapeText(name || url, true)}](${linkTarget(url)})`;
  const collection = attribute(node, 'collection');
  const place = `attachment:${encodePart(id)}${collection === '' ? '' : `?collection=${encodePart(collection)}`}`;
  return `![${escapeText(name || 'attachment', true)}](${place})`;
}

function encodePart(part: string): string {
  return encodeURIComponent(part.toWellFormed()).replace(
    /[()*!'_~]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function marksOf(node: Outside): Mark[] {
  const marks = new Map<string, Mark>();
  for (const mark of node.marks) {
    const key = mark.type === 'code' ? 'code' : keyOf(mark);
    if (key !== null && !marks.has(mark.type)) marks.set(mark.type, { key, type: mark.type, node: mark });
  }
  return sorted([...marks.values()]);
}

function sorted(marks: Mark[]): Mark[] {
  return marks.toSorted((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
}

/** What makes two marks the same; null for those that only say how something looks or who remarked on it. */
function keyOf(mark: Outside): string | null {
  if (mark.type === 'link') {
    const href = attribute(mark, 'href');
    return href === '' ? null : `link ${href} ${attribute(mark, 'title')}`;
  }
  if (mark.type === 'subsup') return `subsup ${attribute(mark, 'type')}`;
  if (mark.type === 'textColor' || mark.type === 'backgroundColor') {
    const color = attribute(mark, 'color');
    return /^#[0-9a-f]{6}$/i.test(color) ? `${mark.type} ${color}` : null;
  }
  return Object.hasOwn(elements, mark.type) ? mark.type : null;
}

function mergePieces(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    const isMergeable = piece.kind === 'raw' || piece.kind === 'code';
    if (isMergeable && piece.text === '') continue;
    if (last && isMergeable && last.kind === piece.kind && isSame(last.marks, piece.marks)) last.text += piece.text;
    else merged.push({ ...piece });
  }
  return merged;
}

function isSame(a: readonly Mark[], b: readonly Mark[]): boolean {
  return a.length === b.length && a.every(({ key }, index) => key === b[index]?.key);
}

interface Within {
  line: Line;
  /** The characters beside this stretch; '' where a line, or a mark that is written in symbols, begins or ends. */
  before: string;
  after: string;
  isLink: boolean;
}

function writePieces(pieces: readonly Piece[], within: Within): string {
  const parts: string[] = []; // to look at the end of one long text again and again would take quadratic time
  let last = '';
  let at = 0;
  while (at < pieces.length) {
    const piece = pieces[at] as Piece;
    const [mark] = piece.kind === 'raw' && piece.text.trim() === '' ? [] : piece.marks;
    let end = at + 1;
    if (mark) while (pieces[end]?.marks.some(({ key }) => key === mark.key)) end++;
    const before = last === '' ? within.before : last;
    const after = end < pieces.length ? beginning(pieces[end] as Piece) : within.after;
    const next = mark
      ? wrap(mark, withoutMark(pieces.slice(at, end), mark), { ...within, before, after })
      : writePiece(piece, within);
    if (/[!@]/.test(last) && next.startsWith('[')) parts.push(`${parts.pop()?.slice(0, -1)}\\${last}`);
    if (next !== '') parts.push(next);
    last = next.at(-1) ?? last;
    at = end;
  }
  return parts.join('');
}

function withoutMark(pieces: readonly Piece[], { key }: Mark): Piece[] {
  return mergePieces(pieces.map((piece) => ({ ...piece, marks: piece.marks.filter((mark) => mark.key !== key) })));
}

function writePiece({ kind, text }: Piece, { line, isLink }: Within): string {
  if (kind === 'break') return '\u0000';
  if (kind === 'markdown') return text;
  if (kind === 'raw') return escapeText(text.replaceAll('\u0000', '\ufffd'), isLink);
  const isTorn = (line === 'cell' && text.includes('\\|')) || (isLink && /[`[\]]/.test(text));
  return isTorn ? `<code>${escapeText(text, isLink)}</code>` : codeSpan(text.replaceAll('\u0000', '\ufffd'));
}

/** The character that a piece begins with, as far as it matters to what stands before it. */
function beginning(piece: Piece): string {
  if (piece.kind === 'break') return ' ';
  if (piece.kind === 'raw' && (piece.marks.length === 0 || /^\s/.test(piece.text))) return piece.text.slice(0, 1);
  return '*';
}

/**
 * A mark in symbols where they are certain to be read as such, else in HTML: `foo**bar**` is bold, `foo**"bar"**` is not.
 * Space at the ends stands outside.
 */
function wrap(mark: Mark, pieces: readonly Piece[], within: Within): string {
  if (mark.type === 'link') return writeLink(mark.node, pieces, within);
  const symbol = symbols[mark.type];
  if (symbol) {
    const [lead, core, trail] = trimmed(writePieces(pieces, { ...within, before: '', after: '' }));
    if (core === '') return lead;
    const before = lead.at(-1) ?? within.before;
    const after = trail.at(0) ?? within.after;
    if (/^[\s(\u0000]?$/.test(before) && /^[\s.,;:!?)\u0000]?$/.test(after))
      return lead + symbol + core + symbol + trail;
  }
  const [lead, core, trail] = trimmed(writePieces(pieces, { ...within, before: '>', after: '<' }));
  return core === '' ? lead : `${lead}${openTag(mark)}${core}</${elementOf(mark)}>${trail}`;
}

function trimmed(written: string): [string, string, string] {
  const [, lead = '', core = '', trail = ''] = /^([\s\u0000]*)([\s\S]*?)([\s\u0000]*)$/.exec(written) ?? [];
  return [lead, core, trail];
}

function writeLink(link: Outside, pieces: readonly Piece[], within: Within): string {
  const [lead, core, trail] = trimmed(writePieces(pieces, { ...within, before: '', after: '', isLink: true }));
  if (core === '') return lead;
  const title = attribute(link, 'title').replace(/\s+/g, ' ').trim();
  const quoted = title === '' ? '' : ` "${title.replace(/["\\()*_~`[\]<>]/g, '\\$&')}"`;
  return `${lead}[${core}](${linkTarget(attribute(link, 'href'))}${quoted})${trail}`;
}

function elementOf({ type, node }: Mark): string {
  if (type === 'subsup') return attribute(node, 'type') === 'sub' ? 'sub' : 'sup';
  return elements[type] ?? 'span';
}

function openTag(mark: Mark): string {
  const color = attribute(mark.node, 'color');
  if (mark.type === 'textColor') return `<span style="color: ${color}">`;
  if (mark.type === 'backgroundColor') return `<span style="background-color: ${color}">`;
  return `<${elementOf(mark)}>`;
}
