export interface CutOptions {
  /** Characters that may be left, the note included or not: a bound on what a model has to read, not a promise to the byte. */
  limit?: number;
  /** How the caller can ask for less: "pass path". Part of the note that stands where text was cut out. */
  narrow: string;
  /** Characters of one line that stay: of code and logs few, of what people write in paragraphs more. */
  longestLine?: number;
}

/** Keeps head and tail, whole lines, and says in between what was left out and how to see it. */
export function cutText(text: string, { limit = 12_000, narrow, longestLine = 400 }: CutOptions): string {
  const lines = printable(text)
    .split('\n')
    .map((line) => cutLine(line, longestLine));
  const total = lines.reduce((sum, line) => sum + line.length + 1, 0);
  if (total <= limit) return lines.join('\n');
  const head = take(lines, (limit * 2) / 3);
  const tail = take(lines.slice(head.length).reverse(), limit / 3).reverse();
  const left = lines.length - head.length - tail.length;
  return [...head, `[... ${left} lines left out; to see them, ${narrow} ...]`, ...tail].join('\n');
}

function cutLine(line: string, longest: number): string {
  if (line.length <= longest) return line;
  return `${line.slice(0, longest)} [... ${line.length - longest} more characters]`;
}

function take(lines: string[], limit: number): string[] {
  let used = 0;
  const end = lines.findIndex((line) => {
    used += line.length + 1;
    return used > limit;
  });
  return end === -1 ? lines : lines.slice(0, end);
}

/** Control characters as `^[`: what a stranger committed must not steer a terminal, and a changed line end must be seen. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, (character) => {
    return `^${String.fromCharCode(character.charCodeAt(0) ^ 64)}`;
  });
}
