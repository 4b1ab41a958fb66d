import type { LogLine } from './log-line.ts';
import type { Rank } from './rank-line.ts';

/** Lines of which as many are shown, from the first on, as there is room for. */
export interface Excerpt {
  /** The most important first. */
  lines: LogLine[];
  /** Of all the room there is, 0 to 1. */
  share: number;
}

export interface Excerpts {
  /** The most important first; one line may be in several. */
  excerpts: Excerpt[];
  errorLine: number | null;
  /** The first and the last line that were added; null: none was. */
  seen: { from: number; to: number } | null;
}

/** What stands around a line that tells of a failure. */
interface Window {
  rank: number;
  hit: LogLine;
  before: LogLine[];
  after: LogLine[];
  /** Of `after`: how much it still takes. */
  left: number;
}

const windowsPerRank = 4;

/** What is outside the step that failed comes after all that is in it. */
const outsideStep = 4;

/** Of each line before the hit, how many after it: a report goes on, and what led to an exit code stands before it. */
const linesAfter: Record<Rank, number> = { 0: 3, 1: 3, 2: 2, 3: 0.34 };

/**
 * Goes along with a log of any length and keeps what may have to be shown of it: how it begins and ends, and what stands
 * around its most telling lines. Holds a small multiple of `maxBytes`.
 */
export function collectExcerpts(maxBytes: number) {
  const head = createLines(maxBytes);
  const recent = createLines(maxBytes);
  const windows: Window[] = [];
  let open: Window[] = [];
  let stepTail: LogLine[] | null = null;
  let last: LogLine | null = null;
  let first: number | null = null;

  function openWindow(hit: LogLine, rank: number): void {
    if (open.some((window) => window.rank <= rank)) return;
    const peers = windows.filter((window) => window.rank === rank).length;
    if (peers === windowsPerRank) return;
    const size = peers === 0 ? maxBytes / 2 : maxBytes / 8;
    const window = { rank, hit, before: recent.newest(size), after: [], left: size };
    windows.push(window);
    open.push(window);
  }

  return {
    add(line: LogLine): void {
      first ??= line.number;
      if (last?.isInStep && !line.isInStep) stepTail = recent.newest(maxBytes);
      last = line;
      if (open.length > 0) {
        const cost = costOf(line);
        for (const window of open) {
          window.after.push(line);
          window.left -= cost;
        }
        open = open.filter((window) => window.left > 0);
      }
      if (line.rank !== null) openWindow(line, line.rank + (line.isInStep ? 0 : outsideStep));
      head.addOldest(line);
      recent.addNewest(line);
    },

    choose(part: 'error' | 'tail' | 'head'): Excerpts {
      const tail = (last?.isInStep ? null : stepTail) ?? recent.newest(maxBytes);
      const seen = first === null || last === null ? null : { from: first, to: last.last ?? last.number };
      const newestFirst = { lines: tail.toReversed(), share: 1 };
      const oldestFirst = { lines: head.all(), share: 1 };
      if (part === 'head' || head.isAll()) return { excerpts: [oldestFirst], errorLine: hitOf(windows), seen };
      if (part === 'tail')
        return { excerpts: [{ ...newestFirst, lines: recent.all().toReversed() }], errorLine: null, seen };
      const [cause, ...others] = windows.toSorted((a, b) => a.rank - b.rank || a.hit.number - b.hit.number);
      if (cause === undefined)
        return { excerpts: [{ ...newestFirst, share: 0.6 }, oldestFirst], errorLine: null, seen };
      const excerpts = [
        { lines: spread(cause), share: 0.5 },
        { ...newestFirst, share: 0.15 },
        ...others.map((window) => ({ lines: spread(window), share: 0.12 })),
        { lines: spread(cause), share: 1 },
        newestFirst,
      ];
      return { excerpts, errorLine: cause.hit.number, seen };
    },
  };
}

function hitOf(windows: Window[]): number | null {
  const [cause] = windows.toSorted((a, b) => a.rank - b.rank || a.hit.number - b.hit.number);
  return cause?.hit.number ?? null;
}

/** The hit, then what stands on both sides of it, the nearest first. */
function spread({ rank, hit, before, after }: Window): LogLine[] {
  const ratio = linesAfter[(rank % outsideStep) as Rank];
  const lines = [hit];
  let b = before.length;
  let a = 0;
  while (b > 0 || a < after.length) {
    const isAfter = a < after.length && (b === 0 || a + 1 <= ratio * (before.length - b + 1));
    const line = isAfter ? after[a++] : before[--b];
    if (line) lines.push(line);
  }
  return lines;
}

/** What a line may cost to show; a long one is cut. */
function costOf({ text }: LogLine): number {
  return Math.min(text.length, 500) + 1;
}

/** Lines up to a size, kept from one end. */
function createLines(size: number) {
  let lines: LogLine[] = [];
  let used = 0;
  let isAll = true;
  return {
    all: () => lines,
    isAll: () => isAll,
    addOldest(line: LogLine) {
      if (!isAll) return;
      used += costOf(line);
      if (used > size) isAll = false;
      else lines.push(line);
    },
    addNewest(line: LogLine) {
      lines.push(line);
      used += costOf(line);
      if (used <= 2 * size) return;
      lines = newest(lines, size); // seldom, so that it costs nothing per line
      used = lines.reduce((sum, kept) => sum + costOf(kept), 0);
    },
    newest: (bytes: number) => newest(lines, bytes),
  };
}

function newest(lines: LogLine[], bytes: number): LogLine[] {
  let used = 0;
  let from = lines.length;
  for (; from > 0; from--) {
    used += costOf(lines[from - 1] as LogLine);
    if (used > bytes) break;
  }
  return lines.slice(from);
}
