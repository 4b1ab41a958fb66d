import { cleanText } from './outgoing-text.ts';

/*
 * Rules that people taught the agent while it worked on a ticket, and that hold beyond it: which of them are the same in
 * other words, and how one is added to a repository's instructions.
 */

const heading = 'Learned from reviews';
const longest = 300;

/** A rule as it is shown and written: one line that can pose as nothing else; null when there is nothing in it. */
export function cleanRule(rule: string): string | null {
  const line = cleanText(rule, longest)
    .replace(/^(?:[-*+•>#]+|\d{1,3}[.)])\s+/, '')
    .trim();
  return wordsOf(line).size === 0 ? null : line;
}

/** What of a rule counts when it is compared: its words without their forms and fillings, in the order of the alphabet. */
export function normalRule(rule: string): string {
  return [...wordsOf(rule)].sort().join(' ');
}

/**
 * Whether two rules say the same: nearly the same words, or one says what the other does and a little more. What one
 * forbids and the other asks for is never the same.
 */
export function sameRule(one: string, other: string): boolean {
  const [a, b] = [wordsOf(one), wordsOf(other)];
  if (a.size === 0 || b.size === 0) return false;
  for (const word of a) if (b.has(word.startsWith('!') ? word.slice(1) : `!${word}`)) return false;
  const common = [...a].filter((word) => b.has(word)).length;
  const all = a.size + b.size - common;
  const isPart = common === Math.min(a.size, b.size);
  return isPart ? 3 * common >= 2 * all : 4 * common >= 3 * all;
}

/** The instructions with the rule in their section for such; null when it, or its like, stands in them already. */
export function addRule(instructions: string | null, rule: string): string | null {
  const entry = `- ${rule}`;
  if (instructions === null || instructions.trim() === '') return `## ${heading}\n\n${entry}\n`;
  const end = instructions.includes('\r\n') ? '\r\n' : '\n';
  const lines = instructions.split(/\r?\n/);
  if (lines.some((line) => sameRule(line, rule))) return null;
  const headings = headingsOf(lines);
  const mine = headings.find(({ title }) => title.toLowerCase() === heading.toLowerCase());
  if (!mine) return `${instructions.trimEnd()}${end}${end}## ${heading}${end}${end}${entry}${end}`;
  const next = headings.find(({ at, level }) => at > mine.at && level <= mine.level)?.at ?? lines.length;
  let last = next - 1;
  while (last > mine.at && lines[last]?.trim() === '') last--;
  const added = last === mine.at ? ['', entry] : [entry];
  // Where the section ends with the file, so does what is added to it.
  const after = lines.slice(last + 1);
  return [...lines.slice(0, last + 1), ...added, ...(after.length === 0 ? [''] : after)].join(end);
}

/** Outside of fences. */
function headingsOf(lines: readonly string[]): { at: number; level: number; title: string }[] {
  let fence: string | null = null;
  return lines.flatMap((line, at) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined && (fence === null || mark.startsWith(fence))) fence = fence === null ? mark : null;
    const found = fence === null ? /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line) : null;
    return found ? [{ at, level: found[1]?.length ?? 1, title: found[2] ?? '' }] : [];
  });
}

const fillings = new Set(
  (
    'a an the this that these those it its we you i they he she our your my their us me please always here there now just also ' +
    'is are was be been being am do does did have has had must should shall will would can could may might need needs want wants ' +
    'to of in on at for with by from as and or so if when then all any every each only make sure repository repo project code'
  ).split(' '),
);
/** Of verbs for the same thing, one. */
const sameVerbs = new Map([
  ...['touch', 'edit', 'modify', 'alter', 'update'].map((verb) => [stem(verb), stem('change')] as const),
  ...['used', 'using', 'uses'].map((verb) => [verb, 'use'] as const),
]);
const no = new Set(['not', 'no', 'never', 'without', 'avoid', 'nor']);

/** Content words; one that is ruled out has a "!" before it. */
function wordsOf(rule: string): Set<string> {
  const plain = rule
    .slice(0, 4 * longest)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[’‘]/g, "'")
    .replace(/\b(?:do|does|did|must|should|can|could|would|is|are|wo)n't\b|\bcannot\b|\bcan't\b/g, ' not ')
    .replace(/\b(?:instead of|rather than)\b/g, ' not ')
    .replace(/'s\b/g, '');
  const words = new Set<string>();
  let isRuledOut = false;
  for (const raw of plain.match(/[\p{L}\p{N}_@./#+-]+/gu) ?? []) {
    const word = raw.replace(/^[^\p{L}\p{N}_@]+|[^\p{L}\p{N}_+#]+$/gu, '');
    if (word === '') continue;
    if (no.has(word)) isRuledOut = true;
    else if (!fillings.has(word)) {
      const known = sameVerbs.get(word) ?? sameVerbs.get(stem(word)) ?? stem(word);
      words.add(isRuledOut && known !== 'use' ? `!${known}` : known);
      // "Never use tabs": what is not to be used is ruled out, not the use of anything.
      if (known !== 'use') isRuledOut = false;
    }
  }
  return words;
}

function stem(word: string): string {
  if (!/^[a-z]+$/.test(word)) return word;
  const bare = word.replace(/^(.{3,}?)(?:ing|ed|es|s)$/, '$1');
  return bare.replace(/^(.{3,})e$/, '$1');
}
