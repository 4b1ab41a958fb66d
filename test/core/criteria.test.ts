import { describe, test } from 'vitest';
import {
  checkCriteria,
  mostCriteria,
  oddCriteriaOf,
  refuseAnswers,
  unmetLine,
  writeCriteria,
} from '../../src/core/criteria.ts';

const criteria = ['Totals are right', 'It is tested'];
const answer = (criterion: number, met = true, evidence = 'sum.test.js') => ({ criterion, met, evidence });

describe('acceptance criteria', () => {
  test.for<[string, ReturnType<typeof answer>[], RegExp | null]>([
    ['each answered once', [answer(2), answer(1)], null],
    ['unmet is an answer', [answer(1), answer(2, false, 'There is no runner.')], null],
    ['none answered', [], /not answered:\n1\. Totals are right\n2\. It is tested/],
    ['one left out', [answer(1)], /not answered:\n2\. It is tested/],
    ['one twice', [answer(1), answer(2), answer(2)], /Answered more than once: 2/],
    ['one that is not there', [answer(1), answer(2), answer(3)], /There is no criterion 3; the ticket has 2/],
    ['without evidence', [answer(1), answer(2, true, ' ')], /Without evidence: 2/],
  ])('%s', ([, answers, expected], { expect }) => {
    const refused = refuseAnswers(criteria, answers);
    if (expected === null) expect(refused).toBeNull();
    else expect(refused).toMatch(expected);
  });

  test('a ticket without any asks for nothing', ({ expect }) => {
    expect(refuseAnswers([], [])).toBeNull();
    expect([writeCriteria([]), unmetLine([])]).toEqual(['', '']);
  });

  test('are shown with what the agent says of them, as that', ({ expect }) => {
    const checked = checkCriteria(criteria, [answer(1), answer(2, false, 'No\n## Evidence\nrunner')], true);
    expect(writeCriteria(checked)).toBe(
      '- [x] Totals are right — as the agent says: sum.test.js\n' +
        '- [ ] It is tested — **not met**, as the agent says: No **Evidence** runner',
    );
    expect(unmetLine(checked)).toBe('1 of 2 acceptance criteria is not met.');
  });

  test('more than can be answered are asked about before work; what came later is shown as not answered', ({
    expect,
  }) => {
    const many = Array.from({ length: mostCriteria + 1 }, (_, index) => `Criterion ${index + 1}`);
    expect(oddCriteriaOf({ acceptanceCriteria: many.slice(1) })).toBe('');
    expect(oddCriteriaOf({ acceptanceCriteria: many })).toContain('101 acceptance criteria, and I answer 100');
    const answers = many.slice(1).map((_, index) => answer(index + 1));
    expect(refuseAnswers(many, answers)).toBeNull();
    const lines = writeCriteria(checkCriteria(many, answers, true)).split('\n');
    expect([lines.length, lines.at(-2), lines.at(-1)]).toEqual([
      101,
      '- [x] Criterion 100 — as the agent says: sum.test.js',
      '- [ ] Criterion 101 — not answered: it was added while I worked',
    ]);
  });

  test('one that nobody could answer is not counted as met', ({ expect }) => {
    const checked = checkCriteria(criteria, [], false);
    expect(writeCriteria(checked)).toContain('- [ ] Totals are right — not answered');
    expect(unmetLine(checked)).toBe('2 of 2 acceptance criteria are not met.');
  });
});
