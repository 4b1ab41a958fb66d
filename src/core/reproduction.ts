import { dropHidden } from './outgoing-text.ts';

/** How a bug was seen on the base, before it was mended. */
export interface Reproduction {
  command: string;
  /** Red on the base and green on the change; empty where the command names no tests. */
  tests: string[];
  /** The line of the command's output that says most; null: none does. */
  says: string | null;
}

const error =
  /^\W*(?:E\s{2,}\S|(?:error|panic|fatal)\b\s*:|(?:[a-z_]\w*[.:])*[A-Z]\w*(?:Error|Exception|Failure)\b|expected\b)/;

/** What the output of a red run says of a test: the first line below its name that tells of an error. */
export function sayingOf(log: string, test: string | undefined): string | null {
  const lines = dropHidden(log).split('\n');
  const name = test?.split(' > ').at(-1) ?? '';
  // A summary at the end tells more of it than the line that only says it failed.
  const from = [...lines.keys()].filter((index) => name !== '' && lines[index]?.includes(name));
  for (const at of [...from, 0]) {
    const next = from.find((index) => index > at) ?? lines.length;
    const found = lines.slice(at, from.includes(at) ? next : undefined).find((line) => error.test(line));
    if (found !== undefined) return found.trim().slice(0, 300);
  }
  return null;
}
