import { describe, expect, test } from 'vitest';
import { roleOf } from '../../src/verification/roles.ts';
import { readRunnerDefinition } from '../../src/verification/runner-definition.ts';
import { mergeSections } from '../../src/verification/sections.ts';
import type { Change } from '../../src/verification/trees.ts';

test.each([
  [
    'test',
    [
      'test/a.js',
      'src/a.test.ts',
      'a.spec.tsx',
      'src/__tests__/a.jsx',
      'tests/test_a.py',
      'app/test_a.py',
      'pkg/a_test.go',
      'spec/a_spec.rb',
      'src/test/java/ATest.java',
      'test.sh',
      'a.bats',
      'tests/helpers.ts',
    ],
  ],
  [
    'support',
    [
      'test/fixtures/a.json',
      'tests/data.csv',
      'src/__snapshots__/a.snap',
      'conftest.py',
      'pkg/conftest.py',
      'pkg/testdata/a.go',
      'jest.setup.ts',
    ],
  ],
  [
    'runner',
    [
      'vitest.config.ts',
      'packages/a/jest.config.cjs',
      '.mocharc.yml',
      'pytest.ini',
      'tox.ini',
      'Makefile',
      'build/rules.mk',
      '.npmrc',
      'playwright.config.ts',
    ],
  ],
  ['code', ['src/a.ts', 'latest.js', 'src/contest.py', 'lib/attestation.go', 'src/protest.rs', 'testimonials/list.ts']],
  ['other', ['README.md', 'package.json', 'docs/testing.md', 'Dockerfile']],
])('%s files', (role, paths) => {
  expect(paths.filter((path) => roleOf(path) !== role)).toEqual([]);
});

describe('the definition of how tests are run', () => {
  async function read(commands: string[], base: Record<string, string>, head: Record<string, string | null>) {
    const changes = Object.entries(head).map(
      ([path, content]): Change => ({
        ...{ path, oldPath: null, oldMode: '100644', newMode: '100644' },
        status: content === null ? 'D' : path in base ? 'M' : 'A',
      }),
    );
    const all: Record<string, string | null> = { ...base, ...head };
    const definition = await readRunnerDefinition(
      { changes, read: async (side, path) => (side === 'base' ? base[path] : all[path]) ?? null },
      commands,
    );
    return { ...definition, files: Object.fromEntries(definition.files.map(({ path, content }) => [path, content])) };
  }
  const manifest = (scripts: Record<string, string>, more = {}) => JSON.stringify({ scripts, ...more });

  test('follows package scripts, their neighbours and their configuration', async () => {
    const base = {
      'package.json': manifest({ test: 'npm run unit', unit: 'jest', build: 'tsc' }, { jest: { bail: false } }),
    };
    const head = {
      'package.json': manifest(
        { test: 'npm run unit', unit: 'jest a', preunit: 'rm b', build: 'tsc -b', lint: 'x' },
        { jest: { testPathIgnorePatterns: ['b'] }, dependencies: { a: '1' } },
      ),
    };
    const { files, edits, overlay } = await read(['npm test'], base, head);
    expect(JSON.parse(files['package.json'] ?? '')).toEqual({
      scripts: { test: 'npm run unit', unit: 'jest', build: 'tsc -b', lint: 'x' },
      jest: { bail: false },
      dependencies: { a: '1' },
    });
    expect(edits).toEqual(['package.json (jest, scripts.unit, scripts.preunit)']);
    expect(overlay).toEqual([]);
  });

  test('leaves dependencies and other scripts to the change', async () => {
    const base = { 'package.json': manifest({ test: 'jest' }) };
    const { files } = await read(['npm test'], base, {
      'package.json': manifest({ test: 'jest', docs: 'x' }, { dependencies: { a: '1' } }),
    });
    expect(files).toEqual({});
  });

  test('follows wrappers through wrappers, and knows the product from them', async () => {
    const base = {
      'ci/all.sh': 'sh ci/inner.sh\nnode src/main.js\n',
      'ci/inner.sh': 'node --test\n',
      'src/main.js': '',
    };
    const head = { 'ci/inner.sh': 'true\n', 'src/main.js': 'new\n', 'ci/other.sh': 'x\n' };
    expect((await read(['./ci/all.sh'], base, head)).overlay).toEqual([{ path: 'ci/inner.sh', from: 'base' }]);
  });

  test('takes away what is put before the base, and puts back what is deleted', async () => {
    const { overlay } = await read(
      ['make test'],
      { Makefile: 'test:\n\ttrue\n', 'pytest.ini': '' },
      { GNUmakefile: 'test:\n', 'pytest.ini': null },
    );
    expect(overlay).toEqual([
      { path: 'GNUmakefile', from: 'absent' },
      { path: 'pytest.ini', from: 'base' },
    ]);
  });

  test("leaves the product's Vite configuration alone, unless it speaks of tests", async () => {
    const config = { 'vite.config.ts': 'export default { plugins: [] };\n' };
    expect((await read(['npm test'], config, { 'vite.config.ts': 'export default { base: "/" };\n' })).overlay).toEqual(
      [],
    );
    const tested = { 'vite.config.ts': 'export default { test: { exclude: ["a"] } };\n' };
    expect((await read(['npm test'], config, tested)).overlay).toHaveLength(1);
  });

  test('merges the sections of a file that holds more than tests', () => {
    const base = '[project]\nname = "a"\n\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n';
    const pytest = (name: string) => name.startsWith('tool.pytest');
    expect(mergeSections(base, base.replace('"a"', '"b"'), pytest)).toBeNull();
    const head = base.replace('"a"', '"b"').replace('"tests"', '"none"');
    expect(mergeSections(base, head, pytest)).toBe(
      '[project]\nname = "b"\n\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
    );
    expect(mergeSections(null, head, pytest)).toBe('[project]\nname = "b"\n');
  });
});
