import type { MarkedToken, Token, Tokens } from 'marked';
import {
  type AdfDocument,
  adf,
  type Block,
  codeBlock,
  filled,
  type Inline,
  type Media,
  type MediaInline,
  type PanelType,
  paragraph,
  text,
} from './document.ts';
import { plainTextOf, readInline } from './inline-from-markdown.ts';
import { readList } from './lists-from-markdown.ts';
import { type Details, lexMarkdown } from './markdown-lexer.ts';
import { decodeEntities } from './markdown-text.ts';
import { panelOf } from './panels.ts';

/** What holds the blocks; Atlassian's schema says of each what may stand in it. */
export type Place = 'root' | 'listItem' | 'quote' | 'panel' | 'expand' | 'nestedExpand';

/** What a part of the text is read in: where, how many lists deep, and a number for each task. */
export interface Reading {
  place: Place;
  lists: number;
  nextId(): string;
}

const forbidden: Record<Place, ReadonlySet<Block['type']>> = {
  root: new Set(),
  listItem: new Set(['heading', 'rule', 'table', 'blockquote', 'panel', 'expand', 'mediaGroup']),
  quote: new Set(['heading', 'rule', 'table', 'blockquote', 'panel', 'expand', 'taskList']),
  panel: new Set(['table', 'blockquote', 'panel', 'expand']),
  expand: new Set(),
  nestedExpand: new Set(['table', 'expand']),
};

export function isForbidden(type: Block['type'], { place }: Reading): boolean {
  return forbidden[place].has(type);
}

/**
 * Markdown as a document that Atlassian's schema accepts. What may not stand where it does (a table within a list, a quote
 * within a panel) is flattened, its text kept. Line breaks are kept as such. A person is `@[Name](accountId)`, a file of the ticket
 * `![name](attachment:id)`. Never throws; the same text is always the same document. Not bounded in length: see `splitDocument`.
 */
export function fromMarkdown(markdown: string): AdfDocument {
  let id = 0;
  const reading: Reading = { place: 'root', lists: 0, nextId: () => String(++id) };
  const clean = markdown.replace(/\r\n?/g, '\n').toWellFormed();
  try {
    return adf(readBlocks(lexMarkdown(clean), reading));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // nested more deeply than can be read
    return adf(clean.split(/\n{2,}/).flatMap((part) => (part.trim() === '' ? [] : [paragraph(text(part))])));
  }
}

export function readBlocks(tokens: readonly Token[], reading: Reading): Block[] {
  return tokens.flatMap((token) => readBlock(token as MarkedToken | Details, reading));
}

function readBlock(token: MarkedToken | Details, reading: Reading): Block[] {
  switch (token.type) {
    case 'space':
      return [];
    case 'heading':
      return heading(token, reading);
    case 'paragraph':
      return paragraphs(readInline(token.tokens), reading);
    case 'text':
      return paragraphs(readInline(token.tokens ?? [token]), reading);
    case 'code':
      return [codeBlock(token.text, /^[^\s`]+/.exec(token.lang ?? '')?.[0] ?? '')];
    case 'blockquote':
      return quote(token, reading);
    case 'list':
      return readList(token, reading);
    case 'table':
      return table(token, reading);
    case 'details':
      return expand(token, reading);
    case 'hr':
      return isForbidden('rule', reading) ? [] : [{ type: 'rule' }];
    case 'html':
      return token.text === '' ? [] : [paragraph(text(token.text))];
    default:
      return paragraphs(readInline([token]), reading);
  }
}

function heading({ depth, tokens }: Tokens.Heading, reading: Reading): Block[] {
  const bold = isForbidden('heading', reading);
  const content = readInline(tokens, bold ? [{ type: 'strong' }] : []);
  return bold ? [paragraph(...content)] : [{ type: 'heading', attrs: { level: depth }, content }];
}

/** Files that stand alone are shown as such. */
function paragraphs(content: Inline[], reading: Reading): Block[] {
  if (content.length === 0) return [];
  const files = content.filter((node) => node.type === 'mediaInline');
  const isFiles = content.every((node) => node.type === 'mediaInline' || isBlank(node));
  if (!isFiles || files.length === 0) return [paragraph(...content)];
  const media = files.map(mediaOf);
  if (media.length > 1 && !isForbidden('mediaGroup', reading)) return [{ type: 'mediaGroup', content: media }];
  return media.map((one) => ({ type: 'mediaSingle', attrs: { layout: 'center' }, content: [one] }));
}

function isBlank(node: Inline): boolean {
  return node.type === 'hardBreak' || (node.type === 'text' && node.text.trim() === '');
}

function mediaOf({ attrs, marks }: MediaInline): Media {
  return { type: 'media', attrs, ...(marks ? { marks } : {}) };
}

function quote({ tokens }: Tokens.Blockquote, reading: Reading): Block[] {
  const asPanel = panelOf(tokens);
  if (asPanel && !isForbidden('panel', reading)) {
    const content = readBlocks(asPanel.tokens, { ...reading, place: 'panel' });
    return [panel(asPanel.panelType, content)];
  }
  if (isForbidden('blockquote', reading)) return readBlocks(tokens, reading);
  const content = readBlocks(tokens, { ...reading, place: 'quote' });
  return [{ type: 'blockquote', content: filled(content) }];
}

function panel(panelType: PanelType, content: Block[]): Block {
  return { type: 'panel', attrs: { panelType }, content: filled(content) };
}

function expand({ summary, tokens }: Details, reading: Reading): Block[] {
  const title = decodeEntities(summary.replace(/<\/?[a-z][^>]*>/gi, ''))
    .replace(/\s+/g, ' ')
    .trim();
  const inner = reading.place === 'root' ? 'expand' : reading.place === 'expand' ? 'nestedExpand' : null;
  if (inner === null) {
    const head = title === '' ? [] : [paragraph(text(title, [{ type: 'strong' }]))];
    return [...head, ...readBlocks(tokens, reading)];
  }
  const content = filled(readBlocks(tokens, { ...reading, place: inner }));
  return [{ type: inner === 'expand' ? 'expand' : 'nestedExpand', attrs: { title }, content }];
}

/** A head without text stands for none: Markdown has no table without one. */
function table({ header, rows }: Tokens.Table, reading: Reading): Block[] {
  const read = (cells: Tokens.TableCell[]) => cells.map(({ tokens }) => readInline(tokens));
  const head = read(header);
  const hasHead = head.some((cell) => cell.length > 0) || rows.length === 0;
  const body = rows.map(read);
  if (isForbidden('table', reading))
    return [...(hasHead ? [head] : []), ...body].flatMap((row) => paragraphs(joinCells(row), reading));
  const row = (cells: Inline[][], type: 'tableHeader' | 'tableCell'): Block & { type: 'table' } => ({
    type: 'table',
    content: [{ type: 'tableRow', content: cells.map((cell) => ({ type, content: [paragraph(...cell)] })) }],
  });
  const all = [...(hasHead ? [row(head, 'tableHeader')] : []), ...body.map((cells) => row(cells, 'tableCell'))];
  return [{ type: 'table', content: all.flatMap(({ content }) => content) }];
}

function joinCells(cells: Inline[][]): Inline[] {
  return cells
    .filter((cell) => plainTextOf(cell).trim() !== '' || cell.some(({ type }) => type === 'mediaInline'))
    .flatMap((cell, index) => (index === 0 ? cell : [text(' | '), ...cell]));
}
