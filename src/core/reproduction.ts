import { dropHidden } from './outgoing-text.ts';

/** How a bug was seen on the base, before it was mended. */
export interface Reproduction {
  command: string;
  /** Red on the base and green on the change; empty where the command names no tests. */
  tests: string[];
  /** The line of the command's output that says most; null: none does. */
  says: string | null;
}

const longest = 300;
const error =
  /^\W*(?:E\s{2,}\S|(?:error|panic|fatal)\b\s*:|expect(?:ed)?\b|(?:[a-z_]\w*[.:])*\w*(?:Error|Exception|Failure)\b)/;

/** What the output of a red run says of a test: the first line below its name that tells of an error, else the first of all. */
export function sayingOf(log: string, test: string | undefined): string | null {
  const lines = dropHidden(log)
    .split('\n')
    .map((line) => line.trim().slice(0, longest));
  const name = test?.split(/ [>›] |::/).at(-1) ?? '';
  const named = [...lines.keys()].filter((index) => name !== '' && lines[index]?.includes(name));
  const below = named.map((at, nth) => lines.slice(at + 1, named[nth + 1]));
  return (
    [...below, lines].map((part) => part.find((line) => error.test(line))).find((line) => line !== undefined) ?? null
  );
}
