/** Of a longer remark only the last lines are shown. */
const mostLines = 40;

/**
 * The last lines of a hunk, which ends with the line that a remark is on: as many as it is about, counted on its side of
 * the diff, with what was taken out or put in between them.
 */
export function excerptOf(hunk: string, lines: number, side: 'LEFT' | 'RIGHT'): string {
  const body = hunk.split('\n').filter((line) => !line.startsWith('@@'));
  const other = side === 'LEFT' ? '+' : '-';
  let from = body.length;
  for (let left = Math.max(1, Math.min(lines, mostLines)); from > 0 && left > 0; ) {
    from--;
    if (!body[from]?.startsWith(other)) left--;
  }
  // What these lines took the place of.
  while (from > 0 && body[from - 1]?.startsWith(other)) from--;
  return body.slice(from).slice(-mostLines).join('\n');
}
