import fc from 'fast-check';
import { describe, test } from 'vitest';
import { fromMarkdown } from '../../../../src/trackers/jira/adf/from-markdown.ts';
import { wikiToMarkdown } from '../../../../src/trackers/jira/adf/wiki-to-markdown.ts';
import { lettersOf } from './outline.ts';
import { faultsOf } from './schema.ts';

describe('wiki markup', () => {
  const cases: [string, string, string][] = [
    ['headings and rules', 'h1. A *b*\n----\nh3. C', '# A **b**\n\n---\n\n### C'],
    [
      'marks',
      '*b* _i_ -s- +u+ ??c?? {{m*m}} a*b*c snake_case_x',
      '**b** _i_ ~~s~~ <u>u</u> _c_ `m*m` a\\*b\\*c snake_case_x',
    ],
    ['lists', '* a\n** b\n*# c\n# d\n# e\n- f', '- a\n  - b\n  1. c\n1. d\n2. e\n- f'],
    [
      'code',
      'See:\n{code:java|title=X.java}\n*a* <b>\n{code}\nand {noformat}x *y*{noformat}.',
      'See:\n\n**X.java**\n\n```java\n*a* <b>\n```\n\nand `x *y*`.',
    ],
    ['code that begins within a line', '# run {code}\na\n{code}\n# next', '1. run\n\n```\na\n```\n\n1. next'],
    [
      'quotes and panels',
      'bq. a\n{quote}\nb\nc\n{quote}\n{panel:title=T|bgColor=#fff}\n* d\n{panel}',
      '> a\n\n> b\\\n> c\n\n> **T**\n>\n> - d',
    ],
    ['tables', '||a||b||\n|c|[d|https://x.y]|', '| a | b |\n| --- | --- |\n| c | [d](https://x.y) |'],
    ['a table without a head', '|a|b|', '|  |  |\n| --- | --- |\n| a | b |'],
    [
      'links, files and people',
      '[t|https://x.y/a_b] [https://x.y] https://x.y/c_d !shot_1.png|width=3! [~accountid:557058:a-b] [~jo] [^log.txt]',
      '[t](https://x.y/a_b) <https://x.y> <https://x.y/c_d> ![shot_1.png](attachment:shot_1.png) @[557058:a-b](557058:a-b) @[jo](jo) [^log.txt](^log.txt)',
    ],
    ['colours and breaks', '{color:red}a{color}\\\\b \\*c\\*', 'a<br>b \\*c\\*'],
    ['text that looks like Markdown', '1. a\n> b\n<c> `d` [e](f)', '1\\. a\\\n\\> b\\\n\\<c> \\`d\\` \\[e](f)'],
    ['what is torn', '{code}\na *b\n{quote} [x|', '{code}\\\na \\*b\n\n{quote} \\[x|'],
  ];

  test.for(cases)('%s', ([, wiki, markdown], { expect }) => {
    expect(wikiToMarkdown(wiki)).toBe(markdown);
    expect(faultsOf(fromMarkdown(markdown))).toBe('');
  });
});

test('no text is lost, whatever it is', ({ expect }) => {
  const pieces = [
    'word',
    ' ',
    '\n',
    '\n\n',
    '*',
    '_',
    '-',
    '+',
    '{code}',
    '{code:js}',
    '{quote}',
    '{panel:title=t}',
    '{panel}',
  ];
  const more = [
    '{noformat}',
    '|',
    '||',
    '# ',
    '* ',
    'h2. ',
    'bq. ',
    '[',
    ']',
    '[a|https://x.y]',
    '!',
    '{{',
    '}}',
    '\\',
    '[~jo]',
    '??',
  ];
  const wiki = fc.array(fc.constantFrom(...pieces, ...more, 'word', ' '), { maxLength: 30 }).map((all) => all.join(''));
  fc.assert(
    fc.property(wiki, (text) => {
      const markdown = wikiToMarkdown(text);
      expect(markdown.match(/word/g)?.length ?? 0).toBe(text.match(/word/g)?.length ?? 0);
      expect(lettersOf(fromMarkdown(markdown)).match(/word/g)?.length ?? 0).toBe(text.match(/word/g)?.length ?? 0);
    }),
    { numRuns: 300 },
  );
});

test('much of what is torn is read in time', ({ expect }) => {
  for (const piece of ['{code:x}\nw\n', '*w', '{quote}w{panel}\n', '[w|', '||w', '{{w', '!w', 'w {code}\n']) {
    const begin = performance.now();
    const markdown = wikiToMarkdown(piece.repeat(130_000 / piece.length));
    expect(performance.now() - begin, piece).toBeLessThan(10_000);
    expect(markdown.match(/w/g)?.length, piece).toBe(Math.floor(130_000 / piece.length));
  }
});
