import type { Finding } from '../../core/proof.ts';
import { lostAssertions, type TestFileChange } from './assertions.ts';
import { addedLines, balanced, shorten, withoutComments } from './lines.ts';

/** Switches that keep a test from running or from counting. */
const switches: [RegExp, string][] = [
  [
    /(?<![\w$])(?:test|it|describe|suite|context|specify|t|bench)(?:\.\w+)*\.only\b|(?<![\w.$])f(?:it|describe|context)\s*\(|\bonly:\s*true/,
    'runs some tests only',
  ],
  [
    /(?<![\w$])(?:test|it|describe|suite|context|specify|t|this)(?:\.\w+)*\.(?:skip|skipIf|runIf)\b|(?<![\w.$])x(?:it|test|describe|context)\s*\(|[{,]\s*skip:(?!\s*false)|@pytest\.mark\.skip|\bpytest\.(?:skip|importorskip)\s*\(|@(?:unittest\.)?skip(?:If|Unless)?\b|\bself\.skipTest\(|\bt\.Skip(?:f|Now)?\(|#\[ignore|@(?:Disabled|Ignore)\b|^skip(?:\s|$)|--test-name-pattern|--test-skip-pattern/,
    'skips a test',
  ],
  [
    /(?<![\w$])(?:test|it|describe|suite|t)(?:\.\w+)*\.(?:todo|fails|failing|fixme)\b|[{,]\s*todo:(?!\s*false)|@pytest\.mark\.xfail|@(?:unittest\.)?expectedFailure/,
    'marks a test so that its failure does not count',
  ],
  [
    /(?:\b(?:if|unless|while)\b|\?|&&|\|\|).*\b(?:CI|CONTINUOUS_INTEGRATION|GITHUB_ACTIONS|GITLAB_CI|SHIPMATE_EVIDENCE)\b|\b(?:process\.env|environ|getenv|env)\b.{0,4}\bCI\b.*(?:\?|&&|\|\|)/,
    'makes a test depend on where it runs',
  ],
  [
    /\bprocess\.(?:exit\s*\(\s*0?\s*\)|reallyExit|abort)|\bprocess\.exitCode\s*=|\bos\._exit\s*\(|(?<![\w.])(?:sys\.)?exit\s*\(\s*0?\s*\)|^exit(?:\s+0)?\s*$|\bos\.Exit\(0\)|process::exit\(0\)/,
    'ends the process itself',
  ],
];

/** Replacing what the tests are made of; as bad in the code as in the tests. */
export const patches =
  /(?<![\w$])(?:assert(?:\.strict)?\.\w+|expect\.\w+|(?:globalThis|global|window)\.(?:test|it|describe|expect|assert))\s*=(?![=>])|require\(['"](?:node:)?(?:assert(?:\/strict)?|test)['"]\)\.\w+\s*=(?!=)|Object\.(?:assign|defineProperty)\(\s*(?:assert|expect|globalThis\.expect)\b|(?:mock\.method|spyOn|stub)\(\s*assert\b|TestCase\.\w+\s*=(?!=)|setattr\(\s*(?:unittest|TestCase)|builtins\.__?assert|pytest\.(?:raises|fail|approx)\s*=(?!=)/;

const swallowing =
  /\.catch\(\s*(?:\(\w*\)|\w+|function\s*\(\w*\))\s*(?:=>)?\s*\{\s*\}\s*\)|\bexcept\b[^:\n]*:\s*\n?\s*pass\b|suppress\([^)]*(?:AssertionError|Exception)/gm;
const timeouts = /(?:timeout\s*[:=(]\s*|setTimeout\(|--timeout[= ])(\d[\d_]*)/gi;

/** Reads how test files changed. Every sentence names the file, the line and what stands there. */
export function readTests(changes: TestFileChange[]): Finding[] {
  const findings: Finding[] = lostAssertions(changes).map(regression);
  for (const { path, base, head } of changes) {
    if (head === null) continue;
    const code = withoutComments(head, path);
    const before = base === null ? null : withoutComments(base, path);
    const added = addedLines(before, code);
    for (const [pattern, what] of switches) {
      // A line with a switch that was only edited adds none.
      const more = linesWith(pattern, code) - linesWith(pattern, before ?? '');
      const found = added.filter(({ text }) => pattern.test(withoutWords(text)));
      for (const { number, text } of found.slice(0, Math.max(0, more)))
        findings.push(regression(`${path}:${number} ${what}: \`${shorten(text)}\`.`));
    }
    for (const { number, text } of added)
      if (patches.test(text))
        findings.push(regression(`${path}:${number} replaces what tests assert with: \`${shorten(text)}\`.`));
    const swallows = count(code, path) - (before === null ? 0 : count(before, path));
    if (swallows > 0)
      findings.push(
        regression(`${path} catches what a test throws and goes on: a failing assertion there would not be seen.`),
      );
    const longest = Math.max(0, ...numbers(code));
    const was = before === null ? 0 : Math.max(0, ...numbers(before));
    if (was > 0 && longest > was)
      findings.push({
        weight: 'doubt',
        text: `${path} raises a time limit from ${was} to ${longest}: a person must say whether slower is right.`,
      });
  }
  return findings;
}

/** Tests that a text declares, for runners whose output does not count them. */
export function declaredTests(text: string | null, path: string): number {
  const form = /\.py$/.test(path)
    ? /^\s*(?:async\s+)?def test\w*/gm
    : /\.go$/.test(path)
      ? /^func (?:Test|Fuzz|Example)\w*\(/gm
      : /\.rs$/.test(path)
        ? /#\[(?:\w+::)*test\b/g
        : /(?<![\w.$])(?:test|it)(?:\.\w+)*\s*\(|@Test\b|@test\b/g;
  return [...withoutComments(text ?? '', path).matchAll(form)].length;
}

/** Strings are what tests talk about, not what they do: "skips the header" is no skip. Short ones may be names of variables. */
function withoutWords(line: string): string {
  return line.replace(/(['"`])(?:\\.|(?!\1)[^\\])*\1/g, (text) => (/^.[A-Z_]+.$/.test(text) ? text : '""'));
}

function linesWith(pattern: RegExp, code: string): number {
  return code.split('\n').filter((line) => pattern.test(withoutWords(line.trim()))).length;
}

/** Handlers that let an assertion's error pass: they neither throw, nor assert, nor hand it on. */
function count(code: string, path: string): number {
  const plainly = [...code.matchAll(swallowing)].length;
  if (!/\.[cm]?[jt]sx?$/.test(path)) return plainly;
  const blocks = [...code.matchAll(/\bcatch\s*(?:\([^)]*\))?\s*(?=\{)/g)].map((match) =>
    balanced(code, match.index + match[0].length),
  );
  return (
    plainly +
    blocks.filter((block) => !/\b(throw|assert|expect|fail|reject|done|next|equal|ok|match|push|t\.)\b|=/.test(block))
      .length
  );
}

function numbers(code: string): number[] {
  return [...code.matchAll(timeouts)].map((match) => Number((match[1] ?? '').replaceAll('_', '')));
}

function regression(text: string): Finding {
  return { weight: 'regression', text };
}
