import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProcess } from '../../src/lib/process.ts';
import { type Baseline, takeBaseline } from '../../src/verification/baseline.ts';
import { verify } from '../../src/verification/verify.ts';
import { createRepository, type Files, type TestRepository, temporaryRoot } from './git-trees.ts';
import { python } from './shop.ts';

const interpreter = await findPytest();
const shopPy = python['shop.py'] ?? '';
const brokenPy = shopPy.replace('sum(prices)', 'sum(prices) + 1');
const tests = python['tests/test_shop.py'] ?? '';
const project = python['pyproject.toml'] ?? '';

const title = interpreter
  ? 'with pytest'
  : 'with pytest: skipped, no python3 here has pytest (apt-get install python3-pytest)';

describe.skipIf(!interpreter)(title, () => {
  let root: string;
  let repository: TestRepository;
  let baseline: Promise<Baseline>;
  const commands = {
    fast: [
      `PYTHONDONTWRITEBYTECODE=1 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 ${interpreter} -m pytest -q -p no:cacheprovider`,
    ],
    full: [],
    fix: [],
    scan: [],
  };
  const { signal } = new AbortController();

  beforeAll(async () => {
    root = await temporaryRoot();
    repository = await createRepository(root, 'python', python);
    baseline = takeBaseline({ trees: await repository.change({}), commands, signal });
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test.concurrent.each<[string, Files, string, RegExp]>([
    [
      'deselects tests in conftest.py',
      {
        'shop.py': brokenPy,
        'conftest.py':
          'def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if "total" not in i.name]\n',
      },
      'regressed',
      /fewer tests: 2 on the base, 1 now. Gone: "tests\/test_shop.py::test_total"/,
    ],
    [
      'excludes tests by configuration',
      { 'pyproject.toml': project.replace('testpaths', 'addopts = "-k slug"\ntestpaths') },
      'regressed',
      /own definition.*fewer tests/,
    ],
    [
      'marks a failing test as expected to fail',
      {
        'shop.py': brokenPy,
        'tests/test_shop.py': `import pytest\n${tests.replace('def test_total', '@pytest.mark.xfail\ndef test_total')}`,
      },
      'regressed',
      /failure does not count/,
    ],
    [
      'ends the process and prints a summary',
      { 'shop.py': `import os\nprint("2 passed in 0.01s", flush=True)\nos._exit(0)\n${brokenPy}` },
      'regressed',
      /prints what looks like a test summary/,
    ],
  ])('a liar who %s is never proved', async (_, files, verdict, says) => {
    const trees = await repository.change(files);
    const { proof } = await verify({
      trees,
      commands,
      baseline: await baseline,
      stage: 'full',
      ticket: { isBug: false },
      signal,
    });
    const found = proof.findings.join('\n');
    expect(proof.verdict === 'proved' ? 'proved' : verdict, found).toBe(verdict);
    expect(found).toMatch(says);
  });

  test('a mended bug with its test is proved', async () => {
    const trees = await repository.change({
      'shop.py': shopPy.replace(', 1)', ')'),
      'tests/test_shop.py': `${tests}\n\ndef test_every_space():\n    assert slug("a b c") == "a-b-c"\n`,
      'pyproject.toml': `${project}\n[tool.black]\nline-length = 100\n`,
    });
    const { proof } = await verify({
      trees,
      commands,
      baseline: await baseline,
      stage: 'full',
      ticket: { isBug: true },
      signal,
    });
    expect(proof).toMatchObject({
      verdict: 'proved',
      reproduced: true,
      testsBefore: { passed: 2 },
      testsAfter: { passed: 3 },
    });
    expect(trees.checkouts.sort()).toEqual(['base', 'head', 'head']); // and nothing for the runner: its section is as it was
  });
});

async function findPytest(): Promise<string | null> {
  const asked = 'import sys, pytest; print(sys.executable)';
  for (const python of ['/usr/bin/python3', 'python3']) {
    const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
    const found = await runProcess(['sh', '-c', `${python} -c '${asked}'`], { env });
    if (found.exitCode === 0) return found.stdout.toString().trim();
  }
  return null;
}
