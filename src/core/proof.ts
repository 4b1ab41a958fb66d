import type { ProofVerdict, TestCounts } from './evidence.ts';
import { type Reproduction, sayingOf } from './reproduction.ts';

export type TestStatus = 'passed' | 'failed' | 'skipped';

/** One test as a runner named it. `wholeFile`: the runner names a file in place of its tests, because none was reported from it. */
export interface TestResult {
  name: string;
  status: TestStatus;
  wholeFile?: true;
}

/** What a command's output said of its tests. A `todo` counts as skipped: its failure is nobody's. */
export interface TestReport {
  runner: string;
  counts: TestCounts;
  tests: TestResult[];
  /** Every counted test is in `tests`. When false they are the failures only, or fewer. */
  complete: boolean;
  /** How many summaries the output held. */
  summaries: number;
}

/** One run of one command. Plain JSON. */
export interface CommandRun {
  command: string;
  exitCode: number | null;
  stopped: 'timeout' | 'output' | null;
  durationMs: number;
  report: TestReport | null;
  /** Head and tail of the output; at most 4 kB. */
  log: string;
}

export type RunState = 'green' | 'red' | 'notRunnable';

/** A regression sends the change back, a doubt keeps it from being proved, a remark is only said. */
export interface Finding {
  weight: 'regression' | 'doubt' | 'remark';
  text: string;
}

/** The shell's own codes for "not found" and "not executable" mean that nothing was run, unless tests were seen. */
export function stateOf(run: CommandRun): RunState {
  if (!run.report && (run.exitCode === 126 || run.exitCode === 127)) return 'notRunnable';
  if (run.exitCode !== 0 || run.stopped) return 'red';
  return run.report && run.report.counts.failed > 0 ? 'red' : 'green';
}

export function totalTests(counts: TestCounts): number {
  return counts.passed + counts.failed + counts.skipped;
}

/** True where tests are known to have run, or where nothing but the command's own words can tell. */
function ranTests(run: CommandRun): boolean {
  return run.report
    ? run.report.counts.passed > 0
    : /\b(tests?|specs?|check|verify|rspec|phpunit)\b/i.test(run.command);
}

/** How a run is worse than an earlier one of the same command. */
export interface Difference {
  /** Tests that fail and did not. Empty where the output names none: then `red` alone tells. */
  newlyRed: string[];
  red: boolean;
  newlySkipped: string[];
  moreSkipped: number;
  fewer: { before: number; after: number; names: string[] } | null;
  /** Tests were counted before, and now none can be seen. */
  uncounted: boolean;
  /** Could be started before, and cannot now. */
  notRunnable: boolean;
  /** Files whose tests were never reported. */
  silentFiles: string[];
}

export function differ(before: CommandRun, after: CommandRun): Difference {
  const was = before.report;
  const is = after.report;
  const notRunnable = stateOf(before) !== 'notRunnable' && stateOf(after) === 'notRunnable';
  const more = (status: TestStatus) => excess(namesOf(is, status), namesOf(was, status));
  const newlyRed = more('failed');
  const moreFailed = is !== null && is.counts.failed > (was?.counts.failed ?? 0);
  const red =
    stateOf(after) === 'red' &&
    (stateOf(before) !== 'red' ||
      newlyRed.length > 0 ||
      (was !== null && moreFailed) ||
      (!!after.stopped && !before.stopped));
  const counted = was && is && totalTests(is.counts) < totalTests(was.counts);
  return {
    newlyRed,
    red,
    newlySkipped: more('skipped'),
    moreSkipped: was && is ? Math.max(0, is.counts.skipped - was.counts.skipped) : 0,
    fewer: counted
      ? {
          before: totalTests(was.counts),
          after: totalTests(is.counts),
          names: was.complete && is.complete ? excess(allNames(was), allNames(is)) : [],
        }
      : null,
    uncounted: was !== null && is === null && !notRunnable,
    notRunnable,
    silentFiles: was?.tests.some((test) => test.wholeFile)
      ? []
      : (is?.tests ?? []).filter((test) => test.wholeFile && test.status === 'passed').map((test) => test.name),
  };
}

