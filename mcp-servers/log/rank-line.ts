/**
 * How much a line says about why something failed, 0 the most:
 * 0 the report of a failure: a compiler's message, the head of what a test runner tells of a failed test;
 * 1 that something failed, its reason elsewhere: a line in a list of tests, an annotation of the runner;
 * 2 what looks like a failure and may be none: an exception that a test expects is logged as well;
 * 3 the end that follows from a failure before it: exit codes.
 */
export type Rank = 0 | 1 | 2 | 3;

const worthALook =
  /rror|RROR|ERR!|FAIL|[Ff]ail|anic|xception|Traceback|fatal|FATAL|[✕✖×✗✘●━⎯]|not ok|^_{3}|^E {3}|illed|Segment|[Ee]xit|\.go:\d|wrong:|stdout ----|space left|not found|out of memory|exceeded|ancell?ed|dumped|No rule|undefined ref|annot /;

const ends: RegExp[] = [
  /^(?:Error: )?Process completed with exit code [1-9]/,
  /^(?:Error: )?The process '.+' failed with exit code/,
  /^npm (?:ERR!|error)(?! code E(?!LIFECYCLE))/,
  /\bELIFECYCLE\b/,
  /^g?make(?:\[\d+\])?: \*\*\* (?!No rule)/,
  /^error: (?:could not compile|test failed|aborting due to|process didn't exit|script .{1,80} exited|Recipe )/,
  /^(?:error )?Command failed/,
  /\bexit(?:ed)?:? (?:with )?(?:exit )?(?:code|status):? [1-9]/i,
  /^The operation was cancell?ed/,
];

const reports: RegExp[] = [
  /^\s*FAIL {1,2}\S/, // vitest, jest
  /^⎯+ ?(?:Failed (?:Tests|Suites)|Unhandled)/,
  /^\s{0,4}● (?!Console)\S/, // jest
  /^Summary of all failing tests/,
  /^={3,} (?:FAILURES|ERRORS) =/, // pytest
  /^_{3,} .{1,300} _{3,}$/,
  /^E {3,}\S/,
  /^\s*--- FAIL: /, // go
  /^(?:vet: )?\.{0,2}[\w./-]*\.go:\d+:\d+: /,
  /^panic: /,
  /^---- .{1,300} stdout ----/, // cargo
  /^failures:$/,
  /^thread '.{0,200}' (?:\(\d+\) )?panicked at/,
  /^error(?:\[[A-Z]\d+\])?: /,
  /\berror TS\d+: /,
  /^\s*[\w@./\\+-]{1,300}\(\d+(?:,\d+)*\): error /,
  /^\s*[\w@./\\+-]{1,300}:\d+(?::\d+)?:? (?:- )?(?:fatal )?error:? /, // gcc, clang, javac, mypy, tsc
  /^e: \S/, // kotlin
  /^\s+\d+:\d+\s+error\s+\S/, // eslint
  /^\S{1,300}:\d+:\d+ [\w/]+ .{0,80}━{3}/, // biome
  /^✖ failing tests:/, // node
  /^\s+\d+ failing$/, // mocha
  /^Failures:$/, // rspec
  /^There (?:was|were) \d+ (?:failure|error)s?:/, // phpunit
  /^\[ERROR\] \S/, // maven
  /^\S.{0,300} > .{1,300} FAILED$/, // gradle
  /^\s*Failed \S{1,300} \[\d/, // dotnet
  /^\s+\d+\) \[[\w -]{1,40}\] › /, // playwright
  /^npm (?:ERR!|error) code E/,
  /^g?make(?:\[\d+\])?: \*\*\* No rule/,
  /^ERROR: /, // docker, pip
  /^fatal: /,
  /undefined reference to/,
  /Segmentation fault|core dumped|heap out of memory|No space left on device/,
];

const verdicts: RegExp[] = [
  /^\s*(?:✕|✖|×|✗|✘) \S/,
  /^\s*not ok \d/,
  /^test .{1,300} \.\.\. FAILED/,
  /::\S{1,300} (?:FAILED|ERROR)\b/,
  /^(?:FAILED|ERROR) \S/,
  /^FAIL\b/,
  /^> Task \S{1,300} FAILED/,
  /^\* What went wrong:/,
  /^FAILURE: |^BUILD FAIL/,
  /\[FAIL(?:ED)?\]/,
  /^Killed$|\bOOM ?[Kk]illed\b/,
];

const traces: RegExp[] = [
  /^\s*(?:│ )?(?:Uncaught )?(?:[\w$]{1,80}\.){0,10}[\w$]{0,80}(?:Error|Exception)(?: \[\w+\])?(?::|$)/,
  /Traceback \(most recent call last\)/,
  /^\s*(?:│ )?(?:error|ERROR|Error|fatal|FATAL)\b/,
  /\b(?:ERROR|FATAL)\b/,
  /command not found|Cannot find (?:module|package)|[Pp]anicked at|[Ff]ailed to /,
];

/** Of a line; that bounds the time that a hostile one takes. */
const looksAt = 600;

/** null: it says nothing of a failure. `line` is clean: no time, no colours. */
export function rankLine(line: string): Rank | null {
  const marked = line.startsWith('##[error]');
  const text = line.slice(marked ? 9 : 0, looksAt);
  if (!marked && !worthALook.test(text)) return null;
  const says = (pattern: RegExp) => pattern.test(text);
  if (ends.some(says)) return 3;
  if (reports.some(says)) return 0;
  if (marked || verdicts.some(says)) return 1;
  return traces.some(says) ? 2 : null;
}
