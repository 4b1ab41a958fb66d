import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureSchema } from '../../../mcp-servers/tickets/capture.ts';
import { withoutCredentials } from '../../../mcp-servers/tickets/gather/checkout.ts';
import { cutOutput } from '../../../mcp-servers/tickets/gather/clean.ts';
import { gather } from '../../../mcp-servers/tickets/gather/gather.ts';
import { createRepository, type SampleRepository } from '../git/sample-history.ts';
import { asked } from './asked.ts';

const searchPath = process.env.PATH ?? '';
const signal = new AbortController().signal;
// Spelled in parts, so that nobody's scanner takes this file for a leak.
const token = ['ghp', 'a1b2c3d4'.repeat(5)].join('_');

let home: string;
let repository: SampleRepository;
let published: string;

/** A clone of `home`, one commit ahead of its remote, in a person's home directory. */
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'shipmate-gather-'));
  repository = createRepository();
  repository.write('package.json', '{"name":"shop","version":"1.4.2","engines":{"node":">=20"}}');
  repository.write('.gitignore', '.env\nbuild/\n');
  repository.write('.github/CODEOWNERS', 'src/api/ @acme/api\n');
  repository.write(
    'src/api/dates.ts',
    Array.from({ length: 60 }, (_, index) => `const line${index + 1} = ${index + 1};`).join('\n'),
  );
  repository.write('src/main/java/com/acme/Cart.java', 'class Cart {\n}\n');
  repository.write('logo.png', 'PNG\0\0');
  published = repository.commit('Begin');
  repository.git('remote', 'add', 'origin', `https://ada:${token}@github.com/acme/shop.git`);
  repository.git('update-ref', 'refs/remotes/origin/main', published);
  repository.write('src/config.ts', `export const key = '${token}';\nexport const home = '${home}/shop';\n`);
  repository.commit('Add a key');
  repository.write('.env', 'SECRET=1\n');
  repository.write('src/new.ts', 'export {};\n');
  symlinkSync('../.env', join(repository.directory, 'src/link.ts'));
  symlinkSync('/etc/hosts', join(repository.directory, 'src/hosts'));
});

afterAll(() => {
  repository.remove();
  rmSync(home, { recursive: true, force: true });
});

const where = (dir = repository.directory) => ({ dir, searchPath, home, client: 'shell' });

