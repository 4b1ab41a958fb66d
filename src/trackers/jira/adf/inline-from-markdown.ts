import type { MarkedToken, Token } from 'marked';
import { type Inline, type Mark, mention, text } from './document.ts';
import { decodeEntities } from './markdown-text.ts';

/** HTML that means a mark. All other HTML stays text. */
const tags: Record<string, Mark> = {
  strong: { type: 'strong' },
  b: { type: 'strong' },
  em: { type: 'em' },
  i: { type: 'em' },
  s: { type: 'strike' },
  del: { type: 'strike' },
  u: { type: 'underline' },
  ins: { type: 'underline' },
  sub: { type: 'subsup', attrs: { type: 'sub' } },
  sup: { type: 'subsup', attrs: { type: 'sup' } },
  code: { type: 'code' },
};

/** So many tokens after a tag its end is looked for. */
const farthest = 200;

/** The order in which marks are kept, so that the same marks are the same list. */
const order: Mark['type'][] = [
  'link',
  'strong',
  'em',
  'strike',
  'underline',
  'subsup',
  'textColor',
  'backgroundColor',
  'code',
];

/** One run of text: no empty pieces, no space at its ends or around its breaks. */
export function readInline(tokens: readonly Token[], marks: readonly Mark[] = []): Inline[] {
  return tidy(convert(tokens, marks));
}

export function plainTextOf(nodes: readonly Inline[]): string {
  return nodes
    .map((node) => {
      if (node.type === 'text') return node.text;
      if (node.type === 'hardBreak') return ' ';
      return node.type === 'mention' ? node.attrs.text : (node.attrs.alt ?? '');
    })
    .join('');
}

function convert(tokens: readonly Token[], marks: readonly Mark[]): Inline[] {
  const nodes: Inline[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as MarkedToken;
    if (token.type === 'html') {
      const inner = readTag(tokens, at, marks);
      for (const node of inner.nodes) nodes.push(node);
      at = inner.last;
      continue;
    }
    const account = accountOf(token, tokens[at - 1]);
    const previous = nodes.at(-1);
    if (account !== null && previous?.type === 'text') {
      previous.text = previous.text.slice(0, -1); // the `@` of `@[Name](account)`
      nodes.push(mention(account, plainTextOf(convert(childrenOf(token), []))));
    } else {
      for (const node of convertOne(token, marks)) nodes.push(node);
    }
  }
  return nodes;
}

function convertOne(token: MarkedToken, marks: readonly Mark[]): Inline[] {
  switch (token.type) {
    case 'strong':
    case 'em':
      return convert(token.tokens, withMark(marks, { type: token.type }));
    case 'del':
      return convert(token.tokens, withMark(marks, { type: 'strike' }));
    case 'codespan':
      return plain(token.text.replaceAll('\n', ' '), withMark(marks, { type: 'code' }));
    case 'br':
      return [{ type: 'hardBreak' }];
    case 'link': {
      const nodes = convert(token.tokens, withMark(marks, linkTo(token.href, token.title)));
      return nodes.length > 0 ? nodes : plain(token.href, withMark(marks, linkTo(token.href)));
    }
    case 'image':
      return image(token.href, token.title, token.tokens, token.text, marks);
    case 'checkbox':
      return [];
    case 'escape':
      return plain(token.text, marks);
    case 'text':
      return token.tokens ? convert(token.tokens, marks) : plain(decodeEntities(token.text).replace(/\n/g, ' '), marks);
    default:
      return plain(token.raw, marks);
  }
}

/**
 * Files of the ticket are `attachment:<id>`, an id of the media service's: with any other Jira refuses the whole text, so those are
 * their names. Jira shows no images from elsewhere, so they are links.
 */
function image(href: string, title: string | null, tokens: Token[], alt: string, marks: readonly Mark[]): Inline[] {
  const file = /^attachment:([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})(?:\?collection=(\S*))?$/i.exec(href);
  const name = plainTextOf(convert(tokens, [])) || alt;
  if (!file && href.startsWith('attachment:')) return plain(name || href, marks);
  if (!file) return plain(name || href, withMark(marks, linkTo(href, title)));
  const link = marks.filter(({ type }) => type === 'link');
  const attrs = { type: 'file', id: file[1] ?? '', collection: decodePart(file[2] ?? '') } as const;
  return [
    {
      type: 'mediaInline',
      attrs: name === '' || name === 'attachment' ? attrs : { ...attrs, alt: name },
      ...(link.length > 0 ? { marks: link } : {}),
    },
  ];
}

