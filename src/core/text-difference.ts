/** Lines that stay, shown around those that do not. */
const context = 3;
/** Above so many pairs of lines the middle counts as replaced whole: comparing them would take too long. */
const mostPairs = 1_000_000;

interface Line {
  mark: ' ' | '-' | '+';
  text: string;
}

/** How one text became another, as hunks of a unified diff without file names. '' when they are the same. */
export function diffLines(before: string, after: string): string {
  const lines = compare(linesOf(before), linesOf(after));
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - context), at + context + 1).some(({ mark }) => mark !== ' '),
  );
  const hunks: string[] = [];
  let [old, now] = [1, 1];
  for (let at = 0; at < lines.length; ) {
    const end = near.indexOf(!near[at], at) === -1 ? lines.length : near.indexOf(!near[at], at);
    const part = lines.slice(at, end);
    const count = (mark: '-' | '+') => part.filter((line) => line.mark === ' ' || line.mark === mark).length;
    if (near[at]) {
      const head = `@@ -${range(old, count('-'))} +${range(now, count('+'))} @@`;
      hunks.push([head, ...part.map(({ mark, text }) => `${mark}${text}`)].join('\n'));
    }
    old += count('-');
    now += count('+');
    at = end;
  }
  return hunks.join('\n');
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** As `diff -u` numbers an empty side: by the line before it. */
function range(start: number, count: number): string {
  return count === 0 ? `${start - 1},0` : count === 1 ? `${start}` : `${start},${count}`;
}

function compare(before: string[], after: string[]): Line[] {
  let head = 0;
  while (head < Math.min(before.length, after.length) && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const same = (text: string): Line => ({ mark: ' ', text });
  return [
    ...before.slice(0, head).map(same),
    ...compareMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

/** By the longest common subsequence. */
function compareMiddle(before: string[], after: string[]): Line[] {
  const [rows, columns] = [before.length, after.length];
  const isTooMuch = rows * columns > mostPairs;
  // Length of the longest common subsequence of what follows a pair of places.
  const common = isTooMuch ? null : new Uint32Array((rows + 1) * (columns + 1));
  const at = (row: number, column: number) => row * (columns + 1) + column;
  if (common)
    for (let row = rows - 1; row >= 0; row--)
      for (let column = columns - 1; column >= 0; column--)
        common[at(row, column)] =
          before[row] === after[column]
            ? (common[at(row + 1, column + 1)] ?? 0) + 1
            : Math.max(common[at(row + 1, column)] ?? 0, common[at(row, column + 1)] ?? 0);
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < rows || column < columns) {
    const [left, right] = [before[row], after[column]];
    if (common && left !== undefined && left === right) {
      lines.push({ mark: ' ', text: left });
      row++;
      column++;
    } else if (
      left !== undefined &&
      (right === undefined || !common || (common[at(row + 1, column)] ?? 0) >= (common[at(row, column + 1)] ?? 0))
    ) {
      lines.push({ mark: '-', text: left });
      row++;
    } else {
      lines.push({ mark: '+', text: right ?? '' });
      column++;
    }
  }
  return lines;
}
