import fc from 'fast-check';
import { test } from 'vitest';
import { fromMarkdown } from '../../../../src/trackers/jira/adf/from-markdown.ts';
import { toMarkdown } from '../../../../src/trackers/jira/adf/to-markdown.ts';
import { anyDocuments, coreDocuments, markdowns } from './documents.ts';
import { lettersOf, outlineOf } from './outline.ts';
import { faultsOf } from './schema.ts';

const numRuns = 250;

test('a document says the same after it was read as Markdown and written again', ({ expect }) => {
  fc.assert(
    fc.property(coreDocuments, (document) => {
      expect(faultsOf(document)).toBe('');
      const again = fromMarkdown(toMarkdown(document));
      expect(faultsOf(again)).toBe('');
      expect(outlineOf(again)).toEqual(outlineOf(document));
    }),
    { numRuns },
  );
});

test('whatever people may write in Jira comes to Markdown that stays as it is, with every word', ({ expect }) => {
  fc.assert(
    fc.property(anyDocuments, (document) => {
      expect(faultsOf(document)).toBe('');
      const first = fromMarkdown(toMarkdown(document));
      expect(faultsOf(first)).toBe('');
      const markdown = toMarkdown(first);
      const second = fromMarkdown(markdown);
      expect(toMarkdown(second)).toBe(markdown);
      const said = new Set(wordsOf(lettersOf(first)));
      expect(wordsOf(lettersOf(document)).filter((word) => !said.has(word))).toEqual([]);
    }),
    { numRuns },
  );
});

test('any Markdown becomes a valid document, and its Markdown stays as it is', ({ expect }) => {
  fc.assert(
    fc.property(markdowns, (markdown) => {
      const document = fromMarkdown(markdown);
      expect(faultsOf(document)).toBe('');
      const normal = toMarkdown(document);
      expect(toMarkdown(fromMarkdown(normal))).toBe(normal);
    }),
    { numRuns },
  );
});

/** Words of letters alone, that no escape or mark can part. */
function wordsOf(text: string): string[] {
  return text.match(/word|snake|case|Two|dir|Ünï|日本|the|Card/g) ?? [];
}
