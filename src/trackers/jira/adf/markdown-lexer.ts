import { Lexer, type Token, Tokenizer, type Tokens } from 'marked';
import { findAddress } from './markdown-text.ts';

/** Lists and quotes within each other; what is nested more deeply stays text. */
const mostNested = 16;
/** Of one run of text, and of marks in it: the library needs quadratic time for them. Longer runs are read in slices. */
const mostCharacters = 8_000;
const mostMarks = 1_000;
/** Of text that is read in one piece: the library needs quadratic time for it. Twice what Jira takes of one text. */
const mostAtOnce = 64_000;
const mostColumns = 100;
const mostCells = 5_000;

export interface Details {
  type: 'details';
  raw: string;
  summary: string;
  tokens: Token[];
}

/**
 * The library's tokens of a text, with `<details>` as a token of its own. Time grows in proportion to the text. Neither blocks of
 * HTML nor link definitions are known: both hide text, and a line such as `[INFO]: done` is one.
 */
export function lexMarkdown(markdown: string): Token[] {
  const tab = ['\ue000', '\ue001', '\ue002', '\ue003'].find((one) => !markdown.includes(one)) ?? '    ';
  const tokens = chunksOf(markdown).flatMap((chunk): Token[] => {
    const lexer = new SlicingLexer({ gfm: true, breaks: true, tokenizer: new GuardedTokenizer() });
    return lexer.lex(keepTabs(chunk, tab));
  });
  return markdown.includes('\t') ? tokens.map((token) => restoreTabs(token, tab)) : tokens;
}

class SlicingLexer extends Lexer {
  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    for (const slice of slicesOf(source)) super.inlineTokens(slice, tokens);
    return tokens;
  }
}

class GuardedTokenizer extends Tokenizer {
  private depth = 0;
  /** Texts of these lengths, from and to, begin within a table that is too large, which is not measured again. */
  private tooLarge = [0, 0];

  override blockquote(source: string): Tokens.Blockquote | undefined {
    return this.nested(() => super.blockquote(source));
  }

  override list(source: string): Tokens.List | undefined {
    return this.nested(() => super.list(source));
  }

  override html(source: string): Tokens.HTML | undefined {
    const comment = /^ {0,3}<!--(?:-?>|[\s\S]{0,4000}?-->)[ \t]*(?:\n+|$)/.exec(source);
    if (comment) return { type: 'html', block: true, raw: comment[0], pre: false, text: '' };
    if (!/^ {0,3}<details\b/i.test(source)) return undefined;
    return this.nested(() => this.details(source) as unknown as Tokens.HTML);
  }

  override def(): undefined {}

