import { excess } from '../../core/proof.ts';
import { balanced, shorten, withoutComments } from './lines.ts';

/** How much an assertion says: 3 an exact value, 2 a part or a bound, 1 that there is something, 0 nothing at all. */
export type Strength = 0 | 1 | 2 | 3;

const script =
  /(?<![\w.$])(?:assert(?:\.\w+)*|expect(?:\.soft)?|chai\.assert(?:\.\w+)*|t\.(?:assert\.)?\w+|(?:not|deep|strict|notDeep|deepStrict|notStrict|notDeepStrict)?[eE]qual|ok|throws|rejects|doesNotThrow|match)\s*\(/g;
const forms: [RegExp, RegExp][] = [
  [/\.([cm]?[jt]sx?|vue|svelte)$/, script],
  [
    /\.py$/,
    /(?:^[ \t]*assert\b(?!\w)|\bself\.assert\w+\s*\(|\bpytest\.(?:raises|warns)\s*\(|(?<![\w.])assert_\w+\s*\()/gm,
  ],
  [/\.go$/, /\bt\.(?:Errorf?|Fatalf?|Fail|FailNow)\s*\(|(?<![\w.])(?:assert|require)\.\w+\s*\(/g],
  [/\.rs$/, /\b(?:debug_)?assert(?:_eq|_ne|_matches)?!\s*\(|#\[should_panic/g],
  [/\.(sh|bash|zsh|bats)$/, /^[ \t]*(?:\[\[?|test|diff|cmp|grep -q\w*)\s.*$/gm],
];
const anyLanguage = /(?<![\w.])(?:\w+\.)?(?:assert\w*|expect\w*|should\w*)\s*\(/gi;
/** Members of a test's context that start tests or print, but assert nothing. */
const notAssertions =
  /^t\.(test|skip|todo|plan|end|diagnostic|before|after|beforeEach|afterEach|teardown|context|comment|log|timeout|Run|Log|Logf|Helper|Parallel|Cleanup|mock)\s*\(/;

/** The assertions of a test file, each on one line. */
export function assertionsIn(text: string, path: string): string[] {
  const code = withoutComments(text, path);
  const form = forms.find(([file]) => file.test(path))?.[1] ?? anyLanguage;
  return [...code.matchAll(form)].flatMap((match) => {
    const whole = statement(code, match.index, match[0]).replace(/\s+/g, ' ').trim();
    return notAssertions.test(whole) ? [] : [whole];
  });
}

/** A call with what is chained to it; a statement without brackets ends with its line. */
function statement(code: string, start: number, opening: string): string {
  if (!opening.endsWith('(')) return /^.*$/m.exec(code.slice(start))?.[0] ?? opening;
  let whole = balanced(code, start);
  for (;;) {
    const chained = /^\s*\.\s*\w+(?:\s*\()?/.exec(code.slice(start + whole.length))?.[0];
    if (!chained) return whole;
    const at = start + whole.length;
    whole += chained.endsWith('(') ? balanced(code, at) : chained;
  }
}

const truisms = [
  /^(assert|assert\.ok|ok|t\.(ok|true|truthy|assert)|self\.assertTrue|assert!)\((true|True|1|!0)[,)]/,
  /^assert(True|1)$/,
  /^t\.pass\(/,
  /^expect\((.+)\)\.(toBe|toEqual|toStrictEqual)\(\1\)$/,
  /^(?:assert\.|t\.|self\.)?(?:strictEqual|equal|deepEqual|deepStrictEqual|is|assertEqual)\(([^,()]+),\1\)$/,
  /^assert(\w+)==\1$/,
  /^assert_eq!\((\w+),\1\)$/,
];

export function strengthOf(written: string): Strength {
  const assertion = written.replace(/\s+/g, '');
  if (truisms.some((truism) => truism.test(assertion))) return 0;
  if (/expect\.(any|anything)\b/.test(assertion)) return 2;
  if (
    /\.not\.|[nN]ot(Equal|Strict|Deep|Same|Ok)|NotEqual|IsNotNone|assert_ne|NotNil|doesNotThrow|doesNotReject/.test(
      assertion,
    )
  )
    return 1;
  if (
    /toBe(Truthy|Defined|InstanceOf|TypeOf)|toThrow\(\)|assertIsInstance|NotNil|NoError|ifError|^t\.error\(/.test(
      assertion,
    )
  )
    return 1;
  if (/^(assert\.)?(throws|rejects)\(/.test(assertion)) return /,(\/|\{|\w+\)?$)/.test(assertion) ? 2 : 1;
  if (
    /match|[cC]ontain|include|assertIn\(|[gG]reater|[lL]ess|[cC]loseTo|AlmostEqual|approx|raises|Throw|toHaveProperty|toBeNull|Regex/.test(
      assertion,
    )
  )
    return 2;
  const bare =
    /^(assert(\.ok)?\(|ok\(|t\.(ok|true|truthy|assert)\(|self\.assertTrue\(|assert!\(|assert(?![.(!_]))/.test(
      assertion,
    );
  if (!bare || /[=!]==?|\bis\b|isDeepStrictEqual/.test(written)) return 3;
  return /[<>]|\bin\b|\.(includes|test|has|startsWith|endsWith)\(/.test(written) ? 2 : 1;
}

export interface TestFileChange {
  /** The path that people know: the one on the base, where there is one. */
  path: string;
  base: string | null;
  head: string | null;
}

/**
 * What the existing tests say less than before. An assertion that moved to another test file is not missed, and one that was
 * exchanged for another at least as strong in its own file is a change, not a loss.
 */
export function lostAssertions(changes: TestFileChange[]): string[] {
  const of = (text: string | null, path: string) => (text === null ? [] : assertionsIn(text, path));
  const files = changes.map(({ path, base, head }) => {
    const before = of(base, path);
    const after = of(head, path);
    return { path, existed: base !== null, gone: excess(before, after), came: excess(after, before) };
  });
  const elsewhere = files.flatMap((file) => file.came);
  const sentences: string[] = [];
  for (const { path, existed, gone, came } of files) {
    if (!existed) continue;
    const replacements = came.map((text) => ({ text, strength: strengthOf(text) }));
    for (const text of excess(gone, elsewhere)) {
      const strength = strengthOf(text);
      const at = replacements.findIndex((one) => one.strength >= strength);
      if (at >= 0) {
        replacements.splice(at, 1);
        continue;
      }
      const weaker = replacements.shift();
      if (weaker)
        sentences.push(`${path}: an assertion became weaker: \`${shorten(text)}\` is now \`${shorten(weaker.text)}\`.`);
      else if (strength > 0) sentences.push(`${path}: an assertion is gone: \`${shorten(text)}\`.`);
    }
  }
  return sentences;
}
