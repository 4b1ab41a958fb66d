import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectGit, type GitClient } from './connect.ts';
import { createRepository, createSampleHistory, type SampleRepository } from './sample-history.ts';

let scratch: string;
let repository: SampleRepository;
const clients: GitClient[] = [];

beforeAll(() => {
  repository = createSampleHistory();
});

afterAll(() => repository.remove());

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'shipmate-limits-'));
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  rmSync(scratch, { recursive: true, force: true });
});

async function connect(...args: Parameters<typeof connectGit>): Promise<GitClient> {
  const client = await connectGit(...args);
  clients.push(client);
  return client;
}

/** A PATH on which `git log` is the shell script `log`; every other command is the real one. */
function slowGit(log: string): string {
  const real = execFileSync('/bin/sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const script = `#!/bin/sh\ncase " $* " in *" log "*) ${log};; *) exec ${real} "$@";; esac\n`;
  writeFileSync(join(scratch, 'git'), script.replaceAll('REAL', real), { mode: 0o755 });
  return `${scratch}:${process.env.PATH}`;
}

/** A pipe that a process holds open: the first data says that it runs, the end that it is gone. */
function lifeline(): { path: string; started: Promise<unknown>; ended: Promise<unknown> } {
  const path = join(scratch, 'lifeline');
  execFileSync('mkfifo', [path]);
  const stream = createReadStream(path);
  return { path, started: once(stream, 'data'), ended: once(stream, 'end') };
}

describe('time', () => {
  test('a search that takes too long answers with what it found, and its git is gone', async () => {
    const { path, ended } = lifeline();
    const searchPath = slowGit(`exec 3> '${path}'; echo >&3; REAL "$@"; exec sleep 60`);
    const git = await connect(repository.directory, { searchPath, timeoutMs: 400 });
    const text = await git.call('search-history', { text: 'cap = 9' });
    expect(text).toContain('ENG-3: more tries');
    expect(text).toContain('(Not searched to the end. Narrow by path, since or ref.)');
    await ended;
  });

  test('anything else that takes too long is an error that says so', async () => {
    const git = await connect(repository.directory, { searchPath: slowGit('exec sleep 60'), timeoutMs: 200 });
    expect(await git.fail('show-commit', { commit: 'HEAD' })).toBe(
      'git took longer than 0.2 s; ask for less: a path, a range, a younger ref.',
    );
  });

  test('a call that is cancelled ends its git', async () => {
    const { path, started, ended } = lifeline();
    const git = await connect(repository.directory, {
      searchPath: slowGit(`exec 3> '${path}'; echo >&3; exec sleep 60`),
    });
    const cancel = new AbortController();
    const call = git.client.callTool({ name: 'search-history', arguments: {} }, undefined, { signal: cancel.signal });
    await started;
    cancel.abort();
    await expect(call).rejects.toThrow();
    await ended;
  });
});

describe('size', () => {
  test('a large change: every file is listed, each patch gets its share', async () => {
    const { directory, write, commit, remove } = createRepository();
    const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}\n`).join('');
    write('huge.txt', lines(200_000));
    for (let index = 0; index < 30; index++) write(`many/${index}.txt`, lines(300));
    write('small.txt', 'small\n');
    commit('Large');
    const git = await connect(directory);
    const text = await git.call('show-commit', { commit: 'HEAD' });
    expect(text.length).toBeLessThan(20_000);
    expect(text).toContain('32 files changed');
    expect(text).toContain('\n  200000 0 huge.txt\n');
    expect(text).toMatch(/\[\.\.\. \d+ lines left out; to see them, pass this file as path \.\.\.\]/);
    expect(text).toMatch(/\[\.\.\. patches of \d+ more files left out; to see them, pass path \.\.\.\]/);
    expect(await git.call('show-commit', { commit: 'HEAD', path: 'small.txt' })).toContain('+small');
    remove();
  });

  test('a long blame keeps head and tail', async () => {
    const { directory, write, commit, remove } = createRepository();
    write('long.txt', Array.from({ length: 5000 }, (_, index) => `line ${index} ${'x'.repeat(40)}\n`).join(''));
    commit('Long');
    const git = await connect(directory);
    const text = await git.call('blame-range', { path: 'long.txt', start: 1, end: 5000 });
    expect(text.length).toBeLessThan(13_000);
    expect(text).toMatch(/^1-5000: /);
    expect(text).toMatch(/lines left out; to see them, ask for fewer lines/);
    expect(text).toContain('line 4999');
    remove();
  });
});

describe('kinds of repositories', () => {
  test('none', async () => {
    const git = await connect(scratch);
    expect(await git.fail('show-commit', { commit: 'HEAD' })).toMatch(
      /^not a git repository \(or any .+\)(: \.git)?.*\. Start this server with --repository DIR, a directory in a git repository\.$/s,
    );
  });

  test('no directory, no git', async () => {
    const nowhere = await connect(join(scratch, 'nowhere'));
    expect(await nowhere.fail('show-commit', { commit: 'HEAD' })).toContain('Start this server with --repository DIR');
    const without = await connect(repository.directory, { searchPath: scratch });
    expect(await without.fail('show-commit', { commit: 'HEAD' })).toContain('git was not found on PATH');
  });

  test('one without a commit', async () => {
    const empty = createRepository();
    const git = await connect(empty.directory);
    expect(await git.fail('search-history', {})).toBe(
      'This repository has no commit yet, so it has no history to read.',
    );
    empty.remove();
  });

  test('a shared clone, from a subdirectory of it, with the default branch of its origin', async () => {
    const clone = join(scratch, 'clone');
    repository.git('clone', '-q', '--shared', repository.directory, clone);
    execFileSync('git', ['-C', clone, 'switch', '-q', '-c', 'work']);
    const git = await connect(join(clone, 'src'));
    expect(await git.call('diff-branches', {})).toContain('HEAD is 0 commits ahead of origin/HEAD and 0 behind');
    expect(await git.call('last-touched', { paths: ['src/retry.ts'] })).toContain('of 5 commits');
    expect(await git.fail('diff-branches', { base: 'develop' })).toMatch(/Branches: .*origin\/main/);
  });

  test('a bare one', async () => {
    const bare = join(scratch, 'bare.git');
    repository.git('clone', '-q', '--bare', repository.directory, bare);
    const git = await connect(bare);
    expect(await git.call('blame-range', { path: 'src/retry.ts', start: 3 })).toContain('(then src/backoff.ts)');
    expect(await git.call('find-pull-requests', { paths: ['src/retry.ts'] })).toContain('#12 Call it retry');
  });

  test('a shallow one says that it is', async () => {
    const shallow = join(scratch, 'shallow');
    repository.git('clone', '-q', '--depth', '2', `file://${repository.directory}`, shallow);
    const git = await connect(shallow);
    expect(await git.call('search-history', {})).toContain('(This clone is shallow');
  });

  test('branches that share no history', async () => {
    const { directory, git: run, write, commit, remove } = createRepository();
    write('main.txt', 'main\n');
    commit('Main');
    run('switch', '-q', '--orphan', 'island');
    write('alone.txt', 'alone\n');
    commit('Alone');
    const git = await connect(directory);
    const text = await git.call('diff-branches', { path: 'alone.txt' });
    expect(text).toContain('HEAD is 1 commits ahead of main and 1 behind; they share no history.');
    expect(text).toContain('+alone');
    remove();
  });
});
