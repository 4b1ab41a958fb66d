import { cutMiddle, grouped } from '../../../core/cut-text.ts';
import { shorten } from '../../../core/outgoing-text.ts';
import type { AdfDocument } from '../adf/document.ts';
import { fromMarkdown } from '../adf/from-markdown.ts';
import { mostCharacters } from '../adf/split.ts';

/**
 * As Jira wants it. Nobody is mentioned, and so mailed, by words that others may have steered; what leads nowhere for who reads
 * Jira, or runs there, is no link; and files are named only, for with one that is of another ticket Jira refuses the whole text.
 */
export function documentOf(markdown: string): AdfDocument {
  return harmless(fromMarkdown(storable(markdown)));
}

/** One that Jira takes, cut in its middle where the text is too long for that. */
export function fittingDocument(markdown: string): AdfDocument {
  for (let limit = 30_000; ; limit = Math.floor(limit * 0.7)) {
    const text = cutMiddle(markdown, limit, (leftOut) => `[${grouped(leftOut)} characters left out]`);
    const document = documentOf(text);
    if (sizeOf(document) <= mostCharacters || limit < 500) return document;
  }
}

export function sizeOf(document: AdfDocument): number {
  return JSON.stringify(document).length;
}

export function storableLine(text: string, limit: number): string {
  return shorten(storable(text).replace(/\s+/g, ' ').trim(), limit);
}

function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

interface Node {
  type: string;
  text?: string;
  attrs?: { text?: unknown; alt?: unknown };
  marks?: { type: string; attrs?: { href?: string } }[];
  content?: Node[];
}

function harmless(document: AdfDocument): AdfDocument {
  return harmlessNode(document as Node) as AdfDocument;
}

function harmlessNode({ content, ...node }: Node): Node {
  if (node.type === 'mention') return words(node.attrs?.text || '@somebody');
  if (node.type === 'mediaInline') return words(node.attrs?.alt || 'a file');
  if (node.type === 'mediaSingle' || node.type === 'mediaGroup') {
    const names = (content ?? []).map(({ attrs }) => attrs?.alt || 'a file');
    return { type: 'paragraph', content: [words(names.join(', '))] };
  }
  if (!content) return node;
  return { ...node, content: content.flatMap((each, index) => unlinked(harmlessNode(each), content[index + 1])) };
}

/** Where a link that is none would have led is said behind its words. */
function unlinked(node: Node, next: Node | undefined): Node[] {
  const href = linkOf(node);
  if (href === undefined || isAddress(href)) return [node];
  const marks = node.marks?.filter(({ type }) => type !== 'link') ?? [];
  const { marks: _, ...bare } = node;
  const plain = marks.length > 0 ? { ...bare, marks } : bare;
  const isSaid = href === '' || node.text === href || (next && linkOf(next) === href);
  return isSaid ? [plain] : [plain, words(` (${href})`)];
}

function linkOf({ marks = [] }: Node): string | undefined {
  return marks.find(({ type }) => type === 'link')?.attrs?.href;
}

function isAddress(href: string): boolean {
  return /^(https?:\/\/|mailto:)/i.test(href) && URL.canParse(href);
}

function words(text: unknown): Node {
  return { type: 'text', text: String(text) };
}
