import type { TestResult } from '../../core/proof.ts';
import { agrees, type Block, eachSummary, numberOf, type Parser } from './block.ts';

const summary = /^ *Test Files {2}(.+?)\n *Tests {2}(.+?)$/gm;
const signs: Record<string, TestResult['status']> = { '✓': 'passed', '×': 'failed', '↓': 'skipped', '□': 'skipped' };

/** Vitest. Its default form names the failures only, its verbose form every test; a file that does not load counts as one failure. */
export const parseVitest: Parser = (text) =>
  eachSummary(text, summary).map(({ before, match }): Block => {
    const [, , said = ''] = match;
    const broken = [...before.matchAll(/^ FAIL {2}(\S+) \[ .+ \]$/gm)].map((found) => found[1] ?? '');
    const counts = {
      passed: numberOf(said, 'passed'),
      failed: numberOf(said, 'failed') + new Set(broken).size,
      skipped: numberOf(said, 'skipped') + numberOf(said, 'todo'),
    };
    const files = [...new Set(broken)].map((name): TestResult => ({ name, status: 'failed', wholeFile: true }));
    const listed = [...before.matchAll(/^ ([✓×↓□]) (\S+ > .+?)(?: \d+m?s)?$/gm)].map(
      ([, sign = '', name = '']): TestResult => ({ name, status: signs[sign] ?? 'passed' }),
    );
    const verbose = [...listed, ...files];
    if (agrees(counts, verbose)) return { counts, tests: verbose, complete: true };
    const failures = [...before.matchAll(/^ FAIL {2}(\S+ > .+)$/gm)].map((found) => found[1] ?? '');
    const named = [...new Set(failures)].map((name): TestResult => ({ name, status: 'failed' }));
    return { counts, tests: [...named, ...files], complete: false };
  });
