import type { TestResult } from '../../core/proof.ts';
import { agrees, type Block, eachSummary, type Parser } from './block.ts';

const summary = /^Ran (\d+) tests? in [\d.]+s\n\n(OK|FAILED|NO TESTS RAN)(?: \((.+)\))?$/gm;

/** `python -m unittest`, plain or with -v. */
export const parseUnittest: Parser = (text) =>
  eachSummary(text, summary).map(({ before, match }): Block => {
    const [, total, , details = ''] = match;
    const count = (word: string) => Number(new RegExp(`(?:^|, )${word}=(\\d+)`).exec(details)?.[1] ?? 0);
    const failed = count('failures') + count('errors') + count('unexpected successes');
    const skipped = count('skipped') + count('expected failures');
    const counts = { passed: Number(total) - failed - skipped, failed, skipped };
    const verbose = [
      ...before.matchAll(/^(\w+) \(([\w.]+)\)(?:\n.*)? \.\.\. (ok|FAIL|ERROR|skipped|expected failure)/gm),
    ].map(
      ([, , name = '', word]): TestResult => ({
        name,
        status: word === 'ok' ? 'passed' : word === 'FAIL' || word === 'ERROR' ? 'failed' : 'skipped',
      }),
    );
    if (agrees(counts, verbose)) return { counts, tests: verbose, complete: true };
    const failures = [...before.matchAll(/^(?:FAIL|ERROR): \w+ \(([\w.]+)\)/gm)].map((found) => found[1] ?? '');
    return { counts, tests: failures.map((name) => ({ name, status: 'failed' })), complete: false };
  });
