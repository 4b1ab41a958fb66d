import fc from 'fast-check';
import { describe, test } from 'vitest';
import { diffLines } from '../../src/core/text-difference.ts';

const lines = (...texts: string[]) => texts.map((text) => `${text}\n`).join('');

describe('the difference of two texts', () => {
  test.for<[string, string, string, string]>([
    ['the same', 'a\nb\n', 'a\nb', ''],
    ['one line changed', lines('a', 'b', 'c'), lines('a', 'x', 'c'), '@@ -1,3 +1,3 @@\n a\n-b\n+x\n c'],
    ['from nothing', '', lines('a', 'b'), '@@ -0,0 +1,2 @@\n+a\n+b'],
    ['to nothing', 'a', '', '@@ -1 +0,0 @@\n-a'],
    [
      'two places far apart',
      lines('one', '1', '2', '3', '4', '5', '6', '7', 'two'),
      lines('ONE', '1', '2', '3', '4', '5', '6', '7', 'TWO'),
      '@@ -1,4 +1,4 @@\n-one\n+ONE\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-two\n+TWO',
    ],
    ['a line moved', lines('a', 'b', 'c'), lines('b', 'c', 'a'), '@@ -1,3 +1,3 @@\n-a\n b\n c\n+a'],
  ])('%s', ([, before, after, expected], { expect }) => {
    expect(diffLines(before, after)).toBe(expected);
  });

  test('turns the one into the other, whatever they are', ({ expect }) => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 })
      .map((all) => all.map((one) => `${one}\n`).join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        expect(patch(before, diffLines(before, after))).toBe(after);
      }),
    );
  });

  test('of two long texts with nothing in common takes no time', ({ expect }) => {
    const long = (letter: string) => Array.from({ length: 20_000 }, (_, at) => `${letter}${at}\n`).join('');
    const since = performance.now();
    expect(diffLines(long('a'), long('b')).split('\n')).toHaveLength(40_001);
    expect(performance.now() - since).toBeLessThan(2_000);
  });
});

/** Applies a difference by its line numbers alone. */
function patch(text: string, difference: string): string {
  const old = text.split('\n').slice(0, -1);
  const result: string[] = [];
  let at = 0;
  for (const line of difference === '' ? [] : difference.split('\n')) {
    const [, start, count = '1'] = /^@@ -(\d+)(?:,(\d+))? /.exec(line) ?? [];
    if (start !== undefined) {
      const begin = count === '0' ? Number(start) : Number(start) - 1;
      result.push(...old.slice(at, begin));
      at = begin;
    } else if (line.startsWith('+')) result.push(line.slice(1));
    else {
      if (line.startsWith(' ')) result.push(old[at] ?? '');
      at++;
    }
  }
  return [...result, ...old.slice(at)].map((line) => `${line}\n`).join('');
}