/** The sentences for a difference, each with what the model needs to act on it. `how` says which run it was. */
export function explain(difference: Difference, after: CommandRun, how: string): Finding[] {
  const command = `\`${after.command}\`${how}`;
  const regressions: string[] = [];
  if (difference.notRunnable)
    regressions.push(`${command} ran on the base and cannot be started on the change.${output(after)}`);
  else if (difference.red)
    regressions.push(
      `${command} is newly red${difference.newlyRed.length ? `: ${list(difference.newlyRed)}` : ''}${why(after)}.${output(after)}`,
    );
  if (difference.newlySkipped.length)
    regressions.push(`${command} skips what ran on the base: ${list(difference.newlySkipped)}.`);
  else if (difference.moreSkipped)
    regressions.push(`${command} skips ${difference.moreSkipped} more than on the base.`);
  if (difference.fewer) {
    const { before, after: now, names } = difference.fewer;
    const gone = names.length ? ` Gone: ${list(names)}.` : '';
    regressions.push(`${command} runs fewer tests: ${before} on the base, ${now} now.${gone}`);
  }
  if (difference.uncounted && !difference.red)
    regressions.push(`${command} reported tests on the base and reports none on the change.${output(after)}`);
  if (difference.silentFiles.length)
    regressions.push(
      `${command}: no test was reported from ${list(difference.silentFiles)}; the process ended before any ran.`,
    );
  return regressions.map((text) => ({ weight: 'regression', text }));
}

/** The runs of one command. All but `base` are of the change. */
export interface CommandRuns {
  base: CommandRun;
  /** The change and its tests, with the base's definition of how tests are run. */
  head: CommandRun;
  /** Exactly what would be pushed; only where the change touches how tests are run. */
  asPushed: CommandRun | null;
  /** The change with the base's definition and the base's tests; only where it touches existing tests. */
  baseTests: CommandRun | null;
  /** The base's code with the change's tests; only where there are new or changed tests. */
  reproduction: CommandRun | null;
}

export interface ProofFacts {
  commands: CommandRuns[];
  isBug: boolean;
  touchesCode: boolean;
  /** Files that the change edits and from which the set-up installs. */
  installedFrom: string[];
  /** What reading the change and comparing scans found. */
  read: Finding[];
}

export interface Judgement {
  verdict: ProofVerdict;
  findings: Finding[];
  /** null: no test was seen red on the base and green on the change. */
  reproduction: Reproduction | null;
}

export const noCommand =
  'There is no command to verify with. Name one under verify: in .shipmate.yml on the base branch.';

/** The verdict on a change from all that was run and read. */
export function judge(facts: ProofFacts): Judgement {
  const findings = [...facts.read, ...facts.commands.flatMap(judgeCommand)];
  const heads = facts.commands.map((runs) => runs.head);
  const counted = facts.commands.some((runs) => runs.head.report);
  const considered = facts.commands.filter((runs) => !counted || runs.head.report);
  const reproduction = considered.map(findReproduction).find((found) => found !== null) ?? null;
  const reproduced = reproduction !== null;

  if (heads.length === 0) findings.push(doubt(noCommand));
  else if (heads.every((run) => stateOf(run) === 'notRunnable')) {
    findings.push(doubt('Nothing could be run: no verification command starts here.'));
  } else if (!heads.some((run) => stateOf(run) === 'green' && ranTests(run))) {
    findings.push(doubt('No command with tests passed on the change, so nothing shows that it works.'));
  }
  if (facts.installedFrom.length > 0)
    findings.push(
      doubt(
        `The change edits what packages are installed from (${list(facts.installedFrom)}), and everything here ran with those of the base: the new ones were never installed. Have CI or a person install them and run the tests.`,
      ),
    );
  if (facts.isBug && !reproduced) {
    const loads = considered.some(onlyFailsToLoad);
    findings.push(
      doubt(
        loads
          ? "No test shows the bug: on the base's code the new tests do not fail one by one, they do not even load. Add a test of what the base already has, red there and green with the change."
          : 'No test shows the bug: add one that fails on the base and passes with the change.',
      ),
    );
  } else if (!facts.isBug && facts.touchesCode && !reproduced) {
    const anyNew = considered.some((runs) => runs.reproduction);
    const fails = considered.some((runs) => runs.reproduction && differ(runs.base, runs.reproduction).red);
    if (anyNew && !fails)
      findings.push(remark('The new or changed tests pass on the base too: they prove nothing new.'));
    else if (!anyNew)
      findings.push(remark('No test came with the change: the tests show that nothing broke, not that it works.'));
  }
  const verdict: ProofVerdict = findings.some((finding) => finding.weight === 'regression')
    ? 'regressed'
    : findings.some((finding) => finding.weight === 'doubt')
      ? 'unproved'
      : 'proved';
  return { verdict, findings, reproduction };
}

