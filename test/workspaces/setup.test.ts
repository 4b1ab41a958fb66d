import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeRepository } from '../../src/workspaces/repository-facts.ts';
import type { Workspaces } from '../../src/workspaces/workspaces.ts';
import { createFixture, type Fixture, inside, newSession, patience, type Upstream } from './fixture.ts';
import { kind, kinds } from './kinds.ts';

const ms = '2.1.3';
const msHash = 'sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==';
const picocolorsHash =
  'sha512-xceH2snhtb5M9liqDsmEw56le376mTZkEX/jEb/RxNFyegNul7eNslCXP9FDj/Lcu0X8KEyMceP2ntpaHrDEVA==';

const offline =
  spawnSync('npm', ['ping'], { encoding: 'utf8', timeout: 20_000 }).status === 0
    ? null
    : 'the npm registry cannot be reached';
if (offline !== null) console.warn(`Set-up from the npm registry is not tested: ${offline}`);

/** Debian's pytest, installed where that can be done; else why not. */
function whyNoPytest(): string | null {
  const has = () =>
    spawnSync('/usr/bin/python3', ['-c', 'import pytest, venv, ensurepip'], { stdio: 'ignore' }).status === 0;
  if (has()) return null;
  if (process.env.SHIPMATE_NO_INSTALL)
    return 'python3-pytest and python3-venv are missing, and SHIPMATE_NO_INSTALL is set';
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return 'python3-pytest and python3-venv are missing';
  console.warn('Installing python3-pytest and python3-venv with apt-get, for the tests of Python repositories.');
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '--yes', '--no-install-recommends', 'python3-pytest', 'python3-venv'];
  if (spawnSync('apt-get', install, { env, timeout: 50_000 }).status !== 0) {
    spawnSync('apt-get', ['update'], { env, timeout: 50_000 });
    spawnSync('apt-get', install, { env, timeout: 50_000 });
  }
  return has() ? null : 'python3-pytest and python3-venv could not be installed';
}
const noPytest = whyNoPytest();
if (noPytest !== null) console.warn(`Set-up of a Python repository is not tested: ${noPytest}`);

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture(kind);
});
afterAll(() => fixture.remove());

async function start(upstream: Upstream, workspaces: Workspaces = fixture.open()) {
  const base = upstream.commit('first');
  await workspaces.refresh(upstream.repository, upstream.location, patience());
  const facts = await describeRepository(workspaces, upstream.repository, base);
  const request = { repository: upstream.repository, base, setup: facts.setup };
  return { workspaces, base, facts, request };
}

