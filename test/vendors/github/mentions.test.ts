import { expect, test } from 'vitest';
import { mentionsAny } from '../../../src/vendors/github/mentions.ts';

const names = ['shipmate', 'shipmate[bot]', 'deck-hand'];

test.for([
  ['@shipmate please', true],
  ['please, @Shipmate.', true],
  ['(@shipmate)', true],
  ['@shipmate[bot]: once more', true],
  ['cc @deck-hand', true],
  ['> @shipmate said\n\nand @shipmate is right', true],
  ['`code` @shipmate `code`', true],
  ['```\nx\n```\n@shipmate', true],
  ['@shipmates', false],
  ['@shipmate-dev', false],
  ['@shipmate/team', false],
  ['me@shipmate.example', false],
  ['@@shipmate', false],
  ['`@shipmate`', false],
  ['``a ` @shipmate``', false],
  ['> @shipmate do it', false],
  ['```sh\n@shipmate\n```', false],
  ['~~~\n```\n@shipmate\n~~~', false],
  ['    @shipmate', false],
  ['<!-- @shipmate -->', false],
  ['shipmate', false],
  ['', false],
] as const)('%j names the agent: %s', ([text, names_it]) => {
  expect(mentionsAny(text, names)).toBe(names_it);
});

test('a body made of backticks alone costs nothing', () => {
  const runs = Array.from({ length: 350 }, (_, index) => '`'.repeat(index + 1)).join(' ');
  const from = performance.now();
  expect(mentionsAny(`${runs} @shipmate`, names)).toBe(true);
  expect(performance.now() - from).toBeLessThan(500);
});
