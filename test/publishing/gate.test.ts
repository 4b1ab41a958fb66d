import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oddGlob } from '../../src/lib/globs.ts';
import { type GateInput, inspectChange } from '../../src/publishing/gate.ts';
import { changeOf, type FileSpec, gateInput, noSha } from './changes.ts';

async function rulesOf(files: FileSpec[], options: Partial<GateInput> = {}) {
  const { verdict, reasons } = await inspectChange(gateInput(files, options));
  expect(verdict).toBe(reasons.length === 0 ? 'allow' : 'hold');
  return [...new Set(reasons.map(({ rule }) => rule))];
}

describe('an ordinary change', () => {
  test('is allowed, with notes for the reviewer', async () => {
    const inspection = await inspectChange(
      gateInput([
        { path: 'src/totals.ts' },
        { path: 'package.json', content: '{}\n', status: 'M' },
        { path: 'package-lock.json', content: '{}\n', status: 'M' },
        { path: 'bin/run', mode: '100755' },
        { path: 'logo.png', content: Buffer.from([0x89, 0x50, 0, 1, 2, 3]) },
        { path: 'docs/latest', mode: '120000', content: 'v2/index.md' },
        { path: 'old.ts', status: 'D' },
      ]),
    );
    expect(inspection).toEqual({
      verdict: 'allow',
      reasons: [],
      notes: [
        { path: 'package.json', message: 'dependency manifest' },
        { path: 'package-lock.json', message: 'lock file' },
        { path: 'bin/run', message: 'made executable' },
        { path: 'logo.png', message: 'binary file' },
        { path: 'docs/latest', message: 'symbolic link' },
      ],
    });
  });

  test('of names in any script is allowed', async () => {
    expect(
      await rulesOf([
        { path: 'i18n/日本語/été.json' },
        { path: 'docs/👩‍🚀 notes (1).md' },
        { path: 'src/[id]/page.tsx' },
      ]),
    ).toEqual([]);
  });
});

describe('the paths that a ticket allows', () => {
  const inspect = (allowedPaths: string[], files: FileSpec[]) =>
    inspectChange(gateInput(files, { policy: { ...gateInput([]).policy, allowedPaths } }));

  test('hold what is outside of them, each path with its reason', async () => {
    const { verdict, reasons } = await inspect(
      ['src/billing', './docs/*.md'],
      [
        { path: 'src/billing/totals.ts' },
        { path: 'SRC/Billing/tax.ts' },
        { path: 'docs/billing.md' },
        { path: 'docs/deep/er.md' },
        { path: 'src/billing.ts' },
        { path: 'src/billing/moved.ts', oldPath: 'src/other.ts', status: 'R' },
        { path: 'old.ts', status: 'D' },
      ],
    );
    expect(verdict).toBe('hold');
    expect(reasons.map(({ rule, path }) => [rule, path])).toEqual(
      ['docs/deep/er.md', 'src/billing.ts', 'src/other.ts', 'old.ts'].map((path) => ['outside', path]),
    );
    expect(reasons[0]?.message).toBe('`docs/deep/er.md` is outside the paths that the ticket allows.');
  });

  test('do not open what is protected, and without any everything else is open', async () => {
    const workflow = { path: '.github/workflows/ci.yml' };
    expect((await inspect(['**'], [workflow])).reasons.map(({ rule }) => rule)).toEqual(['protected']);
    expect((await inspect([], [{ path: 'a/b' }])).verdict).toBe('allow');
  });

  test('are globs of paths in a repository, or are told as what they are', () => {
    for (const glob of ['src/**', '*.{ts,tsx}', '/src/', 'a b/[id]/*.ts', '@(a|b)', 'naïve/**'])
      expect(oddGlob(glob), glob).toBeNull();
    for (const glob of [
      '',
      '/',
      '!src/**',
      '../x',
      'src/[',
      '{a,b',
      'C:\\src',
      'https://x/y',
      '~/x',
      'a\u0007',
      'x'.repeat(301),
    ])
      expect(oddGlob(glob), glob).toMatch(/./);
  });
});