describe('set-up', () => {
  it.skipIf(offline !== null)(
    'npm: what it left is in every workspace, was made once, and is nobody’s work',
    { timeout: 120_000 },
    async () => {
      const upstream = await fixture.upstream('npm');
      const manifest = {
        name: 'app',
        version: '1.0.0',
        private: true,
        scripts: { test: 'node --test' },
        dependencies: { ms },
      };
      await upstream.write('package.json', JSON.stringify(manifest));
      const { name, version, dependencies } = manifest;
      const packages = { '': { name, version, dependencies }, 'node_modules/ms': { version: ms, integrity: msHash } };
      await upstream.write(
        'package-lock.json',
        JSON.stringify({ name, version, lockfileVersion: 3, requires: true, packages }),
      );
      await upstream.write(
        'a.test.js',
        "require('node:test')('ms', () => require('node:assert').equal(require('ms')('1s'), 1000));\n",
      );
      const { workspaces, facts, request } = await start(upstream); // there is no .gitignore
      expect(facts.setup.commands).toEqual(['npm ci']);

      const first = await workspaces.take({ ...request, sessionId: newSession(), restore: null }, patience());
      expect(await inside(first, facts.testCommand ?? 'false')).toMatch(/pass 1/);
      expect(await inside(first, 'git status --porcelain; id -u; find node_modules -links +1 -type f')).toMatch(
        /^\d+\n$/,
      );
      await expect(inside(first, 'npm view ms version --fetch-retries=0 --fetch-timeout=3000')).rejects.toThrow(
        /exit code/,
      );
      await inside(first, 'echo poisoned > node_modules/ms/index.js; echo work > work.js');
      const snapshot = await first.snapshot(patience());
      const stored = await workspaces.keep(newSession(), snapshot);

      const caches = join(fixture.path('caches'), readdirSync(fixture.path('caches'))[0] ?? '');
      await rm(caches, { recursive: true }); // a second installation could not do without being seen
      const head = await workspaces.checkout({ ...request, snapshot: stored, at: 'head' }, patience());
      expect(await inside(head, `${facts.testCommand}; cat work.js`)).toMatch(/pass 1.*work\n$/s);
      if (kind === 'bubblewrap') expect(existsSync(caches)).toBe(false);
      const session = newSession();
      const store = await workspaces.receive(session, upstream.repository, stored, patience());
      expect((await workspaces.changes(store, request.base, snapshot.tree)).map((change) => change.path)).toEqual([
        'work.js',
      ]);
      await Promise.all([first.close(), head.release()]);
    },
  );

  it.skipIf(offline !== null)(
    'pnpm: a workspace of packages, with the pnpm that it pins',
    { timeout: 180_000 },
    async () => {
      const upstream = await fixture.upstream('pnpm');
      const scripts = { test: 'pnpm --recursive run test' };
      await upstream.write('package.json', JSON.stringify({ private: true, packageManager: 'pnpm@9.15.9', scripts }));
      await upstream.write('pnpm-workspace.yaml', 'packages:\n  - packages/*\n');
      await upstream.write(
        'packages/a/package.json',
        JSON.stringify({ name: 'a', version: '1.0.0', dependencies: { ms } }),
      );
      await upstream.write('packages/a/index.js', "module.exports = require('ms');\n");
      const dependencies = { a: 'workspace:*', picocolors: '1.1.1' };
      await upstream.write(
        'packages/b/package.json',
        JSON.stringify({ name: 'b', version: '1.0.0', scripts: { test: 'node test.js' }, dependencies }),
      );
      await upstream.write(
        'packages/b/test.js',
        "console.log(require('picocolors').createColors(false).red('ms'), require('a')('2s'));\n",
      );
      await upstream.write('.gitignore', 'node_modules\n');
      await upstream.write(
        'pnpm-lock.yaml',
        `lockfileVersion: '9.0'
settings: {autoInstallPeers: true, excludeLinksFromLockfile: false}
importers:
  .: {}
  packages/a:
    dependencies:
      ms: {specifier: 2.1.3, version: 2.1.3}
  packages/b:
    dependencies:
      a: {specifier: 'workspace:*', version: link:../a}
      picocolors: {specifier: 1.1.1, version: 1.1.1}
packages:
  ms@2.1.3: {resolution: {integrity: ${msHash}}}
  picocolors@1.1.1: {resolution: {integrity: ${picocolorsHash}}}
snapshots:
  ms@2.1.3: {}
  picocolors@1.1.1: {}
`,
      );
      const { workspaces, facts, request } = await start(upstream);
      expect(facts).toMatchObject({ packageManager: 'pnpm', testCommand: 'pnpm test' });
      const first = await workspaces.take({ ...request, sessionId: newSession(), restore: null }, patience());
      expect(await inside(first, 'pnpm --version')).toBe('9.15.9\n');
      expect(await inside(first, 'pnpm test')).toContain('ms 2000');
      expect(await inside(first, 'git status --porcelain; find node_modules packages -type f -links +1')).toBe('');
      const clean = await workspaces.checkout({ ...request, snapshot: null, at: 'base' }, patience());
      expect(await inside(clean, 'pnpm test')).toContain('ms 2000');
      await Promise.all([first.close(), clean.release()]);
    },
  );

  it.skipIf(noPytest !== null)(
    'Python: an environment with a wheel of the repository and Debian’s pytest',
    { timeout: 180_000 },
    async () => {
      const upstream = await fixture.upstream('python');
      const wheel = await makeWheel();
      await upstream.write('wheels/greet-1.0-py3-none-any.whl', wheel);
      await upstream.write('requirements.txt', './wheels/greet-1.0-py3-none-any.whl\n');
      await upstream.write('test_greet.py', "import greet\n\ndef test_greet():\n    assert greet.hello() == 'hello'\n");
      const { workspaces, facts, request } = await start(upstream);
      expect(facts).toMatchObject({ packageManager: 'pip', testCommand: '.venv/bin/python -m pytest' });
      const first = await workspaces.take({ ...request, sessionId: newSession(), restore: null }, patience());
      expect(await inside(first, facts.testCommand ?? 'false')).toContain('1 passed');
      const clean = await workspaces.checkout({ ...request, snapshot: null, at: 'base' }, patience());
      expect(await inside(clean, `.venv/bin/pip --version; ${facts.testCommand}`)).toContain('1 passed'); // copied, and it runs
      expect(await inside(clean, '.venv/bin/python -c "import greet; print(greet.__file__)"')).toContain(
        `${clean.dir}/.venv/`,
      );
      await Promise.all([first.close(), clean.release()]);
    },
  );
});

