const wordsIn = (text: string) => new Set(text.toLowerCase().match(/[\p{L}\p{M}\p{N}_]+/gu) ?? []);

/** As searches rank, roughly: what has any of the words, before it what has more of them, and has them in the title. */
export function rankByWords<Row>(
  words: Iterable<string>,
  rows: Iterable<Row>,
  partsOf: (row: Row) => { title: string; text: string | null },
): { row: Row; score: number }[] {
  const asked = [...new Set([...words].map((word) => word.toLowerCase()))];
  return [...rows]
    .map((row) => {
      const { title, text } = partsOf(row);
      const [inTitle, inText] = [wordsIn(title), wordsIn(text ?? '')];
      const of = (known: Set<string>) => asked.filter((word) => known.has(word)).length;
      return { row, score: 3 * of(inTitle) + of(inText) };
    })
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score);
}
