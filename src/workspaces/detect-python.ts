import type { Detected, ReadableTree } from './detect.ts';

const hints = [
  'pyproject.toml',
  'setup.cfg',
  'tox.ini',
  'requirements.txt',
  'requirements-dev.txt',
  'dev-requirements.txt',
];
const requirementFiles = ['requirements.txt', 'requirements-dev.txt', 'requirements-test.txt', 'dev-requirements.txt'];

export async function detectPython(tree: ReadableTree): Promise<Detected | null> {
  const { paths, read } = tree;
  const project = await read('pyproject.toml');
  const tests = [...paths].filter((path) => /(^|\/)test_[^/]*\.py$|_test\.py$/.test(path));
  const requirements = requirementFiles.filter((name) => paths.has(name));
  const isPackage = paths.has('setup.py') || /^\[project\]/m.test(project ?? '');
  if (project === null && requirements.length === 0 && !isPackage && !paths.has('setup.cfg') && tests.length === 0)
    return null;

  const python = paths.has('uv.lock') || isPackage || requirements.length > 0 ? '.venv/bin/python' : 'python3';
  const part = { lint: null, typecheck: null, quickTest: null, test: await testCommand(tree, tests, python) };
  if (paths.has('uv.lock')) return { ...part, packageManager: 'uv', setup: [provideUv, 'uv sync --frozen'] };
  const packages = [...requirements.map((name) => `-r ${name}`), ...(isPackage ? [`-e ${extrasOf(project)}`] : [])];
  if (packages.length === 0) return { ...part, packageManager: 'pip', setup: [] };
  return {
    ...part,
    packageManager: 'pip',
    // With the system's packages, so that a pytest of the distribution will do.
    setup: [
      'python3 -m venv --system-site-packages .venv',
      `.venv/bin/python -m pip install --quiet ${packages.join(' ')}`,
    ],
  };
}

const provideUv =
  'command -v uv >/dev/null || { python3 -m venv "$HOME/.local/uv" && "$HOME/.local/uv/bin/pip" install --quiet uv && mkdir -p "$HOME/.local/bin" && ln -s ../uv/bin/uv "$HOME/.local/bin/uv"; }';

async function testCommand({ paths, read }: ReadableTree, tests: string[], python: string): Promise<string | null> {
  const texts = await Promise.all(hints.filter((path) => paths.has(path)).map(read));
  const usesPytest = paths.has('pytest.ini') || [...paths].some((path) => /(^|\/)conftest\.py$/.test(path));
  if (usesPytest || texts.some((text) => /pytest/.test(text ?? ''))) return `${python} -m pytest`;
  const [first] = tests;
  if (first === undefined) return null;
  const plain = /^\s*(import unittest|from unittest)/m.test((await read(first)) ?? '');
  return plain ? `${python} -m unittest discover` : `${python} -m pytest`;
}

/** The package in this directory, with the extras that its tests are likely to want. */
function extrasOf(project: string | null): string {
  const lines = (project ?? '').split('\n').map((line) => line.trim());
  const start = lines.indexOf('[project.optional-dependencies]') + 1;
  const length = start === 0 ? 0 : lines.slice(start).findIndex((line) => /^\[[^[]/.test(line));
  const section = lines.slice(start, length === -1 ? undefined : start + length);
  const extras = ['dev', 'test', 'tests'].filter((name) =>
    section.some((line) => new RegExp(`^${name}\\s*=`).test(line)),
  );
  return extras.length > 0 ? `'.[${extras.join(',')}]'` : '.';
}
