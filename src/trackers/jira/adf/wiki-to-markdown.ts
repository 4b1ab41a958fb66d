import { codeSpan, escapeText, linkTarget, protectLines } from './markdown-text.ts';

/** Inline markup is read in lines of this length at most; longer ones stay text. */
const longestLine = 5_000;

/** Panels and quotes within each other; what is deeper stays text. */
const mostNested = 8;

/**
 * Jira's older markup, as webhooks and old descriptions have it, as Markdown. At best effort: what is not known, or torn, stays text.
 * Never throws and loses no text.
 */
export function wikiToMarkdown(wiki: string): string {
  const clean = wiki.replace(/\r\n?/g, '\n').replaceAll('\u0000', '\ufffd');
  return writeBlocks(clean, 0)
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

const opening = /^[ \t]*\{(code|noformat|quote|panel)(?::([^}\n]*))?\}/;

function writeBlocks(wiki: string, depth: number): string {
  const blocks: string[] = [];
  const lines = wiki.split('\n');
  const unclosed = new Set<string>();
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const macro = depth < mostNested ? macroAt(lines, at, unclosed) : null;
    if (macro) {
      blocks.push(writeMacro(macro, depth));
      lines[macro.last] = macro.rest;
      at = macro.rest.trim() === '' ? macro.last + 1 : macro.last;
      continue;
    }
    const torn = tornAt(line);
    if (torn && depth < mostNested && !unclosed.has(torn.name)) {
      blocks.push(writeGroup([torn.before]));
      lines[at] = torn.rest;
      continue;
    }
    const kind = kindOf(line);
    const isGroup = kind === 'list' || kind === 'table' || kind === 'text';
    let end = at + 1;
    while (isGroup && end < lines.length && kindOf(lines[end] ?? '') === kind && !hasMacro(lines[end] ?? '')) end++;
    blocks.push(writeGroup(lines.slice(at, end)));
    at = end;
  }
  return blocks.filter((block) => block !== '').join('\n\n');
}

function writeGroup(lines: readonly string[]): string {
  const [line = ''] = lines;
  const kind = kindOf(line);
  if (kind === 'list') return writeList(lines);
  if (kind === 'table') return writeTable(lines);
  if (kind === 'text') return writeText(lines);
  return kind === 'empty' ? '' : writeLine(line, kind);
}

function hasMacro(line: string): boolean {
  return opening.test(line) || tornAt(line) !== null;
}

/** A macro that begins within a line and does not end there. */
function tornAt(line: string): { before: string; rest: string; name: string } | null {
  const found = /\{(code|noformat|quote|panel)(?::[^}\n]{0,300})?\}/.exec(line);
  const [whole = '', name = ''] = found ?? [];
  if (!found || line.includes(`{${name}}`, found.index + whole.length)) return null;
  const before = line.slice(0, found.index);
  return before.trim() === '' ? null : { before, rest: line.slice(found.index), name };
}

type Kind = 'empty' | 'heading' | 'rule' | 'quote' | 'list' | 'table' | 'text';

