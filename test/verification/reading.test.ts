import { describe, expect, test } from 'vitest';
import { assertionsIn, lostAssertions, strengthOf } from '../../src/verification/reading/assertions.ts';
import { readCode, readRunner } from '../../src/verification/reading/code.ts';
import { readHardCoded } from '../../src/verification/reading/hard-coded.ts';
import { addedLines } from '../../src/verification/reading/lines.ts';
import { declaredTests, readTests } from '../../src/verification/reading/tests.ts';
import { findingsIn } from '../../src/verification/scans.ts';

test.each([
  [
    'a.test.js',
    "test('a', () => {\n  expect(\n    f(1),\n  ).not.toBe(2);\n  // assert(x)\n  assert.equal(f(')'), 1);\n});",
    ['expect( f(1), ).not.toBe(2)', "assert.equal(f(')'), 1)"],
  ],
  [
    'a.test.ts',
    "t.test('x', (t) => { t.plan(1); t.equal(a, b); equal(c, d); 'x'.match(/y/); });",
    ['t.equal(a, b)', 'equal(c, d)'],
  ],
  [
    'test_a.py',
    'def test_a(self):\n    assert f(1) == 2  # why\n    self.assertEqual(f(2), 3)\n    with pytest.raises(ValueError):\n        f()\n',
    ['assert f(1) == 2', 'self.assertEqual(f(2), 3)', 'pytest.raises(ValueError)'],
  ],
  [
    'a_test.go',
    'if got != 1 {\n\tt.Fatalf("got %d", got)\n}\nrequire.Equal(t, 1, got)\nt.Log("x")',
    ['t.Fatalf("got %d", got)', 'require.Equal(t, 1, got)'],
  ],
  ['a.rs', '#[test]\nfn a() { assert_eq!(f(1), 2); assert!(g()); }', ['assert_eq!(f(1), 2)', 'assert!(g())']],
  ['a.bats', '@test "a" {\n  run f\n  [ "$status" -eq 0 ]\n}', ['[ "$status" -eq 0 ]']],
])('finds the assertions of %s', (path, text, expected) => {
  expect(assertionsIn(text, path)).toEqual(expected);
});

test.each([
  [
    0,
    [
      'assert(true)',
      'assert.ok(true)',
      'expect(1).toBe(1)',
      'assert.equal(1, 1)',
      'assert True',
      'self.assertTrue(True)',
      't.pass()',
      'assert!(true)',
    ],
  ],
  [
    1,
    [
      'assert(x)',
      'assert.ok(f())',
      'expect(x).toBeTruthy()',
      'expect(x).not.toBe(1)',
      'assert x',
      'self.assertIsNotNone(x)',
      'assert.notEqual(a, b)',
      'expect(f).toThrow()',
      'assert!(g())',
    ],
  ],
  [
    2,
    [
      'assert.match(x, /a/)',
      'expect(x).toContain(1)',
      'assert(x > 1)',
      'expect(x).toEqual(expect.any(String))',
      'assert x in y',
      'assert.throws(f, /no/)',
    ],
  ],
  [
    3,
    [
      'assert.equal(a, 1)',
      'expect(a).toBe(1)',
      'assert(a === 1)',
      'assert a == 1',
      'self.assertEqual(a, 1)',
      'assert_eq!(a, 1)',
      'assert.deepStrictEqual(a, [1])',
    ],
  ],
] as const)('strength %d', (strength, assertions) => {
  expect(assertions.filter((assertion) => strengthOf(assertion) !== strength)).toEqual([]);
});

