import type { TestResult } from '../../core/proof.ts';
import { agrees, type Block, eachSummary, numberOf, type Parser } from './block.ts';

const summary = /^Test Suites: +(.+)\nTests: +(.+)$/gm;
const signs: Record<string, TestResult['status']> = { '✓': 'passed', '✕': 'failed', '○': 'skipped', '✎': 'skipped' };

/** Jest. It names every test of a single file, and of several the failures only; a file that does not load counts as one failure. */
export const parseJest: Parser = (text) =>
  eachSummary(text, summary).map(({ before, match }): Block => {
    const [, , said = ''] = match;
    const broken = [...before.matchAll(/^FAIL (\S+).*\n {2}● Test suite failed to run$/gm)].map(
      (found) => found[1] ?? '',
    );
    const files = [...new Set(broken)].map((name): TestResult => ({ name, status: 'failed', wholeFile: true }));
    const counts = {
      passed: numberOf(said, 'passed'),
      failed: numberOf(said, 'failed') + files.length,
      skipped: numberOf(said, 'skipped') + numberOf(said, 'todo'),
    };
    const verbose = [...readVerbose(before), ...files];
    if (agrees(counts, verbose)) return { counts, tests: verbose, complete: true };
    const failures = [...before.matchAll(/^ {2}● (.+ › .+|(?!Test suite|Console).+)$/gm)].map(
      (found) => found[1] ?? '',
    );
    const named = [...new Set(failures)].map((name): TestResult => ({ name: name.trim(), status: 'failed' }));
    return { counts, tests: [...named, ...files], complete: false };
  });

function readVerbose(text: string): TestResult[] {
  const tests: TestResult[] = [];
  let path: string[] = [];
  for (const line of text.split('\n')) {
    if (/^(PASS|FAIL) /.test(line)) path = [];
    const test = /^( {2,})([✓✕○✎]) (?:skipped |todo )?(.+?)(?: \(\d+ m?s\))?$/.exec(line);
    const group = /^((?: {2})+)([^\s●✓✕○✎].*)$/.exec(line);
    const depth = ((test ?? group)?.[1]?.length ?? 2) / 2 - 1;
    if (test)
      tests.push({
        name: [...path.slice(0, depth), test[3] ?? ''].join(' › '),
        status: signs[test[2] ?? ''] ?? 'passed',
      });
    else if (group) path = [...path.slice(0, depth), group[2] ?? ''];
  }
  return tests;
}
