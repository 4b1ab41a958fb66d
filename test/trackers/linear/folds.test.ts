import { expect, test } from 'vitest';
import { foldForLinear, unfoldFromLinear } from '../../../src/trackers/linear/folds.ts';

const environment =
  '<details><summary>Environment</summary>\n\n- Node.js 24\n\n```\n+++ b/a.ts\n</details>\n```\n\n</details>';

test('a fold goes out as Linear folds, and comes back as it was', () => {
  const text = `Before.\n\n${environment}\n\nBetween.\n\n${environment}\n\nAfter.`;
  const there = foldForLinear(text);
  expect(there).toContain(
    'Between.\n\n+++ Environment\n\n- Node.js 24\n\n```\n+++ b/a.ts\n</details>\n```\n\n+++\n\nAfter.',
  );
  expect(there).not.toContain('<details>');
  expect(unfoldFromLinear(there)).toBe(text);
});

test.each([
  [
    'in two lines',
    '<details open>\n<summary><b>A</b> &amp; &lt;b&gt;</summary>\nx\n</details>',
    '+++ A & <b>\n\nx\n\n+++',
  ],
  ['empty', '<details><summary>A</summary>\n</details>', '+++ A\n\n\n\n+++'],
])('a fold that people write otherwise, %s', (_, text, there) => {
  expect(foldForLinear(text)).toBe(there);
  expect(foldForLinear(unfoldFromLinear(there))).toBe(there);
});

test.each([
  'No fold, but <details> within a line, and\r\nlines\r\n',
  '```html\n<details><summary>A</summary>\nx\n</details>\n```',
  '````\n```\n<details><summary>A</summary>\n```\n</details>\n````',
  '<details><summary>A</summary>\nnever ends',
  '<details><summary></summary>\nhas no title\n</details>',
  '<details><summary>A</summary>\n+++\n</details>',
  '</details>\n<details>',
])('what is no fold is left as it is: %j', (text) => {
  expect(foldForLinear(text)).toBe(text);
});

test.each(['a +++ b', '+++\n+++', '+++ never ends', '```\n+++ A\nx\n+++\n```', '+++ A\n+++ B\nx'])(
  'nor does it come back as one: %j',
  (text) => expect(unfoldFromLinear(text)).toBe(text),
);

test('many that never end take no time', () => {
  const text = '<details><summary>A</summary>\n'.repeat(8_000);
  const from = performance.now();
  expect(foldForLinear(text)).toBe(text);
  expect(performance.now() - from).toBeLessThan(2_000);
});
