import type { TestResult } from '../../core/proof.ts';
import { agrees, type Block, eachSummary, type Parser } from './block.ts';

const summary = /^test result: (?:ok|FAILED)\. (\d+) passed; (\d+) failed; (\d+) ignored;.*$/gm;
const statuses: Record<string, TestResult['status']> = { ok: 'passed', FAILED: 'failed', ignored: 'skipped' };

/** `cargo test`: one block for each test binary. */
export const parseCargoTest: Parser = (text) =>
  eachSummary(text, summary).map(({ before, match }): Block => {
    const counts = { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) };
    const tests = [...before.matchAll(/^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)\b.*$/gm)].map(
      ([, name = '', word = '']): TestResult => ({
        // A documentation test is told by its line, which moves.
        name: name.replace(/ \(line \d+\)/, ''),
        status: statuses[word] ?? 'passed',
      }),
    );
    return { counts, tests, complete: agrees(counts, tests) };
  });
