import type { Concern, Duplicate } from './capture.ts';
import { pathsOf } from './concern-paths.ts';

/** A ticket that may be about the same. */
export interface Candidate {
  identifier: string;
  title: string;
  url: string;
  /** As its tracker calls it. */
  state: string;
  /** Nothing is done about it any more. */
  isOver: boolean;
  /** Of its error; null: not known. */
  fingerprint: string | null;
  /** Of the code that it names. */
  paths: string[];
  /** Its description; ''. */
  text: string;
}

const most = 5;

/** How alike two titles must be, from 0 to 1. */
const alike = { same: 0.8, similar: 0.5, withPaths: 0.3 };

/**
 * Which of these tickets a concern may be about, the best first, five at most. Likely is one that is open and has the same
 * error or all but the same title. What is over is told of, for it may have come back.
 */
export function judgeDuplicates(
  concern: Concern,
  fingerprint: string | null,
  candidates: readonly Candidate[],
): Duplicate[] {
  const paths = new Set(pathsOf(concern));
  const once = new Map(candidates.map((each) => [each.identifier, each]));
  return [...once.values()]
    .flatMap((candidate) => {
      const found = judge(candidate, concern.title, paths, fingerprint);
      return found === null ? [] : [{ ...found, candidate }];
    })
    .toSorted(
      (a, b) =>
        Number(b.isLikely) - Number(a.isLikely) ||
        Number(a.candidate.isOver) - Number(b.candidate.isOver) ||
        b.score - a.score ||
        (a.candidate.identifier < b.candidate.identifier ? -1 : 1),
    )
    .slice(0, most)
    .map(({ candidate: { identifier, title, url, state }, why, isLikely }) => ({
      identifier,
      title,
      url,
      state,
      why,
      isLikely,
    }));
}

interface Judged {
  why: Duplicate['why'];
  isLikely: boolean;
  score: number;
}

function judge(
  candidate: Candidate,
  given: string,
  paths: ReadonlySet<string>,
  fingerprint: string | null,
): Judged | null {
  const isOpen = !candidate.isOver;
  const title = wordsOf(given);
  const theirs = wordsOf(candidate.title);
  const score = likeness(title, theirs);
  if (fingerprint !== null && candidate.fingerprint === fingerprint)
    return { why: 'error', isLikely: isOpen, score: 2 + score };
  // What has an error of its own has another one, however it is called.
  const hasOther = fingerprint !== null && candidate.fingerprint !== null;
  // A word or two say too little; of two that each say something the other does not, one is about another thing.
  const says = (one: ReadonlySet<string>, other: ReadonlySet<string>) => [...one].every((each) => other.has(each));
  const isSame = title.size > 1 && (says(title, theirs) || says(theirs, title));
  if (score >= alike.same)
    return { why: 'title', isLikely: isSame && isOpen && !hasOther && !isTurned(given, candidate.title), score };
  if (score >= alike.similar) return { why: 'title', isLikely: false, score };
  const shared = candidate.paths.filter((path) => paths.has(path)).length;
  if (shared > 0 && score >= alike.withPaths) return { why: 'path', isLikely: false, score: score + 0.1 };
  return null;
}

/** The share of their words that two titles have in common. 1: the same words, in whatever order. */
function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 || b.size === 0) return 0;
  const common = [...a].filter((word) => b.has(word)).length;
  return common / (a.size + b.size - common);
}

/** "From A to B" and "from B to A" have the same words: what stands behind each of these is another. */
function isTurned(a: string, b: string): boolean {
  const [ours, theirs] = [turnsOf(a), turnsOf(b)];
  return [...ours].some(([turn, next]) => theirs.has(turn) && theirs.get(turn) !== next);
}

const turn =
  /(?<![\p{L}\p{N}_])(from|to|with|without|before|after|instead of|into|but|only|than|over)\s+(?:an? |the )?([\p{L}\p{N}_.-]+)/giu;

function turnsOf(title: string): Map<string, string> {
  const turns = title.slice(0, 1_000).normalize('NFKC').matchAll(turn);
  return new Map([...turns].map(([, at = '', next = '']) => [at.toLowerCase(), stem(next.toLowerCase())]));
}

const stopWords = new Set(
  'a an the this that these those it its is are was were be been being am do does did done has have had of in on at to for from by with into onto as and or but if then than when while where which who what why how i we you they he she my our your their there here so just also very can could may might will would shall should must please get got some any all bug issue error problem fix ticket todo task feature feat chore'.split(
    ' ',
  ),
);

const word = /[\p{L}\p{N}_]+(?:['’][\p{L}]+|\+\+|#(?![\p{L}\p{N}]))?/gu;
const withoutSpaces =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;

/**
 * What a title is about: its words without their endings and without those that say nothing. Of what is written without
 * spaces, each two characters that stand side by side.
 */
function wordsOf(title: string): Set<string> {
  const text = title.slice(0, 1_000).normalize('NFKC').toLowerCase();
  const all = (text.match(word) ?? []).flatMap((each) =>
    withoutSpaces.test(each) ? pairs(each) : [stem(each.replace(/['’].*$/, (end) => (/^['’]t$/.test(end) ? 't' : '')))],
  );
  return new Set(all.filter((each) => !stopWords.has(each)));
}

function pairs(text: string): string[] {
  const characters = [...text];
  if (characters.length < 2) return characters;
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

const cyrillicEnding =
  /(?<=\p{Script=Cyrillic}{3})(?:[ое]го|[ое]му|[ая]ми|[ыи]ми|[аяыи]х|[аяоеыи]м|[ое]в|[аеёиоуыэюяйь]{1,2})$/u;

/** "formats", "formatted" and "formatting" are one word. Where it takes too much, it takes it from both. */
function stem(text: string): string {
  if (!/^[a-z]+$/.test(text)) return text.replace(cyrillicEnding, '');
  if (text.length < 4 || stopWords.has(text)) return text;
  const bare = text
    .replace(/(?:ies|ied)$/, 'y')
    .replace(/(?<=ss|sh|ch|x|z)es$/, '')
    .replace(/(?<=[a-z]{3})(?<!s|u|i)s$/, '')
    .replace(/(?<=[a-z]{3})(?:ing|ed)$/, '')
    .replace(/(?<=[a-z]{3})(?:ency|ence|ent)$/, 'ent')
    .replace(/(?<=[a-z]{4})(?:ation|ion)$/, 'e');
  return bare.replace(/([^aeioulsz])\1$/, '$1').replace(/(?<=[a-z]{3})e$/, '');
}
