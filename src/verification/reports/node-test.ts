import type { TestResult } from '../../core/proof.ts';
import { agrees, type Block, eachSummary, isFileName, type Parser } from './block.ts';

const summary =
  /^[ℹ#] tests (\d+)\n(?:[ℹ#] suites (\d+)\n)?[ℹ#] pass (\d+)\n[ℹ#] fail (\d+)\n[ℹ#] cancelled (\d+)\n[ℹ#] skipped (\d+)\n[ℹ#] todo (\d+)$/gm;

const specLine = /^( *)(?:(▶) (.+?)|([✔✖﹣⚠▶]) (.+?) \([\d.]+ms\)(?: # (SKIP|TODO).*)?)$/;
const tapLine = /^( *)(ok|not ok) \d+ - (.+?)(?: # (SKIP|TODO)\b.*)?$/;

/** `node --test`, in its spec and its TAP form. A suite and a test with subtests both close with their own line. */
export const parseNodeTest: Parser = (text) =>
  eachSummary(text, summary).map(({ before, match }): Block => {
    const [, , suites, pass, fail, cancelled, skipped, todo] = match.map(Number);
    const counts = {
      passed: pass ?? 0,
      failed: (fail ?? 0) + (cancelled ?? 0),
      skipped: (skipped ?? 0) + (todo ?? 0),
    };
    const tests = match[0].startsWith('#') ? readTap(before) : readSpec(before);
    // Lines of suites are not told from lines of tests, so the two must agree in sum only.
    const total = counts.passed + counts.failed + counts.skipped + (suites || 0);
    return { counts, tests, complete: tests.length === total || agrees(counts, tests) };
  });

function readSpec(text: string): TestResult[] {
  const tests: TestResult[] = [];
  const path: string[] = [];
  for (const line of text.split('\n')) {
    const found = specLine.exec(line);
    if (!found) continue;
    const depth = (found[1] ?? '').length / 2;
    path.length = Math.min(path.length, depth);
    if (found[2]) {
      // An older Node.js closes with this sign too: "▶ name (1.2ms)".
      path[depth] = (found[3] ?? '').replace(/ \([\d.]+ms\)$/, '');
      if (!/ \([\d.]+ms\)$/.test(found[3] ?? '')) continue;
      tests.push(result([...path.slice(0, depth), path[depth] ?? ''], '✔', undefined));
      continue;
    }
    tests.push(result([...path.slice(0, depth), found[5] ?? ''], found[4] ?? '', found[6]));
  }
  return tests;
}

function readTap(text: string): TestResult[] {
  const tests: TestResult[] = [];
  const path: string[] = [];
  for (const line of text.split('\n')) {
    const opened = /^( *)# Subtest: (.+)$/.exec(line);
    if (opened) {
      const depth = (opened[1] ?? '').length / 4;
      path.length = Math.min(path.length, depth);
      path[depth] = opened[2] ?? '';
      continue;
    }
    const found = tapLine.exec(line);
    if (!found) continue;
    const depth = (found[1] ?? '').length / 4;
    tests.push(result([...path.slice(0, depth), found[3] ?? ''], found[2] === 'ok' ? '✔' : '✖', found[4]));
  }
  return tests;
}

function result(path: string[], sign: string, directive: string | undefined): TestResult {
  const name = path.join(' > ');
  const status = directive || sign === '﹣' ? 'skipped' : sign === '✖' ? 'failed' : 'passed';
  return path.length === 1 && isFileName(name) ? { name, status, wholeFile: true } : { name, status };
}
