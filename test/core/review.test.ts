import { describe, test } from 'vitest';
import type { Remark } from '../../src/core/request-progress.ts';
import { isPlainYes } from '../../src/core/review.ts';

const review = (body: string, change: Partial<Remark> = {}): Remark => ({
  ...{
    key: 'r',
    kind: 'review',
    author: { id: 'bea', name: 'Bea', isBot: false },
    mayWrite: true,
    verdict: 'approved',
  },
  ...{ thread: null, isResolved: false, path: null, line: null, excerpt: '', body, mentions: false },
  at: '2030-01-01T00:00:00.000Z',
  ...change,
});

describe('an approval', () => {
  test.for([
    '',
    '  ',
    'LGTM!',
    'lgtm 👍',
    'Looks good to me, thanks!',
    'Nice work 🎉',
    'Great. Ship it!',
    ':+1:',
    '+1',
  ])('with %j asks for nothing', (body, { expect }) => {
    expect(isPlainYes(review(body))).toBe(true);
  });

  test.for([
    'LGTM, but rename x',
    'Good, one question: why?',
    'Please rebase',
    'Looks good to me once the test is there',
    'ok',
  ])('with %j says something', (body, { expect }) => {
    expect(isPlainYes(review(body))).toBe(false);
  });

  test('of a stranger, an app, or another verdict is none', ({ expect }) => {
    const bot = { id: 'b', name: 'b', isBot: true };
    for (const change of [{ mayWrite: false }, { author: bot }, { verdict: null }, { kind: 'comment' as const }])
      expect(isPlainYes(review('LGTM', change))).toBe(false);
    expect(isPlainYes(review(`${'nice '.repeat(59)}work?`))).toBe(false);
    expect(isPlainYes(review('nice '.repeat(100_000)))).toBe(false);
  });
});
