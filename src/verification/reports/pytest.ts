import type { TestResult } from '../../core/proof.ts';
import { agrees, type Block, eachSummary, numberOf, type Parser } from './block.ts';

const summary =
  /^(?:=+ )?((?:\d+ (?:passed|failed|errors?|skipped|xfailed|xpassed|deselected|warnings?|rerun)(?:, )?)+|no tests ran) in [\d.]+s(?: \([\d:, a-z]+\))?(?: =+)?$/gm;

/** Asks pytest for a line on each test at the end; it changes what is printed, not what is run. */
export const pytestOptions = '-rfEsxXp';

/** pytest. An expected failure counts as skipped: nobody would see it fail. */
export const parsePytest: Parser = (text) =>
  eachSummary(text, summary).map(({ before, match }): Block => {
    const said = match[1] ?? '';
    const counts = {
      passed: numberOf(said, 'passed') + numberOf(said, 'xpassed'),
      failed: numberOf(said, 'failed') + numberOf(said, 'errors?'),
      skipped: numberOf(said, 'skipped') + numberOf(said, 'xfailed'),
    };
    const tests: TestResult[] = [];
    for (const [, word, rest = ''] of before.matchAll(/^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (.+)$/gm)) {
      const name = rest.split(' - ')[0] ?? rest;
      const times = Number(/^\[(\d+)\]/.exec(rest)?.[1] ?? 1);
      const status =
        word === 'PASSED' || word === 'XPASS'
          ? 'passed'
          : word === 'SKIPPED' || word === 'XFAIL'
            ? 'skipped'
            : 'failed';
      // A skip is told by its line, which moves with every edit above it; its number is what can be compared.
      if (word === 'SKIPPED')
        for (let i = 0; i < times; i++)
          tests.push({ name: rest.replace(/^\[\d+\] (.+?):\d+: .*$/, '$1 (skipped)'), status });
      else tests.push(name.includes('::') ? { name, status } : { name, status, wholeFile: true });
    }
    return { counts, tests, complete: agrees(counts, tests) };
  });
