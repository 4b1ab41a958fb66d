const most = { characters: 4_000, words: 40, wordCharacters: 60 };

/**
 * The words of what people type into a search, each once, in lower case, in their order: letters, digits and underscores,
 * and nothing that a search could take for an operator. Forty at most; what is longer than a word can be is none.
 */
export function searchWords(text: string): string[] {
  const found = text.slice(0, most.characters).toWellFormed().normalize('NFC').toLowerCase();
  const words = (found.match(/[\p{L}\p{M}\p{N}_]+/gu) ?? []).filter(
    (word) => word.length <= most.wordCharacters && /[\p{L}\p{N}]/u.test(word),
  );
  return [...new Set(words)].slice(0, most.words);
}

/** The few of them that tell most: the longest, in their order. */
export function tellingWords(words: readonly string[], count: number): string[] {
  const longest = words.toSorted((a, b) => b.length - a.length).slice(0, count);
  return words.filter((word) => longest.includes(word));
}
