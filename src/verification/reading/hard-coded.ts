import type { Finding } from '../../core/proof.ts';
import { assertionsIn, type TestFileChange } from './assertions.ts';
import { type Line, shorten } from './lines.ts';

const literal = /(['"`])((?:\\.|(?!\1)[^\\])+)\1|(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])/g;
const compares = /===?|\bif\b|\bcase\b|\bwhen\b|\?|=>|\bmatch\b|\bis\b|:/;

/**
 * Code that answers the tests' own inputs: every new assertion's values are spelled out, compared and answered, in lines that
 * the change adds. One assertion with an input that the code does not name clears it. A value that is computed, split or
 * encoded is not found: this reads words, it does not understand.
 */
export function readHardCoded(code: { path: string; added: Line[] }[], tests: TestFileChange[]): Finding[] {
  const before = new Set(tests.flatMap(({ path, base }) => (base === null ? [] : assertionsIn(base, path))));
  const fresh = tests.flatMap(({ path, head }) =>
    head === null ? [] : assertionsIn(head, path).filter((assertion) => !before.has(assertion)),
  );
  const asked = fresh.map(valuesIn).filter((values) => values.size >= 2);
  if (!asked.length || asked.length < fresh.length) return [];
  const answers = code.flatMap(({ path, added }) =>
    added.map(({ number, text }, index) => {
      const next = added[index + 1];
      const both = next && next.number === number + 1 ? `${text}\n${next.text}` : text;
      return { at: `${path}:${number}`, text, values: compares.test(text) ? valuesIn(both) : new Set<string>() };
    }),
  );
  const covering = asked.map((values) =>
    answers.find((answer) => [...values].every((value) => answer.values.has(value))),
  );
  const first = covering[0];
  if (!first || covering.includes(undefined)) return [];
  return [
    {
      weight: 'doubt',
      text: `${first.at} answers the very values that the new tests ask for: \`${shorten(first.text)}\`. Add a test with an input that the code does not name.`,
    },
  ];
}

function valuesIn(text: string): Set<string> {
  return new Set([...text.matchAll(literal)].map((match) => match[2] ?? match[0]));
}
