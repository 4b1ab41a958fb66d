/*
 * Whether two tickets are likely to touch the same files, by what each says of them: paths, directories, globs.
 */

/** Another session that is at work in the same repository. */
export interface LiveWork<T> {
  session: T;
  /** What it is rated to touch, and has touched so far. */
  files: string[];
  /** ISO 8601: when its run began. */
  begunAt: string;
}

export interface Overlap<T> {
  session: T;
  files: string[];
  /** Its run began before ours: of two, only the later one waits. */
  isEarlier: boolean;
}

export function findOverlaps<T extends { id: string }>(
  mine: { id: string; files: readonly string[]; begunAt: string },
  others: readonly LiveWork<T>[],
): Overlap<T>[] {
  return others.flatMap(({ session, files, begunAt }): Overlap<T>[] => {
    const shared = [...new Set(files)].filter((file) => mine.files.some((own) => mayMeet(own, file)));
    if (shared.length === 0) return [];
    const isEarlier = begunAt < mine.begunAt || (begunAt === mine.begunAt && session.id < mine.id);
    return [{ session, files: shared, isEarlier }];
  });
}

/** Whether there may be a file that both mean. What does not look like a file means also what lies below it. */
export function mayMeet(a: string, b: string): boolean {
  return meet({ parts: segmentsOf(a), isFile: looksLikeFile(a) }, { parts: segmentsOf(b), isFile: looksLikeFile(b) });
}

interface Pattern {
  parts: readonly string[];
  isFile: boolean;
}

function looksLikeFile(pattern: string): boolean {
  return /[^./\\]\.[A-Za-z0-9]{1,10}$/.test(pattern);
}

function segmentsOf(pattern: string): string[] {
  const parts = pattern
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  // Stars side by side mean what one does, and would only cost.
  return parts.filter((part, index) => !(part === '**' && parts[index - 1] === '**')).slice(0, 40);
}

/** By a table of what remains of each, from their ends: as long as the two are, and no longer. */
function meet({ parts: a, isFile: aIsFile }: Pattern, { parts: b, isFile: bIsFile }: Pattern): boolean {
  const table = Array.from({ length: a.length + 1 }, () => Array<boolean>(b.length + 1).fill(false));
  const at = (i: number, j: number) => table[i]?.[j] === true;
  for (let i = a.length; i >= 0; i--)
    for (let j = b.length; j >= 0; j--) {
      const [left, right] = [a[i], b[j]];
      const row = table[i] as boolean[];
      if (left === undefined && right === undefined) row[j] = true;
      // One is at its end: what the other still names lies below it.
      else if (left === undefined) row[j] = !aIsFile || (right === '**' && at(i, j + 1));
      else if (right === undefined) row[j] = !bIsFile || (left === '**' && at(i + 1, j));
      else if (left === '**' || right === '**') row[j] = at(i + 1, j) || at(i, j + 1) || at(i + 1, j + 1);
      else row[j] = namesMeet(left, right) && at(i + 1, j + 1);
    }
  return at(0, 0);
}

/** Whether some name fits both, where `*` stands for any letters and `?` for one. Braces and brackets stand for anything. */
function namesMeet(a: string, b: string): boolean {
  if (a === b) return true;
  const [left, right] = [a, b].map((name) => name.slice(0, 200).replace(/\{[^{}]*\}|\[[^[\]]*\]/g, '*')) as [
    string,
    string,
  ];
  if (!/[*?]/.test(left + right)) return left === right;
  let row = Array<boolean>(right.length + 1).fill(false);
  for (let i = left.length; i >= 0; i--) {
    const next = row;
    row = Array<boolean>(right.length + 1).fill(false);
    for (let j = right.length; j >= 0; j--) {
      const [x, y] = [left[i], right[j]];
      if (x === undefined && y === undefined) row[j] = true;
      else if (x === '*') row[j] = next[j] === true || (y !== undefined && row[j + 1] === true);
      else if (y === '*') row[j] = row[j + 1] === true || (x !== undefined && next[j] === true);
      else row[j] = x !== undefined && y !== undefined && (x === y || x === '?' || y === '?') && next[j + 1] === true;
    }
  }
  return row[0] === true;
}
