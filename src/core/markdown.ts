import { cutMiddle, grouped } from './cut-text.ts';
import { cleanMarkdown, cleanText, dropHidden, shorten } from './outgoing-text.ts';

/*
 * Parts of Markdown made of words that are not ours.
 */

export function list(items: readonly string[], most: number, limit: number): string {
  const shown = items.slice(0, most).map((item) => `- ${cleanMarkdown(item, limit).replaceAll('\n', '\n  ')}`);
  return [...shown, ...(items.length > most ? [`- … and ${items.length - most} more`] : [])].join('\n');
}

/** A fence that the text itself can't close; of a long text its beginning and its end. `language`: a word of letters and digits. */
export function fenced(text: string, limit: number, language = ''): string {
  const shown = cutMiddle(dropHidden(text).trimEnd(), limit, (leftOut) => `[${grouped(leftOut)} characters left out]`);
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${shown}\n${fence}`;
}

/** One line that is rendered as Markdown, perhaps in a table. */
export function inline(text: string, limit: number): string {
  return cleanText(text, limit)
    .replaceAll('|', '\\|')
    .replace(/<(?=[a-z/!?])/gi, '&lt;');
}

/** A piece of code on one line, whatever stands in it. */
export function codeSpan(text: string, limit: number): string {
  const line = shorten(
    dropHidden(text.slice(0, 4 * limit))
      .replace(/\s+/g, ' ')
      .trim(),
    limit,
  );
  if (!line.includes('`')) return `\`${line}\``;
  const longest = Math.max(...[...line.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks} ${line} ${ticks}`;
}

/** With what stands after it. A line of code between three backticks is none. */
const fence = /^\s*(`{3,}(?!.*`)|~{3,})(.*)$/;

export function isFence(line: string): boolean {
  return fence.test(line);
}

/**
 * Line by line, whether it stands in fenced code; its fences do, too. A fence is closed by one of its kind that is as long: what
 * stands in it may be shorter ones.
 */
export function createFenceReader(): (line: string) => boolean {
  let open: string | null = null;
  return (line) => {
    const [, mark, after = ''] = fence.exec(line) ?? [];
    const isCode = open !== null || mark !== undefined;
    if (open === null) open = mark ?? null;
    else if (mark?.startsWith(open) && after.trim() === '') open = null;
    return isCode;
  };
}
