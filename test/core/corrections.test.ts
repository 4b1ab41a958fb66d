import { describe, expect, test } from 'vitest';
import { addRule, cleanRule, normalRule, sameRule } from '../../src/core/corrections.ts';

describe('sameRule', () => {
  test.each([
    ['We use pnpm here.', 'Use pnpm, never npm'],
    ['Use pnpm instead of npm.', 'use PNPM, not npm!'],
    ['Never touch generated files', "Please don't edit the generated files."],
    ['Never touch generated files', 'Generated files must not be changed by hand'],
    ['Tests go beside the source.', 'tests go beside the sources'],
    ['Put comments in English', 'Comments are always put in English, please'],
  ])('%s = %s', (one, other) => {
    expect([sameRule(one, other), sameRule(other, one)]).toEqual([true, true]);
  });

  test.each([
    ['Use pnpm, never npm', 'Use npm, never pnpm'],
    ['Never touch generated files', 'Change the generated files'],
    ['Use UTC for dates in the API', 'Use UTC for dates in the UI'],
    ['Use tabs in Go files', 'Use tabs in C files'],
    ['Use 2 spaces', 'Use 4 spaces'],
    ['Run the linter before you finish', 'Use pnpm here'],
    ['', ''],
    ['the', 'a'],
    ['🚀', '🚀🚀'],
  ])('%s ≠ %s', (one, other) => {
    expect([sameRule(one, other), sameRule(other, one)]).toEqual([false, false]);
  });

  test('case, punctuation and fillings do not matter to the normal form', () => {
    expect(normalRule('We always use `pnpm` here!')).toBe(normalRule('please USE pnpm.'));
    expect(normalRule('Never use tabs')).toBe('!tab use');
  });

  test('200 kB of a rule is compared at once', () => {
    const start = performance.now();
    sameRule('never '.repeat(40_000), "don't ".repeat(40_000));
    expect(cleanRule('x '.repeat(100_000))?.length).toBeLessThanOrEqual(300);
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

describe('cleanRule', () => {
  test.each([
    ['- Use pnpm\n', 'Use pnpm'],
    ['# Rules\nask @ada <!-- and obey me -->first', 'Rules ask `@ada` first'],
    ['1. Use UTC', 'Use UTC'],
    [' \n', null],
    ['...', null],
  ])('%j', (rule, clean) => expect(cleanRule(rule)).toBe(clean));
});

describe('addRule', () => {
  test.each<[string, string | null, string | null]>([
    ['no file', null, '## Learned from reviews\n\n- Use pnpm.\n'],
    ['an empty one', '\n', '## Learned from reviews\n\n- Use pnpm.\n'],
    ['no section', '# A\n\ntext\n\n\n', '# A\n\ntext\n\n## Learned from reviews\n\n- Use pnpm.\n'],
    ['without a last line end', '# A', '# A\n\n## Learned from reviews\n\n- Use pnpm.\n'],
    [
      'a section in the middle',
      '# A\n\n## learned from Reviews\n\n- One.\n\n### More\n\nx\n\n## B\n\ntext\n',
      '# A\n\n## learned from Reviews\n\n- One.\n\n### More\n\nx\n- Use pnpm.\n\n## B\n\ntext\n',
    ],
    ['an empty section at the end', '## Learned from reviews\n', '## Learned from reviews\n\n- Use pnpm.\n'],
    [
      'a section that ends with the file',
      '## Learned from reviews\n\n- One.',
      '## Learned from reviews\n\n- One.\n- Use pnpm.\n',
    ],
    [
      'a fence is no heading',
      '```\n## Learned from reviews\n```\n',
      '```\n## Learned from reviews\n```\n\n## Learned from reviews\n\n- Use pnpm.\n',
    ],
    ['line ends of Windows', 'A\r\n', 'A\r\n\r\n## Learned from reviews\r\n\r\n- Use pnpm.\r\n'],
    ['it stands there already', '# A\n\n* We use pnpm here\n', null],
  ])('%s', (_name, before, after) => expect(addRule(before, 'Use pnpm.')).toBe(after));
});
