/** Without comments, line for line, so that numbers stay true. What looks like a comment inside a string may go with them. */
export function withoutComments(text: string, path: string): string {
  if (/\.(py|rb|sh|bash|zsh|bats|ex|exs|mk)$|(^|\/)[^./]+$/.test(path))
    return text.replace(/(^|\s)#(?![!{]).*$/gm, '$1');
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|[\s;{}(),])\/\/.*$/gm, '$1');
}

export interface Line {
  number: number;
  text: string;
}

/** The lines of `head` that `base` does not hold; a line that only moved is not among them. */
export function addedLines(base: string | null, head: string): Line[] {
  const left = new Map<string, number>();
  for (const line of (base ?? '').split('\n')) left.set(line.trim(), (left.get(line.trim()) ?? 0) + 1);
  return head.split('\n').flatMap((line, index) => {
    const text = line.trim();
    const count = left.get(text) ?? 0;
    if (count > 0) left.set(text, count - 1);
    return text && count === 0 ? [{ number: index + 1, text }] : [];
  });
}

/** The text from `start` to the bracket that closes the first one opened; at most 4,000 characters. */
export function balanced(text: string, start: number): string {
  let depth = 0;
  let quote = '';
  for (let at = start; at < text.length && at - start < 4000; at++) {
    const char = text[at] ?? '';
    if (quote) {
      if (char === '\\') at++;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'" || char === '`') quote = char;
    else if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char) && --depth === 0) return text.slice(start, at + 1);
  }
  return text.slice(start, start + 4000);
}

export function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}
