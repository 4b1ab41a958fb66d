/** What runners print when something fails, as GitHub stores it but for the times; `cause` is the line to find. */
export interface LogSample {
  runner: string;
  log: string;
  cause: string;
}

export const logSamples: LogSample[] = [
  {
    runner: 'vitest',
    log: `stderr | test/cart.test.ts > refuses
Error: expected, this is logged by the test itself
 ✓ test/cart.test.ts (3 tests) 4ms
 ❯ test/retry.test.ts (2 tests | 1 failed) 9ms
   × backs off 5ms
     → expected 8 to be 9 // Object.is equality
⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯
 FAIL  test/retry.test.ts > backs off
AssertionError: expected 8 to be 9 // Object.is equality
 Test Files  1 failed | 1 passed (2)
##[error]Process completed with exit code 1.`,
    cause: '⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯',
  },
  {
    runner: 'jest',
    log: `PASS src/a.test.js
  console.error
    Error: noise
FAIL src/b.test.js
  ● adds › two

    expect(received).toBe(expected)
npm error Lifecycle script \`test\` failed with error:
npm error code 1`,
    cause: 'FAIL src/b.test.js',
  },
  {
    runner: 'node',
    log: `✔ one (0.5ms)
✖ two (1.1ms)
ℹ tests 2
ℹ fail 1

✖ failing tests:

test at test/two.test.js:3:1
✖ two (1.1ms)
  AssertionError [ERR_ASSERTION]: 1 == 2`,
    cause: '✖ failing tests:',
  },
  {
    runner: 'tsc',
    log: `> tsc -p .

src/core/ticket.ts(12,7): error TS2322: Type 'string' is not assignable to type 'number'.
##[error]Process completed with exit code 2.`,
    cause: "src/core/ticket.ts(12,7): error TS2322: Type 'string' is not assignable to type 'number'.",
  },
  {
    runner: 'eslint',
    log: `/home/runner/work/a/a/src/main.ts
  1:10  warning  Missing return type  explicit-return
  3:7   error    'x' is never used    no-unused-vars

✖ 2 problems (1 error, 1 warning)`,
    cause: "  3:7   error    'x' is never used    no-unused-vars",
  },
  {
    runner: 'npm ci',
    log: `npm warn deprecated glob@7.2.3: Glob versions prior to v9 are no longer supported
npm error code ERESOLVE
npm error ERESOLVE unable to resolve dependency tree
##[error]Process completed with exit code 1.`,
    cause: 'npm error code ERESOLVE',
  },
  {
    runner: 'pytest',
    log: `tests/test_a.py::test_one PASSED                                         [ 50%]
tests/test_a.py::test_two FAILED                                         [100%]

=================================== FAILURES ===================================
___________________________________ test_two ___________________________________

    def test_two():
>       assert add(1, 1) == 3
E       assert 2 == 3

tests/test_a.py:6: AssertionError
=========================== short test summary info ============================
FAILED tests/test_a.py::test_two - assert 2 == 3`,
    cause: '=================================== FAILURES ===================================',
  },
  {
    runner: 'go test',
    log: `ok  	example.com/a	0.004s
--- FAIL: TestBackoff (0.00s)
    retry_test.go:14: got 8, want 9
FAIL
FAIL	example.com/b	0.005s
FAIL
##[error]Process completed with exit code 1.`,
    cause: '--- FAIL: TestBackoff (0.00s)',
  },
  {
    runner: 'go build',
    log: '# example.com/b\n./main.go:7:2: undefined: retry',
    cause: './main.go:7:2: undefined: retry',
  },
  {
    runner: 'cargo test',
    log: `running 2 tests
test tests::one ... ok
test tests::two ... FAILED

failures:

---- tests::two stdout ----
thread 'tests::two' panicked at src/lib.rs:9:9:
assertion failed

error: test failed, to rerun pass \`--lib\``,
    cause: 'failures:',
  },
  {
    runner: 'cargo build',
    log: `   Compiling a v0.1.0
error[E0308]: mismatched types
 --> src/main.rs:2:18
error: could not compile \`a\` (bin "a") due to 1 previous error`,
    cause: 'error[E0308]: mismatched types',
  },
  {
    runner: 'maven',
    log: `[INFO] Running AppTest
[ERROR] Tests run: 1, Failures: 1, Errors: 0, Skipped: 0
[ERROR] AppTest.adds:9 expected:<2> but was:<3>
[INFO] BUILD FAILURE`,
    cause: '[ERROR] Tests run: 1, Failures: 1, Errors: 0, Skipped: 0',
  },
  {
    runner: 'gradle',
    log: `> Task :test FAILED

AppTest > adds() FAILED
    org.opentest4j.AssertionFailedError at AppTest.java:9

FAILURE: Build failed with an exception.`,
    cause: 'AppTest > adds() FAILED',
  },
  {
    runner: 'javac',
    log: `> Task :compileJava FAILED
/home/runner/work/a/src/main/java/App.java:3: error: ';' expected`,
    cause: "/home/runner/work/a/src/main/java/App.java:3: error: ';' expected",
  },
  {
    runner: 'make',
    log: `cc -c a.c
a.c:4:10: fatal error: missing.h: No such file or directory
compilation terminated.
make: *** [Makefile:3: a.o] Error 1`,
    cause: 'a.c:4:10: fatal error: missing.h: No such file or directory',
  },
  {
    runner: 'an action',
    log: 'Downloading\n##[error]No artifact is named "dist".\nPost job cleanup.',
    cause: '##[error]No artifact is named "dist".',
  },
  {
    runner: 'a script',
    log: '+ ./deploy.sh staging\nroll-out stopped\n##[error]Process completed with exit code 3.',
    cause: '##[error]Process completed with exit code 3.',
  },
];
