import { describe, test } from 'vitest';
import { fromMarkdown } from '../../../../src/trackers/jira/adf/from-markdown.ts';
import { lettersOf } from './outline.ts';
import { faultsOf } from './schema.ts';

const p = (...content: unknown[]) => ({ type: 'paragraph', content });
const t = (text: string, ...marks: unknown[]) => ({ type: 'text', text, ...(marks.length > 0 ? { marks } : {}) });
const li = (...content: unknown[]) => ({ type: 'listItem', content });
const link = (href: string) => ({ type: 'link', attrs: { href } });
const fileId = '6e7c7f2c-dd7a-499c-bceb-6f32bfbf30b5';
const [strong, em, code] = [{ type: 'strong' }, { type: 'em' }, { type: 'code' }];

describe('what we write', () => {
  const cases: [string, string, unknown[]][] = [
    ['headings', '## A *b*', [{ type: 'heading', attrs: { level: 2 }, content: [t('A '), t('b', em)] }]],
    ['line breaks', 'a\nb\\\nc  \nd', [p(t('a'), br(), t('b'), br(), t('c'), br(), t('d'))]],
    [
      'nested lists',
      '- a\n  1. b\n\n     c\n- d',
      [
        {
          type: 'bulletList',
          content: [
            li(p(t('a')), { type: 'orderedList', attrs: { order: 1 }, content: [li(p(t('b')), p(t('c')))] }),
            li(p(t('d'))),
          ],
        },
      ],
    ],
    [
      'tasks, and tasks below tasks',
      '- [x] a\n  - [ ] **b**',
      [
        {
          type: 'taskList',
          attrs: { localId: '4' },
          content: [
            { type: 'taskItem', attrs: { localId: '3', state: 'DONE' }, content: [t('a')] },
            {
              type: 'taskList',
              attrs: { localId: '2' },
              content: [{ type: 'taskItem', attrs: { localId: '1', state: 'TODO' }, content: [t('b', strong)] }],
            },
          ],
        },
      ],
    ],
    [
      'tables',
      '| a | b |\n|---|:-:|\n| `x\\|y` | **c** |',
      [
        {
          type: 'table',
          content: [
            { type: 'tableRow', content: [th(t('a')), th(t('b'))] },
            { type: 'tableRow', content: [td(t('x|y', code)), td(t('c', strong))] },
          ],
        },
      ],
    ],
    [
      'code, its tabs as well',
      '- a\n\n  ```go title=x\n  if a {\n  \treturn\n\n  }\n  ```',
      [
        {
          type: 'bulletList',
          content: [
            li(p(t('a')), {
              type: 'codeBlock',
              attrs: { language: 'go' },
              content: [t('if a {\n\treturn\n\n}')],
            }),
          ],
        },
      ],
    ],
    ['quotes and rules', '> a\n\n---', [{ type: 'blockquote', content: [p(t('a'))] }, { type: 'rule' }]],
    ['panels', '> **Warning:** a', [{ type: 'panel', attrs: { panelType: 'warning' }, content: [p(t('a'))] }]],
    [
      'panels as GitHub has them',
      '> [!NOTE]\n> a',
      [{ type: 'panel', attrs: { panelType: 'note' }, content: [p(t('a'))] }],
    ],
    [
      'details, in details',
      '<details><summary>A &amp; <b>b</b></summary>\n\nx\n\n<details>\n<summary>In</summary>\ny\n</details>\n</details>',
      [
        {
          type: 'expand',
          attrs: { title: 'A & b' },
          content: [p(t('x')), { type: 'nestedExpand', attrs: { title: 'In' }, content: [p(t('y'))] }],
        },
      ],
    ],
    [
      'links, bare ones, and images as links',
      '[a](https://x.y "T") https://x.y/a_b. ![shot](https://x.y/p.png) <a@b.cd>',
      [
        p(
          t('a', { type: 'link', attrs: { href: 'https://x.y', title: 'T' } }),
          t(' '),
          t('https://x.y/a_b', link('https://x.y/a_b')),
          t('. '),
          t('shot', link('https://x.y/p.png')),
          t(' '),
          t('a@b.cd', link('mailto:a@b.cd')),
        ),
      ],
    ],
    [
      'people, and what only looks like one',
      'Ask @[Ann *B*](557058:f5-1), \\@[no](one)',
      [p(t('Ask '), { type: 'mention', attrs: { id: '557058:f5-1', text: '@Ann B' } }, t(', @'), t('no', link('one')))],
    ],
    [
      'files of the ticket',
      `![log.txt](attachment:${fileId})\n\nsee ![a](attachment:${fileId}?collection=c), ![b.png](attachment:b.png)`,
      [
        {
          type: 'mediaSingle',
          attrs: { layout: 'center' },
          content: [{ type: 'media', attrs: { type: 'file', id: fileId, collection: '', alt: 'log.txt' } }],
        },
        p(
          t('see '),
          { type: 'mediaInline', attrs: { type: 'file', id: fileId, collection: 'c', alt: 'a' } },
          t(', b.png'),
        ),
      ],
    ],
    [
      'marks that Markdown lacks',
      '<u>a</u><sub>b</sub> <span style="color: #ff5630">c</span> ~~d~~ &lt;e&gt; <f>',
      [
        p(
          t('a', { type: 'underline' }),
          t('b', { type: 'subsup', attrs: { type: 'sub' } }),
          t(' '),
          t('c', { type: 'textColor', attrs: { color: '#ff5630' } }),
          t(' '),
          t('d', { type: 'strike' }),
          t(' <e> <f>'),
        ),
      ],
    ],
    [
      'code that would be bold',
      '**a `b`** [`c`](/d)',
      [p(t('a ', strong), t('b', code), t(' '), t('c', link('/d'), code))],
    ],
    ['no link definitions: they hide text', '[INFO]: done', [p(t('[INFO]: done'))]],
  ];

  test.for(cases)('%s', ([, markdown, content], { expect }) => {
    const document = fromMarkdown(markdown);
    expect(document).toEqual({ type: 'doc', version: 1, content });
    expect(faultsOf(document)).toBe('');
  });
});