/** A command that the ticket wants to succeed. One that cannot be started at all is nothing that a change could mend. */
export function judgeExit(run: CommandRun): Finding[] {
  const command = `The ticket's exit command \`${run.command}\``;
  if (stateOf(run) === 'notRunnable')
    return [doubt(`${command} cannot be started (exit ${run.exitCode}): correct it on the ticket.`)];
  if (run.exitCode === 0 && !run.stopped) return [];
  return [regression(`${command} does not succeed on the change${why(run)}.${output(run)}`)];
}

function judgeCommand(runs: CommandRuns): Finding[] {
  const { base, head, asPushed } = runs;
  const started = stateOf(base) !== 'notRunnable';
  const findings = started ? explain(differ(base, head), head, '') : [];
  if (!started && stateOf(head) === 'red')
    findings.push(
      doubt(
        `\`${head.command}\` is red, and on the base it cannot be started: nothing to compare with.${output(head)}`,
      ),
    );
  if (stateOf(base) === 'notRunnable' && stateOf(head) === 'notRunnable')
    findings.push(remark(`\`${head.command}\` cannot be started, on the base neither (exit ${head.exitCode}).`));
  else if (stateOf(base) === 'red' && stateOf(head) === 'red' && !findings.length)
    findings.push(remark(`\`${head.command}\` was red on the base already and is as red on the change${why(head)}.`));
  else if (head.exitCode === 0 && stateOf(head) === 'red')
    findings.push(regression(`\`${head.command}\` ends with success although tests failed.`));
  if (asPushed && !findings.some((finding) => finding.weight === 'regression'))
    findings.push(
      ...explain(differ(head, asPushed), asPushed, " with the change's own definition of how tests are run"),
    );
  if (runs.baseTests && started) findings.push(...judgeBaseTests(runs, runs.baseTests));
  return findings;
}

/**
 * The base's tests decide, whatever the change did to them. Where one is red now, its edited version says which case it is:
 * red on the base's code, it asks for another behaviour, and only a person can say whether the ticket wants that; green
 * there too, it was loosened until it passed.
 */
function judgeBaseTests(runs: CommandRuns, baseTests: CommandRun): Finding[] {
  const { base, head, reproduction } = runs;
  const how = " with the base's tests";
  const difference = differ(base, baseTests);
  const edited = reproduction ? differ(base, reproduction) : null;
  const lost = [...difference.newlyRed, ...(difference.fewer?.names ?? [])];
  const passedThere = new Set(reproduction ? namesOf(reproduction.report, 'passed') : []);
  const loosened = lost.filter((name) => passedThere.has(name));
  if (difference.red && stateOf(head) === 'green' && edited?.red && !loosened.length)
    return [
      doubt(
        `The change edits tests that its code would otherwise fail${lost.length ? `: ${list(lost)}` : ''}. They now expect something else than on the base. If the ticket asks for that, a person must confirm it; if not, put them back and mend the code.`,
      ),
    ];
  const findings = explain(difference, baseTests, how);
  const redBefore = new Set(namesOf(base.report, 'failed'));
  const still = namesOf(baseTests.report, 'failed').filter((name) => redBefore.has(name));
  const greenNow = stateOf(base) === 'red' && stateOf(baseTests) === 'red' && stateOf(head) === 'green';
  if (!difference.red && greenNow) {
    const softened = reproduction === null || stateOf(reproduction) === 'green';
    const what = still.length ? list(still) : `\`${base.command}\``;
    findings.push(
      softened
        ? regression(
            `${what} was red on the base and turned green by changing the tests, not the code.${output(baseTests)}`,
          )
        : doubt(
            `${what} was red on the base, and in its base version it still is: a person must say whether the edited test is right.`,
          ),
    );
  }
  return findings;
}