describe('in a clone', () => {
  test('says where it is, what is published and what changed, without credentials, within the wire format', async () => {
    const started = performance.now();
    const capture = await gather(asked({ title: 'Dates differ' }), where(), signal);
    const took = performance.now() - started;
    expect(capture.checkout).toEqual({
      remotes: ['https://github.com/acme/shop.git'],
      branch: 'main',
      commit: repository.git('rev-parse', 'HEAD').trim(),
      published,
      ahead: 1,
      changed: ['?? src/hosts', '?? src/link.ts', '?? src/new.ts'],
      edited: [],
      unpublished: [],
      commits: [
        { id: repository.git('rev-parse', 'HEAD').trim(), subject: 'Add a key' },
        { id: published, subject: 'Begin' },
      ],
      codeowners: 'src/api/ @acme/api\n',
    });
    expect(capture.environment).toMatchObject({
      Package: 'shop 1.4.2',
      'Node.js': `${process.versions.node}, wants >=20`,
      OS: expect.stringContaining(process.arch),
    });
    expect(capture.client).toBe('shell');
    expect(captureSchema.parse(capture)).toEqual(capture);
    expect(took).toBeLessThan(4_000); // a tenth of it where the machine is idle
  });

  test('shows lines of the repository, and of nothing else', async () => {
    const at = (path: string, from: number | null = 1, to: number | null = null) => ({ path, from, to });
    const dir = join(repository.directory, 'src');
    const { places } = await gather(
      asked({
        title: 'Lines',
        places: [
          at('src/api/dates.ts', 3, 2),
          at('api/dates.ts', 1, 60),
          at(join(repository.directory, 'src/config.ts'), 1, 9),
          at('src/gone.ts'),
          at('src/api', null),
          at('logo.png'),
          at('.env'),
          at('link.ts'),
          at('hosts'),
          at('../../etc/hosts'),
          at('/etc/hosts'),
          at('.git/config'),
        ],
      }),
      where(dir),
      signal,
    );
    expect(places.map(({ path, snippet }) => [path, snippet === null ? null : snippet.split('\n').length])).toEqual([
      ['src/api/dates.ts', 2],
      ['src/api/dates.ts', 40],
      ['src/config.ts', 3],
      ['src/gone.ts', null],
      ['src/api', null],
      ['logo.png', null],
      ['.env', null],
      ['src/link.ts', null],
      ['src/hosts', null],
    ]);
    expect(places[0]).toEqual({
      path: 'src/api/dates.ts',
      from: 2,
      to: 3,
      snippet: 'const line2 = 2;\nconst line3 = 3;',
    });
    expect(places[2]?.snippet).toBe("export const key = '[redacted]';\nexport const home = '~/shop';\n");
  });

  test.each([
    ['node', 'at f (file:///app/src/api/dates.ts:12:5)\n at node:internal/x.js:1:1', [['src/api/dates.ts', 12]]],
    [
      'a compiler',
      'src/api/dates.ts(7,3): error TS2322: no\n./src/new.ts:1:1 - error',
      [
        ['src/api/dates.ts', 7],
        ['src/new.ts', 1],
      ],
    ],
    ['java', '\tat com.acme.Cart.total(Cart.java:2)', [['src/main/java/com/acme/Cart.java', 2]]],
    [
      'python, innermost last',
      'Traceback (most recent call last)\n  File "src/new.ts", line 1, in x\n  File "src/api/dates.ts", line 4, in y',
      [
        ['src/api/dates.ts', 4],
        ['src/new.ts', 1],
      ],
    ],
    ['what is ignored or elsewhere', 'build/x.js:3:1\n/usr/lib/y.js:1\n../../z.ts:4\n.env:1', []],
  ])('finds the places that an error names: %s', async (_, output, found) => {
    const { places } = await gather(asked({ title: 'It fails', error: { output } }), where(), signal);
    expect(places.map(({ path, from }) => [path, from])).toEqual(found);
  });

  test('cuts, cleans and redacts what a command said, however much: 5 MB as they come', async () => {
    const noise = Buffer.from(`${'all is well here, and so it is everywhere\n'.repeat(24)}\x1b[32mok\x1b[0m\n`);
    async function* output() {
      for (let index = 0; index < 2_500; index += 1) yield noise;
      yield Buffer.from(`\x1b[31mTypeError: token=${token} in ${home}/shop\x1b[0m\n    at f (src/api/dates.ts:9:1)\n`);
      for (let index = 0; index < 2_500; index += 1) yield noise;
    }
    const cut = await cutOutput(output(), signal);
    const { error, places, notes } = await gather(
      asked({
        title: 'It fails',
        notes: `See ${token}`,
        error: { command: `API_TOKEN=${token} npm test`, output: cut },
      }),
      where(),
      signal,
    );
    expect(error?.output).toContain('TypeError: token=[redacted] in ~/shop\n    at f (src/api/dates.ts:9:1)');
    expect(error?.output.length).toBeLessThan(16_500);
    expect([error?.command, notes]).toEqual(['API_TOKEN=[redacted] npm test', 'See [redacted]']);
    expect(places.map(({ path, from }) => [path, from])).toEqual([['src/api/dates.ts', 9]]);
  });
});

