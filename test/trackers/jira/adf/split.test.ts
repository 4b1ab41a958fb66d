import fc from 'fast-check';
import { describe, test } from 'vitest';
import { fromMarkdown } from '../../../../src/trackers/jira/adf/from-markdown.ts';
import { mostCharacters, splitDocument } from '../../../../src/trackers/jira/adf/split.ts';
import { toMarkdown } from '../../../../src/trackers/jira/adf/to-markdown.ts';
import { markdowns } from './documents.ts';
import { lettersOf } from './outline.ts';
import { faultsOf } from './schema.ts';

const sizeOf = (part: unknown) => JSON.stringify(part).length;

test('what fits is left as it is, to the last character', ({ expect }) => {
  const shell = sizeOf(fromMarkdown('a')) - 1;
  const fitting = fromMarkdown('a'.repeat(mostCharacters - shell));
  expect(splitDocument(fitting)).toEqual([fitting]);
  expect(splitDocument(fromMarkdown('a'.repeat(mostCharacters - shell + 1))).length).toBe(2);
});

test('parts are cut between blocks, and say which they are', ({ expect }) => {
  const document = fromMarkdown(['# One', 'a'.repeat(700), '# Two', 'b'.repeat(700), 'c'.repeat(100)].join('\n\n'));
  expect(splitDocument(document, 1_300).map((part) => toMarkdown(part).replace(/(\w)\1+/g, '$1'))).toEqual([
    '(1 of 2)\n\n# One\n\na',
    '(2 of 2)\n\n# Two\n\nb\n\nc',
  ]);
});

describe('what is longer than a part goes on in the next', () => {
  const parts = (markdown: string) => splitDocument(fromMarkdown(markdown), 1_500).map(toMarkdown);

  test('code, in its language', ({ expect }) => {
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index} "quoted"`);
    const written = parts(`\`\`\`ts\n${lines.join('\n')}\n\`\`\``);
    expect(written.length).toBeGreaterThan(2);
    const code = written.map((part) => /^\(\d of \d\)\n\n```ts\n([\s\S]*)\n```$/.exec(part)?.[1]);
    expect(code.join('\n').split('\n')).toEqual(lines);
  });

  test('a table, with its head', ({ expect }) => {
    const rows = Array.from({ length: 40 }, (_, index) => `| r${index} | x |`);
    const written = parts(['| a | b |', '| --- | --- |', ...rows].join('\n'));
    expect(written.length).toBeGreaterThan(2);
    const bodies = written.map((part) => part.split('\n').slice(2));
    for (const body of bodies) expect(body.slice(0, 2)).toEqual(['| a | b |', '| --- | --- |']);
    expect(bodies.flatMap((body) => body.slice(2))).toEqual(rows);
  });

  test('a row that is too long for one part', ({ expect }) => {
    const written = parts(`| a | b |\n|---|---|\n| ${'one '.repeat(400)}| two |`);
    expect(written.join(' ').match(/one/g)?.length).toBe(400);
    expect(written.join(' ').match(/two/g)?.length).toBe(1);
  });

  test('a numbered list goes on with its numbers, one long item included', ({ expect }) => {
    const items = Array.from(
      { length: 30 },
      (_, index) => `${index + 1}. i${index + 1} ${index === 4 ? 'w '.repeat(900) : ''}`,
    );
    const written = parts(items.join('\n')).join('\n');
    for (let number = 1; number <= 30; number++)
      expect(written).toMatch(new RegExp(`^ *${number}\\. i${number}\\b`, 'm'));
    expect(written.match(/\bw\b/g)?.length).toBe(900);
  });

  test('one paragraph of marked text, at its words', ({ expect }) => {
    const written = parts(`**${'bold '.repeat(400)}end** [${'link '.repeat(300)}](https://x.y)`);
    expect(written.join('\n').match(/bold/g)?.length).toBe(400);
    expect(written.join('\n').match(/link/g)?.length).toBe(300);
    expect(written.every((part) => !/\bbol?$/m.test(part))).toBe(true);
  });

  test('what has no space to be cut at, without tearing a character', ({ expect }) => {
    const documents = splitDocument(fromMarkdown('\u{1f600}'.repeat(2_000)), 1_500);
    const letters = documents.map((part) => lettersOf(part).replace(/\(\d+ of \d+\)|\s/g, ''));
    expect(letters.join('')).toBe('\u{1f600}'.repeat(2_000));
    expect(letters.every((text) => text.isWellFormed())).toBe(true);
  });
});

test('any document comes in valid parts that fit, with every word of it in order', ({ expect }) => {
  const long = fc.array(markdowns, { minLength: 3, maxLength: 25 }).map((all) => all.join('\n\n'));
  fc.assert(
    fc.property(long, fc.integer({ min: 1_200, max: 4_000 }), (markdown, limit) => {
      const document = fromMarkdown(markdown);
      const parts = splitDocument(document, limit);
      for (const part of parts) {
        expect(faultsOf(part)).toBe('');
        expect(sizeOf(part)).toBeLessThanOrEqual(limit);
      }
      const said = (value: unknown) => lettersOf(value).match(/word|snake|case|dir|日本/g) ?? [];
      const once = (words: string[]) => words.toSorted().join(' ');
      const all = said({ content: parts });
      expect(all.length).toBeGreaterThanOrEqual(said(document).length); // a table's head is said again
      if (!JSON.stringify(document).includes('tableHeader')) expect(once(all)).toBe(once(said(document)));
    }),
    { numRuns: 120 },
  );
});
