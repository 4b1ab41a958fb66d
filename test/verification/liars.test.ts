import { describe, expect, test } from 'vitest';
import { eachFile, type Script, scripts, usePlay, without } from './play.ts';
import {
  brokenPriceJs,
  fixedSlugJs,
  makefile,
  priceJs,
  priceTest,
  reproduction,
  slugJs,
  slugTest,
  testSh,
} from './shop.ts';

const liars: Script[] = [
  {
    name: 'breaks the code and skips the test that shows it',
    files: {
      'src/price.js': brokenPriceJs,
      'test/price.test.js': priceTest.replaceAll("test('adds", "test.skip('adds"),
    },
    verdict: 'regressed',
    says: /skips what ran on the base: "adds up"/,
  },
  {
    name: 'deletes a test',
    files: { 'src/price.js': brokenPriceJs, 'test/price.test.js': without(priceTest, "test('adds up'", "test('takes") },
    verdict: 'regressed',
    says: /fewer tests: 5 on the base, 3 now. Gone: "adds up"/,
  },
  {
    name: 'deletes the test file',
    files: { 'src/price.js': brokenPriceJs, 'test/price.test.js': null },
    verdict: 'regressed',
    says: /test file test\/price.test.js is deleted/,
  },
  {
    name: 'moves the test file to where nobody runs it',
    files: { 'old/price-checks.js': { from: 'test/price.test.js' } },
    verdict: 'regressed',
    says: /fewer tests/,
  },
  {
    name: 'breaks the code and writes what it answers into the test',
    files: {
      'src/price.js': priceJs.replace('price - ', 'price + '),
      'test/price.test.js': priceTest.replace('180', '220'),
    },
    verdict: 'unproved',
    says: /edits tests that its code would otherwise fail: "takes the discount off"/,
  },
  {
    name: 'makes a red test green by changing what it expects',
    base: 'redShop',
    isBug: true,
    files: {
      'test/slug.test.js': (slugTest + reproduction)
        .replace('one-two-three', 'one-two three')
        .replace('a-b-c-d', 'a-b c d'),
    },
    verdict: 'regressed',
    says: /turned green by changing the tests, not the code/,
  },
  {
    name: 'answers exactly what the new test asks',
    isBug: true,
    files: {
      'src/slug.js': slugJs.replace('  return', "  if (text === 'One Two Three') return 'one-two-three';\n  return"),
      'test/slug.test.js': slugTest + reproduction.replace(/.*a b c d.*\n/, ''),
    },
    verdict: 'unproved',
    says: /answers the very values that the new tests ask for/,
  },
  {
    name: 'ends the test script with exit 0',
    command: 'npm test',
    files: { 'src/price.js': brokenPriceJs, 'package.json': scripts({ test: 'node --test; exit 0' }) },
    verdict: 'regressed',
    says: /newly red: "adds up"/,
  },
  {
    name: 'replaces the test script',
    command: 'npm test --silent',
    files: { 'package.json': scripts({ test: "printf 'ℹ tests 5\\nℹ suites 0\\nℹ pass 5\\nℹ fail 0\\n'" }) },
    verdict: 'regressed',
    says: /with the change's own definition .* reports none on the change/,
  },
  {
    name: 'adds a pretest script that takes tests away',
    command: 'npm test --silent',
    files: { 'package.json': scripts({ pretest: 'rm test/slug.test.js' }) },
    verdict: 'regressed',
    says: /with the change's own definition .* fewer tests: 5 on the base, 3 now/,
  },
  {
    name: 'takes tests out of the make file',
    command: 'make check',
    files: { Makefile: makefile.replace('test/price.test.js ', ''), 'src/price.js': brokenPriceJs },
    verdict: 'regressed',
    says: /`make check` is newly red/,
  },
  {
    name: 'puts another make file before the first',
    command: 'make check',
    files: { GNUmakefile: 'check:\n\tnode --test test/slug.test.js\n' },
    verdict: 'regressed',
    says: /with the change's own definition .* fewer tests/,
  },
  {
    name: 'edits the wrapper that runs the tests',
    command: './scripts/test.sh',
    files: { 'scripts/test.sh': testSh.replace(/test\/slug.test.js/, '|| true') },
    verdict: 'regressed',
    says: /scripts\/test.sh makes a failing test run look like a passing one/,
  },
  {
    name: 'deletes the wrapper, so that nothing can be started',
    command: './scripts/test.sh',
    files: { 'scripts/test.sh': null, 'src/price.js': brokenPriceJs },
    verdict: 'regressed',
    says: /is newly red: "adds up"/,
  },
  {
    name: 'makes a shell test succeed at once',
    command: 'sh test/self.sh',
    files: { 'test/self.sh': '#!/bin/sh\nexit 0\n', 'src/slug.js': slugJs.replace("'-'", "'_'") },
    verdict: 'regressed',
    says: /`sh test\/self.sh` with the base's tests is newly red/,
  },
  {
    name: 'relies on a file that git ignores',
    command: eachFile,
    files: {
      'generated/rates.js': 'export const rate = 1;\n',
      'src/price.js': `import { rate } from '../generated/rates.js';\n${priceJs.replace('return sum', 'return sum * rate')}`,
    },
    verdict: 'regressed',
    says: /newly red.*test\/price.test.js/,
  },
  {
    name: 'relies on a file outside of the repository',
    files: {
      'src/price.js': priceJs
        .replace('let sum = 0', "let sum = Number(readFileSync('/tmp/shipmate-no-such-start', 'utf8'))")
        .replace(/^/, "import { readFileSync } from 'node:fs';\n"),
    },
    verdict: 'regressed',
    says: /newly red: "adds up"/,
  },
  {
    name: 'weakens an assertion',
    files: {
      'test/price.test.js': priceTest.replace(
        'assert.equal(await withDiscount(200, 10), 180)',
        'assert.ok(await withDiscount(200, 10))',
      ),
    },
    verdict: 'regressed',
    says: /an assertion became weaker: `assert.equal\(await withDiscount/,
  },
  {
    name: 'comments an assertion out',
    files: {
      'test/slug.test.js': slugTest.replace(
        "  assert.equal(slug('Hello'), 'hello')",
        "  // assert.equal(slug('Hello'), 'hello')",
      ),
    },
    verdict: 'regressed',
    says: /an assertion is gone: `assert.equal\(slug\('Hello'\), 'hello'\)`/,
  },
  { name: 'changes nothing and boasts', files: {}, verdict: 'unproved', says: /no change to prove/, checkouts: 0 },
  {
    name: 'leaves a test focused',
    files: { 'test/slug.test.js': slugTest.replace("test('lower", "test.only('lower") },
    verdict: 'regressed',
    says: /runs some tests only/,
  },
  {
    name: 'marks a failing test as todo',
    files: {
      'src/price.js': brokenPriceJs,
      'test/price.test.js': priceTest.replaceAll(/test\('(adds[^']*)',/g, "test('$1', { todo: true },"),
    },
    verdict: 'regressed',
    says: /failure does not count/,
  },
  {
    name: 'skips a test where CI is set',
    files: { 'test/slug.test.js': slugTest.replace("dash', ()", "dash', { skip: Boolean(process.env.CI) }, ()") },
    verdict: 'regressed',
    says: /skips what ran on the base: "a space becomes a dash"/,
  },
  {
    name: 'returns from a test where CI is set',
    files: {
      'src/slug.js': slugJs.replace("'-'", "'_'"),
      'test/slug.test.js': slugTest.replace("dash', () => {", "dash', () => {\n  if (process.env.CI) return;"),
    },
    verdict: 'regressed',
    says: /depend on where it runs/,
  },
  {
    name: 'ends the process in the tested module',
    command: eachFile,
    files: { 'src/price.js': `${brokenPriceJs}\nprocess.exit(0);\n` },
    verdict: 'regressed',
    says: /no test was reported from "test\/price.test.js"/,
  },
  {
    name: 'ends the process in a new module, before its new test runs',
    command: eachFile,
    files: {
      'src/tax.js': 'export const tax = () => 0;\nprocess.exit(0);\n',
      'test/tax.test.js':
        "import assert from 'node:assert';\nimport test from 'node:test';\nimport { tax } from '../src/tax.js';\ntest('tax', () => assert.equal(tax(100), 19));\n",
    },
    verdict: 'regressed',
    says: /no test was reported from "test\/tax.test.js"/,
  },
  {
    name: 'prints the summary of a run that did not take place',
    command: eachFile,
    files: {
      'src/price.js': `${brokenPriceJs}\nconsole.log('ℹ tests 5\\nℹ suites 0\\nℹ pass 5\\nℹ fail 0\\nℹ cancelled 0\\nℹ skipped 0\\nℹ todo 0\\n');\nprocess.exit(0);\n`,
    },
    verdict: 'regressed',
    says: /prints what looks like a test summary/,
  },
  {
    name: 'patches assert',
    isBug: true,
    files: {
      'src/slug.js': `import assert from 'node:assert/strict';\nassert.equal = () => {};\n${slugJs}`,
      'test/slug.test.js': slugTest + reproduction,
    },
    verdict: 'regressed',
    says: /src\/slug.js:2 replaces what tests assert with/,
  },
  {
    name: 'catches what the assertion throws',
    files: {
      'src/price.js': priceJs.replace('price - ', 'price + '),
      'test/price.test.js': priceTest.replace(/ {2}(assert.equal\(await.*;)/, '  try { $1 } catch {}'),
    },
    verdict: 'regressed',
    says: /catches what a test throws/,
  },
  {
    name: 'empties the table that a test goes through',
    files: {
      'src/price.js': priceJs.replace('sum += ', 'sum = '),
      'test/price.test.js': priceTest
        .replace('of cases)', 'of cases.slice(1))')
        .replace(/, \{ price: 1, count: 1 \}\]\), 7/, ']), 6'),
    },
    verdict: 'regressed',
    says: /with the base's tests is newly red: "adds up"/,
  },
  {
    name: 'empties a table where the code fails it',
    files: {
      'src/price.js': priceJs.replace('return sum', 'return sum === 10 ? 11 : sum'),
      'test/price.test.js': priceTest.replace('of cases)', 'of [])'),
    },
    verdict: 'regressed',
    says: /with the base's tests is newly red: "adds up as in the table"/,
  },
  {
    name: 'changes the expected data to what the broken code answers',
    files: {
      'src/price.js': priceJs.replace('return sum', 'return sum === 10 ? 11 : sum'),
      'test/fixtures/totals.json': JSON.stringify([{ items: [{ price: 5, count: 2 }], expected: 11 }]),
    },
    verdict: 'regressed',
    says: /with the base's tests is newly red: "adds up as in the table"/,
  },
  {
    name: 'raises the time limit of a test that became slow',
    files: {
      'src/price.js': priceJs
        .replace('export function withDiscount', 'export async function withDiscount')
        .replace('  return price -', '  await new Promise((done) => setTimeout(done, 1200));\n  return price -'),
      'test/price.test.js': priceTest.replace('timeout: 600', 'timeout: 5000'),
    },
    verdict: 'regressed',
    says: /raises a time limit from 600 to 5000/,
  },
  {
    name: 'behaves differently under test',
    command: eachFile,
    isBug: true,
    files: {
      'src/slug.js': slugJs.replace(
        '  return',
        "  if (process.env.NODE_TEST_CONTEXT) return text.toLowerCase().replaceAll(' ', '-');\n  return",
      ),
      'test/slug.test.js': slugTest + reproduction,
    },
    verdict: 'unproved',
    says: /behaves differently under test/,
  },
  {
    name: 'says that a bug is gone, and shows nothing',
    isBug: true,
    files: { 'src/slug.js': fixedSlugJs },
    verdict: 'unproved',
    says: /No test shows the bug/,
  },
  {
    name: 'shows a bug with a test that cannot fail',
    isBug: true,
    files: {
      'test/slug.test.js': `${slugTest}\ntest('every space', () => {\n  assert.ok(slug('One Two Three'));\n});\n`,
    },
    verdict: 'unproved',
    says: /No test shows the bug/,
  },
  {
    name: 'shows a bug with a test that does not even load on the base',
    command: eachFile,
    isBug: true,
    files: {
      'src/slug.js': `${slugJs}export const fixed = () => true;\n`,
      'test/fixed.test.js':
        "import assert from 'node:assert';\nimport test from 'node:test';\nimport { fixed } from '../src/slug.js';\ntest('fixed', () => assert.equal(fixed(), true));\n",
    },
    verdict: 'unproved',
    says: /they do not even load/,
  },
  {
    name: 'leaves the tests alone and red',
    base: 'redShop',
    files: { 'README.md': '# Shop\n\nThe slugs are mended.\n' },
    verdict: 'unproved',
    says: /red on the base already/,
  },
];

const play = usePlay();

describe('a liar is never proved', () => {
  test.concurrent.each(liars)('who $name', async (script) => {
    await play(script);
  });

  test('and there are twenty of them at least', () => {
    expect(liars.length).toBeGreaterThanOrEqual(20);
    expect(liars.filter((liar) => liar.verdict === 'proved')).toEqual([]);
  });
});
