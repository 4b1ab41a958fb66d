import type { TestResult } from '../../core/proof.ts';
import { type Block, eachSummary, type Parser } from './block.ts';

/** Plain TAP: what tape, bats, prove's tests and many others print. The plan may come first or last. */
export const parseTap: Parser = (text) => {
  const tests = [...text.matchAll(/^(ok|not ok)(?: \d+)?(?: -)?(?: (.*?))?(?: # (skip|todo)\b.*)?$/gim)].map(
    ([, word, name = '', directive]): TestResult => ({
      name,
      status: directive ? 'skipped' : word === 'ok' ? 'passed' : 'failed',
    }),
  );
  const plans = eachSummary(text, /^1\.\.(\d+)\b.*$/gm);
  if (!plans.length) return [];
  const of = (status: TestResult['status']) => tests.filter((test) => test.status === status).length;
  const planned = plans.reduce((sum, { match }) => sum + Number(match[1]), 0);
  // What was planned and never came is red, as TAP's own harnesses have it.
  const counts = {
    passed: of('passed'),
    failed: of('failed') + Math.max(0, planned - tests.length),
    skipped: of('skipped'),
  };
  const block: Block = { counts, tests, complete: planned === tests.length };
  return [block];
};
