import { cutMiddle, grouped } from '../../../core/cut-text.ts';
import { shorten } from '../../../core/outgoing-text.ts';
import type { AdfDocument } from '../adf/document.ts';
import { fromMarkdown } from '../adf/from-markdown.ts';
import { mostCharacters } from '../adf/split.ts';

/** As Jira wants it. Nobody is mentioned, and so mailed, by words that others may have steered. */
export function documentOf(markdown: string): AdfDocument {
  return withoutMentions(fromMarkdown(storable(markdown)));
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

function withoutMentions<Node>(node: Node): Node {
  if (Array.isArray(node)) return node.map(withoutMentions) as Node;
  if (typeof node !== 'object' || node === null) return node;
  const { type, attrs } = node as { type?: unknown; attrs?: { text?: unknown } };
  if (type === 'mention') return { type: 'text', text: String(attrs?.text || '@somebody') } as Node;
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, withoutMentions(value)])) as Node;
}
