import { expect, test } from 'vitest';
import type { TestReport } from '../../src/core/proof.ts';
import { readReport } from '../../src/verification/reports/index.ts';

const nodeSpec = `hello
✔ adds (0.677535ms)
﹣ skipped (0.144304ms) # SKIP
✔ todo one (0.4046ms) # TODO
▶ group
  ✖ inner fails (0.746767ms)
  ✔ inner ok (0.11485ms)
✖ group (1.203535ms)
✔ test/x.test.js (25.18952ms)
ℹ tests 6
ℹ suites 1
ℹ pass 3
ℹ fail 1
ℹ cancelled 0
ℹ skipped 1
ℹ todo 1
ℹ duration_ms 64.211665

✖ failing tests:

test at a.test.js:5:23
✖ inner fails (0.746767ms)
  AssertionError [ERR_ASSERTION]: 1 == 2
`;

const nodeTap = `TAP version 13
# Subtest: adds
ok 1 - adds
  ---
  duration_ms: 0.684806
  ...
# Subtest: group
    # Subtest: inner fails
    not ok 1 - inner fails
      ---
      error: '1 == 2'
      ...
    # Subtest: inner ok
    ok 2 - inner ok # SKIP
    1..2
not ok 2 - group
1..2
# tests 3
# suites 1
# pass 1
# fail 1
# cancelled 0
# skipped 1
# todo 0
# duration_ms 66.602041
`;

const vitest = `
 RUN  v5.1.1 /shop

 ❯ a.test.js (4 tests | 1 failed | 1 skipped | 1 todo) 7ms
     ✓ ok one 1ms
     × bad 4ms
 ❯ c.test.js (0 test)
 ✓ b.test.js (1 test) 2ms

⎯⎯⎯⎯⎯⎯⎯ Failed Suites 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  c.test.js [ c.test.js ]
Error: Cannot find module './nope.js' imported from /shop/c.test.js

⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  a.test.js > g > bad
AssertionError: expected 1 to be 2 // Object.is equality

 Test Files  2 failed | 1 passed (3)
      Tests  1 failed | 2 passed | 1 skipped | 1 todo (5)
   Start at  10:22:16
   Duration  353ms (transform 32%)
`;

const vitestVerbose = `
 \u001b[32m✓\u001b[39m a.test.js\u001b[2m > \u001b[22mg\u001b[2m > \u001b[22mok one\u001b[32m 1\u001b[2mms\u001b[22m\u001b[39m
\u001b[31m ×\u001b[39m a.test.js > g > bad 4ms
   → expected 1 to be 2 // Object.is equality
 ↓ a.test.js > g > sk

 Test Files  1 failed (1)
      Tests  1 failed | 1 passed | 1 skipped (3)
`;

const jest = `FAIL ./a.test.js
  ● g › bad

    expect(received).toBe(expected) // Object.is equality

FAIL ./b.test.js
  ● b bad

    thrown: 1

FAIL ./c.test.js
  ● Test suite failed to run

    Cannot find module 'nope' from 'c.test.js'

Test Suites: 3 failed, 3 total
Tests:       2 failed, 1 skipped, 1 todo, 2 passed, 6 total
Snapshots:   0 total
`;

const jestVerbose = `FAIL ./a.test.js
  g
    ✓ ok one (2 ms)
    ✕ bad (2 ms)
    ○ skipped sk
    ✎ todo pend

  ● g › bad

    expect(received).toBe(expected) // Object.is equality

Test Suites: 1 failed, 1 total
Tests:       1 failed, 1 skipped, 1 todo, 1 passed, 4 total
`;

const mocha = `

  g
    ✔ ok one
    1) bad
    - sk
    - pend

  h
    2) bad


  1 passing (4ms)
  2 pending
  2 failing

  1) g
       bad:
     Error: x
`;

const pytest = `============================= test session starts ==============================
collected 6 items

test_a.py .Fsx..                                                         [100%]

=================================== FAILURES ===================================
E   assert 1 == 2
=========================== short test summary info ============================
FAILED test_a.py::test_bad - assert 1 == 2
SKIPPED [1] test_a.py:4: unconditional skip
XFAIL test_a.py::test_xf
PASSED test_a.py::test_ok
PASSED test_a.py::test_p[1]
PASSED test_a.py::test_p[2]
============== 1 failed, 3 passed, 1 skipped, 1 xfailed in 0.59s ===============
`;

const pytestBroken = `=========================== short test summary info ============================
ERROR test_b.py
!!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!
1 error in 0.62s
`;

const unittest = `test_a (u.T.test_a) ... ok
test_b (u.T.test_b) ... skipped 'x'
test_c (u.T.test_c) ... FAIL

======================================================================
FAIL: test_c (u.T.test_c)
----------------------------------------------------------------------
Ran 3 tests in 0.000s

FAILED (failures=1, skipped=1)
`;

