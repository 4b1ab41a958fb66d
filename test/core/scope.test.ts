import { describe, test } from 'vitest';
import {
  findCircle,
  followRating,
  hasAsked,
  hasBegun,
  judgeParts,
  lastRated,
  type Rated,
  refuseBeforeRating,
  type ScopePolicy,
  wantsApproval,
} from '../../src/core/scope.ts';
import type { StepRecord } from '../../src/core/step.ts';

const byDefault: ScopePolicy = { before: true, green: 'work', yellow: 'work', red: 'ask' };
const part = { title: 'One', description: '', repository: null, after: [] };
const rating = { confidence: 'green' as const, parts: [] };
const free = { approval: false, mustWait: false, isAnswered: false };

test.for<[string, Parameters<typeof followRating>, string]>([
  ['green', [rating, byDefault, free], 'work'],
  ['yellow', [{ ...rating, confidence: 'yellow' }, byDefault, free], 'work'],
  ['red', [{ ...rating, confidence: 'red' }, byDefault, free], 'ask'],
  ['red, where that is worked on', [{ ...rating, confidence: 'red' }, { ...byDefault, red: 'work' }, free], 'work'],
  ['green, where even that is planned', [rating, { ...byDefault, green: 'plan' }, free], 'plan'],
  ['green, and people want to see a plan', [rating, byDefault, { ...free, approval: true }], 'plan'],
  [
    'red, and people want to see a plan',
    [{ ...rating, confidence: 'red' }, byDefault, { ...free, approval: true }],
    'ask',
  ],
  ['yellow, asked about', [{ ...rating, confidence: 'yellow' }, { ...byDefault, yellow: 'ask' }, free], 'ask'],
  [
    'yellow, and answered',
    [
      { ...rating, confidence: 'yellow' },
      { ...byDefault, yellow: 'ask' },
      { ...free, isAnswered: true },
    ],
    'work',
  ],
  ['red again after an answer', [{ ...rating, confidence: 'red' }, byDefault, { ...free, isAnswered: true }], 'ask'],
  ['too large', [{ ...rating, parts: [part, part] }, byDefault, free], 'split'],
  ['too large, and red', [{ confidence: 'red', parts: [part, part] }, byDefault, free], 'ask'],
  ['its files are being worked on', [rating, byDefault, { ...free, mustWait: true }], 'wait'],
  ['so, and a plan is wanted', [rating, byDefault, { ...free, approval: true, mustWait: true }], 'plan'],
])('what follows from a rating: %s', ([, given, followed], { expect }) => {
  expect(followRating(...given)).toBe(followed);
});

test.for<[string, string | null, string[], string | undefined, boolean]>([
  ['nobody says so', null, [], undefined, false],
  ['a field', 'plan', [], undefined, true],
  ['a field in other words', 'Plan first, please', [], undefined, true],
  ['a field that says no, over the policy', 'none', ['approval:plan'], 'plan', false],
  ['so, in other words', 'Not  needed.', [], 'plan', false],
  ['a field that says anything else', 'Ada must approve', [], undefined, true],
  ['a field that begins like a no', 'No merge before Ada approves', [], 'plan', true],
  ['a label', null, ['bug', 'Approval: plan'], undefined, true],
  ['another label', null, ['planning'], undefined, false],
  ['the policy', null, [], 'plan', true],
])('whether a plan is to be shown first: %s', ([, approval, labels, policy, wanted], { expect }) => {
  expect(wantsApproval({ labels }, { approval }, { approval: { plan: policy === 'plan' ? 'always' : 'never' } })).toBe(
    wanted,
  );
});

test.for<[string, number[][], number[] | null]>([
  ['none', [], null],
  ['in a row', [[], [0], [1]], null],
  ['a diamond', [[], [0], [0], [1, 2]], null],
  ['itself', [[0]], [0]],
  ['two', [[1], [0]], [0, 1]],
  ['three behind one that is free', [[], [0, 3], [1], [2]], [1, 3, 2]],
])('circles among parts: %s', ([, afters, circle], { expect }) => {
  expect(findCircle(afters.map((after) => ({ after })))).toEqual(circle);
});

test('a rating that was only asked for has asked nobody, so that nobody has answered it', ({ expect }) => {
  const asked = { confidence: 'yellow' as const, followed: 'ask' as const, only: false };
  expect([asked, { ...asked, only: true }, null].map(hasAsked)).toEqual([true, false, false]);
});

test('what is wrong with parts is told with its place', ({ expect }) => {
  expect(judgeParts([])).toBeNull();
  expect(judgeParts([part, { ...part, after: [0] }])).toBeNull();
  expect(judgeParts([part])).toMatch(/no split/);
  expect(judgeParts([part, { ...part, title: '' }])).toMatch(/^Part 1 has no title/);
  expect(judgeParts([part, { ...part, after: [7] }])).toBe(
    'Part 1 comes after 7, but the parts are 0 to 1. `after` counts from 0.',
  );
  expect(
    judgeParts([
      { ...part, after: [1] },
      { ...part, after: [0] },
    ]),
  ).toBe('The parts wait for one another: 0 after 1 after 0. Order them anew.');
  expect(judgeParts(Array(21).fill(part))).toMatch(/20 at most/);
});

