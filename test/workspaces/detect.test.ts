import { describe, expect, it } from 'vitest';
import { describeRepository } from '../../src/workspaces/repository-facts.ts';

const repository = { name: 'app', codeHost: 'local-git', location: '/app', base: null };

/** A repository as a commit shows it, from paths to texts. */
function facts(files: Record<string, string>) {
  const tree = Object.entries(files).map(([path, text]) => ({ path, mode: '100644', sha: `${text.length}:${text}` }));
  return describeRepository(
    { listFiles: async () => tree, readFile: async (_repository, _commit, path) => files[path] ?? null },
    repository,
    '0'.repeat(40),
  );
}

const scripts = (value: object, more: object = {}) => JSON.stringify({ scripts: value, ...more });

describe('how to work with a repository', () => {
  it('npm: from its lock file and scripts', async () => {
    const found = await facts({
      'package.json': scripts({
        test: 'vitest run',
        typecheck: 'tsc',
        lint: 'biome check',
        'test:unit': 'vitest run unit',
      }),
      'package-lock.json': '{}',
      'AGENTS.md': 'Be kind.',
      'src/a.ts': '',
    });
    expect(found).toMatchObject({
      packageManager: 'npm',
      testCommand: 'npm test',
      listing: ['AGENTS.md', 'package-lock.json', 'package.json', 'src/'],
      instructions: { path: 'AGENTS.md', text: 'Be kind.' },
      setup: { commands: ['npm ci'] },
      verify: {
        fast: ['npm run typecheck', 'npm run test:unit'],
        full: ['npm run typecheck', 'npm run lint', 'npm test'],
        fix: [],
        scan: [],
      },
    });
  });

  it('takes the script that npm init writes for no test', async () => {
    const found = await facts({ 'package.json': scripts({ test: 'echo "Error: no test specified" && exit 1' }) });
    expect(found).toMatchObject({
      testCommand: null,
      setup: { commands: [], key: 'none' },
      verify: { fast: [], full: [] },
    });
  });

  it.each([
    [
      'the version that is pinned',
      { packageManager: 'pnpm@9.1.2+sha512.abc' },
      "lockfileVersion: '9.0'\n",
      'pnpm@9.1.2',
    ],
    ['one that fits the lock file', {}, "lockfileVersion: '6.0'\n", 'pnpm@8'],
    ['one that fits the lock file', {}, "lockfileVersion: '9.0'\n", 'pnpm@9'],
  ])('pnpm: %s', async (_name, more, lock, expected) => {
    const found = await facts({ 'package.json': scripts({ test: 'x' }, more), 'pnpm-lock.yaml': lock });
    expect(found.packageManager).toBe('pnpm');
    expect(found.setup.commands[0]).toContain(`npm install --global --prefix "$HOME/.local" ${expected} `);
    expect(found.setup.commands[1]).toBe('pnpm install --frozen-lockfile');
  });

  it('yarn: the classic one and the new one', async () => {
    const classic = await facts({ 'package.json': scripts({ test: 'x' }), 'yarn.lock': '# yarn lockfile v1\n' });
    expect(classic.setup.commands.join(' ')).toMatch(/ yarn@1 .* yarn install --frozen-lockfile/);
    const berry = await facts({ 'package.json': scripts({ test: 'x' }), 'yarn.lock': '__metadata:\n  version: 8\n' });
    expect(berry.setup.commands.join(' ')).toMatch(/@yarnpkg\/cli-dist@4 .* yarn install --immutable/);
  });

  it('a workspace of packages whose tests are in its members', async () => {
    const found = await facts({
      'package.json': '{"private":true}',
      'pnpm-workspace.yaml': 'packages: ["packages/*"]',
      'pnpm-lock.yaml': "lockfileVersion: '9.0'",
      'packages/a/package.json': scripts({ test: 'node --test' }),
    });
    expect(found.testCommand).toBe('pnpm --recursive --if-present run test');
  });

  it('Python: requirements and extras into an environment, pytest or unittest', async () => {
    const packaged = await facts({
      'pyproject.toml':
        '[project]\nname = "a"\n\n[project.optional-dependencies]\ndocs = ["sphinx"]\ntest = ["pytest"]\n\n[tool.x]\ndev = 1\n',
      'tests/test_a.py': 'def test_a(): pass',
    });
    expect(packaged).toMatchObject({ packageManager: 'pip', testCommand: '.venv/bin/python -m pytest' });
    expect(packaged.setup.commands[1]).toBe(".venv/bin/python -m pip install --quiet -e '.[test]'");

    const plain = await facts({ 'test_a.py': 'import unittest\n' });
    expect(plain).toMatchObject({ testCommand: 'python3 -m unittest discover', setup: { commands: [] } });

    const required = await facts({ 'requirements.txt': 'six', 'conftest.py': '' });
    expect(required.setup.commands).toEqual([
      'python3 -m venv --system-site-packages .venv',
      '.venv/bin/python -m pip install --quiet -r requirements.txt',
    ]);
    const uv = await facts({ 'pyproject.toml': '[project]\n', 'uv.lock': '' });
    expect(uv).toMatchObject({ packageManager: 'uv' });
    expect(uv.setup.commands.at(-1)).toBe('uv sync --frozen');
  });

  it('Go, Rust and a Makefile', async () => {
    expect(await facts({ 'go.mod': '', 'a_test.go': '' })).toMatchObject({
      packageManager: 'go',
      testCommand: 'go test ./...',
      setup: { commands: ['go mod download'] },
      verify: { full: ['go vet ./...', 'go test ./...'] },
    });
    expect(await facts({ 'Cargo.toml': '', 'Cargo.lock': '' })).toMatchObject({
      testCommand: 'cargo test',
      setup: { commands: ['cargo fetch --locked'] },
    });
    expect(await facts({ Makefile: 'test := x\ncheck: all\n\ttrue\nlint:\n\ttrue\n' })).toMatchObject({
      testCommand: 'make check',
      verify: { fast: ['make check'], full: ['make lint', 'make check'] },
    });
  });

  it('looks one directory down when there is nothing at the top', async () => {
    const found = await facts({
      'README.md': '',
      "it's/package.json": scripts({ test: 'x' }),
      "it's/package-lock.json": '{}',
      'api/go.mod': '',
      'api/x_test.go': '',
    });
    expect(found.setup.commands).toEqual(["cd 'api' && go mod download", `cd 'it'\\''s' && npm ci`]);
    expect(found.verify.fast).toEqual([
      "cd 'api' && go vet ./...",
      "cd 'api' && go test ./...",
      `cd 'it'\\''s' && npm test`,
    ]);
  });

  it('finds nothing in an empty repository or one without a known manifest', async () => {
    const nothing = { packageManager: null, testCommand: null, verify: { fast: [], full: [] } };
    expect(await facts({})).toMatchObject(nothing);
    expect(await facts({ 'a.txt': '' })).toMatchObject(nothing);
    expect(await facts({ 'package.json': 'not json' })).toMatchObject({ packageManager: 'npm', testCommand: null });
  });

  it('lets .shipmate.yml decide', async () => {
    const found = await facts({
      'package.json': scripts({ test: 'x' }),
      'package-lock.json': '{}',
      '.shipmate.yml': 'setup: [./setup]\nverify: {fast: [./quick], full: [./all]}\nscan: [./scan]\n',
    });
    expect(found).toMatchObject({
      testCommand: './quick',
      setup: { commands: ['./setup'] },
      verify: { fast: ['./quick'], full: ['./all'], fix: [], scan: ['./scan'] },
    });
  });

  it('does set-up again when the lock file or a command changes, and not for anything else', async () => {
    const files = { 'package.json': scripts({ test: 'x' }), 'package-lock.json': '{}' };
    const { key } = (await facts(files)).setup;
    expect((await facts({ ...files, 'src/a.ts': 'new', 'package.json': scripts({ test: 'y' }) })).setup.key).toBe(key);
    expect((await facts({ ...files, 'package-lock.json': '{"a":1}' })).setup.key).not.toBe(key);
    expect((await facts({ ...files, '.shipmate.yml': 'setup: [npm ci --x]' })).setup.key).not.toBe(key);
    const unlocked = { 'package.json': '{"dependencies":{"a":"1"}}' };
    expect((await facts(unlocked)).setup.key).not.toBe(
      (await facts({ 'package.json': '{"dependencies":{"a":"2"}}' })).setup.key,
    );
  });
});