describe.each(kinds)('a set-up command (%s)', (driver) => {
  let here: Fixture;
  beforeAll(async () => {
    here = await createFixture(driver);
  });
  afterAll(() => here.remove());

  it('that fails says which, how and what it wrote, and leaves nothing', async () => {
    const upstream = await here.upstream('failing');
    await upstream.write('.shipmate.yml', 'setup:\n  - echo fine\n  - echo to stdout; echo to stderr >&2; exit 3\n');
    const { workspaces, request } = await start(upstream, here.open());
    const taking = workspaces.take({ ...request, sessionId: newSession(), restore: null }, patience());
    await expect(taking).rejects.toMatchObject({
      name: 'SetupError',
      command: 'echo to stdout; echo to stderr >&2; exit 3',
      exitCode: 3,
      output: expect.stringMatching(/to std(out|err)\nto std(out|err)/),
      message: expect.stringMatching(/failed with exit code 3.*\.shipmate\.yml/s),
    });
    expect(readdirSync(here.path('trees'))).toEqual([]);
    const slow = here.open({ setup: { timeoutMs: 300 } });
    const plan = { commands: ['echo waiting; sleep 60'], key: 'slow' };
    await expect(
      slow.take({ ...request, setup: plan, sessionId: newSession(), restore: null }, patience()),
    ).rejects.toMatchObject({
      exitCode: null,
      output: 'waiting',
      message: expect.stringContaining('took longer than'),
    });
  });

  it('runs once for many who wait for it, and what it changed of tracked files is undone', async () => {
    const upstream = await here.upstream('counting');
    await upstream.write('tracked.txt', 'one\n');
    await upstream.write('.gitignore', 'ignored/\n');
    const setup =
      'echo changed > tracked.txt; mkdir -p ignored "odd [name]*" deep/er; touch ignored/i "odd [name]*/x" deep/er/left "#hash" "!bang"; echo h > ~/left-at-home; echo once >> "$SHIPMATE_PACKAGE_CACHE/count"';
    await upstream.write('.shipmate.yml', JSON.stringify({ setup: [setup] }));
    const { workspaces, request } = await start(upstream, here.open());
    const taken = await Promise.all(
      Array.from({ length: 3 }, () =>
        workspaces.take({ ...request, sessionId: newSession(), restore: null }, patience()),
      ),
    );
    for (const workspace of taken) {
      const seen = await inside(
        workspace,
        'cat tracked.txt ~/left-at-home; ls -d ignored/i odd*/x deep/er/left "#hash" "!bang"; git status --porcelain',
      );
      expect(seen).toBe('one\nh\n!bang\n#hash\ndeep/er/left\nignored/i\nodd [name]*/x\n');
      await inside(workspace, 'mkdir oddxname]y; touch oddxname]y/mine');
      const snapshot = await workspace.snapshot(patience());
      expect(snapshot.bundle).not.toBeNull();
      await workspace.close();
    }
    const [cache = ''] = readdirSync(here.path('caches'));
    const runs = readFileSync(here.path('caches', cache, 'count'), 'utf8')
      .trim()
      .split('\n').length;
    expect(runs).toBe(here.driver.samePaths ? 3 : 1);
  });
});

/** A wheel is a zip file with a few lines about itself. */
async function makeWheel(): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-wheel-'));
  try {
    await writeFile(join(dir, 'greet.py'), "def hello():\n    return 'hello'\n");
    const about = join(dir, 'greet-1.0.dist-info');
    await mkdir(about);
    await writeFile(join(about, 'METADATA'), 'Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n');
    await writeFile(
      join(about, 'WHEEL'),
      'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    );
    await writeFile(
      join(about, 'RECORD'),
      'greet.py,,\ngreet-1.0.dist-info/METADATA,,\ngreet-1.0.dist-info/WHEEL,,\ngreet-1.0.dist-info/RECORD,,\n',
    );
    execFileSync('/usr/bin/python3', ['-m', 'zipfile', '-c', 'x.whl', 'greet.py', 'greet-1.0.dist-info/'], {
      cwd: dir,
    });
    return readFileSync(join(dir, 'x.whl'));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