describe('what may not stand where it does is flattened, its text kept', () => {
  const cases: [string, string, string[]][] = [
    [
      'a table, a quote and a heading in a list',
      '- a\n\n  | b | c |\n  |---|---|\n  | d | e |\n\n  > f\n\n  ## g',
      ['b | c', 'd | e', 'f', 'g'],
    ],
    ['a table and tasks in a quote', '> | b |\n> |---|\n> | c |\n>\n> - [x] d', ['b', 'c', '☑ d']],
    ['a quote in a panel', '> **Note:** a\n>\n> > b\n> >\n> > > c', ['a', 'b', 'c']],
    [
      'details in a list and three deep',
      '- <details><summary>A</summary>b</details>\n\n<details><summary>C</summary>\n<details><summary>D</summary>\n<details><summary>E</summary>\nf\n</details>\n</details>\n</details>',
      ['A', 'b', 'C', 'D', 'E', 'f'],
    ],
    [
      'tasks among items, with more than text',
      '- a\n- [ ] b\n\n  ```\n  c\n  ```\n- [x] d\n  - e',
      ['a', 'b', 'c', 'd', 'e'],
    ],
    [
      'lists beyond what Jira indents',
      Array.from({ length: 12 }, (_, depth) => `${'  '.repeat(depth)}- i${depth}`).join('\n'),
      ['i0', 'i6', 'i11'],
    ],
    ['ten thousand quotes', `${'> '.repeat(10_000)}end`, ['end']],
    ['ten thousand lists', `${'- '.repeat(10_000)}end`, ['end']],
    [
      'cells that a row has too many',
      '| a | b |\n|---|---|\n| `c|d` | e |\n| f | g | h | i |\n\nj',
      ['c|d e', 'g | h | i', 'j'],
    ],
    ['an empty table, list and task', '| |\n|-|\n\n- \n- [ ] &nbsp;\n\n>', []],
  ];

  test.for(cases)('%s', ([, markdown, words], { expect }) => {
    const document = fromMarkdown(markdown);
    expect(faultsOf(document)).toBe('');
    const letters = lettersOf(document);
    for (const word of words) expect(letters).toContain(word);
  });
});

test('what is meant to be slow is read in time, and no letter of it is lost', ({ expect }) => {
  const hostile: [string, number][] = [
    ['<div>\nx\n', 1_000_000],
    ...['**x', '[x](', '<u>x', '> - x\n', '<details>\nx\n', '|x\n|-\n', '`x ``', '@[x](y'].map(
      (piece): [string, number] => [piece, 30_000],
    ),
  ];
  for (const [piece, size] of hostile) {
    const markdown = piece.repeat(Math.ceil(size / piece.length));
    const begin = performance.now();
    const letters = lettersOf(fromMarkdown(markdown));
    expect(performance.now() - begin, piece).toBeLessThan(15_000);
    expect(letters.split('x').length, piece).toBe(markdown.split('x').length);
  }
});

test('code that is longer than what is read in one piece stays code, line for line', ({ expect }) => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `# ${index}`);
  const { content } = fromMarkdown(`before\n\n\`\`\`sh\n${lines.join('\n')}\n\`\`\`\n\n# after`);
  expect(content.map(({ type }) => type)).toEqual(['paragraph', 'codeBlock', 'codeBlock', 'codeBlock', 'heading']);
  const code = content.flatMap((block) => (block.type === 'codeBlock' ? block.content : []));
  expect(
    code
      .map(({ text }) => text)
      .join('\n')
      .split('\n'),
  ).toEqual(lines);
});

function br() {
  return { type: 'hardBreak' };
}

function th(...content: unknown[]) {
  return { type: 'tableHeader', content: [p(...content)] };
}

function td(...content: unknown[]) {
  return { type: 'tableCell', content: [p(...content)] };
}