  /** As CommonMark has it; the library adds a line to code that ends with an empty one. */
  override fences(source: string): Tokens.Code | undefined {
    const open = /^( {0,3})(`{3,}(?=[^`\n]*(?:\n|$))|~{3,})([^\n]*)(?:\n|$)/.exec(source);
    if (!open) return undefined;
    const [head, indent = '', mark = '', info = ''] = open;
    const code: string[] = [];
    let at = head.length;
    let isOpen = true;
    while (isOpen && at < source.length) {
      const newline = source.indexOf('\n', at);
      const line = source.slice(at, newline === -1 ? source.length : newline);
      at += line.length + 1;
      isOpen = !isClosing(line, mark);
      if (isOpen) code.push(line.startsWith(indent) ? line.slice(indent.length) : line.trimStart());
    }
    const text = isOpen ? code.join('\n').trimEnd() : code.join('\n');
    return { type: 'code', raw: source.slice(0, at), lang: info.trim(), text };
  }

  override table(source: string): Tokens.Table | undefined {
    const [, head = '', rule = ''] = /^([^\n]*\|[^\n]*)\n([ |:-]+)(?:\n|$)/.exec(source) ?? [];
    const columns = head.split('|').length;
    const [from = 0, to = 0] = this.tooLarge;
    if (rule === '' || columns > mostColumns || (source.length > from && source.length < to)) return undefined;
    let at = head.length + rule.length + 2;
    for (let rows = 2; rows * columns <= mostCells; rows++) {
      const end = source.indexOf('\n', at);
      if (end === -1 || source.slice(at, end).trim() === '')
        return this.wholeTable(source, source.slice(0, end === -1 ? source.length : at), rule);
      at = end + 1;
    }
    this.tooLarge = [source.length - at, source.length];
    return undefined;
  }

  /** The library drops what a row has more than the head: there bars are text, those within code first. */
  private wholeTable(source: string, region: string, rule: string): Tokens.Table | undefined {
    const columns = rule
      .trim()
      .replace(/^\||\|$/g, '')
      .split('|').length;
    const lines = region.split('\n');
    const kept = lines.map((line, index) => (index === 1 ? line : keepCells(line, columns)));
    if (kept.every((line, index) => line === lines[index])) return super.table(source);
    const token = super.table(kept.join('\n'));
    if (!token) return undefined;
    const used = token.raw.split('\n');
    const raw = used.map((line, index) => (line === '' ? '' : (lines[index] ?? ''))).join('\n');
    return { ...token, raw };
  }

  override url(source: string): Tokens.Link | undefined {
    const found = /^https?:/.test(source) ? findAddress(source) : null;
    if (found?.at !== 0) return undefined;
    const { url } = found;
    return { type: 'link', raw: url, text: url, href: url, tokens: [{ type: 'text', raw: url, text: url }] };
  }

  private nested<T>(read: () => T): T | undefined {
    if (this.depth >= mostNested) return undefined;
    this.depth++;
    try {
      return read();
    } finally {
      this.depth--;
    }
  }

  /** Up to its own end, or to the text's where it has none. Ends within code are none. */
  private details(source: string): Details {
    const open = /^ {0,3}<details\b[^>]*>\s*(?:<summary\b[^>]*>([\s\S]*?)<\/summary>)?/i.exec(source);
    const from = open?.[0].length ?? 0;
    const { body, length } = bodyOf(source, from);
    const tokens = this.lexer.blockTokens(body.replace(/^(?:[ \t]*\n)+/, '').trimEnd(), []);
    return { type: 'details', raw: source.slice(0, length), summary: open?.[1] ?? '', tokens };
  }
}

function keepCells(line: string, columns: number): string {
  const bars = /(?<!\\)\|/g;
  const inner = line.trim().replace(/^\||(?<!\\)\|$/g, '');
  const tooMany = (text: string) => (text.match(bars)?.length ?? 0) >= columns;
  if (!tooMany(inner)) return line;
  const coded = inner.replace(/(?<!`)(`+)(?!`)[^`]*(?<!`)\1(?!`)/g, (code) => code.replace(bars, '\\|'));
  let seen = 0;
  return `|${coded.replace(bars, (bar) => (++seen < columns ? bar : '\\|'))}|`;
}