/** Seen red on the base and green on the change: a new or changed test on the base's code, or a test of the base itself. */
function findReproduction({ base, head, baseTests, reproduction }: CommandRuns): Reproduction | null {
  if (stateOf(head) !== 'green') return null;
  const judged = baseTests ?? head;
  const { command } = head;
  const seen = (run: CommandRun, tests: string[]) => ({ command, tests, says: sayingOf(run.log, tests[0]) });
  if (!head.report) {
    if (reproduction !== null && stateOf(base) === 'green' && stateOf(reproduction) === 'red')
      return seen(reproduction, []);
    return stateOf(base) === 'red' && stateOf(judged) === 'green' ? seen(base, []) : null;
  }
  const passed = new Set(namesOf(head.report, 'passed'));
  const greenNow = (name: string) => !head.report?.complete || passed.has(name);
  if (reproduction) {
    const added = excess(testNames(reproduction.report, 'failed'), namesOf(base.report, 'failed')).filter(greenNow);
    if (added.length > 0) return seen(reproduction, added);
    const counts = reproduction.report?.counts;
    if (counts && counts.failed > (base.report?.counts.failed ?? 0) && !namesOf(reproduction.report, 'failed').length)
      return seen(reproduction, []);
  }
  const failing = new Set(namesOf(judged.report, 'failed'));
  const mended = testNames(base.report, 'failed').filter((name) => !failing.has(name) && greenNow(name));
  return stateOf(judged) === 'green' && mended.length > 0 ? seen(base, mended) : null;
}

/** The change's tests are red on the base's code, but not one of them was reported: they need what is not there. */
function onlyFailsToLoad({ base, head, reproduction }: CommandRuns): boolean {
  if (!reproduction || stateOf(head) !== 'green' || !differ(base, reproduction).red) return false;
  if (!reproduction.report) return base.report !== null;
  return excess(namesOf(reproduction.report, 'failed'), namesOf(base.report, 'failed')).length > 0;
}

function namesOf(report: TestReport | null, status: TestStatus): string[] {
  return (report?.tests ?? []).filter((test) => test.status === status).map((test) => test.name);
}

function testNames(report: TestReport | null, status: TestStatus): string[] {
  return (report?.tests ?? []).filter((test) => test.status === status && !test.wholeFile).map((test) => test.name);
}

function allNames(report: TestReport): string[] {
  return report.tests.map((test) => test.name);
}

/** What `names` holds more often than `others` does: the same name may stand for tests in several files. */
export function excess(names: string[], others: string[]): string[] {
  const left = new Map<string, number>();
  for (const name of others) left.set(name, (left.get(name) ?? 0) + 1);
  return names.filter((name) => {
    const count = left.get(name) ?? 0;
    if (count > 0) left.set(name, count - 1);
    return count === 0;
  });
}

function list(names: string[]): string {
  const shown = names.slice(0, 10).map((name) => `"${name}"`);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}

function why(run: CommandRun): string {
  if (run.stopped === 'timeout') return ` (stopped after ${Math.round(run.durationMs / 1000)} s)`;
  if (run.stopped === 'output') return ' (stopped: it printed too much)';
  return run.exitCode === 0 ? ' (it ends with success, but tests failed)' : ` (exit ${run.exitCode ?? 'by a signal'})`;
}

function output(run: CommandRun): string {
  const tail = run.log.trimEnd().slice(-2000);
  return tail ? `\n${tail}` : '';
}

const regression = (text: string): Finding => ({ weight: 'regression', text });
const doubt = (text: string): Finding => ({ weight: 'doubt', text });
const remark = (text: string): Finding => ({ weight: 'remark', text });
