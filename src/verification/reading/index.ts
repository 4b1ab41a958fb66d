import type { Finding } from '../../core/proof.ts';
import { roleOf } from '../roles.ts';
import type { Trees } from '../trees.ts';
import type { TestFileChange } from './assertions.ts';
import { readCode, readRunner } from './code.ts';
import { readHardCoded } from './hard-coded.ts';
import { addedLines, type Line, withoutComments } from './lines.ts';
import { declaredTests, readTests } from './tests.ts';

const longest = 500_000;

export interface Reading {
  findings: Finding[];
  /** Tests that the touched test files declare, before and after. */
  declared: { before: number; after: number };
}

/** What the text of a change says, without running it. */
export async function readChange(
  trees: Pick<Trees, 'changes' | 'read'>,
  runnerLines: { path: string; text: string }[],
): Promise<Reading> {
  const tests: TestFileChange[] = [];
  const code: { path: string; added: Line[] }[] = [];
  const findings: Finding[] = readRunner(runnerLines);
  const gone: TestFileChange[] = [];
  for (const change of trees.changes) {
    const from = (change.status === 'R' ? change.oldPath : null) ?? change.path;
    const base = /[AC]/.test(change.status) ? null : bounded(await trees.read('base', from));
    const head = change.status === 'D' ? null : bounded(await trees.read('head', change.path));
    const wasTest = roleOf(from) === 'test' && !/[AC]/.test(change.status);
    const isTest = roleOf(change.path) === 'test' && change.status !== 'D';
    if (wasTest || isTest) {
      const file = { path: wasTest ? from : change.path, base: wasTest ? base : null, head: isTest ? head : null };
      tests.push(file);
      if (wasTest && !isTest) gone.push(file);
      if (isTest && head !== null && /\.(sh|bash|bats)$/.test(change.path))
        findings.push(...readRunner(addedLines(base, head).map(({ text }) => ({ path: change.path, text }))));
      continue;
    }
    if (roleOf(change.path) !== 'code' || head === null) continue;
    const inline = { path: change.path, base: inlineTests(base, from), head: inlineTests(head, change.path) };
    if (inline.base !== null || inline.head !== null) tests.push(inline);
    const added = addedLines(base && withoutComments(base, from), withoutComments(head, change.path));
    code.push({ path: change.path, added });
    findings.push(...readCode(change.path, added));
  }
  const lost = readTests(tests);
  const declared = {
    before: tests.reduce((sum, { base, path }) => sum + declaredTests(base, path), 0),
    after: tests.reduce((sum, { head, path }) => sum + declaredTests(head, path), 0),
  };
  const isMissed = (path: string) =>
    declared.after < declared.before || lost.some((finding) => finding.text.startsWith(`${path}:`));
  for (const { path, base } of gone)
    if (declaredTests(base, path) > 0 && isMissed(path))
      findings.push({
        weight: 'regression',
        text: `The test file ${path} is deleted, and its tests are not in another.`,
      });
  return { findings: [...findings, ...lost, ...readHardCoded(code, tests)], declared };
}

function bounded(text: string | null): string | null {
  return text !== null && text.length <= longest ? text : null;
}

/** Rust keeps unit tests at the end of the file that they test. */
function inlineTests(text: string | null, path: string): string | null {
  const at = path.endsWith('.rs') ? (text?.indexOf('#[cfg(test)]') ?? -1) : -1;
  return at >= 0 ? (text?.slice(at) ?? null) : null;
}
