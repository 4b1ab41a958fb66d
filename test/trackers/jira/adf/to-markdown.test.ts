import { describe, test } from 'vitest';
import { toMarkdown } from '../../../../src/trackers/jira/adf/to-markdown.ts';
import { faultsOf } from './schema.ts';

const doc = (...content: unknown[]) => ({ type: 'doc', version: 1, content });
const p = (...content: unknown[]) => ({ type: 'paragraph', content });
const t = (text: string, ...marks: unknown[]) => ({ type: 'text', text, ...(marks.length > 0 ? { marks } : {}) });
const li = (...content: unknown[]) => ({ type: 'listItem', content });
const cell = (type: string, content: unknown[], attrs = {}) => ({ type, attrs, content });
const strong = { type: 'strong' };

describe('what people write in Jira', () => {
  const cases: [string, unknown, string][] = [
    [
      'a panel',
      { type: 'panel', attrs: { panelType: 'note' }, content: [p(t('a')), p(t('b'))] },
      '> **Note:** a\n>\n> b',
    ],
    [
      'what stands in a line',
      p(
        t('Is '),
        { type: 'status', attrs: { text: 'IN *PROGRESS*', color: 'blue' } },
        t(' since '),
        { type: 'date', attrs: { timestamp: '1763769600000' } },
        t(' '),
        { type: 'emoji', attrs: { shortName: ':smile:', text: '\u{1f604}' } },
        { type: 'emoji', attrs: { shortName: ':x_y:' } },
        t(' '),
        { type: 'mention', attrs: { id: '557058:a-b', text: '@Ann' } },
        t(' '),
        { type: 'inlineCard', attrs: { url: 'https://x.y/browse/A-1' } },
        { type: 'hardBreak' },
        { type: 'placeholder', attrs: { text: 'say more' } },
      ),
      'Is IN \\*PROGRESS\\* since 2025-11-22 \u{1f604}:x_y: @[Ann](557058:a-b) <https://x.y/browse/A-1>\\\nsay more',
    ],
    [
      'files',
      doc(
        {
          type: 'mediaSingle',
          attrs: { layout: 'center' },
          content: [
            { type: 'media', attrs: { type: 'file', id: '6e7c', collection: '', alt: 'shot_1.png' } },
            { type: 'caption', content: [t('The page')] },
          ],
        },
        {
          type: 'mediaGroup',
          content: ['1', '2'].map((id) => ({ type: 'media', attrs: { type: 'file', id, collection: 'c d' } })),
        },
        p(t('a '), { type: 'mediaInline', attrs: { id: '3', collection: '' } }),
        {
          type: 'mediaSingle',
          attrs: { layout: 'wide' },
          content: [{ type: 'media', attrs: { type: 'external', url: 'https://x.y/p.png' } }],
        },
      ),
      [
        '![shot_1.png](attachment:6e7c)\n\nThe page',
        '![attachment](attachment:1?collection=c%20d) ![attachment](attachment:2?collection=c%20d)',
        'a ![attachment](attachment:3)',
        '![https://x.y/p.png](https://x.y/p.png)',
      ].join('\n\n'),
    ],
    [
      'tasks and decisions',
      doc(
        {
          type: 'taskList',
          attrs: { localId: 'l' },
          content: [
            { type: 'taskItem', attrs: { localId: 'i', state: 'DONE' }, content: [t('a')] },
            {
              type: 'taskList',
              attrs: { localId: 'm' },
              content: [{ type: 'taskItem', attrs: { localId: 'j', state: 'TODO' }, content: [t('b')] }],
            },
          ],
        },
        {
          type: 'decisionList',
          attrs: { localId: 'd' },
          content: [{ type: 'decisionItem', attrs: { localId: 'e', state: 'DECIDED' }, content: [t('c')] }],
        },
      ),
      '- [x] a\n  - [ ] b\n\n* **Decision:** c',
    ],
    [
      'a table of all kinds of cells',
      {
        type: 'table',
        content: [
          {
            type: 'tableRow',
            content: [cell('tableHeader', [p(t('a|b'))], { colspan: 2 }), cell('tableHeader', [p()])],
          },
          {
            type: 'tableRow',
            content: [
              cell('tableHeader', [p(t('c'))], { rowspan: 2 }),
              cell('tableCell', [{ type: 'bulletList', content: [li(p(t('d'))), li(p(t('e')))] }]),
              cell('tableCell', [{ type: 'codeBlock', content: [t('x | y\nz')] }]),
            ],
          },
          { type: 'tableRow', content: [cell('tableCell', [p(t('f')), p(t('g'))])] },
        ],
      },
      '| a\\|b |  |  |\n| --- | --- | --- |\n| **c** | - d<br>- e | `x \\| y`<br>`z` |\n|  | f<br>g |',
    ],
    [
      'expands, layouts and extensions',
      doc(
        { type: 'expand', attrs: { title: 'A <b>' }, content: [p(t('a'))] },
        {
          type: 'layoutSection',
          content: ['b', 'c'].map((text) => ({ type: 'layoutColumn', attrs: { width: 50 }, content: [p(t(text))] })),
        },
        { type: 'extension', attrs: { extensionType: 'x', extensionKey: 'toc' } },
        { type: 'extension', attrs: { extensionType: 'x', extensionKey: 'k', text: 'its *text*' } },
        { type: 'bodiedExtension', attrs: { extensionType: 'x', extensionKey: 'k' }, content: [p(t('body'))] },
        { type: 'embedCard', attrs: { url: 'https://x.y/v', layout: 'center' } },
      ),
      '<details>\n<summary>A &lt;b&gt;</summary>\n\na\n\n</details>\n\nb\n\nc\n\n(extension toc)\n\nits \\*text\\*\n\nbody\n\n<https://x.y/v>',
    ],
    [
      'marks',
      p(
        t('a', strong),
        t('b '),
        t('c ', strong, { type: 'em' }),
        t('d', { type: 'underline' }),
        t('2', { type: 'subsup', attrs: { type: 'sup' } }),
        t(' red', { type: 'textColor', attrs: { color: '#ff5630' } }),
        t(' '),
        t('f`g', { type: 'code' }),
        t(' '),
        t('h', { type: 'link', attrs: { href: 'https://x.y/(a)', title: 'T"' } }),
        t('i', { type: 'annotation', attrs: { id: '1', annotationType: 'inlineComment' } }),
      ),
      '<strong>a</strong>b **_c_** <u>d</u><sup>2</sup> <span style="color: #ff5630">red</span> ``f`g`` [h](<https://x.y/(a)> "T\\"")i',
    ],
    [
      'text that looks like Markdown',
      doc(
        p(t('# *a* _b_ `c` <d> [e](f) ![g](h) ~~i~~ snake_case 2 < 3 & 4 &amp; C:\\dir https://x.y/a_b_')),
        p(t('1. a'), { type: 'hardBreak' }, t('- b'), { type: 'hardBreak' }, t('> c'), { type: 'hardBreak' }, t('---')),
        { type: 'heading', attrs: { level: 3 }, content: [t('C#'), { type: 'hardBreak' }, t('b #')] },
      ),
      [
        '# *a* _b_ `c` <d> [e](f) ![g](h) ~~i~~'.replace(/[*_`~[#]|<(?=d)/g, '\\$&') +
          ' snake_case 2 < 3 & 4 \\&amp; C:\\dir <https://x.y/a_b>\\_',
        '1\\. a\\\n\\- b\\\n\\> c\\\n\\---',
        '### C#<br>b \\#',
      ].join('\n\n'),
    ],
    [
      'code, untouched',
      { type: 'codeBlock', attrs: { language: 'ts' }, content: [t('const a = `*_#<`;\n```\n\tb\n')] },
      '````ts\nconst a = `*_#<`;\n```\n\tb\n\n````',
    ],
    [
      'lists next to each other, and one that begins at 5',
      doc(
        { type: 'bulletList', content: [li(p(t('a')), { type: 'codeBlock', content: [t('x')] })] },
        { type: 'bulletList', content: [li(p(t('b')), { type: 'bulletList', content: [li(p(t('c')))] })] },
        { type: 'orderedList', attrs: { order: 5 }, content: [li(p(t('d'))), li(p())] },
      ),
      '- a\n\n  ```\n  x\n  ```\n\n* b\n  - c\n\n5. d\n6.',
    ],
  ];

  test.for(cases)('%s', ([, node, markdown], { expect }) => {
    const document = (node as { type: string }).type === 'doc' ? node : doc(node);
    expect(faultsOf(document)).toBe('');
    expect(toMarkdown(document)).toBe(markdown);
  });
});

test('what is no document, or none that anybody knows, is read as far as it goes', ({ expect }) => {
  for (const nothing of [null, undefined, 3, [], {}, { type: 'doc' }, { type: 'doc', content: [null, 1, {}] }])
    expect(toMarkdown(nothing)).toBe('');
  expect(toMarkdown('plain *text*')).toBe('plain \\*text\\*');
  const odd = {
    type: 'future',
    attrs: { title: 'T' },
    content: [{ type: 'thing', content: [t('in it')] }, p(t('more'))],
  };
  expect(toMarkdown(doc(odd, p({ type: 'newInline', attrs: { text: 'x_y' } }), t('loose')))).toBe(
    'T\n\nin it\n\nmore\n\nx_y\n\nloose',
  );
  expect(
    toMarkdown(doc(p({ type: 'mention', attrs: {} }, t('a', { type: 'link' }), { type: 'date', attrs: {} }))),
  ).toBe('@a');
});

test('depth and size cost no more than their length, and no text', ({ expect }) => {
  let deep: unknown = p(t('the end'));
  for (let depth = 0; depth < 10_000; depth++) deep = { type: 'bulletList', content: [li(p(t(`l${depth}`)), deep)] };
  const nested = toMarkdown(doc(deep));
  expect(nested).toContain('the end');
  expect(nested.match(/l\d+/g)?.length).toBe(10_000);

  const runs = Array.from({ length: 60_000 }, (_, index) => t(`**w${index}`, ...(index % 2 ? [strong] : [])));
  const begin = performance.now();
  const wide = toMarkdown(doc(p(...runs), ...runs.slice(0, 20_000).map((run) => p(run))));
  expect(performance.now() - begin).toBeLessThan(10_000);
  expect(wide.match(/w\d+/g)?.length).toBe(80_000);
});
