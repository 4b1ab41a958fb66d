import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concernsIn, SplitError } from '../../src/core/split-list.ts';

const titles = (markdown: string) => concernsIn(markdown).map(({ title }) => title);

test('a list: one concern an item, with its kind, its places, its notes and what must hold', () => {
  const all = concernsIn(`# Review of #12

Looks good, but:

- Bug: dates differ in src/api/dates.ts:12-14
  and in \`src/api/orders.ts\`.

  \`\`\`ts
  - not an item
  # nor a heading
  \`\`\`
  - seen on staging
  - [ ] ISO everywhere
  - [x] done already
- [x] Rename the field
- [ ]
- [ ] feat(ui)!: dark mode
* **Slow start**: it takes 3 s, see https://x.test/a.ts:3 and lib/boot.ts#L5-L9
1. [task] Update example.com:443
    1. first
`);
  const none = { error: null, steps: [], expected: '', labels: [], priority: null };
  expect(all).toEqual([
    {
      ...none,
      title: 'dates differ in src/api/dates.ts:12-14 and in `src/api/orders.ts`.',
      notes: '```ts\n- not an item\n# nor a heading\n```\n- seen on staging',
      kind: 'bug',
      places: [
        { path: 'src/api/dates.ts', from: 12, to: 14, snippet: null },
        { path: 'src/api/orders.ts', from: null, to: null, snippet: null },
      ],
      criteria: ['ISO everywhere'],
    },
    { ...none, title: 'dark mode', notes: '', kind: 'feature', places: [], criteria: [] },
    {
      ...none,
      title: 'Slow start',
      notes: 'it takes 3 s, see https://x.test/a.ts:3 and lib/boot.ts#L5-L9',
      kind: null,
      places: [{ path: 'lib/boot.ts', from: 5, to: 9, snippet: null }],
      criteria: [],
    },
    { ...none, title: 'Update example.com:443', notes: '1. first', kind: 'task', places: [], criteria: [] },
  ]);
});

test.each([
  [
    'a meeting',
    '# Weekly\n\n## Attendees\n\n- Ada\n- Bob\n\n## Actions\n- Fix login\n- Ask Eve\n\nThanks all',
    ['Fix login', 'Ask Eve'],
  ],
  [
    'headings',
    '# Review\n\nHello.\n\n## 1. Wrong date\n\nWhy\n\n### Detail\nx\n\n## Slow start ##\n',
    ['Wrong date', 'Slow start'],
  ],
  ['one heading', '# Wrong date\n\nIt is so.', ['Wrong date']],
  [
    'paragraphs',
    'The date is wrong.\nSo it is.\n\nThe start is slow.',
    ['The date is wrong. So it is.', 'The start is slow.'],
  ],
  ['a list a little askew', '- a1\n - b1\n\n* c1\n\n  more\n\n---\n\n- d1', ['a1', 'b1', 'c1', 'd1']],
  ['an item that goes on without indentation', '- it is\nso\n- x1', ['it is so', 'x1']],
  ['CRLF and tabs', '- a1\r\n\t- in it\r\n- b1', ['a1', 'b1']],
  ['other scripts', '- Ошибка: формат\n- 日付の形式', ['Ошибка: формат', '日付の形式']],
])('%s', (_, markdown, expected) => {
  expect(titles(markdown)).toEqual(expected);
});

test('under a heading stands what it is about', () => {
  const [first] = concernsIn('# R\n\n## Wrong date\n\nIn `src/a.ts:3`.\n\n### Detail\nx\n\n## Slow\n');
  expect(first).toMatchObject({ notes: 'In `src/a.ts:3`.\n\n### Detail\nx', places: [{ path: 'src/a.ts', from: 3 }] });
});

test('a long item has its first sentence for a title, and loses nothing', () => {
  const text = `The date is wrong. ${'And so on and on. '.repeat(20)}`.trim();
  expect(concernsIn(`- ${text}`)).toMatchObject([{ title: 'The date is wrong.', notes: text }]);
  const [found] = concernsIn(`- ${'word '.repeat(100)}`);
  expect(found?.title).toMatch(/^word word.{100,195}…$/);
});

test.each([
  ['', 'nothing in it to file'],
  ['- [x] done\n- [ ]\n-\n', 'nothing in it to file'],
  ['<!-- - hint -->\n---\n', 'nothing in it to file'],
  ['- a1\n'.repeat(31), 'It has 31 concerns, and 30 can be filed at once. Bring it in parts.'],
  ['a'.repeat(200_001), 'has 200001 characters, of 200000 at most'],
])('%#: nothing comes of it, and why', (markdown, why) => {
  expect(() => concernsIn(markdown)).toThrow(SplitError);
  expect(() => concernsIn(markdown)).toThrow(why);
});

test('thirty are not too many', () => {
  expect(concernsIn('- a1\n'.repeat(30))).toHaveLength(30);
});

test('whatever it is, each concern has a title of one line, or people are told', () => {
  const part = fc.constantFrom(
    '- ',
    '  - ',
    '# ',
    '## ',
    '[ ] ',
    '[x] ',
    '```\n',
    '\n',
    '\n\n',
    'word ',
    'src/a.ts:3 ',
    '**b** ',
    'Bug: ',
    '---\n',
    '\t',
    '1. ',
    '/'.repeat(50),
    'a'.repeat(500),
    '(',
    '`',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      try {
        for (const { title, notes } of concernsIn(parts.join(''))) {
          expect(title).toMatch(/^.{1,200}$/u);
          expect(notes.length).toBeLessThanOrEqual(20_000);
        }
      } catch (error) {
        if (!(error instanceof SplitError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test.each(['a', '[', 'a/', 'a.', '- ', '`', '**', '# ', '<!--', 'Bug: ', '(', '\n'])(
  '200,000 characters of %j take a moment',
  (text) => {
    const begun = performance.now();
    try {
      concernsIn(`- x1\n  ${text.repeat(200_000 / text.length - 8)}`);
    } catch (error) {
      if (!(error instanceof SplitError)) throw error;
    }
    expect(performance.now() - begun).toBeLessThan(5_000);
  },
);

test('a block of code belongs to what stands above it, however it is indented', () => {
  const code = '```js\nnew Date()\n\n# no heading\n```';
  const found = [
    { title: 'Dates differ.', notes: code },
    { title: 'Names are cut.', notes: '' },
  ];
  expect(concernsIn(`- Dates differ.\n\n${code}\n\n- Names are cut.`)).toMatchObject(found);
  expect(concernsIn(`Dates differ.\n\n${code}\n\nNames are cut.`)).toMatchObject(found);
  expect(titles(`${code}\n\nNames are cut.`)).toHaveLength(2);
});