describe('protected paths', () => {
  test('are told by what they are', async () => {
    const { reasons } = await inspectChange(gateInput([{ path: '.github/workflows/ci.yml' }]));
    expect(reasons).toEqual([
      {
        rule: 'protected',
        path: '.github/workflows/ci.yml',
        message: '`.github/workflows/ci.yml` is CI configuration.',
      },
    ]);
  });

  test.each<[string, FileSpec]>([
    ['changed', { path: 'AGENTS.md', status: 'M' }],
    ['deleted', { path: 'CODEOWNERS', status: 'D' }],
    ['renamed away', { path: 'ci.txt', oldPath: '.github/workflows/ci.yml', status: 'R' }],
    ['renamed to', { path: '.husky/pre-push', oldPath: 'x', status: 'R' }],
    ['copied from', { path: 'ci.yml', oldPath: '.gitlab-ci.yml', status: 'C' }],
    ['made executable', { path: '.githooks/a', status: 'M', mode: '100755' }],
    ['replaced by a link', { path: '.github', mode: '120000', content: 'docs' }],
    ['a link in the place of a dot-directory', { path: '.foo', mode: '120000', content: 'docs' }],
  ])('are held: %s', async (_name, file) => {
    expect(await rulesOf([file])).toContain('protected');
  });

  test.each<[string, string[], boolean]>([
    ['infra/prod/main.tf', ['infra/**'], true],
    ['infra/prod/main.tf', ['/infra/'], true],
    ['INFRA/prod/main.tf', ['infra'], true],
    ['src/db/schema.sql', ['**/*.sql'], true],
    ['src/infra.ts', ['infra/**'], false],
  ])('%s with %j: %s', async (path, protectedPaths, held) => {
    const policy = { protectedPaths, limits: { files: 9, bytes: 999 } };
    expect(await rulesOf([{ path }], { policy })).toEqual(held ? ['protected'] : []);
  });

  test('no spelling, depth, rename, copy or deletion gets one past the gate', async () => {
    const target = fc.constantFrom(
      '.github/workflows/ci.yml',
      'CODEOWNERS',
      'AGENTS.md',
      '.husky/pre-commit',
      '.gitattributes',
      '.cursor/rules/x.mdc',
      '.shipmate.yml',
      'Jenkinsfile',
    );
    const spelt = fc.constantFrom<(text: string) => string>(
      (text) => text,
      (text) => text.toUpperCase(),
      (text) => text.replaceAll('s', 'ſ'),
      (text) => text.replace(/[a-z]/gi, (c) => String.fromCodePoint((c.codePointAt(0) ?? 0) + 0xfee0)),
      (text) => `${text}.`,
      (text) => text.replace(/(?=[a-z])/i, '\u200d'),
      (text) => text.normalize('NFD'),
    );
    const above = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 12 });
    const how = fc.constantFrom<(path: string) => FileSpec>(
      (path) => ({ path }),
      (path) => ({ path, status: 'M' }),
      (path) => ({ path, status: 'D' }),
      (path) => ({ path, oldPath: 'a.txt', status: 'R' }),
      (path) => ({ path: 'a.txt', oldPath: path, status: 'R' }),
      (path) => ({ path: 'a.txt', oldPath: path, status: 'C' }),
      (path) => ({ path, mode: '120000', content: 'README.md' }),
      (path) => ({ path, mode: '100755', status: 'M' }),
    );
    const ordinary = fc.array(fc.stringMatching(/^[a-z]{1,8}\.ts$/), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(target, spelt, above, how, ordinary, async (path, spell, folders, make, others) => {
        const file = make(spell([...folders, path].join('/')));
        const { verdict } = await inspectChange(
          gateInput([...others.map((other) => ({ path: `src/${other}` })), file]),
        );
        return verdict === 'hold';
      }),
      { numRuns: 500 },
    );
  });
});

describe('size', () => {
  const policy = { protectedPaths: [], limits: { files: 2, bytes: 100 } };

  test('files and added bytes are limited', async () => {
    const three = ['a', 'b', 'c'].map((path) => ({ path }));
    expect(await inspectChange(gateInput(three, { policy }))).toMatchObject({
      reasons: [
        { rule: 'size', path: '', message: 'The change touches 3 files; 2 are allowed (policy.limits.files).' },
      ],
    });
    expect(await inspectChange(gateInput([{ path: 'a', content: 'x'.repeat(101) }], { policy }))).toMatchObject({
      reasons: [{ rule: 'size', message: 'The change adds 101 bytes; 100 are allowed (policy.limits.bytes).' }],
    });
  });

  test('one new line in a large file is small; what the patch does not account for is not', async () => {
    const content = `${'old line\n'.repeat(1000)}new\n`;
    const patch = `diff --git a/big.txt b/big.txt\n--- a/big.txt\n+++ b/big.txt\n@@ -1000,0 +1001 @@\n+new\n`;
    const changes = [{ ...changeOf({ path: 'big.txt', status: 'M', content }), added: 1 }];
    const input = gateInput([{ path: 'big.txt', content }], { changes, patch, policy });
    expect((await inspectChange(input)).verdict).toBe('allow');
    expect((await inspectChange({ ...input, patch: '' })).verdict).toBe('hold');
    expect(
      (await inspectChange({ ...input, changes: changes.map((change) => ({ ...change, added: 2 })) })).verdict,
    ).toBe('hold');
  });

  test('what is too much is not read', async () => {
    const readNew = () => Promise.reject(new Error('must not be read'));
    expect(await rulesOf([{ path: 'a', content: 'x'.repeat(101) }], { policy, readNew })).toEqual(['size']);
  });
});

