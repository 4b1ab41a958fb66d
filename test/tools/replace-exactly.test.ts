import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replaceExactly } from '../../src/tools/replace-exactly.ts';

const text = 'one\n  two\nthree\ntwo\n';

function problem(source: string, ...edits: [string, string][]): string {
  const replaced = replaceExactly(
    source,
    edits.map(([oldText, newText]) => ({ oldText, newText })),
  );
  if (!('problem' in replaced)) throw new Error(`it was replaced: ${replaced.text}`);
  return replaced.problem;
}

test('makes all edits against the text as it was', () => {
  const edits = [
    { oldText: 'three\n', newText: 'one\n3\n' },
    { oldText: 'one', newText: 'ONE' },
  ];
  expect(replaceExactly(text, edits)).toEqual({ text: 'ONE\n  two\none\n3\ntwo\n', added: 3, removed: 2 });
});

test('takes a replacement as it is, with no meaning in "$&"', () => {
  expect(replaceExactly('a', [{ oldText: 'a', newText: '$& $1' }])).toEqual({ text: '$& $1', added: 1, removed: 1 });
});

test('counts only the lines that changed', () => {
  const edit = { oldText: 'one\n  two\nthree', newText: 'one\n  2\n  b\nthree' };
  expect(replaceExactly(text, [edit])).toMatchObject({ added: 2, removed: 1 });
});

test('says what is wrong, and where to look', () => {
  expect(problem(text, ['two', '2'])).toBe(
    'The oldText occurs 2 times, at lines 2, 4. Add lines around it until it occurs once.',
  );
  expect(problem(text, ['one\ntwo\nthree', 'x'])).toBe(
    'The oldText was not found. The nearest is lines 1-3, exactly:\none\n  two\nthree',
  );
  expect(problem(text, ['nowhere', 'x'])).toBe(
    'The oldText was not found. Nothing in the file is like it: read the file again.',
  );
  expect(problem(text, ['one', '1'], ['zwei', '2'])).toBe(
    'The oldText of edit 2 was not found. Nothing in the file is like it: read the file again.',
  );
  expect(problem(text, ['', 'x'])).toBe('The oldText is empty. Give the text to replace, or use write for a new file.');
  expect(problem(text, ['one', 'one'])).toBe('The oldText is the same as its newText.');
  expect(problem(text, ['one\n  two', 'x'], ['  two\nthree', 'y'])).toBe('Edits 1 and 2 overlap. Make them one.');
  expect(problem('aaa', ['aa', 'b'])).toBe(
    'The oldText occurs 2 times, at lines 1, 1. Add lines around it until it occurs once.',
  );
});

test('keeps CRLF where every line ends so, and only there', () => {
  expect(replaceExactly('a\r\nb\r\nc', [{ oldText: 'a\nb', newText: 'x\ny' }])).toMatchObject({ text: 'x\r\ny\r\nc' });
  expect(problem('a\r\nb\nc', ['a\nb', 'x'])).toContain('The nearest is lines 1-2, exactly:\na\nb');
});

test('whatever the text, what occurs once is replaced there and nowhere else', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string({ minLength: 1 }),
      fc.string(),
      fc.string(),
      (before, oldText, after, newText) => {
        const source = `${before}${oldText}${after}`;
        const replaced = replaceExactly(source, [{ oldText, newText }]);
        if ('problem' in replaced) {
          const occursOnce = source.indexOf(oldText) === source.lastIndexOf(oldText);
          expect(occursOnce && oldText !== newText).toBe(false);
        } else expect(replaced.text).toBe(`${before}${newText}${after}`);
      },
    ),
  );
});

test('a hint in a large file takes no time', () => {
  const begun = performance.now();
  problem('const a = 1;\n'.repeat(100_000), [`${'const b = 1;\n'.repeat(200)}`, 'x']);
  expect(performance.now() - begun).toBeLessThan(3_000);
});
