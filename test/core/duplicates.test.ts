import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Concern } from '../../src/core/capture.ts';
import { type Candidate, judgeDuplicates } from '../../src/core/duplicates.ts';

const concern = (title: string, ...paths: string[]): Concern => ({
  title,
  notes: '',
  kind: null,
  places: paths.map((path) => ({ path, from: null, to: null, snippet: null })),
  error: null,
  steps: [],
  expected: '',
  criteria: [],
  labels: [],
  priority: null,
});

const candidate = (title: string, more: Partial<Candidate> = {}): Candidate => ({
  identifier: 'ENG-1',
  title,
  url: 'https://x.test/ENG-1',
  state: 'Todo',
  isOver: false,
  fingerprint: null,
  paths: [],
  text: '',
  ...more,
});

const judge = (title: string, other: string) => {
  const [found] = judgeDuplicates(concern(title), null, [candidate(other)]);
  return found ? (found.isLikely ? 'likely' : 'listed') : 'other';
};

test.each([
  ['API returns inconsistent date formats', 'API returns inconsistent date formats', 'likely'],
  ['API returns inconsistent date formats', 'The api is returning inconsistent date formatting.', 'likely'],
  ['API returns inconsistent date formats', 'Bug: inconsistent date format returned by the API', 'likely'],
  ['Checkout crashes on an empty cart', 'Empty cart: checkout crashed', 'likely'],
  ["Can't log in with SSO", 'Can’t log in with SSO', 'likely'],
  ['API returns inconsistent date formats', 'API returns inconsistent currency formats', 'listed'],
  ['Login is slow on mobile', 'Login slow', 'listed'],
  ['API returns inconsistent date formats', 'API is down', 'other'],
  ['Add dark mode', 'Remove dark mode from the settings of the admin area', 'other'],
  ['Fix the bug', 'Fix the error', 'other'],
  [
    'Increase the timeout of the webhook delivery job in staging from 10 to 30 seconds',
    'Increase the timeout of the webhook delivery job in production from 10 to 30 seconds',
    'listed',
  ],
  ['Copy settings from staging to production', 'Copy settings from production to staging', 'listed'],
  ['Price is shown in EUR instead of USD', 'Price is shown in USD instead of EUR', 'listed'],
  ['Show the total with tax', 'Show the total without tax', 'listed'],
  ['C# client fails to build', 'C++ client fails to build', 'listed'],
  ['Crash', 'Crash', 'listed'],
  ['', '', 'other'],
  ['!!!', '???', 'other'],
  ['Неправильный формат даты в отчёте', 'Неправильные форматы даты в отчёте', 'likely'],
  ['Неправильный формат даты в отчёте', 'Добавить тёмную тему', 'other'],
  ['日付の形式が一致しない', '日付の形式が一致しない。', 'likely'],
  ['日付の形式が一致しない', 'ダークモードを追加する', 'other'],
  ['登录页面加载很慢', '登录页面加载太慢', 'listed'],
  ['ＡＰＩ returns Wrong Dates', 'api returns wrong dates', 'likely'],
])('%j and %j: %s', (title, other, expected) => {
  expect(judge(title, other)).toBe(expected);
  expect(judge(other, title)).toBe(expected);
});

describe('what speaks for a ticket', () => {
  const here = concern('Totals are wrong', 'src/cart.ts', 'src/b.ts');
  const find = (more: Partial<Candidate>, title = 'Something else', fingerprint: string | null = 'f1') =>
    judgeDuplicates(here, fingerprint, [candidate(title, more)])[0];

  test.each([
    ['the same error, open', { fingerprint: 'f1' }, undefined, { why: 'error', isLikely: true }],
    ['the same error, done before', { fingerprint: 'f1', isOver: true }, undefined, { why: 'error', isLikely: false }],
    ['the same title, done before', { isOver: true }, 'Totals wrong', { why: 'title', isLikely: false }],
    ['the same title', {}, 'Totals wrong', { why: 'title', isLikely: true }],
    ['the same title of another error', { fingerprint: 'f2' }, 'Totals wrong', { why: 'title', isLikely: false }],
    ['the same file and a word', { paths: ['src/cart.ts'] }, 'Totals of carts', { why: 'path', isLikely: false }],
    ['the same file alone', { paths: ['src/cart.ts'] }, 'Rename the button', undefined],
    ['another file and a word', { paths: ['src/a.ts'] }, 'Totals of carts', undefined],
    ['another error', { fingerprint: 'f2' }, undefined, undefined],
  ])('%s', (_, more, title, expected) => {
    const found = find(more, title);
    expect(found && { why: found.why, isLikely: found.isLikely }).toEqual(expected);
  });

  test('not that neither has an error', () => {
    expect(find({ fingerprint: null }, undefined, null)).toBeUndefined();
  });

  test('the places of an error count where no others are named', () => {
    const error = { command: null, exitCode: 1, output: 'src/cart.ts(1,1): error TS1: x' };
    const told = { ...concern('Totals are wrong'), error };
    expect(judgeDuplicates(told, null, [candidate('Totals of carts', { paths: ['src/cart.ts'] })])).toHaveLength(1);
  });
});

test('the likely come first, then the open, five at most, each once', () => {
  const all = [
    candidate('Wrong date', { identifier: 'A', isOver: true }),
    candidate('Wrong date', { identifier: 'B' }),
    candidate('nothing alike', { identifier: 'C', fingerprint: 'f' }),
    candidate('Wrong date of an order', { identifier: 'D' }),
    candidate('Wrong date', { identifier: 'E', isOver: true, fingerprint: 'f' }),
    candidate('Wrong date of a bill', { identifier: 'F' }),
    candidate('Wrong date of a bill', { identifier: 'F' }),
    candidate('Blue', { identifier: 'G' }),
  ];
  expect(judgeDuplicates(concern('Wrong date'), 'f', all).map(({ identifier }) => identifier)).toEqual([
    'C',
    'B',
    'D',
    'F',
    'E',
  ]);
});

test('the order of the candidates says nothing, and neither does which of two came first', () => {
  const words = fc.constantFrom(
    'date',
    'dates',
    'format',
    'the',
    'crash',
    'crashed',
    'формат',
    '日付',
    'api',
    '!',
    'is',
  );
  const title = fc.array(words, { maxLength: 6 }).map((all) => all.join(' '));
  const some = fc.array(fc.record({ title, isOver: fc.boolean(), fingerprint: fc.constantFrom(null, 'a', 'b') }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(title, some, fc.infiniteStream(fc.nat()), (mine, others, chance) => {
      const all = others.map((other, index) => candidate(other.title, { ...other, identifier: `ENG-${index}` }));
      const keys = new Map(all.map(({ identifier }) => [identifier, chance.next().value ?? 0]));
      const shuffled = all.toSorted((a, b) => (keys.get(a.identifier) ?? 0) - (keys.get(b.identifier) ?? 0));
      expect(judgeDuplicates(concern(mine), 'a', shuffled)).toEqual(judgeDuplicates(concern(mine), 'a', all));
      for (const { title: other } of others) expect(judge(mine, other)).toBe(judge(other, mine));
    }),
    { numRuns: 100 },
  );
});
