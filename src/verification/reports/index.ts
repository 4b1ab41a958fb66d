import type { TestReport } from '../../core/proof.ts';
import type { Block, Parser } from './block.ts';
import { parseCargoTest } from './cargo-test.ts';
import { parseGoTest } from './go-test.ts';
import { parseJest } from './jest.ts';
import { parseMocha } from './mocha.ts';
import { parseNodeTest } from './node-test.ts';
import { parsePytest } from './pytest.ts';
import { parseTap } from './tap.ts';
import { parseUnittest } from './unittest.ts';
import { parseVitest } from './vitest.ts';

/** Plain TAP comes last: others print it with a summary of their own. */
const parsers: [string, Parser][] = [
  ['node', parseNodeTest],
  ['vitest', parseVitest],
  ['jest', parseJest],
  ['mocha', parseMocha],
  ['pytest', parsePytest],
  ['unittest', parseUnittest],
  ['cargo', parseCargoTest],
  ['go', parseGoTest],
  ['tap', parseTap],
];

/**
 * Finds what a command's output says of its tests; null when it is nobody's we know. With `expected`, the base's report of
 * the same command, only its runner is looked for, and where that gave one summary only the last one counts: a second is not
 * the runner's, but something the tested code printed.
 */
export function readReport(stdout: string, stderr: string, expected: TestReport | null = null): TestReport | null {
  const texts = [stdout, stderr].flatMap((text) => byPackage(plain(text)));
  const runners: string[] = [];
  const blocks: Block[] = [];
  for (const [runner, parse] of parsers) {
    if (expected ? !expected.runner.split('+').includes(runner) : runner === 'tap' && runners.length > 0) continue;
    const found = texts.flatMap(parse);
    if (!found.length) continue;
    runners.push(runner);
    const last = expected?.summaries === 1 && runner !== 'cargo' && runner !== 'go';
    blocks.push(...(last ? found.slice(-1) : found));
  }
  return runners.length ? { runner: runners.join('+'), ...merge(blocks), summaries: blocks.length } : null;
}

function merge(blocks: Block[]): Omit<TestReport, 'runner' | 'summaries'> {
  const sum = (key: keyof Block['counts']) => blocks.reduce((total, block) => total + block.counts[key], 0);
  return {
    counts: { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') },
    tests: blocks.flatMap((block) => block.tests),
    complete: blocks.every((block) => block.complete),
  };
}

/** Without colours and carriage returns. */
export function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
}

/** pnpm runs the packages of a workspace at once and puts "packages/a test: " before each line of theirs. */
function byPackage(text: string): string[] {
  const prefixes = new Set([...text.matchAll(/^(\S+ [\w:.-]+)\$ /gm)].map((found) => `${found[1]}: `));
  if (!prefixes.size) return [text];
  const lines = text.split('\n');
  return [...prefixes].map((prefix) =>
    lines
      .filter((line) => line.startsWith(prefix))
      .map((line) => line.slice(prefix.length))
      .join('\n'),
  );
}
