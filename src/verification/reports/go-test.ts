import type { TestResult } from '../../core/proof.ts';
import { agrees, type Parser } from './block.ts';

const statuses: Record<string, TestResult['status']> = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' };

/**
 * `go test`. With -v it names every test. Without, all it says is one line for each package and the names of what failed, so
 * there a package counts as one test and the report is not complete.
 */
export const parseGoTest: Parser = (text) => {
  const packages = [...text.matchAll(/^(ok|FAIL|---)\s+\t?(\S+)\t(?:[\d.]+s|\(cached\)|\[.+\])(.*)$/gm)].filter(
    ([, , , rest = '']) => !rest.includes('[no tests to run]'),
  );
  if (!packages.length) return [];
  const tests = [...text.matchAll(/^ *--- (PASS|FAIL|SKIP): (\S+) \([\d.]+s\)$/gm)].map(
    ([, word = '', name = '']): TestResult => ({ name, status: statuses[word] ?? 'passed' }),
  );
  if (/^=== RUN /m.test(text)) {
    const of = (status: TestResult['status']) => tests.filter((test) => test.status === status).length;
    const broken = packages.filter(([line, word]) => word === 'FAIL' && /\[(build|setup) failed\]/.test(line));
    const files = broken.map(([, , name = '']): TestResult => ({ name, status: 'failed', wholeFile: true }));
    const counts = { passed: of('passed'), failed: of('failed') + files.length, skipped: of('skipped') };
    return [{ counts, tests: [...tests, ...files], complete: agrees(counts, [...tests, ...files]) }];
  }
  const counts = {
    passed: packages.filter(([, word]) => word === 'ok').length,
    failed: packages.filter(([, word]) => word === 'FAIL').length,
    skipped: 0,
  };
  return [{ counts, tests: tests.filter((test) => test.status === 'failed'), complete: false }];
};
