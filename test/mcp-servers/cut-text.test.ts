import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutText } from '../../mcp-servers/cut-text.ts';

test('a text that fits is left as it is', () => {
  expect(cutText('one\ntwo\n', { narrow: 'pass path' })).toBe('one\ntwo\n');
});

test('of a long text head and tail stay, whole lines, with a note in between', () => {
  const text = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
  expect(cutText(text, { limit: 60, narrow: 'pass path' })).toBe(
    'line 0\nline 1\nline 2\nline 3\nline 4\n[... 93 lines left out; to see them, pass path ...]\nline 98\nline 99',
  );
});

test('a long line is cut, and says how much is gone', () => {
  expect(cutText('x'.repeat(1000), { narrow: 'pass path' })).toBe(`${'x'.repeat(400)} [... 600 more characters]`);
});

test('control characters are shown, not sent', () => {
  expect(cutText('\x1b[31mred\x07\r\n\tnext', { narrow: 'pass path' })).toBe('^[[31mred^G^M\n\tnext');
});

test('whatever the text, the result is bounded', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 900 }), { maxLength: 80 }),
      fc.integer({ min: 100, max: 5000 }),
      (lines, limit) => {
        expect(cutText(lines.join('\n'), { limit, narrow: 'pass path' }).length).toBeLessThanOrEqual(limit + 60);
      },
    ),
  );
});
