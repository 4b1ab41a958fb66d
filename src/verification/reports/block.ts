import type { TestCounts } from '../../core/evidence.ts';
import type { TestResult } from '../../core/proof.ts';

/** What one summary of a runner says, with the tests listed since the summary before it. */
export interface Block {
  counts: TestCounts;
  tests: TestResult[];
  complete: boolean;
}

/** Reads every block of one runner's output, colours already taken out. `[]` when the output is not that runner's. */
export type Parser = (text: string) => Block[];

/** Cuts a text at each match of `summary` (global), and gives the part before it and the match. */
export function eachSummary(text: string, summary: RegExp): { before: string; match: RegExpMatchArray }[] {
  let from = 0;
  return [...text.matchAll(summary)].map((match) => {
    const before = text.slice(from, match.index);
    from = match.index + match[0].length;
    return { before, match };
  });
}

/** The number before `word`, as in "3 passed, 1 failed". */
export function numberOf(text: string, word: string): number {
  return Number(new RegExp(`(\\d+) ${word}\\b`).exec(text)?.[1] ?? 0);
}

/** True when the listed tests are as many of each status as the summary counts. */
export function agrees(counts: TestCounts, tests: TestResult[]): boolean {
  const count = (status: TestResult['status']) => tests.filter((test) => test.status === status).length;
  return count('passed') === counts.passed && count('failed') === counts.failed && count('skipped') === counts.skipped;
}

/** A name that is a file's path: what a runner says of a file from which no test was reported. */
export function isFileName(name: string): boolean {
  return /^[^\s>]+\.([cm]?[jt]sx?|py)$/.test(name);
}
