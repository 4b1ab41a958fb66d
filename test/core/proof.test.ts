import { describe, expect, test } from 'vitest';
import { type CommandRun, type CommandRuns, differ, judge, stateOf, type TestStatus } from '../../src/core/proof.ts';

function run(tests: Record<string, TestStatus> | null, over: Partial<CommandRun> = {}): CommandRun {
  const all = Object.entries(tests ?? {}).map(([name, status]) => ({ name, status }));
  const count = (status: TestStatus) => all.filter((one) => one.status === status).length;
  const counts = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
  return {
    command: 'npm test',
    exitCode: counts.failed > 0 ? 1 : 0,
    stopped: null,
    durationMs: 10,
    report: tests && { runner: 'node', counts, tests: all, complete: true, summaries: 1 },
    log: 'what it printed',
    ...over,
  };
}

function verdict(runs: Partial<CommandRuns> & Pick<CommandRuns, 'base' | 'head'>, isBug = false) {
  const command = { asPushed: null, baseTests: null, reproduction: null, ...runs };
  return judge({ commands: [command], isBug, touchesCode: true, installedFrom: [], read: [] });
}

const green = run({ a: 'passed', b: 'passed' });

describe('the state of a run', () => {
  test.each([
    ['green', green, 'green'],
    ['red by its exit code', run(null, { exitCode: 1 }), 'red'],
    ['red by its tests, though it ends with success', run({ a: 'failed' }, { exitCode: 0 }), 'red'],
    ['stopped', run(null, { exitCode: null, stopped: 'timeout' }), 'red'],
    ['not found', run(null, { exitCode: 127 }), 'notRunnable'],
    ['not executable', run(null, { exitCode: 126 }), 'notRunnable'],
    ['127 after tests', run({ a: 'passed' }, { exitCode: 127 }), 'red'],
  ] as const)('%s', (_, one, state) => {
    expect(stateOf(one)).toBe(state);
  });
});

describe('a difference', () => {
  test('counts the same name as often as it comes', () => {
    const twice = (statuses: TestStatus[]): CommandRun => {
      const one = run({});
      const tests = statuses.map((status) => ({ name: 'works', status }));
      return {
        ...one,
        exitCode: 1,
        report: one.report && { ...one.report, tests, counts: { passed: 0, failed: 0, skipped: 0 } },
      };
    };
    expect(differ(twice(['passed', 'failed']), twice(['failed', 'failed'])).newlyRed).toEqual(['works']);
    expect(differ(twice(['passed', 'failed']), twice(['failed', 'passed'])).newlyRed).toEqual([]);
  });
});

