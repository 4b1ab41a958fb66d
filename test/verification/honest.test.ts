import { describe, expect, test } from 'vitest';
import { type Script, scripts, usePlay, without } from './play.ts';
import { fixedSlugJs, makefile, packageJson, reproduction, slugJs, slugTest } from './shop.ts';

const honest: Script[] = [
  {
    name: 'mends a bug and shows it',
    isBug: true,
    files: { 'src/slug.js': fixedSlugJs, 'test/slug.test.js': slugTest + reproduction },
    verdict: 'proved',
    reproduced: true,
    checkouts: 3,
  },
  {
    name: 'mends a bug that a test of the base shows',
    base: 'redShop',
    isBug: true,
    files: { 'src/slug.js': fixedSlugJs },
    verdict: 'proved',
    reproduced: true,
    checkouts: 1,
  },
  {
    name: 'adds a feature with tests in a new file',
    files: {
      'src/tax.js': 'export function tax(price) {\n  return price * 0.19;\n}\n',
      'test/tax.test.js':
        "import assert from 'node:assert';\nimport test from 'node:test';\nimport { tax } from '../src/tax.js';\ntest('tax', () => assert.equal(tax(100), 19));\n",
    },
    verdict: 'proved',
    checkouts: 2,
  },
  {
    name: 'adds tests for what works already',
    files: {
      'test/slug.test.js': `${slugTest}\ntest('nothing', () => {\n  assert.equal(slug(''), '');\n});\n`,
      'src/slug.js': `// Words for addresses.\n${slugJs}`,
    },
    verdict: 'proved',
    says: /pass on the base too: they prove nothing new/,
  },
  {
    name: 'renames a test file',
    files: { 'test/address.test.js': { from: 'test/slug.test.js' } },
    verdict: 'proved',
  },
  {
    name: 'moves a test to a file of its own',
    files: {
      'test/slug.test.js': without(slugTest, "test('lower", "test('a space"),
      'test/case.test.js': slugTest.slice(0, slugTest.indexOf("test('a space")),
    },
    verdict: 'proved',
  },
  {
    name: 'adds a helper without tests',
    files: { 'src/clamp.js': 'export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));\n' },
    verdict: 'proved',
    says: /not that it works/,
    checkouts: 1,
  },
  {
    name: 'changes documentation',
    files: { 'README.md': '# Shop\n\nSells things.\n' },
    verdict: 'proved',
    checkouts: 1,
  },
  {
    name: 'adds a script and a new version to package.json',
    command: 'npm test --silent',
    files: {
      'package.json': JSON.stringify({
        ...packageJson,
        scripts: { ...packageJson.scripts, lint: 'true' },
        version: '2.0.0',
      }),
    },
    verdict: 'proved',
    checkouts: 1,
  },
  {
    name: 'adds a dependency, which no set-up has installed',
    command: 'npm test --silent',
    files: { 'package.json': JSON.stringify({ ...packageJson, devDependencies: { tiny: '1.0.0' } }) },
    verdict: 'unproved',
    says: /installed from \("package.json"\).*never installed\. Have CI or a person install them/,
    checkouts: 1,
  },
  {
    name: 'updates what a lock file names, under green tests of the old packages',
    files: { 'package-lock.json': '{"lockfileVersion":3}\n', 'test/fixtures/yarn.lock': 'not ours\n' },
    verdict: 'unproved',
    says: /installed from \("package-lock.json"\)/,
  },
  {
    name: 'adds a target to the make file',
    command: 'make check',
    files: { Makefile: `${makefile}\nhello:\n\techo hello\n` },
    verdict: 'proved',
    says: /edits how tests are run: Makefile/,
  },
  {
    name: 'changes the test script and runs the same tests',
    command: 'npm test --silent',
    files: { 'package.json': scripts({ test: 'node --test --test-concurrency=2' }) },
    verdict: 'proved',
    says: /package.json \(scripts.test\)/,
  },
  {
    name: 'rearranges tests and keeps what they assert',
    files: {
      'test/slug.test.js': slugTest
        .replace("import test from 'node:test'", "import { describe, it as test } from 'node:test'")
        .replace("test('lower", "describe('slug', () => {\ntest('lower")
        .replace("test('a space becomes a dash'", "test('spaces become dashes'")
        .concat('});\n'),
    },
    verdict: 'proved',
  },
  {
    name: 'changes an expected value because the ticket wants another behaviour',
    files: {
      'src/slug.js': slugJs.replace("'-'", "'_'"),
      'test/slug.test.js': slugTest.replace('hello-world', 'hello_world'),
    },
    verdict: 'unproved',
    says: /a person must confirm it/,
  },
];

const play = usePlay();

describe('honest work is taken for what it is', () => {
  test.concurrent.each(honest)('when it $name', async (script) => {
    const proof = await play(script);
    expect(proof.verdict).not.toBe('regressed');
  });
});