function bodyOf(source: string, from: number): { body: string; length: number } {
  let open = 1;
  let fence = '';
  let at = from;
  while (at < source.length) {
    const newline = source.indexOf('\n', at);
    const end = newline === -1 ? source.length : newline + 1;
    const line = source.slice(at, end);
    if (fence !== '') fence = isClosing(line.replace(/^[ >]*/, ''), fence) ? '' : fence;
    else if (openingOf(line)) fence = openingOf(line)?.mark ?? '';
    else {
      if (/^ {0,3}<details\b/i.test(line)) open++;
      const tag = /^( {0,3}|[^`]*(?<!\\))<\/details\s*>[ \t]*\n?$/i.exec(line);
      if (tag && --open === 0) {
        const close = at + (tag[1]?.length ?? 0);
        return { body: source.slice(from, close), length: end };
      }
    }
    at = end;
  }
  return { body: source.slice(from), length: source.length };
}

/** Cuts at an empty line if there is one, never within code without ending it and beginning it again. */
function chunksOf(markdown: string): string[] {
  if (markdown.length <= mostAtOnce) return [markdown];
  const chunks: string[] = [];
  let chunk: string[] = [];
  let size = 0;
  let border = 0;
  let fence: { prefix: string; mark: string; line: string } | null = null;
  const cut = (at: number, ...ending: string[]) => {
    chunks.push([...chunk.slice(0, at), ...ending].join('\n'));
    chunk = chunk.slice(at);
    size = chunk.reduce((sum, line) => sum + line.length + 1, 0);
    border = 0;
  };
  for (const line of markdown.split('\n')) {
    chunk.push(line);
    size += line.length + 1;
    const opened: ReturnType<typeof openingOf> = fence === null ? openingOf(line) : null;
    if (opened) fence = { ...opened, line };
    else if (fence !== null && isClosing(line.replace(/^[\s>]*/, ''), fence.mark)) fence = null;
    if (fence === null && line.trim() === '') border = chunk.length;
    if (size < mostAtOnce) continue;
    if (border > 0) cut(border);
    else if (fence === null) cut(chunk.length);
    else {
      cut(chunk.length, fence.prefix + fence.mark);
      chunk.push(fence.line);
    }
  }
  cut(chunk.length);
  return chunks;
}

/** Cuts where a line ends, else at a space, so that marks are seldom torn apart. */
function slicesOf(source: string): string[] {
  if (source.length <= mostCharacters && (source.match(/[\\`*_~[\]<>!@:]/g)?.length ?? 0) <= mostMarks) return [source];
  const slices: string[] = [];
  let start = 0;
  let space = 0;
  let line = 0;
  let seen = 0;
  for (let at = 0; at < source.length; at++) {
    const character = source[at] ?? '';
    if (character === ' ') space = at + 1;
    else if (character === '\n' || (character === '>' && source.startsWith('<br', at - 3))) line = at + 1;
    if ('\\`*_~[]<>!@:'.includes(character)) seen++;
    const isInPair = /[\udc00-\udfff]/.test(source[at + 1] ?? '') || character === '\\';
    if ((at - start + 1 < mostCharacters && seen < mostMarks) || isInPair) continue;
    const cut = line > start ? line : space > start ? space : at + 1;
    slices.push(source.slice(start, cut));
    seen = 0;
    start = cut;
    at = cut - 1;
  }
  slices.push(source.slice(start));
  return slices.filter((slice) => slice !== '');
}

/** Code begins in this line, after what quotes and lists stand before it. */
function openingOf(line: string): { prefix: string; mark: string } | null {
  const found = /^([ \t]*(?:(?:[-+*>]|\d{1,9}[.)])[ \t]*)*)(`{3,}(?=[^`]*$)|~{3,})/.exec(line);
  return found ? { prefix: (found[1] ?? '').replace(/[^\t>]/g, ' '), mark: found[2] ?? '' } : null;
}

function isClosing(line: string, mark: string): boolean {
  const found = /^ {0,3}(`{3,}|~{3,})[ \t]*\n?$/.exec(line)?.[1];
  return found?.startsWith(mark) ?? false;
}

/** The library makes spaces of tabs within lists, in code too: there they go in disguise. */
function keepTabs(markdown: string, tab: string): string {
  let fence: { prefix: string; mark: string } | null = null;
  const lines = markdown.split('\n').map((line) => {
    if (fence === null) {
      fence = openingOf(line);
      return line;
    }
    if (isClosing(line.replace(/^[\s>]*/, ''), fence.mark)) {
      fence = null;
      return line;
    }
    let kept = 0;
    while (kept < fence.prefix.length && line[kept] === fence.prefix[kept]) kept++;
    return line.slice(0, kept) + line.slice(kept).replaceAll('\t', tab);
  });
  return lines.join('\n');
}

function restoreTabs<T>(value: T, tab: string): T {
  if (typeof value === 'string') return value.replaceAll(tab, '\t') as T;
  if (Array.isArray(value)) return value.map((one) => restoreTabs(one, tab)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, restoreTabs(one, tab)])) as T;
}
