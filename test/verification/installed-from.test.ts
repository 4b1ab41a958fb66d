import { expect, test } from 'vitest';
import { readInstalledFrom } from '../../src/verification/installed-from.ts';

const project =
  '[project]\nname = "shop"\nversion = "1.0"\ndependencies = ["flask"]\n\n[tool.ruff]\nline-length = 80\n';
const crate = '[package]\nversion = "1.0.0"\n\n[dependencies]\nserde = "1"\n';
const json = (more: object) => JSON.stringify({ name: 'shop', dependencies: { a: '1.0.0' }, ...more });

/** Of a file, as it is on the base and on the change; null: it is not there. */
test.each<[string, string, string | null, string | null, boolean]>([
  ['a lock file', 'package-lock.json', '{}', '{"a":1}', true],
  ['a lock file of a part', 'web/pnpm-lock.yaml', 'a', 'b', true],
  ['a lock file that is taken away', 'poetry.lock', 'a', null, true],
  ['a dependency', 'package.json', json({}), json({ devDependencies: { b: '1.0.0' } }), true],
  ['a version of a dependency', 'web/package.json', json({}), json({ dependencies: { a: '1.0.1' } }), true],
  ['scripts and the own version', 'package.json', json({}), json({ version: '2.0.0', scripts: { a: 'b' } }), false],
  ['what is no JSON', 'package.json', json({}), '{', true],
  ['a new package without dependencies', 'web/package.json', null, '{"name":"web"}', false],
  ['a new package with one', 'web/package.json', null, json({}), true],
  ['requirements', 'requirements-dev.txt', 'a==1\n', 'a==2\n', true],
  ['requirements by another name', 'dev-requirements.txt', 'a==1\n', 'a==2\n', true],
  ['requirements of the tests', 'tests/requirements.txt', 'a==1\n', 'a==2\n', true],
  ['requirements in a directory', 'requirements/base.txt', 'a==1\n', 'a==2\n', true],
  ['dependencies of a project', 'pyproject.toml', project, project.replace('flask', 'flask>=3'), true],
  ['the version of a project', 'pyproject.toml', project, project.replace('1.0', '1.1'), false],
  ['a linter of a project', 'pyproject.toml', project, project.replace('80', '100'), false],
  ['a project of Poetry', 'pyproject.toml', '', '[tool.poetry.dependencies]\na = "1"\n', true],
  ['dependencies of a crate', 'Cargo.toml', crate, crate.replace('"1"', '"2"'), true],
  ['the version of a crate', 'Cargo.toml', crate, crate.replace('1.0.0', '1.1.0'), false],
  ['a Go module', 'go.mod', 'module a\n', 'module a\nrequire b v1.0.0\n', true],
  ['what tests read', 'test/fixtures/package-lock.json', '{}', '{"a":1}', false],
  ['code', 'src/package.ts', 'a', 'b', false],
])('of %s, a set-up installs', async (_, path, base, head, installs) => {
  const status = base === null ? 'A' : head === null ? 'D' : 'M';
  const changes = [{ status, path, oldPath: null, oldMode: '100644', newMode: '100644' }];
  const read = async (side: 'base' | 'head') => (side === 'base' ? base : head);
  expect(await readInstalledFrom({ changes, read })).toEqual(installs ? [path] : []);
});