const go = `ok  \tshop/price\t0.004s
--- FAIL: TestSlug (0.00s)
    slug_test.go:9: got a-b c
FAIL
FAIL\tshop/slug\t0.003s
?   \tshop/cmd\t[no test files]
FAIL
`;

const goVerbose = `=== RUN   TestTotal
--- PASS: TestTotal (0.00s)
=== RUN   TestSlug
    slug_test.go:5: later
--- SKIP: TestSlug (0.00s)
PASS
ok  \tshop/price\t0.004s
`;

const cargo = `
running 3 tests
test tests::ig ... ignored
test tests::ok ... ok
test tests::bad ... FAILED

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.08s

running 1 test
test integ ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;

const tape = `TAP version 13
# x
ok 1 one
not ok 2 two
  ---
    operator: equal
  ...

1..2
# tests 2
# pass  1
# fail  1
`;

const pnpm = `Scope: 2 of 3 workspace projects
packages/a test$ node --test
packages/b test$ node --test
packages/a test: ✔ one (0.4ms)
packages/b test: ✔ two (0.4ms)
packages/a test: ℹ tests 1
packages/b test: ℹ tests 1
packages/a test: ℹ suites 0
packages/a test: ℹ pass 1
packages/a test: ℹ fail 0
packages/b test: ℹ suites 0
packages/b test: ℹ pass 1
packages/b test: ℹ fail 0
packages/b test: ℹ cancelled 0
packages/b test: ℹ skipped 0
packages/b test: ℹ todo 0
packages/a test: ℹ cancelled 0
packages/a test: ℹ skipped 0
packages/a test: ℹ todo 0
packages/a test: Done
`;

const table: [string, string, string, number[], boolean, string[]][] = [
  ['node, spec', nodeSpec, 'node', [3, 1, 2], true, ['group > inner fails', 'group']],
  ['node, TAP', nodeTap, 'node', [1, 1, 1], true, ['group > inner fails', 'group']],
  ['vitest', vitest, 'vitest', [2, 2, 2], false, ['a.test.js > g > bad', 'c.test.js']],
  ['vitest, verbose and coloured', vitestVerbose, 'vitest', [1, 1, 1], true, ['a.test.js > g > bad']],
  ['jest', jest, 'jest', [2, 3, 2], false, ['g › bad', 'b bad', './c.test.js']],
  ['jest, verbose', jestVerbose, 'jest', [1, 1, 2], true, ['g › bad']],
  ['mocha', mocha, 'mocha', [1, 2, 2], true, ['g > bad', 'h > bad']],
  ['pytest', pytest, 'pytest', [3, 1, 2], true, ['test_a.py::test_bad']],
  ['pytest that cannot collect', pytestBroken, 'pytest', [0, 1, 0], true, ['test_b.py']],
  ['unittest', unittest, 'unittest', [1, 1, 1], true, ['u.T.test_c']],
  ['go', go, 'go', [1, 1, 0], false, ['TestSlug']],
  ['go, verbose', goVerbose, 'go', [1, 0, 1], true, []],
  ['cargo', cargo, 'cargo', [2, 1, 1], true, ['tests::bad']],
  ['TAP', tape, 'tap', [1, 1, 0], true, ['two']],
  ['a pnpm workspace', pnpm, 'node', [2, 0, 0], true, []],
];

test.each(table)('reads %s', (_, output, runner, [passed = 0, failed = 0, skipped = 0], complete, failures) => {
  for (const [stdout, stderr] of [
    [output, ''],
    ['building\n', output],
  ] as const) {
    const report = readReport(stdout, stderr);
    expect(report).toMatchObject({ runner, counts: { passed, failed, skipped }, complete });
    expect(report?.tests.filter((one) => one.status === 'failed').map((one) => one.name)).toEqual(failures);
  }
});

test('knows a whole file from a test', () => {
  const files = (output: string) =>
    readReport(output, '')
      ?.tests.filter((one) => one.wholeFile)
      .map((one) => one.name);
  expect(files(nodeSpec)).toEqual(['test/x.test.js']);
  expect(files(vitest)).toEqual(['c.test.js']);
  expect(files(pytestBroken)).toEqual(['test_b.py']);
});

test('says nothing of what it does not know', () => {
  expect(readReport('all good\n3 files checked\n', '')).toBeNull();
});

test('adds up the summaries of several runs, and two runners', () => {
  const both = readReport(`${mocha}\n${pytest}`, '');
  expect(both).toMatchObject({ runner: 'mocha+pytest', counts: { passed: 4, failed: 3, skipped: 4 }, summaries: 2 });
});

test('counts the last summary only where the base had one', () => {
  const base = readReport(mocha, '') as TestReport;
  const fake = '\n  99 passing (1ms)\n';
  expect(readReport(fake + mocha, '', base)?.counts).toEqual(base.counts);
  expect(readReport(pytest, '', base)).toBeNull();
});
