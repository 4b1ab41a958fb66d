import fc from 'fast-check';

/** Documents as Atlassian's schema allows them, and texts that are most of what Markdown is made of. */

interface Node {
  type: string;
  text?: string;
  attrs?: Record<string, unknown>;
  marks?: Node[];
  content?: Node[];
}

const pieces = [
  ...[
    'a',
    'b',
    'word',
    'snake_case',
    'Ünï',
    '日本',
    '1',
    '12',
    ' ',
    ' ',
    '  ',
    '*',
    '**',
    '_',
    '__',
    '~',
    '~~',
    '`',
    '``',
    '```',
  ],
  ...[
    '#',
    '# ',
    '-',
    '- ',
    '+ ',
    '1. ',
    '2) ',
    '> ',
    '[',
    ']',
    '(',
    ')',
    '[x] ',
    '[a](b)',
    '![',
    '@',
    '@[n](5:6)',
    '<',
    '>',
    '<b>',
  ],
  ...[
    '</u>',
    '<br>',
    '<!--',
    '&',
    '&amp;',
    '&lt',
    '|',
    '---',
    '===',
    ':--',
    '\\',
    '\\*',
    '!',
    '.',
    ',',
    ':',
    ';',
    '"',
    "'",
    '=',
    '/',
  ],
  ...['~~~', '</details>', '<details>', '\u00a0', '\u{1f600}', '{code}', 'C:\\dir', '    ', 'www.x.y', 'a@b.cd'],
];

export const words = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 7 }).map((all) => all.join(''));
const plainWords = fc
  .array(fc.constantFrom('a', 'word', 'Two words', 'x_y', '*', '#', '<', '1.'), { minLength: 1, maxLength: 3 })
  .map((all) => all.join(' '));
const text = fc.oneof(words, plainWords);
const accountId = fc.constantFrom(
  '5b10ac8d82e05b22cc7d4ef5',
  '557058:f58131cb-b67d-43c7-b30d-6b58d40bd077',
  'qm:1-2:3',
);
const href = fc.oneof(
  fc.constantFrom(
    'https://a.example/b_c_d?e=f&amp;g=h',
    'https://x.y/(a)',
    'https://x.y/a b',
    'mailto:a@b.cd',
    '/a/b',
    '#x',
  ),
  fc.constantFrom(
    'https://x.y/*a*',
    'https://x.y/a)b',
    'https://x.y/<a>',
    'https://x.y/a|b',
    'https://x.y/a\\*b',
    'attachment:1',
  ),
);
const color = fc.constantFrom('#ff5630', '#36B37E');

const flags = fc.subarray(['strong', 'em', 'strike', 'underline']).map((all) => all.map((type): Node => ({ type })));
const extras = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Node[]>([]) },
  fc.constantFrom('sub', 'sup').map((type): Node[] => [{ type: 'subsup', attrs: { type } }]),
  color.map((one): Node[] => [{ type: 'textColor', attrs: { color: one } }]),
  color.map((one): Node[] => [{ type: 'backgroundColor', attrs: { color: one } }]),
);
const link = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Node[]>([]) },
  href.map((one): Node[] => [{ type: 'link', attrs: { href: one } }]),
  fc.tuple(href, words).map(([one, title]): Node[] => [{ type: 'link', attrs: { href: one, title } }]),
);
const marked = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Node[]>([]) },
  fc.tuple(link, flags, extras).map(([a, b, c]) => [...a, ...b, ...c]),
  link.map((one): Node[] => [...one, { type: 'code' }]),
);
const textNode: fc.Arbitrary<Node> = fc.tuple(text, marked).map(([content, marks]) => ({
  type: 'text',
  text: content,
  ...(marks.length > 0 ? { marks } : {}),
}));

const leaf = (type: string, attrs?: Record<string, unknown>): Node => (attrs ? { type, attrs } : { type });
const mention = fc
  .tuple(accountId, fc.oneof(plainWords, words))
  .map(([id, name]) => leaf('mention', { id, text: `@${name}` }));

/** What must come back as it was. */
const coreInline = fc.oneof(
  { weight: 6, arbitrary: textNode },
  { weight: 1, arbitrary: fc.constant(leaf('hardBreak')) },
  { weight: 1, arbitrary: mention },
);

const file = fc
  .tuple(
    fc.constantFrom('6e7c7f2c-dd7a-499c-bceb-6f32bfbf30b5', 'a b'),
    fc.constantFrom('', 'c-1'),
    fc.option(words, { nil: undefined }),
  )
  .map(([id, collection, alt]) => ({ id, collection, ...(alt === undefined ? {} : { alt }) }));

