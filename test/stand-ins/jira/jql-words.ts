import { bad } from './refusal.ts';

/** What a `~` asks for: each of these is to stand in the text; with a star what begins so. */
export interface Wanted {
  words: string[];
  isPrefix: boolean;
  isNot: boolean;
}

/** Jira's syntax of text, of which words, phrases, a star at the end and `\` before special characters are known. */
export function readWords(text: string, field: string): Wanted[] {
  const refuse = () => bad(`Unable to parse the text '${text}' for field '${field}'.`);
  const wanted: Wanted[] = [];
  const pieces = text.match(/"(?:\\.|[^"\\])*"|(?:\\.|[^\s"\\])+|["\\]/gs) ?? [];
  for (const piece of pieces) {
    if (piece === '"' || piece === '\\') throw refuse();
    const isPhrase = piece.startsWith('"');
    if (!isPhrase && /^[*?]/.test(piece))
      throw bad("The '*' and '?' are not allowed as first character in wildcard query.");
    const bare = piece.replaceAll(/\\./gs, ' ');
    if (!isPhrase && /[(){}[\]^~:]|^[+-]$|^[!]|&&|\|\|/.test(bare)) throw refuse();
    if (!isPhrase && /^(AND|OR|NOT)$/.test(piece)) throw refuse();
    const isNot = !isPhrase && bare.startsWith('-');
    const isPrefix = !isPhrase && bare.endsWith('*');
    const words = splitWords(piece.replaceAll(/\\(.)/gs, '$1'));
    if (words.length > 0) wanted.push({ words, isPrefix, isNot });
  }
  return wanted;
}

function splitWords(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}_]+/gu) ?? [];
}

export function hasWords(text: string, wanted: Wanted[]): boolean {
  const there = splitWords(text);
  if (wanted.length === 0) return false;
  return wanted.every(({ words, isPrefix, isNot }) => {
    const found = there.some((_, at) =>
      words.every((word, index) => {
        const seen = there[at + index];
        return index === words.length - 1 && isPrefix ? seen?.startsWith(word) : seen === word;
      }),
    );
    return found !== isNot;
  });
}