describe('what may be called before the ticket is rated', () => {
  let seq = 0;
  const step = (name: string, more: { rated?: Rated; isError?: boolean; completed?: boolean }): StepRecord => {
    const { completed = true, isError = false, rated } = more;
    const result = completed ? { text: '', isError, ...(rated && { rated }) } : null;
    const key = `turn:1/${seq}:${name}`;
    return { id: key, runId: 'r', seq: ++seq, kind: 'tool', key, readOnly: false, input: null, result, completed };
  };
  const rated = (more: Partial<Rated>) =>
    step('scope', { rated: { confidence: 'green', followed: 'work', only: false, ...more } });

  const turn = (runId = 'r'): StepRecord => ({ ...step('', {}), runId, kind: 'model', key: `turn:${seq}` });

  const must = { before: true, only: false };
  const none = { before: false, only: false };
  test.for<[string, StepRecord[], Parameters<typeof refuseBeforeRating>[2], string[]]>([
    ['nothing was rated', [], must, ['edit', 'write', 'finish']],
    ['a rating is not completed', [step('scope', { completed: false })], must, ['edit', 'write', 'finish']],
    ['a rating was refused', [step('scope', { isError: true })], must, ['edit', 'write', 'finish']],
    ['it was rated', [rated({})], must, []],
    ['people were asked', [rated({ followed: 'ask' })], must, ['edit', 'write', 'finish']],
    ['they were, and it was rated again', [rated({ followed: 'ask' }), rated({})], must, []],
    ['it was rated for a look only', [rated({ only: true })], must, []],
    [
      'so, and then an order took it',
      [rated({ only: true })],
      { ...must, demanded: true },
      ['edit', 'write', 'finish'],
    ],
    ['so, and it was rated again', [rated({ only: true }), rated({})], { ...must, demanded: true }, []],
    ['so, and a plan is to be shown', [rated({ only: true, followed: 'plan' })], must, ['edit', 'write', 'finish']],
    ['it waited for another ticket', [rated({ followed: 'wait' })], must, []],
    ['it would have, and people spoke', [rated({ followed: 'wait' }), turn()], must, ['edit', 'write', 'finish']],
    ['so, and it was rated again', [rated({ followed: 'wait' }), turn(), rated({}), turn()], must, []],
    ['it waited, and goes on in another run', [rated({ followed: 'wait' }), turn('next')], must, []],
    ['a plan was approved', [rated({ followed: 'plan' }), turn('next')], must, []],
    ['one was not shown', [rated({ followed: 'plan' }), turn(), turn('next')], must, ['edit', 'write', 'finish']],
    ['ratings are not wanted here', [], none, []],
    ['so, and it was rated before', [rated({ followed: 'ask' }), turn('next')], none, []],
    [
      'so, and it was to wait when people spoke',
      [rated({ followed: 'wait' }), turn()],
      none,
      ['edit', 'write', 'finish'],
    ],
    ['its conversation was deleted', [{ ...rated({}), result: null }], must, ['edit', 'write', 'finish']],
    [
      'it is only rated',
      [rated({})],
      { before: true, only: true },
      ['edit', 'write', 'finish', 'ask', 'note', 'update_plan'],
    ],
  ])('%s', ([, history, rules, refused], { expect }) => {
    const names = ['edit', 'write', 'finish', 'ask', 'note', 'update_plan', 'bash', 'read', 'scope', 'git_blame'];
    expect(names.filter((name) => refuseBeforeRating(name, history, rules) !== null)).toEqual(refused);
  });

  test('so is a tool of others that changes something', ({ expect }) => {
    const only = { before: false, only: true };
    const refusals = [must, only].map((rules) => refuseBeforeRating('tracker_close', [], rules, true));
    expect(refusals).toEqual([
      expect.stringMatching(/call scope, then tracker_close/),
      expect.stringMatching(/^The ticket is only rated/),
    ]);
    expect(refuseBeforeRating('tracker_close', [rated({})], must, true)).toBeNull();
  });

  test('the reason says what to do', ({ expect }) => {
    expect(refuseBeforeRating('edit', [], must)).toMatch(/call scope, then edit again/);
    expect(refuseBeforeRating('edit', [rated({ followed: 'ask' })], must)).toMatch(/^Rate the ticket again/);
  });

  test('work has begun with the first change that was made', ({ expect }) => {
    expect(hasBegun([rated({}), step('bash', {}), step('edit', { isError: true })])).toBe(false);
    expect(hasBegun([rated({}), step('write', {})])).toBe(true);
    expect(hasBegun([rated({}), step('write', {})], seq)).toBe(false);
    expect(lastRated([rated({ followed: 'ask' }), rated({}), step('bash', {})])?.followed).toBe('work');
  });
});