const anyInline = fc.oneof(
  { weight: 4, arbitrary: coreInline },
  fc.oneof(
    words.map((one) => leaf('status', { text: one, color: 'blue' })),
    fc.constantFrom('1763769600000', 'x').map((timestamp) => leaf('date', { timestamp })),
    fc
      .constantFrom<Record<string, unknown>>({ shortName: ':smile:', text: '\u{1f604}' }, { shortName: ':a_b:' })
      .map((attrs) => leaf('emoji', attrs)),
    fc.oneof(href, fc.constant('https://x.atlassian.net/browse/A-1')).map((url) => leaf('inlineCard', { url })),
    fc.constant(leaf('inlineCard', { data: { name: 'Card *1*' } })),
    words.map((one) => leaf('placeholder', { text: one })),
    words.map((one) => leaf('inlineExtension', { extensionKey: 'k', extensionType: 't', text: one })),
    file.map((attrs) => leaf('mediaInline', { type: 'file', ...attrs })),
  ),
);

const code = fc
  .array(fc.constantFrom(...pieces, '\n', '\n', '\t', '```', '  '), { maxLength: 12 })
  .map((all) => all.join(''));
const language = fc.constantFrom('ts', 'c++', 'objective-c', '');

export interface Documents {
  core: fc.Arbitrary<Node>;
  any: fc.Arbitrary<Node>;
}

const many = <T>(one: fc.Arbitrary<T>, minLength = 1, maxLength = 3) => fc.array(one, { minLength, maxLength });
const node = (type: string, content: Node[], attrs?: Record<string, unknown>): Node =>
  attrs ? { type, attrs, content } : { type, content };

function blocks(inline: fc.Arbitrary<Node>, isAny: boolean) {
  const runs = many(inline, 0, 5);
  const paragraph = runs.map((content) => node('paragraph', content));
  const codeBlock = fc
    .tuple(code, language)
    .map(([one, name]) => node('codeBlock', one === '' ? [] : [{ type: 'text', text: one }], { language: name }));
  const heading = fc
    .tuple(runs, fc.integer({ min: 1, max: 6 }))
    .map(([content, level]) => node('heading', content, { level }));
  const media = file.map((attrs) => leaf('media', { type: 'file', ...attrs }));
  const external = words.map((alt) => leaf('media', { type: 'external', url: 'https://x.y/a_b.png', alt }));
  const mediaSingle = fc.tuple(fc.oneof(media, external), fc.option(runs)).map(([one, caption]) =>
    node(
      'mediaSingle',
      caption
        ? [
            one,
            node(
              'caption',
              caption.filter(({ type }) => type === 'text'),
            ),
          ]
        : [one],
      { layout: 'center' },
    ),
  );
  const mediaGroup = many(media).map((all) => node('mediaGroup', all));
  const taskItem = fc
    .tuple(runs, fc.constantFrom('TODO', 'DONE'))
    .map(([content, state]) => node('taskItem', content, { localId: 'i', state }));
  const taskList = fc
    .tuple(
      taskItem,
      many(
        fc.oneof(
          taskItem,
          many(taskItem).map((all) => node('taskList', all, { localId: 'l' })),
        ),
        0,
        3,
      ),
    )
    .map(([first, rest]) => node('taskList', [first, ...rest], { localId: 'l' }));
  const listOf = (below: fc.Arbitrary<Node>[]) => {
    const more = fc.oneof(paragraph, codeBlock, ...below, ...(isAny ? [taskList, mediaSingle] : []));
    const item = fc
      .tuple(fc.oneof({ weight: 4, arbitrary: paragraph }, codeBlock), many(more, 0, 2))
      .map(([first, rest]) => node('listItem', [first, ...rest]));
    return fc.oneof(
      many(item).map((items) => node('bulletList', items)),
      fc
        .tuple(many(item), fc.integer({ min: 0, max: 120 }))
        .map(([items, order]) => node('orderedList', items, { order })),
    );
  };
  const list = listOf([listOf([listOf([])])]);
  const rule = fc.constant(leaf('rule'));
  const extension = fc.constantFrom(
    leaf('extension', { extensionKey: 'toc', extensionType: 'macro' }),
    leaf('extension', { extensionKey: 'k', extensionType: 't', text: 'the *text*' }),
  );
  const card = fc.constantFrom(
    leaf('blockCard', { url: 'https://x.y/a_b' }),
    leaf('embedCard', { url: 'https://x.y/a_b', layout: 'center' }),
    leaf('blockCard', { datasource: { id: 'd', parameters: { jql: 'project = A' }, views: [{ type: 'table' }] } }),
  );
  const decisionList = many(runs).map((all) =>
    node(
      'decisionList',
      all.map((content) => node('decisionItem', content, { localId: 'd', state: 'DECIDED' })),
      { localId: 'l' },
    ),
  );
  const quote = many(fc.oneof(paragraph, list, codeBlock)).map((content) => node('blockquote', content));
  const panel = fc
    .tuple(
      many(fc.oneof(paragraph, list, codeBlock, heading, taskList)),
      fc.constantFrom('info', 'note', 'tip', 'warning', 'error', 'success', 'custom'),
    )
    .map(([content, panelType]) => node('panel', content, { panelType }));
  const cell = isAny
    ? many(
        fc.oneof(paragraph, codeBlock, list, panel, quote, heading, taskList, mediaSingle, card, rule, decisionList),
        1,
        2,
      )
    : paragraph.map((one) => [one]);
  const table = fc.integer({ min: 1, max: 3 }).chain((width) =>
    fc
      .tuple(
        fc.boolean(),
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 3 }),
        isAny ? fc.boolean() : fc.constant(false),
      )
      .map(([head, rows, spans]) =>
        node(
          'table',
          rows.map((cells, row) =>
            node(
              'tableRow',
              cells.map((content, column) =>
                node(
                  head && row === 0 ? 'tableHeader' : isAny && column === 0 ? 'tableHeader' : 'tableCell',
                  content,
                  spans && column === 0 ? { colspan: 2, rowspan: row + 1 } : {},
                ),
              ),
            ),
          ),
        ),
      ),
  );
  const nestable = fc.oneof(paragraph, heading, list, codeBlock, taskList, quote, panel, table, rule);
  const nestedExpand = fc
    .tuple(many(fc.oneof(paragraph, heading, list, codeBlock, quote, panel)), words)
    .map(([content, title]) => node('nestedExpand', content, { title }));
  const expand = fc
    .tuple(many(fc.oneof(nestable, nestedExpand)), words)
    .map(([content, title]) => node('expand', content, { title }));
  const core = fc.oneof(
    { weight: 3, arbitrary: paragraph },
    heading,
    { weight: 2, arbitrary: list },
    codeBlock,
    taskList,
    table,
    quote,
    panel,
    expand,
    rule,
  );
  if (!isAny) return core;
  const layout = fc.tuple(many(core, 1, 2), many(core, 1, 2)).map((columns) =>
    node(
      'layoutSection',
      columns.map((content) => node('layoutColumn', content, { width: 50 })),
    ),
  );
  const bodied = many(fc.oneof(paragraph, table, panel)).map((content) =>
    node('bodiedExtension', content, { extensionKey: 'k', extensionType: 't' }),
  );
  return fc.oneof(
    { weight: 4, arbitrary: core },
    mediaSingle,
    mediaGroup,
    extension,
    card,
    decisionList,
    layout,
    bodied,
  );
}

