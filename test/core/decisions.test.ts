import { expect, test } from 'vitest';
import { isDecision, writeAnswer } from '../../src/core/decisions.ts';

const said = { key: '1', question: 'Which?\n\n- the left\n- the right', by: 'Ada', answer: 'left', proposed: false };

test('of a long question its first line stands beside the answer', () => {
  expect(writeAnswer(said)).toBe('Ada decided: “left” (asked: “Which?”)');
});

test.for([
  ['approve', true, false],
  ['No!', true, false],
  ['@shipmate approve 3fa2c1', true, false],
  ['approve, but with tabs', true, true],
  ['yes', false, true],
] as const)('"%s" to a proposal (%s) is a decision: %s', ([answer, proposed, is]) => {
  expect(isDecision({ ...said, answer, proposed }, 'shipmate')).toBe(is);
});