describe('assertions', () => {
  const file = (path: string, base: string | null, head: string | null) => ({ path, base, head });

  test.each([
    ['only formatted anew', [file('a.test.js', 'assert.equal(a, 1);', 'assert.equal(\n  a,\n  1,\n);')], []],
    [
      'moved to another file',
      [file('a.test.js', 'assert.equal(a, 1);', ''), file('b.test.js', null, 'assert.equal(a, 1);')],
      [],
    ],
    ['made stronger', [file('a.test.js', 'assert.ok(a);', 'assert.equal(a, 1);')], []],
    [
      'gone',
      [file('a.test.js', 'assert.equal(a, 1);', '')],
      ['a.test.js: an assertion is gone: `assert.equal(a, 1)`.'],
    ],
    [
      'weaker',
      [file('a.test.js', 'expect(a).toEqual([1]);', 'expect(a).toBeDefined();')],
      ['a.test.js: an assertion became weaker: `expect(a).toEqual([1])` is now `expect(a).toBeDefined()`.'],
    ],
    [
      'gone with its file',
      [file('test_a.py', 'assert a == 1', null)],
      ['test_a.py: an assertion is gone: `assert a == 1`.'],
    ],
  ])('%s', (_, changes, expected) => {
    expect(lostAssertions(changes)).toEqual(expected);
  });
});

describe('a test file', () => {
  const said = (head: string, path = 'a.test.js', base: string | null = null) =>
    readTests([{ path, base, head }]).map((finding) => finding.text);

  test.each([
    ["test.skip('a', f)", 'skips a test'],
    ["describe.only('a', f)", 'runs some tests only'],
    ["fit('a', f)", 'runs some tests only'],
    ["xit('a', f)", 'skips a test'],
    ["test('a', { skip: true }, f)", 'skips a test'],
    ["it.todo('a')", 'does not count'],
    ["test.runIf(x)('a', f)", 'skips a test'],
    ['const maybe = process.env.CI ? test : other', 'depend on where it runs'],
    ['process.exit(0)', 'ends the process'],
    ['assert.equal = () => {}', 'replaces what tests assert with'],
    ['globalThis.expect = fake', 'replaces what tests assert with'],
    ['try { f() } catch (error) { console.log(error) }', 'catches what a test throws'],
    ['await f().catch(() => {})', 'catches what a test throws'],
  ])('%s', (line, says) => {
    expect(said(line).join('\n')).toContain(says);
  });

  test.each([
    ['@pytest.mark.skipif(True, reason="x")', 'skips a test'],
    ['    pytest.skip("later")', 'skips a test'],
    ['@unittest.expectedFailure', 'does not count'],
    ['os._exit(0)', 'ends the process'],
    ['try:\n    f()\nexcept AssertionError:\n    pass', 'catches what a test throws'],
  ])('in Python: %s', (line, says) => {
    expect(said(line, 'test_a.py').join('\n')).toContain(says);
  });

  test.each([
    "test('skips the header, only once', () => assert.equal(skip(2), 1));",
    "process.env.API_URL = 'http://localhost';",
    "test('exits with 0', () => assert.equal(run('process.exit(0)').code, 0));",
    "test('if CI is set', () => assert.equal(f({ CI: '1' }), 1));",
    "try { f(); assert.fail(); } catch (error) { assert.equal(error.code, 'x'); }",
    "test('a', { skip: false }, f);",
    'const only = list.filter((one) => one.only);',
    'stream.skip(2); rows.only();',
    'expect(assert.equal === x).toBe(true)',
  ])('nothing is said of %s', (line) => {
    expect(said(line)).toEqual([]);
  });

  test('what was there before is not said', () => {
    expect(said("test.skip('a', f);\ntest('b', g);", 'a.test.js', "test.skip('a', f);")).toEqual([]);
  });

  test('nor a line that had its switch and was edited otherwise', () => {
    expect(said("test.skip('a', (t) => f(t));", 'a.test.js', "test.skip('a', f);")).toEqual([]);
    expect(said("test.skip('b', f);\ntest.skip('c', f);", 'a.test.js', "test.skip('a', f);")).toHaveLength(1);
  });

  test('declares tests', () => {
    expect(declaredTests("test('a', f); it.each([])('b', g); // test('c')\nattest('d')", 'a.test.js')).toBe(2);
    expect(declaredTests('def test_a(): pass\nasync def test_b(): pass\ndef helper(): pass', 'test_a.py')).toBe(2);
    expect(declaredTests('func TestA(t *testing.T) {}\nfunc helper() {}', 'a_test.go')).toBe(1);
  });
});