function linkTo(href: string, title?: string | null): Mark {
  return { type: 'link', attrs: title ? { href, title } : { href } };
}

function accountOf(token: MarkedToken, before: Token | undefined): string | null {
  const isNamed = token.type === 'link' && token.raw.startsWith('[') && token.tokens.length > 0;
  if (!isNamed || before?.type !== 'text' || !before.raw.endsWith('@')) return null;
  return /^(?!https?:|mailto:)[\w:.|=+-]{1,200}$/.test(token.href) ? token.href : null;
}

/** A tag with what it encloses; alone, or unknown, it is text. */
function readTag(tokens: readonly Token[], at: number, marks: readonly Mark[]): { nodes: Inline[]; last: number } {
  const raw = tokens[at]?.raw ?? '';
  if (/^<br\s*\/?>$/i.test(raw)) return { nodes: [{ type: 'hardBreak' }], last: at };
  if (raw.startsWith('<!--')) return { nodes: [], last: at };
  const name = /^<([a-z]+)[\s>]/i.exec(raw)?.[1]?.toLowerCase() ?? '';
  const mark = /^<[a-z]+>$/i.test(raw) && Object.hasOwn(tags, name) ? tags[name] : colorOf(raw);
  const last = mark ? closingOf(tokens, at, name) : -1;
  if (!mark || last === -1) return { nodes: plain(raw, marks), last: at };
  const inner = tokens.slice(at + 1, last);
  const inside = withMark(marks, mark);
  return {
    nodes: mark.type === 'code' ? plain(plainTextOf(convert(inner, [])), inside) : convert(inner, inside),
    last,
  };
}

function closingOf(tokens: readonly Token[], at: number, name: string): number {
  let open = 0;
  for (let index = at; index < Math.min(tokens.length, at + farthest); index++) {
    const token = tokens[index];
    const tag = token?.type === 'html' ? /^<(\/?)([a-z]+)[\s>]/i.exec(token.raw) : null;
    if (tag?.[2]?.toLowerCase() !== name) continue;
    open += tag[1] === '/' ? -1 : 1;
    if (open === 0) return index;
  }
  return -1;
}

function colorOf(raw: string): Mark | undefined {
  const found = /^<span style="(background-)?color: ?(#[0-9a-f]{6});?">$/i.exec(raw);
  return found ? { type: found[1] ? 'backgroundColor' : 'textColor', attrs: { color: found[2] ?? '' } } : undefined;
}

function withMark(marks: readonly Mark[], mark: Mark): Mark[] {
  const all = [...marks.filter(({ type }) => type !== mark.type), mark];
  return all.toSorted((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
}

function plain(content: string, marks: readonly Mark[]): Inline[] {
  return content === '' ? [] : [text(content, marks)];
}

function childrenOf(token: MarkedToken): Token[] {
  return 'tokens' in token && token.tokens ? token.tokens : [];
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function tidy(nodes: readonly Inline[]): Inline[] {
  const tidied: Inline[] = [];
  for (const node of nodes) {
    const previous = tidied.at(-1);
    if (node.type !== 'text') {
      if (node.type === 'hardBreak') trimEnd(tidied);
      tidied.push(node);
      continue;
    }
    const isFirst = previous === undefined || previous.type === 'hardBreak';
    const content = isFirst && !isCode(node) ? node.text.replace(/^[ \t]+/, '') : node.text;
    if (content === '') continue;
    if (previous?.type === 'text' && JSON.stringify(previous.marks) === JSON.stringify(node.marks))
      previous.text += content;
    else tidied.push({ ...node, text: content });
  }
  trimEnd(tidied);
  return tidied.every((node) => node.type === 'text' && node.text.trim() === '' && !isCode(node)) ? [] : tidied;
}

function trimEnd(nodes: Inline[]): void {
  const last = nodes.at(-1);
  if (last?.type !== 'text' || isCode(last)) return;
  const content = last.text.trimEnd();
  nodes.pop();
  if (content !== '') nodes.push({ ...last, text: content });
  else trimEnd(nodes);
}

function isCode(node: Inline): boolean {
  return node.type === 'text' && (node.marks?.some(({ type }) => type === 'code') ?? false);
}
