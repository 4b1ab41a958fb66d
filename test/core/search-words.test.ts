import { expect, test } from 'vitest';
import { searchWords, tellingWords } from '../../src/core/search-words.ts';

test.each([
  ['API returns inconsistent date formats', ['api', 'returns', 'inconsistent', 'date', 'formats']],
  [
    'is:pr repo:other/x -label:"bug" NOT (a OR a)',
    ['is', 'pr', 'repo', 'other', 'x', 'label', 'bug', 'not', 'a', 'or'],
  ],
  ["it's `created_at`, 2x; Grüße 日本 e\u0301", ['it', 's', 'created_at', '2x', 'grüße', '日本', 'é']],
  ['\0 \ud800 🚢 __ !? " \\', []],
  [`${'x'.repeat(10_000)} after`, []],
  [`${'x'.repeat(100)} after`, ['after']],
])('the words of %j', (text, words) => {
  expect(searchWords(text)).toEqual(words);
});

test('there are forty words at most, and the longest tell most', () => {
  const many = searchWords(Array.from({ length: 900 }, (_, index) => `w${index}`).join(' '));
  expect(many).toHaveLength(40);
  expect(tellingWords(['the', 'date', 'is', 'inconsistent', 'date_format'], 3)).toEqual([
    'date',
    'inconsistent',
    'date_format',
  ]);
});