const documentOf = (block: fc.Arbitrary<Node>) =>
  fc.array(block, { maxLength: 4 }).map((content) => ({ type: 'doc', version: 1, content }));

/** Of headings, lists, tables, code, tasks, mentions, links, quotes, panels and expands. */
export const coreDocuments = documentOf(blocks(coreInline, false));
/** Of everything in the schema that people write. */
export const anyDocuments = documentOf(blocks(anyInline, true));

/** Markdown, well made and torn. */
export const markdowns = fc
  .array(
    fc.oneof(
      words,
      fc.constantFrom(
        '\n',
        '\n',
        '\n\n',
        '\n\n',
        '\n  ',
        '\n    ',
        '\n- ',
        '\n- [ ] ',
        '\n- [x] ',
        '\n  - ',
        '\n1. ',
        '\n> ',
        '\n> **Note:** ',
        '\n\t',
      ),
      fc.constantFrom(
        '\n## ',
        '\n\n| a | b |\n| - | - |\n| c',
        '\n```ts\n',
        '\n```\n',
        '\n~~~\n',
        '\n\n---\n\n',
        '<u>',
        '</u>',
        '<br>',
        '\\\n',
        '  \n',
      ),
      fc.constantFrom(
        '\n<details>\n<summary>More</summary>\n\n',
        '\n</details>\n',
        '\n\n<details><summary>x</summary>y</details>\n',
        '**b**',
        '*i*',
        '`c`',
      ),
      fc.constantFrom(
        '[l](https://x.y)',
        '![p](https://x.y/p.png)',
        '![f](attachment:6e7c7f2c-dd7a-499c-bceb-6f32bfbf30b5)',
        '@[Ann](5:6)',
        '<https://a.b/c_d>',
        'https://a.b/c_d',
        '[r]: x',
      ),
    ),
    { maxLength: 14 },
  )
  .map((all) => all.join(''));