describe('the verdict', () => {
  test.each<[string, Parameters<typeof verdict>[0], boolean, string, RegExp | null]>([
    ['as green as before', { base: green, head: green }, false, 'proved', /not that it works/],
    [
      'newly red',
      { base: green, head: run({ a: 'passed', b: 'failed' }) },
      false,
      'regressed',
      /newly red: "b"[\s\S]*what it printed/,
    ],
    [
      'red without a name',
      { base: run(null), head: run(null, { exitCode: 2 }) },
      false,
      'regressed',
      /newly red \(exit 2\)/,
    ],
    [
      'as red as before',
      { base: run({ a: 'failed' }), head: run({ a: 'failed' }) },
      false,
      'unproved',
      /red on the base already/,
    ],
    [
      'red before, and another too',
      { base: run({ a: 'failed', b: 'passed' }), head: run({ a: 'failed', b: 'failed' }) },
      false,
      'regressed',
      /newly red: "b"/,
    ],
    [
      'fewer',
      { base: green, head: run({ a: 'passed' }) },
      false,
      'regressed',
      /fewer tests: 2 on the base, 1 now. Gone: "b"/,
    ],
    ['renamed', { base: green, head: run({ a: 'passed', c: 'passed' }) }, false, 'proved', null],
    [
      'skipped',
      { base: green, head: run({ a: 'passed', b: 'skipped' }) },
      false,
      'regressed',
      /skips what ran on the base: "b"/,
    ],
    ['no longer counted', { base: green, head: run(null) }, false, 'regressed', /reports none/],
    [
      'no longer started',
      { base: green, head: run(null, { exitCode: 127 }) },
      false,
      'regressed',
      /cannot be started on the change/,
    ],
    [
      'never started',
      { base: run(null, { exitCode: 127 }), head: run(null, { exitCode: 127 }) },
      false,
      'unproved',
      /Nothing could be run/,
    ],
    [
      'red where the base did not start',
      { base: run(null, { exitCode: 127 }), head: run({ a: 'failed' }) },
      false,
      'unproved',
      /nothing to compare with/,
    ],
    ['no tests at all', { base: run({}), head: run({}) }, false, 'unproved', /No command with tests passed/],
    [
      'no tests, by the look of the command',
      { base: run(null, { command: 'tsc' }), head: run(null, { command: 'tsc' }) },
      false,
      'unproved',
      /No command with tests/,
    ],
    [
      'stopped',
      { base: green, head: run(null, { exitCode: null, stopped: 'timeout', durationMs: 9000 }) },
      false,
      'regressed',
      /stopped after 9 s/,
    ],
    [
      'success with failures',
      { base: green, head: run({ a: 'passed', b: 'failed' }, { exitCode: 0 }) },
      false,
      'regressed',
      /ends with success, but tests failed/,
    ],
    ['a bug without a test', { base: green, head: green }, true, 'unproved', /add one that fails on the base/],
    [
      'fewer as pushed',
      { base: green, head: green, asPushed: run({ a: 'passed' }) },
      false,
      'regressed',
      /with the change's own definition.*fewer/,
    ],
    [
      'a new test, green on the base too',
      {
        base: green,
        head: run({ a: 'passed', b: 'passed', c: 'passed' }),
        reproduction: run({ a: 'passed', b: 'passed', c: 'passed' }),
      },
      false,
      'proved',
      /prove nothing new/,
    ],
    [
      'another expectation',
      {
        base: green,
        head: green,
        baseTests: run({ a: 'failed', b: 'passed' }),
        reproduction: run({ a: 'failed', b: 'passed' }),
      },
      false,
      'unproved',
      /a person must confirm/,
    ],
    [
      'a loosened test',
      { base: green, head: green, baseTests: run({ a: 'failed', b: 'passed' }), reproduction: green },
      false,
      'regressed',
      /with the base's tests is newly red: "a"/,
    ],
    [
      'a red test edited until green',
      {
        base: run({ a: 'failed' }),
        head: run({ a: 'passed' }),
        baseTests: run({ a: 'failed' }),
        reproduction: run({ a: 'passed' }),
      },
      true,
      'regressed',
      /changing the tests, not the code/,
    ],
    [
      'a red test edited, and the code',
      {
        base: run({ a: 'failed' }),
        head: run({ a: 'passed' }),
        baseTests: run({ a: 'failed' }),
        reproduction: run({ a: 'failed' }),
      },
      false,
      'unproved',
      /whether the edited test is right/,
    ],
  ])('%s', (_, runs, isBug, expected, says) => {
    const judgement = verdict(runs, isBug);
    const text = judgement.findings.map((finding) => finding.text).join('\n');
    expect(judgement.verdict, text).toBe(expected);
    if (says) expect(text).toMatch(says);
  });

  test.each([
    ['green', green, 'unproved'],
    ['red', run({ a: 'failed', b: 'passed' }), 'regressed'],
  ])('%s with the packages of the base, where the change names others', (_, head, expected) => {
    const commands = [{ base: green, head, asPushed: null, baseTests: null, reproduction: null }];
    const facts = { commands, isBug: false, touchesCode: false, read: [] };
    const judgement = judge({ ...facts, installedFrom: ['package.json', 'go.sum'] });
    expect(judgement.verdict).toBe(expected);
    const said = judgement.findings.filter(({ weight }) => weight === 'doubt').map(({ text }) => text);
    expect(said).toContainEqual(expect.stringContaining('("package.json", "go.sum"), and everything here ran with'));
  });
});

describe('a reproduction', () => {
  const withNew = run({ a: 'passed', b: 'passed', c: 'passed' });

  test('is a new test, red on the base and green on the change', () => {
    const reproduction = run({ a: 'passed', b: 'passed', c: 'failed' });
    const judgement = verdict({ base: green, head: withNew, reproduction }, true);
    expect(judgement).toMatchObject({ verdict: 'proved', findings: [] });
    expect(judgement.reproduction?.tests).toEqual(['c']);
  });

  test('is a test of the base that was red and is green', () => {
    const judgement = verdict({ base: run({ a: 'passed', b: 'failed' }), head: green }, true);
    expect(judgement).toMatchObject({ verdict: 'proved' });
    expect(judgement.reproduction).not.toBeNull();
  });

  test('can be told by exit codes where nothing else is known', () => {
    const judgement = verdict({ base: run(null), head: run(null), reproduction: run(null, { exitCode: 1 }) }, true);
    expect(judgement).toMatchObject({ verdict: 'proved' });
    expect(judgement.reproduction).not.toBeNull();
  });

  test('is not a file that cannot be loaded', () => {
    const broken = run({ a: 'passed', b: 'passed', 'test/c.test.js': 'failed' });
    const last = broken.report?.tests.at(-1);
    if (last) last.wholeFile = true;
    const judgement = verdict({ base: green, head: withNew, reproduction: broken }, true);
    expect(judgement.verdict).toBe('unproved');
    expect(judgement.findings[0]?.text).toContain('do not even load');
  });

  test('is not one that is red on the change as well', () => {
    const red = run({ a: 'passed', b: 'passed', c: 'failed' });
    expect(verdict({ base: green, head: red, reproduction: red }, true)).toMatchObject({
      verdict: 'regressed',
      reproduction: null,
    });
  });
});