describe('odd trees', () => {
  test.each<[string, Partial<ReturnType<typeof changeOf>>]>([
    ['a submodule', { newMode: '160000' }],
    ['a submodule removed', { status: 'D', oldMode: '160000', newMode: '000000', newSha: noSha }],
    ['an unknown mode', { newMode: '040000' }],
    ['a mode nobody writes', { newMode: '100664' }],
    ['an unknown status', { status: 'X' }],
    ['unmerged', { status: 'U' }],
    ['a rename from nowhere', { status: 'R', oldMode: '100644' }],
    ['an addition with a source', { oldPath: 'x' }],
    ['a short object id', { newSha: 'abc' }],
    ['no object', { newSha: noSha }],
    ['a negative size', { bytes: -1 }],
    ['a size that is none', { added: Number.NaN }],
  ])('%s is held', async (_name, odd) => {
    const changes = [{ ...changeOf({ path: 'a.txt' }), ...odd }];
    expect(await rulesOf([{ path: 'a.txt' }], { changes })).toEqual(['tree']);
  });

  test('content that cannot be read is held', async () => {
    expect(await rulesOf([{ path: 'a' }], { readNew: () => Promise.resolve(null) })).toEqual(['tree']);
  });

  test.each([
    ...[
      'a\nb',
      'a\rb',
      'a\tb',
      'a\u0000b',
      'a\u007f',
      'a\u0085b',
      'caf\ufffd.txt',
      'a\u202eb',
      'a\u200bb',
      'a\u{e0041}b',
      '',
    ],
    ...[
      '/etc/passwd',
      'a//b',
      'a/',
      '../x',
      'a/../b',
      './a',
      'a/.',
      'a/.. /b',
      'a/...',
      '.git/config',
      'a/.GIT/hooks/x',
    ],
    ...[
      '.git ',
      '.git.',
      '.git . .',
      '.g\u200cit/x',
      '.ｇｉｔ/config',
      'git~1/config',
      'GIT~2',
      '.git::$INDEX_ALLOCATION/x',
    ],
    ...['a\\b', 'C:\\x', 'GITHUB~1/workflows/x', 'CODEOW~1', 'x'.repeat(256), 'x/'.repeat(2100)],
  ])('the name %j is held', async (path) => {
    expect(await rulesOf([{ path }])).toContain('name');
    expect(await rulesOf([{ path: 'ok', oldPath: path, status: 'R' }])).toContain('name');
  });

  test('a name is shown so that it does no harm', async () => {
    const { reasons } = await inspectChange(gateInput([{ path: 'a\nb\u202e`@bob`' }]));
    expect(reasons[0]?.message).toMatch(
      /^`a\\u\{a\}b\\u\{202e\}\\u\{60\}@bob\\u\{60\}` has a name that must not be published/,
    );
  });

  test.each([
    ['a/link', '/etc/passwd'],
    ['a/link', '~/x'],
    ['a/link', 'C:/x'],
    ['a/link', '../../etc'],
    ['link', '..'],
    ['a/b/link', 'x/../../../../y'],
    ['a/link', 'x/../y'],
    ['a/link', 'x/.//../y'],
    ['a/link', ''],
    ['a/link', 'a\nb'],
    ['a/link', '../.git/hooks/x'],
    ['a/link', 'a\\..\\b'],
  ])('a link %s -> %j is held', async (path, content) => {
    expect(await rulesOf([{ path, content, mode: '120000' }])).toEqual(['tree']);
  });

  test.each([
    ['docs/ci', '../.github/workflows'],
    ['x', '.GitHub'],
    ['guide.md', 'AGENTS.md'],
    ['conf', '.anything'],
  ])('a link %s -> %s to a protected path is held', async (path, content) => {
    expect(await rulesOf([{ path, content, mode: '120000' }])).toEqual(['protected']);
  });

  test.each([
    ['a/b/link', '../../c/d.txt'],
    ['link', './src'],
    ['a/link', '../b'],
    ['a/link', 'b..c/d'],
  ])('a link %s -> %s is allowed', async (path, content) => {
    expect(await rulesOf([{ path, content, mode: '120000' }])).toEqual([]);
  });

  test('a link that a file is written through where case does not count', async () => {
    expect(await rulesOf([{ path: 'A', mode: '120000', content: 'b' }, { path: 'a/x' }])).toEqual(['tree']);
  });

  test('no link leads out, wherever it is and however it is written', async () => {
    const part = fc.constantFrom('..', '.', 'a', 'b', '');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('d', 'e'), { maxLength: 4 }),
        fc.array(part, { minLength: 1, maxLength: 8 }),
        async (folders, parts) => {
          const target = parts.join('/');
          const depth = parts.reduce(
            (at, name) => (at < 0 ? at : name === '..' ? at - 1 : name === '.' || name === '' ? at : at + 1),
            folders.length,
          );
          const { verdict } = await inspectChange(
            gateInput([{ path: [...folders, 'link'].join('/'), mode: '120000', content: target }]),
          );
          return depth >= 0 || verdict === 'hold';
        },
      ),
      { numRuns: 500 },
    );
  });
});