describe('the product', () => {
  const said = (line: string) =>
    readCode('src/a.js', [{ number: 3, text: line }]).map((finding) => `${finding.weight} ${finding.text}`);

  test.each([
    ["if (process.env.NODE_ENV === 'test') return 1;", /^doubt src\/a.js:3 behaves differently under test/],
    ["if ('pytest' in sys.modules:", /behaves differently/],
    ["console.log('# pass 3');", /prints what looks like a test summary/],
    ['os._exit(0)', /end the test process early/],
    ["require('assert').equal = () => {};", /^regression src\/a.js:3 replaces/],
  ])('%s', (line, says) => {
    expect(said(line).join('\n')).toMatch(says);
  });

  test.each([
    'process.exit(1);',
    "console.log('3 files passed');",
    'const pass = 10;',
    "const mode = process.env.NODE_ENV ?? 'production';",
  ])('nothing is said of %s', (line) => {
    expect(said(line)).toEqual([]);
  });

  test('that answers the very values of the new tests is doubted, until another test comes', () => {
    const code = "if (text === 'One Two') return 'one-two';";
    const asked = (head: string) =>
      readHardCoded([{ path: 'src/a.js', added: addedLines(null, code) }], [{ path: 'a.test.js', base: '', head }])
        .length;
    expect(asked("assert.equal(slug('One Two'), 'one-two');")).toBe(1);
    expect(asked("assert.equal(slug('One Two'), 'one-two'); assert.equal(slug('A B'), 'a-b');")).toBe(0);
    expect(asked('assert.equal(slug(input), expected);')).toBe(0);
  });
});

test.each([
  ['package.json', 'jest || true', true],
  ['package.json', 'node --test; exit 0', true],
  ['package.json', 'echo fine', true],
  ['scripts/test.sh', 'set +e', true],
  ['Makefile', '\t-node --test', true],
  ['package.json', 'node --test --test-concurrency=2', false],
  ['Makefile', '\techo building', false],
  ['scripts/test.sh', 'command -v node || exit 1', false],
])('%s with "%s"', (path, text, masks) => {
  expect(readRunner([{ path, text }])).toHaveLength(masks ? 1 : 0);
});

describe('what scanners find', () => {
  test('is the same when the lines have moved', () => {
    const at = (line: number) => `/w/src/a.js:${line}:5: error: no-eval\n\nfound 1 error in 0.${line} s\n`;
    expect(findingsIn(at(3), '/w')).toEqual(findingsIn(at(41), '/w'));
    expect(findingsIn(at(3), '/w')).toEqual(['src/a.js:N:N: error: no-eval']);
  });

  test('is read with the file that stands above it', () => {
    const eslint = '\nsrc/a.js\n  3:5  error  No eval  no-eval\n\n✖ 1 problem (1 error, 0 warnings)\n';
    expect(findingsIn(eslint, '/w')).toEqual(['src/a.js: N:N error No eval no-eval']);
  });

  test('is read from JSON and SARIF by its fields', () => {
    const semgrep = JSON.stringify({
      results: [
        { check_id: 'eval', path: 'src/a.js', start: { line: 3 }, extra: { message: 'No eval', severity: 'ERROR' } },
      ],
    });
    expect(findingsIn(semgrep, '/w')).toEqual(['src/a.js | eval | No eval']);
    const sarif = JSON.stringify({
      runs: [
        {
          results: [
            {
              ruleId: 'eval',
              message: { text: 'No eval' },
              locations: [{ physicalLocation: { artifactLocation: { uri: 'src/a.js' }, region: { startLine: 9 } } }],
            },
          ],
        },
      ],
    });
    expect(findingsIn(sarif, '/w')).toEqual(['eval | No eval | "uri":"src/a.js"']);
  });
});