function kindOf(line: string): Kind {
  if (line.trim() === '') return 'empty';
  if (/^\s*h[1-6]\.\s/.test(line)) return 'heading';
  if (/^\s*-{4,5}\s*$/.test(line)) return 'rule';
  if (/^\s*bq\.\s/.test(line)) return 'quote';
  if (/^\s*(?:[*#]+|-)\s+\S/.test(line)) return 'list';
  if (/^\s*\|.*\|\s*$/.test(line)) return 'table';
  return 'text';
}

function writeLine(line: string, kind: Kind): string {
  if (kind === 'rule') return '---';
  if (kind === 'quote') return `> ${writeInline(line.replace(/^\s*bq\.\s+/, ''))}`;
  const [, level = '1', title = ''] = /^\s*h([1-6])\.\s+(.*)$/.exec(line) ?? [];
  return `${'#'.repeat(Number(level))} ${writeInline(title.trim()).replace(/(^|\s)(#+)$/, '$1\\$2')}`;
}

/** A line break is one in wiki markup. */
function writeText(lines: readonly string[]): string {
  return protectLines(lines.map((line) => writeInline(line.trim())).join('\\\n'));
}

interface Macro {
  name: string;
  options: string;
  body: string;
  last: number;
  rest: string;
}

/** A macro that begins a line, up to its own end; null where it has none. `unclosed` have none from here on. */
function macroAt(lines: readonly string[], at: number, unclosed: Set<string>): Macro | null {
  const line = lines[at] ?? '';
  const [begin = '', name = '', options = ''] = opening.exec(line) ?? [];
  if (name === '' || unclosed.has(name)) return null;
  const end = `{${name}}`;
  const first = line.slice(begin.length);
  const same = first.indexOf(end);
  if (same !== -1) return { name, options, body: first.slice(0, same), last: at, rest: first.slice(same + end.length) };
  let last = at + 1;
  while (last < lines.length && !lines[last]?.includes(end)) last++;
  if (last === lines.length) {
    unclosed.add(name);
    return null;
  }
  const closing = lines[last] ?? '';
  const cut = closing.indexOf(end);
  const body = [first, ...lines.slice(at + 1, last), closing.slice(0, cut)].join('\n');
  return { name, options, body, last, rest: closing.slice(cut + end.length) };
}

function writeMacro({ name, options, body }: Macro, depth: number): string {
  const title = /(?:^|\|)title=([^|]*)/.exec(options)?.[1]?.trim() ?? '';
  const head = title === '' ? '' : `**${escapeText(title)}**`;
  if (name === 'quote') return quoted(writeBlocks(body, depth + 1));
  if (name === 'panel') return quoted([head, writeBlocks(body, depth + 1)].filter((part) => part !== '').join('\n\n'));
  const language = /(?:^|\|)language=([\w+#-]+)/.exec(options)?.[1] ?? /^([\w+#-]+)(?:\||$)/.exec(options)?.[1] ?? '';
  const longest = (body.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  const code = body.replace(/^[ \t]*\n/, '').replace(/\n[ \t]*$/, '');
  const written = `${fence}${name === 'code' ? language : ''}\n${code}\n${fence}`;
  return head === '' ? written : `${head}\n\n${written}`;
}

function quoted(content: string): string {
  return content
    .split('\n')
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n');
}

/** `**` is one below `*`; a mixed `#*` is a bullet below a number. */
function writeList(lines: readonly string[]): string {
  const numbers: number[] = [];
  const widths: number[] = [];
  return lines
    .map((line) => {
      const [, marks = '-', content = ''] = /^\s*([*#]+|-)\s+(.*)$/.exec(line) ?? [];
      const depth = Math.min(marks.length, widths.length + 1, 20);
      widths.length = depth - 1;
      numbers.length = Math.min(numbers.length, depth);
      const isNumber = marks.endsWith('#');
      numbers[depth - 1] = isNumber ? (numbers[depth - 1] ?? 0) + 1 : 0;
      const marker = isNumber ? `${numbers[depth - 1]}.` : '-';
      const indent = widths.reduce((sum, width) => sum + width, 0);
      widths.push(marker.length + 1);
      return `${' '.repeat(indent)}${marker} ${protectLines(writeInline(content.trim()))}`;
    })
    .join('\n');
}

/** `||` begins a cell that is a heading, `|` any other; bars within links are none. */
function writeTable(lines: readonly string[]): string {
  const rows = lines.map((line) => {
    const bare = line.trim().replace(/\[[^\]\n]*\]/g, (link) => link.replaceAll('|', '\u0001'));
    const isHead = bare.startsWith('||');
    const inner = bare.replace(/^\|+/, '').replace(/\|+$/, '');
    const cells = inner
      .split(isHead ? /\|\|?/ : '|')
      .map((cell) => writeInline(cell.replaceAll('\u0001', '|').trim()).replaceAll('|', '\\|'));
    return { isHead, cells };
  });
  const width = rows.reduce((most, { cells }) => Math.max(most, cells.length), 1);
  const write = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const [top] = rows;
  const head = top?.isHead ? top.cells : [];
  const body = top?.isHead ? rows.slice(1) : rows;
  const filled = [...head, ...Array<string>(width - head.length).fill('')];
  return [write(filled), write(Array<string>(width).fill('---')), ...body.map(({ cells }) => write(cells))].join('\n');
}

/** What a line is made of, in the order in which it is looked for. Each alternative takes time in proportion to the line. */
const markup = new RegExp(
  [
    String.raw`\\\\`,
    String.raw`\\(?<escaped>[!-/:-@[-\x60{-~])`,
    String.raw`\{\{(?<mono>[^\n{}]{1,500})\}\}`,
    String.raw`\{(?:code|noformat)(?::[^}\n]{0,100})?\}(?<raw>[^{\n]{1,500})\{(?:code|noformat)\}`,
    String.raw`\[~(?:accountid:)?(?<person>[\w:.@+-]{1,200})\]`,
    String.raw`\[(?:(?<label>[^\]|\n[]{1,500})\|)?(?<target>(?:https?|ftp|mailto|file):[^\]|\s]{1,500}|[#^/][^\]|\n]{1,500})(?:\|[^\]\n]{0,100})?\]`,
    String.raw`!(?<file>[^!|\s][^!|\n]{0,300}\.\w{1,8})(?:\|[^!\n]{0,200})?!`,
    String.raw`\{color(?::[^}\n]{0,40})?\}|\{(?:anchor|toc)(?::[^}\n]{0,100})?\}`,
    String.raw`(?<![\p{L}\p{N}*])\*(?<strong>[^\s*](?:[^*\n]{0,500}[^\s*])?)\*(?![\p{L}\p{N}*])`,
    String.raw`(?<![\p{L}\p{N}_])_(?<em>[^\s_](?:[^_\n]{0,500}[^\s_])?)_(?![\p{L}\p{N}_])`,
    String.raw`(?<![\p{L}\p{N}-])-(?<strike>[^\s-](?:[^-\n]{0,500}[^\s-])?)-(?![\p{L}\p{N}-])`,
    String.raw`(?<![\p{L}\p{N}+])\+(?<under>[^\s+](?:[^+\n]{0,500}[^\s+])?)\+(?![\p{L}\p{N}+])`,
    String.raw`(?<![\p{L}\p{N}?])\?\?(?<cite>[^\s?](?:[^?\n]{0,500}[^\s?])?)\?\?`,
    String.raw`(?<url>https?:\/\/[^\s<>"|\]\[{}*\\^\x60]+)`,
  ].join('|'),
  'gu',
);

function writeInline(line: string, depth = 0): string {
  if (line.length > longestLine || depth > 4) return escapeText(line);
  let written = '';
  let at = 0;
  for (const found of line.matchAll(markup)) {
    written += escapeText(line.slice(at, found.index)) + writeMarkup(found, depth);
    at = found.index + found[0].length;
  }
  return written + escapeText(line.slice(at));
}

function writeMarkup(found: RegExpMatchArray, depth: number): string {
  const { escaped, mono, raw, person, label, target, file, strong, em, strike, under, cite, url } = found.groups ?? {};
  if (escaped !== undefined) return escapeText(escaped);
  if (mono !== undefined || raw !== undefined) return codeSpan(mono ?? raw ?? '');
  if (person !== undefined) return `@[${escapeText(person, true)}](${person})`;
  if (target !== undefined) return link(label, target);
  if (file !== undefined)
    return /^https?:/.test(file)
      ? link(file, file)
      : `![${escapeText(file, true)}](${linkTarget(encodeURI(`attachment:${file.toWellFormed()}`))})`;
  if (strong !== undefined) return `**${writeInline(strong, depth + 1)}**`;
  if (em !== undefined) return `_${writeInline(em, depth + 1)}_`;
  if (strike !== undefined) return `~~${writeInline(strike, depth + 1)}~~`;
  if (under !== undefined) return `<u>${writeInline(under, depth + 1)}</u>`;
  if (cite !== undefined) return `_${writeInline(cite, depth + 1)}_`;
  if (url !== undefined) return `<${url}>`;
  return found[0] === '\\\\' ? '<br>' : '';
}

function link(label: string | undefined, target: string): string {
  if (label === undefined && /^https?:/.test(target)) return `<${target}>`;
  return `[${escapeText(label ?? target, true)}](${linkTarget(target)})`;
}
