import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderMarkdown } from '../../src/http/session-page-markdown.ts';

const render = (markdown: string) => renderMarkdown(markdown).text;
const rel = 'rel="noopener noreferrer nofollow"';

test.each([
  ['**b** *i* ~~d~~ `c <i>`', '<p><strong>b</strong> <em>i</em> <del>d</del> <code>c &lt;i&gt;</code></p>'],
  ['# Title', '<p><strong>Title</strong></p>'],
  ['- [x] a\n- [ ] b', '<ul><li>☑ a</li><li>☐ b</li></ul>'],
  ['3. a\n4. b', '<ol start="3"><li>a</li><li>b</li></ol>'],
  ['```js\na < b\n```', '<pre><code>a &lt; b</code></pre>'],
  ['a\nb', '<p>a<br>b</p>'],
  ['| a |\n|---|\n| <b> |', '<div class="wide"><table><tr><th>a</th></tr><tr><td>&lt;b&gt;</td></tr></table></div>'],
  ['[x](https://h/?a="b)', `<p><a href="https://h/?a=%22b" ${rel}>x</a></p>`],
  ['https://h/a', `<p><a href="https://h/a" ${rel}>https://h/a</a></p>`],
  ['![seen](http://h/i.png)', `<p><a href="http://h/i.png" ${rel}>seen</a></p>`],
  ['[x](javascript:alert(1)) [y](data:text/html,z) [z](/sessions)', '<p>x y z</p>'],
  ['&lt;b> &amp;lt; &#8238;', '<p>&lt;b&gt; &amp;lt; </p>'],
  ['<img src=x onerror=alert(1)>', '&lt;img src=x onerror=alert(1)&gt;'],
  ['a\u202eb\u0007', '<p>ab</p>'],
])('%j', (markdown, expected) => {
  expect(render(markdown)).toBe(expected);
});

test('what was written to take long, or too deep to be read, is shown as it is', () => {
  for (const text of ['*a_'.repeat(2_000), '>'.repeat(5_000), '['.repeat(5_000)])
    expect(render(text)).toMatch(/^<pre>[^<]*<\/pre>$/);
  expect(render('> '.repeat(400))).not.toContain('undefined');
  expect(render('x'.repeat(10_000)).length).toBeLessThan(6_100);
});

test('whatever is written, only our own tags come of it', () => {
  const pieces = [
    '<',
    '>',
    '"',
    "'",
    '&',
    '`',
    '**',
    '_',
    '[',
    '](',
    ')',
    '!',
    '\n',
    '\n\n',
    '- ',
    '1. ',
    '    ',
    '> ',
    '|',
    '|-|',
    '#',
  ];
  const words = [
    '<script>',
    '<a href=',
    'javascript:',
    'https://h/',
    'onload=',
    '<!--',
    ']]>',
    '&lt;',
    '&#60;',
    'a',
    ' ',
    '```',
    '[x]: ',
  ];
  const ours =
    /<(?:\/?(?:p|strong|em|del|code|pre|ul|li|blockquote|table|tr|th|td)|\/(?:ol|a|div)|br|hr|ol start="\d+"|div class="wide"|a href="https?:[^"<>']*" rel="noopener noreferrer nofollow")>/g;
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces, ...words), { maxLength: 60 }), (parts) => {
      expect(render(parts.join('')).replace(ours, '')).not.toMatch(/[<>"]/);
    }),
    { numRuns: 500 },
  );
});
