import type { TestResult } from '../../core/proof.ts';
import { agrees, type Block, eachSummary, type Parser } from './block.ts';

const summary = /^ {2}(\d+) passing(?: \(.+\))?(?:\n {2}(\d+) pending)?(?:\n {2}(\d+) failing)?$/gm;

/** Mocha's spec reporter. */
export const parseMocha: Parser = (text) =>
  eachSummary(text, summary).map(({ before, match }): Block => {
    const counts = { passed: Number(match[1]), failed: Number(match[3] ?? 0), skipped: Number(match[2] ?? 0) };
    const tests = readTree(before);
    return { counts, tests, complete: agrees(counts, tests) };
  });

function readTree(text: string): TestResult[] {
  const tests: TestResult[] = [];
  let path: string[] = [];
  for (const line of text.split('\n')) {
    const found = /^((?: {2})+)(?:(✔|✓|-|\d+\)) )?(\S.*?)(?: \(\d+ms\))?$/.exec(line);
    if (!found) continue;
    const depth = (found[1] ?? '').length / 2 - 1;
    const [, , sign, title = ''] = found;
    if (!sign) path = [...path.slice(0, depth), title];
    else {
      const status = sign === '-' ? 'skipped' : sign.endsWith(')') ? 'failed' : 'passed';
      tests.push({ name: [...path.slice(0, depth), title].join(' > '), status });
    }
  }
  return tests;
}