describe('works with what there is', () => {
  const scene = (name: string) => join(home, name);
  const git = (dir: string, ...args: string[]) =>
    execFileSync(
      'git',
      ['-C', dir, '-c', 'user.name=A', '-c', 'user.email=a@b.c', '-c', 'protocol.file.allow=always', ...args],
      {
        stdio: 'pipe',
      },
    );

  function make(name: string, ...init: string[]): string {
    mkdirSync(scene(name), { recursive: true });
    if (init.length > 0) git(scene(name), ...init);
    return scene(name);
  }

  const says = async (dir: string, path = searchPath) => {
    const said = asked({ title: 'Odd', places: [{ path: 'a.ts', from: 1 }] });
    const { checkout, places } = await gather(said, { ...where(dir), searchPath: path }, signal);
    return { checkout, snippet: places[0]?.snippet ?? null };
  };

  test('no repository: files beside, no facts of git', async () => {
    const dir = make('plain');
    writeFileSync(join(dir, 'a.ts'), 'one');
    expect(await says(dir)).toEqual({ checkout: null, snippet: 'one' });
  });

  test('no git on PATH: no lines either where git could have ignored them', async () => {
    const dir = make('gitless', 'init', '-q');
    writeFileSync(join(dir, 'a.ts'), 'one');
    expect(await says(dir, '/nowhere')).toEqual({ checkout: null, snippet: null });
  });

  test('no such directory', async () => {
    expect(await says(scene('missing'))).toEqual({ checkout: null, snippet: null });
  });

  test('no commit yet', async () => {
    const dir = make('unborn', 'init', '-q', '-b', 'trunk');
    writeFileSync(join(dir, 'a.ts'), 'one');
    expect(await says(dir)).toMatchObject({
      checkout: { branch: 'trunk', commit: null, published: null, ahead: 0, commits: [], changed: ['?? a.ts'] },
      snippet: 'one',
    });
  });

  test('several packages in one: files as each names them, what it runs with, and what of it is pushed where', async () => {
    const dir = make('several', 'init', '-q', '-b', 'main');
    for (const name of ['web', 'api']) {
      mkdirSync(join(dir, name, 'src'), { recursive: true });
      writeFileSync(join(dir, name, 'package.json'), `{"name":"${name}"}`);
      writeFileSync(join(dir, name, 'src/index.ts'), 'one\ntwo\nthree\nfour\n');
      writeFileSync(join(dir, name, `src/${name}.ts`), 'one\ntwo\nthree\nfour\n');
    }
    const save = (text: string) => {
      git(dir, 'add', '.');
      git(dir, 'commit', '-q', '-m', text);
      return git(dir, 'rev-parse', 'HEAD').toString().trim();
    };
    const first = save('Begin');
    writeFileSync(join(dir, 'web/src/more.ts'), 'one\n');
    const second = save('More');
    for (const [name, commit] of [
      ['origin', first],
      ['mirror', second],
    ] as const) {
      git(dir, 'remote', 'add', name, `https://x.test/${name}.git`);
      git(dir, 'update-ref', `refs/remotes/${name}/main`, commit);
    }
    writeFileSync(join(dir, 'web/src/web.ts'), 'zero\none\ntwo\nthree\n');
    writeFileSync(join(dir, 'err.txt'), 'x');
    const output = `Error: no\n at f (src/web.ts:3:1)\n at g (src/index.ts:1:1)\n at h (${dir}/web/src/more.ts:1:1)`;
    const look = (at: string) => gather(asked({ title: 'x', error: { output } }), where(at), signal);
    const { places, checkout, environment, error } = await look(dir);
    expect(places.map(({ path, from, snippet }) => [path, from, snippet])).toEqual([
      ['web/src/web.ts', 3, 'zero\none\ntwo\nthree\n'],
      ['web/src/more.ts', 1, 'one\n'],
    ]);
    expect(checkout).toMatchObject({
      published: first,
      ahead: 1,
      edited: ['web/src/web.ts'],
      unpublished: ['web/src/more.ts'],
    });
    expect(environment.Package).toBe('web');
    expect(error?.output).toContain('at h (web/src/more.ts:1:1)');
    const inApi = await look(join(dir, 'api'));
    expect(inApi.places.map(({ path }) => path)).toEqual(['web/src/web.ts', 'api/src/index.ts', 'web/src/more.ts']);
  });

  test('a detached head, a shallow clone, a bare one, a work tree, a submodule', async () => {
    const origin = make('origin', 'init', '-q', '-b', 'main');
    for (const text of ['one', 'two']) {
      writeFileSync(join(origin, 'a.ts'), text);
      git(origin, 'add', '.');
      git(origin, 'commit', '-q', '-m', text);
    }
    const head = git(origin, 'rev-parse', 'HEAD').toString().trim();
    git(origin, 'checkout', '-q', '--detach');
    expect(await says(origin)).toMatchObject({
      checkout: { branch: null, commit: head, published: null },
      snippet: 'two',
    });

    git(home, 'clone', '-q', '--depth=1', '--branch=main', `file://${origin}`, 'shallow');
    expect(await says(scene('shallow'))).toMatchObject({
      checkout: { branch: 'main', commit: head, published: head, ahead: 0, commits: [{ id: head }] },
      snippet: 'two',
    });
    git(home, 'clone', '-q', '--bare', origin, 'bare');
    expect(await says(scene('bare'))).toMatchObject({ checkout: { commit: head, changed: [] }, snippet: null });
    git(origin, 'worktree', 'add', '-q', '-b', 'side', scene('tree'));
    expect(await says(scene('tree'))).toMatchObject({ checkout: { branch: 'side', commit: head }, snippet: 'two' });

    const outer = make('outer', 'init', '-q');
    git(outer, 'submodule', 'add', '-q', origin, 'inner');
    expect(await says(join(outer, 'inner'))).toMatchObject({ checkout: { commit: head }, snippet: 'two' });
    const { places } = await gather(
      asked({ title: 'x', places: [{ path: 'inner/a.ts', from: 1 }] }),
      where(outer),
      signal,
    );
    expect(places).toEqual([{ path: 'inner/a.ts', from: 1, to: 1, snippet: null }]);
  });

  test('nothing that the repository names is run', async () => {
    const dir = make('hostile', 'init', '-q');
    const trap = join(home, 'trapped');
    writeFileSync(join(dir, 'a.ts'), 'one');
    git(dir, 'add', '.');
    git(dir, 'commit', '-q', '-m', 'one');
    writeFileSync(join(dir, '.gitattributes'), '* filter=evil\n');
    writeFileSync(join(dir, 'a.ts'), 'two');
    for (const name of ['filter.evil.clean', 'filter.evil.process', 'core.fsmonitor'])
      git(dir, 'config', name, `touch ${trap}`);
    git(dir, 'config', 'filter.evil.required', 'true');
    expect(await says(dir)).toMatchObject({ checkout: { changed: [' M a.ts', '?? .gitattributes'] } });
    expect(() => execFileSync('test', ['-e', trap])).toThrow();
  });

  test('what a person has git ignore everywhere is ignored', async () => {
    const dir = make('own-ignore', 'init', '-q');
    writeFileSync(join(dir, 'a.ts'), 'one');
    mkdirSync(join(home, '.config/git'), { recursive: true });
    writeFileSync(join(home, '.config/git/ignore'), 'a.ts\n');
    expect(await says(dir)).toMatchObject({ checkout: { changed: [] }, snippet: null });
    rmSync(join(home, '.config'), { recursive: true });
  });

  test('aborted, it ends', async () => {
    await expect(gather(asked({ title: 'x' }), where(), AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });
});

test.each([
  ['https://x-access-token:abc@github.com/a/b.git', 'https://github.com/a/b.git'],
  ['https://abc@github.com/a/b?token=1', 'https://github.com/a/b'],
  ['ssh://git:pw@host:22/a/b.git', 'ssh://git@host:22/a/b.git'],
  ['git@github.com:a/b.git', 'git@github.com:a/b.git'],
  ['/home/ada/a#b', '/home/ada/a#b'],
])('%s goes out as %s', (url, told) => expect(withoutCredentials(url)).toBe(told));
