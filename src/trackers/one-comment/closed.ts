/** Begins and ends code, in a list or a quote too. */
const fence = /^((?:\s|[-+*>](?=[\s>])|\d{1,9}[.)](?=\s))*)(`{3,}(?!.*`)|~{3,})(.*)$/;
const item = /^\s*(?:[-+*]|\d{1,9}[.)])\s/;

interface Code {
  /** What the line before it stands in, as its last line has to have it. */
  within: string;
  mark: string;
  isInList: boolean;
}

/**
 * Markdown of others, perhaps cut short, that ends what it begins and nothing else: code or a fold that is left open would swallow
 * what stands after it, and one that is closed too often would end ours.
 */
export function closed(text: string): string {
  let code: Code | null = null;
  let hasList = false;
  let folds = 0;
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const [, before = '', mark, after = ''] = fence.exec(line) ?? [];
    if (code && isWithin(line, code)) {
      if (mark?.startsWith(code.mark) && after.trim() === '') code = null;
      lines.push(line);
      continue;
    }
    hasList ||= item.test(line);
    const isInList = hasList && before.length > 1;
    code = mark === undefined ? null : { within: before.replace(/[^\s>]/g, ' '), mark, isInList };
    const isFold = code === null && /^ {0,3}<details\b/i.test(line);
    if (isFold) folds += 1;
    const ends = code === null && /^[^`]*<\/details\b/i.test(line);
    lines.push(ends && folds === 0 ? line.replace(/<(?=\/details\b)/gi, '&lt;') : line);
    if (ends && folds > 0) folds -= 1;
  }
  if (code) lines.push(code.within + code.mark);
  return [...lines, ...Array<string>(folds).fill('\n</details>')].join('\n');
}

/** A list or a quote that ends, ends the code in it. */
function isWithin(line: string, { within, isInList }: Code): boolean {
  if (within.includes('>')) return /^\s*>/.test(line);
  return !isInList || line.trim() === '' || line.search(/\S/) >= within.length;
}
