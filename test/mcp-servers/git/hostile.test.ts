import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectGit, type GitClient } from './connect.ts';
import { createRepository, createSampleHistory, type SampleRepository } from './sample-history.ts';

/** Every tool with arguments that reach every git command it has. */
const everyCall: [string, Record<string, unknown>][] = [
  ['search-history', { text: 'maxRetries' }],
  ['search-history', { regex: 'base', path: 'src/retry.ts', author: 'a', message: 'e' }],
  ['blame-range', { path: 'src/retry.ts', start: 1 }],
  ['show-commit', { commit: 'HEAD' }],
  ['show-commit', { commit: 'HEAD~1' }],
  ['show-commit', { commit: 'HEAD~6' }],
  ['diff-branches', { base: 'jitter' }],
  ['last-touched', { paths: ['src/retry.ts', 'src'] }],
  ['find-pull-requests', { paths: ['src/retry.ts', 'src'] }],
];

let repository: SampleRepository;
let git: GitClient;

beforeAll(async () => {
  repository = createSampleHistory();
  git = await connectGit(repository.directory);
});

afterAll(async () => {
  await git.close();
  repository.remove();
});

describe('arguments', () => {
  const options = ['--output=/tmp/shipmate-written', '-Oattack', '--exec=touch', '-p', '--upload-pack=touch', '--all'];

  test.each(options)('%s is no option, as a ref', async (option) => {
    const said = `No commit is named ${JSON.stringify(option)} here. Branches: `;
    expect(await git.fail('show-commit', { commit: option })).toContain(said);
    expect(await git.fail('search-history', { ref: option })).toContain(said);
    expect(await git.fail('blame-range', { path: 'README.md', start: 1, ref: option })).toContain(said);
    expect(await git.fail('diff-branches', { base: option })).toContain(said);
    expect(await git.fail('diff-branches', { base: 'main', head: option })).toContain(said);
  });

  test('a path that looks like an option is a path', async () => {
    expect(await git.call('search-history', { path: '-n5' })).toContain('Add awkward names');
    expect(await git.call('blame-range', { path: '-n5', start: 1 })).toContain('starts with a dash');
    expect(await git.call('last-touched', { paths: ['-n5'] })).toContain('Add awkward names');
    expect(await git.call('last-touched', { paths: ['--output=x'] })).toContain('not in this history');
  });

  test('a text, regex, author or message that looks like an option is searched for', async () => {
    for (const key of ['text', 'regex', 'author', 'message']) {
      expect(await git.call('search-history', { [key]: '--all' })).toBe('No commit reachable from HEAD matches.');
    }
  });

  test.each([':(glob)**', ':!src', ':/', '*.ts', 'src/*', '[s]rc'])('%s is a name, not a pattern', async (path) => {
    expect(await git.call('last-touched', { paths: [path] })).toContain('not in this history');
  });

  test.each(['HEAD\nHEAD~1', 'HEAD..jitter', '^HEAD', 'HEAD:README.md', ' ', 'a\u0000b'])(
    '%j names no commit',
    async (ref) => {
      expect(await git.fail('show-commit', { commit: ref })).toMatch(/No commit is named|NUL character/);
    },
  );

  test.each(['../../etc/passwd', '/etc/passwd', 'src/../../x'])('%s is outside', async (path) => {
    expect(await git.fail('blame-range', { path, start: 1 })).toContain('outside the repository');
    expect(await git.fail('search-history', { path })).toContain('outside the repository');
  });

  test('what is too long or of another type is refused', async () => {
    expect(await git.fail('search-history', { text: 'x'.repeat(300_000) })).toContain('too long');
    expect(await git.fail('search-history', { limit: 1e9 })).toContain('limit');
    expect(await git.fail('blame-range', { path: ['README.md'], start: '1' })).toContain('expected string');
    expect(await git.fail('last-touched', { paths: [] })).toContain('paths');
  });

  test('a broken regex is told, not thrown', async () => {
    expect(await git.fail('search-history', { regex: '(' })).toMatch(/regex/i);
  });
});

