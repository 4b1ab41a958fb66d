export interface Edit {
  oldText: string;
  newText: string;
}

export type Replaced = { text: string; added: number; removed: number } | { problem: string };

/**
 * Makes all edits, each against the text as it was, or none and says why. In a file whose every line ends in CRLF, line
 * ends match and stay CRLF, because models write LF.
 */
export function replaceExactly(text: string, edits: Edit[]): Replaced {
  const crlf = text.includes('\r\n') && !/(^|[^\r])\n/.test(text);
  const adapt = (part: string) => (crlf ? part.replace(/\r?\n/g, '\r\n') : part);
  const places: { start: number; end: number; newText: string; number: number }[] = [];
  for (const [index, edit] of edits.entries()) {
    const number = index + 1;
    const which = edits.length === 1 ? 'oldText' : `oldText of edit ${number}`;
    const oldText = adapt(edit.oldText);
    const newText = adapt(edit.newText);
    if (oldText === '')
      return { problem: `The ${which} is empty. Give the text to replace, or use write for a new file.` };
    if (oldText === newText) return { problem: `The ${which} is the same as its newText.` };
    const found = occurrences(text, oldText);
    const [start] = found;
    if (start === undefined) return { problem: `The ${which} was not found. ${nearest(text, oldText)}` };
    if (found.length > 1) {
      const lines = found.slice(0, 10).map((at) => lineAt(text, at));
      return {
        problem: `The ${which} occurs ${found.length} times, at ${lines.length === 1 ? 'line' : 'lines'} ${lines.join(', ')}${found.length > 10 ? ', ...' : ''}. Add lines around it until it occurs once.`,
      };
    }
    places.push({ start, end: start + oldText.length, newText, number });
  }
  places.sort((a, b) => a.start - b.start);
  const overlap = places.findIndex((place, index) => place.start < (places[index - 1]?.end ?? 0));
  if (overlap > 0)
    return { problem: `Edits ${places[overlap - 1]?.number} and ${places[overlap]?.number} overlap. Make them one.` };

  const parts: string[] = [];
  let from = 0;
  let added = 0;
  let removed = 0;
  for (const { start, end, newText } of places) {
    parts.push(text.slice(from, start), newText);
    const change = changedLines(text.slice(start, end), newText);
    added += change.added;
    removed += change.removed;
    from = end;
  }
  return { text: parts.join('') + text.slice(from), added, removed };
}

function occurrences(text: string, part: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) found.push(at);
  return found;
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', end + 1)) line += 1;
  return line;
}

/** Lines of the old and new text that are not common to their beginnings and ends. */
function changedLines(oldText: string, newText: string): { added: number; removed: number } {
  const before = linesOf(oldText);
  const after = linesOf(newText);
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return { added: after.length - head - tail, removed: before.length - head - tail };
}

function linesOf(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

const shownLines = 12;

/** The place in the file that is most like the text, whitespace aside, as it really is. */
function nearest(text: string, oldText: string): string {
  const lines = text.split('\n');
  const bare = lines.map(squeeze);
  const wanted = oldText.split('\n').map(squeeze);
  while (wanted.length > 1 && wanted[0] === '') wanted.shift();
  while (wanted.length > 1 && wanted.at(-1) === '') wanted.pop();
  const sought = wanted.slice(0, 50);
  let best = { at: 0, score: 0 };
  for (let at = 0; at < bare.length; at++) {
    let score = 0;
    for (const [index, line] of sought.entries()) {
      const candidate = bare[at + index];
      if (candidate === undefined || line === '') continue;
      if (candidate === line) score += 2;
      else if (candidate !== '' && (candidate.includes(line) || line.includes(candidate))) score += 1;
    }
    if (score > best.score) best = { at, score };
  }
  if (best.score === 0) return 'Nothing in the file is like it: read the file again.';
  const end = Math.min(best.at + Math.min(sought.length, shownLines), lines.length);
  const shown = lines.slice(best.at, end).map((line) => line.slice(0, 300).replace(/\r$/, ''));
  const where = end - best.at === 1 ? `line ${best.at + 1}` : `lines ${best.at + 1}-${end}`;
  return `The nearest is ${where}, exactly:\n${shown.join('\n')}`;
}

function squeeze(line: string): string {
  return line.replace(/\s+/g, ' ').trim();
}
