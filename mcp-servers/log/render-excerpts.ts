import { withoutUnseen } from './clean-line.ts';
import type { Excerpt } from './collect-excerpts.ts';
import type { LogLine } from './log-line.ts';
import { redactSecrets } from './redact-secrets.ts';

export interface RenderOptions {
  /** Between which lines a gap is told. */
  seen: { from: number; to: number } | null;
  maxBytes: number;
  secrets: readonly string[];
}

const longestLine = 500;

/** Of a note that tells a gap; each excerpt may make one, and there is one at either end. */
const noteBytes = 60;

/** The lines of all excerpts that there is room for, in their order, with notes where some are missing. */
export function renderExcerpts(excerpts: Excerpt[], { seen, maxBytes, secrets }: RenderOptions): string {
  if (seen === null) return '';
  const chosen = new Map<number, { line: LogLine; text: string }>();
  let left = maxBytes - 2 * noteBytes;
  for (const { lines, share } of excerpts) {
    let room = Math.min(left, share * maxBytes) - noteBytes;
    for (const line of lines) {
      if (chosen.has(line.number)) continue;
      const text = showLine(line, secrets);
      const cost = Buffer.byteLength(text) + 1;
      if (cost > room) break;
      if (room === Math.min(left, share * maxBytes) - noteBytes) left -= noteBytes;
      chosen.set(line.number, { line, text });
      room -= cost;
      left -= cost;
    }
  }
  const shown: string[] = [];
  let next = seen.from;
  for (const { line, text } of [...chosen.values()].sort((a, b) => a.line.number - b.line.number)) {
    if (line.number > next) shown.push(tellGap(next, line.number - 1));
    shown.push(text);
    next = (line.last ?? line.number) + 1;
  }
  if (next <= seen.to) shown.push(tellGap(next, seen.to));
  return shown.join('\n');
}

function tellGap(from: number, to: number): string {
  return from === to ? `[... line ${from} left out ...]` : `[... lines ${from}-${to} left out ...]`;
}

/** Secrets first: half of one, left by a cut, would not be known any more. */
function showLine({ text }: LogLine, secrets: readonly string[]): string {
  const safe = redactSecrets(withoutUnseen(text), secrets);
  if (safe.length <= longestLine) return safe;
  return `${safe.slice(0, longestLine).toWellFormed()} [... rest of the line left out]`;
}