describe('a hostile repository', () => {
  test('a repository of somebody else is read, too', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('only root can give a repository to somebody else');
    const theirs = createRepository();
    theirs.commit('Begin');
    execFileSync('chown', ['-R', '65534:65534', theirs.directory]);
    const reader = await connectGit(theirs.directory);
    expect(await reader.call('show-commit', { commit: 'HEAD' })).toContain('Begin');
    await reader.close();
    theirs.remove();
  });

  test('control characters and forged structure in messages, names and lines stay text', async () => {
    const forged = createRepository();
    forged.write('a.ts', 'const one = 1;\n');
    forged.commit('Begin');
    forged.write(
      'a.ts',
      'const one = 1;\n++ b/forged.ts\n-- a/forged.ts\n@@ -1 +1 @@\ndiff --git a/x b/x\n\rdiff --git a/forged b/forged\n',
    );
    forged.commit('\x1b[2Jwiped\rover the line\n\nbody\ndiff --git a/y b/y');
    const reader = await connectGit(forged.directory);
    const told = await reader.call('search-history', { text: 'forged' });
    expect(told.replace(/^\S+/, '<id>')).toBe(
      [
        '<id> 2026-03-03 Ada Lovelace  ^[[2Jwiped over the line',
        '    a.ts',
        '      + ++ b/forged.ts',
        '      + -- a/forged.ts',
        '      + diff --git a/forged b/forged',
      ].join('\n'),
    );
    expect(await reader.call('show-commit', { commit: 'HEAD' })).not.toMatch(/[\x1b\r]/);
    await reader.close();
    forged.remove();
  });

  test('runs nothing, writes nothing', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'shipmate-planted-'));
    const fired = join(outside, 'fired');
    mkdirSync(fired);
    const plant = (name: string) => {
      const script = join(outside, name);
      writeFileSync(script, `#!/bin/sh\n: > '${fired}/${name}'\nexit 1\n`);
      chmodSync(script, 0o755);
      return script;
    };
    const settings = {
      'core.fsmonitor': plant('fsmonitor'),
      'core.pager': plant('pager'),
      'pager.log': plant('pager-log'),
      'pager.blame': plant('pager-blame'),
      'core.editor': plant('editor'),
      'core.sshCommand': plant('ssh'),
      'core.askPass': plant('askpass'),
      'core.alternateRefsCommand': plant('alternate-refs'),
      'diff.external': plant('external'),
      'diff.planted.textconv': plant('textconv'),
      'diff.planted.command': plant('diff-command'),
      'diff.submodule': 'diff',
      'filter.planted.clean': plant('clean'),
      'filter.planted.smudge': plant('smudge'),
      'filter.planted.process': plant('process'),
      'merge.planted.driver': plant('merge'),
      'gpg.program': plant('gpg'),
      'gpg.ssh.program': plant('gpg-ssh'),
      'log.showSignature': 'true',
      'alias.log': `!${plant('alias')}`,
      'remote.origin.url': `ext::${plant('transport')}`,
      'remote.origin.promisor': 'true',
      'remote.origin.partialclonefilter': 'blob:none',
      'protocol.ext.allow': 'always',
      'credential.helper': plant('credential'),
      'uploadpack.packObjectsHook': plant('pack-objects'),
      'interactive.diffFilter': plant('diff-filter'),
      'color.ui': 'always',
      'color.diff': 'always',
      'diff.noprefix': 'true',
      'diff.orderFile': '/nonexistent',
      'blame.ignoreRevsFile': '/nonexistent',
      'format.pretty': 'raw',
      'log.follow': 'true',
      'grep.patternType': 'perl',
    };
    const { directory } = repository;
    // A signed commit, so that there is a signature to look at; a missing blob, so that there is something to fetch.
    const signed = repository
      .git('cat-file', 'commit', 'HEAD')
      .replace('\n\n', '\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----\n\n');
    const commit = execFileSync('git', ['-C', directory, 'hash-object', '-t', 'commit', '-w', '--stdin'], {
      input: signed,
    });
    repository.git('update-ref', 'refs/heads/main', commit.toString().trim());
    for (const [key, value] of Object.entries(settings)) repository.git('config', key, value);
    writeFileSync(join(directory, '.git/info/attributes'), '* diff=planted filter=planted merge=planted\n');
    writeFileSync(join(directory, '.gitattributes'), '* diff=planted filter=planted merge=planted\n');
    for (const hook of ['post-index-change', 'reference-transaction', 'pre-auto-gc', 'fsmonitor-watchman']) {
      writeFileSync(join(directory, '.git/hooks', hook), `#!/bin/sh\n: > '${fired}/hook-${hook}'\n`, { mode: 0o755 });
    }
    writeFileSync(join(directory, 'src/retry.ts'), 'changed in the working tree\n');

    const before = snapshot(join(directory, '.git'));
    for (const [tool, args] of everyCall) {
      const text = await git.call(tool, args);
      expect(text, tool).not.toContain('\x1b');
      expect(text, tool).toMatch(/retry\.ts|Lovelace/);
    }
    expect(await git.call('show-commit', { commit: 'HEAD' })).toContain('--- a/src/retry.ts\n+++ b/src/retry.ts\n');
    expect(readdirSync(fired)).toEqual([]);

    const blob = repository.git('rev-parse', 'HEAD:README.md').trim();
    rmSync(join(directory, '.git/objects', blob.slice(0, 2), blob.slice(2)));
    before.delete(join(directory, '.git/objects', blob.slice(0, 2), blob.slice(2)));
    await git.fail('blame-range', { path: 'README.md', start: 1 });
    expect(readdirSync(fired)).toEqual([]);
    expect(snapshot(join(directory, '.git'))).toEqual(before);

    // The traps do work: plain git walks into them. A file whose time has changed is one that `status` has to read.
    utimesSync(join(directory, 'README.md'), 0, 0);
    for (const command of ['status', 'log -1 -p', 'diff HEAD~1 HEAD', `cat-file blob ${blob}`]) {
      try {
        const [name = '', ...args] = command.split(' ');
        const filter = name === 'status' ? [] : ['-c', 'filter.planted.process='];
        repository.git('-c', 'diff.orderFile=/dev/null', ...filter, name, ...args);
      } catch {
        // what was planted fails; that it ran is what counts
      }
    }
    const caught = ['diff-command', 'fsmonitor', 'gpg', 'process', 'textconv', 'transport'];
    expect(readdirSync(fired)).toEqual(expect.arrayContaining(caught));
    rmSync(outside, { recursive: true, force: true });
  });
});

/** Path and content of every file below `folder`. */
function snapshot(folder: string): Map<string, string> {
  expect(existsSync(folder)).toBe(true);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'latin1')]),
  );
}
