import { randomUUID } from 'node:crypto';
import { access, chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, onTestFinished, test } from 'vitest';
import { codeHosts } from '../../../src/code-hosts/index.ts';
import { createLocalGit } from '../../../src/code-hosts/local-git/local-git.ts';
import { runProcess } from '../../../src/lib/process.ts';
import { git, type LocalGitWorld, makeRepository, openLocalGitWorld, repositoryAt } from './world.ts';

const never = new AbortController().signal;
let world: LocalGitWorld;
beforeAll(async () => {
  world = await openLocalGitWorld();
});
afterAll(async () => {
  await world.close();
});

/** A directory of this test's own. */
async function newDir(): Promise<string> {
  const dir = join(world.dir, randomUUID());
  await mkdir(dir);
  return dir;
}

/** A repository with a person's files in it, on `main`. */
async function makeOrdinary(): Promise<string> {
  const dir = join(await newDir(), 'app');
  await git('clone', '--quiet', world.repository.location, dir);
  return dir;
}

const pushTo = (location: string, branch: string, commit: string, expected: string | null = null) =>
  world.host.pushBranch(repositoryAt(location), { gitDir: world.gitDir, branch, commit, expected }, never);

const openOn = (location: string, head: string, title = 'Title') =>
  world.host.openPullRequest(
    repositoryAt(location),
    { id: randomUUID(), title, body: '', base: 'main', head, draft: false },
    never,
  );

const readOn = (location: string, number: number) => world.host.readPullRequest(repositoryAt(location), number, never);

/** A bare repository like the world's, with nothing in it but `main`. */
async function makeBare(): Promise<string> {
  const path = join(await newDir(), 'other.git');
  await git('clone', '--quiet', '--bare', '--single-branch', world.repository.location, path);
  return path;
}

test('an ordinary repository: read by its path, pushed to beside what is checked out', async ({ expect }) => {
  const dir = await makeOrdinary();
  expect(await world.host.locate(repositoryAt(dir), never)).toEqual({ url: dir, env: {}, defaultBranch: 'main' });
  const commit = await world.commit();
  await pushTo(dir, 'shipmate/one', commit);
  expect(await git('-C', dir, 'rev-parse', 'shipmate/one')).toBe(commit);
  expect(await git('-C', dir, 'status', '--porcelain')).toBe('');
});

test('a branch that is checked out is not pushed to, whatever that repository allows', async ({ expect }) => {
  const dir = await makeOrdinary();
  await git('-C', dir, 'config', 'receive.denyCurrentBranch', 'ignore');
  const commit = await world.commit();
  await pushTo(dir, 'shipmate/one', commit);
  await git('-C', dir, 'worktree', 'add', '--quiet', `${dir}-two`, 'shipmate/one');
  const refused = { code: 'invalid', message: expect.stringContaining('is checked out in') };
  await expect(pushTo(dir, 'shipmate/one', await world.commit(), commit)).rejects.toMatchObject(refused);
  await git('-C', dir, 'switch', '--quiet', '--create', 'mine');
  await expect(pushTo(dir, 'mine', await world.commit())).rejects.toMatchObject({ code: 'invalid' });
  expect(await git('-C', dir, 'rev-parse', 'shipmate/one')).toBe(commit);
});

test('a repository without a commit has a default branch and no place for a pull request', async ({ expect }) => {
  const path = join(await newDir(), 'empty.git');
  await git('init', '--quiet', '--bare', '--initial-branch=trunk', path);
  expect(await world.host.locate(repositoryAt(path), never)).toMatchObject({ defaultBranch: 'trunk' });
  await expect(pushTo(path, 'trunk', await world.commit())).rejects.toMatchObject({ code: 'invalid' });
  await pushTo(path, 'shipmate/one', await world.commit());
  await expect(openOn(path, 'shipmate/one')).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('has no branch "main"'),
  });
});

test('what is no repository is told with a remedy', async ({ expect }) => {
  const dir = await newDir();
  const ordinary = await makeOrdinary();
  await mkdir(join(ordinary, 'src'));
  const file = join(dir, 'file');
  await writeFile(file, '');
  for (const [path, problem] of [
    [dir, 'is not a git repository'],
    [join(ordinary, 'src'), 'is not a git repository'],
    [file, 'is not a git repository'],
    [join(dir, 'nowhere'), 'does not exist'],
  ] as const)
    await expect(world.host.locate(repositoryAt(path), never), path).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(new RegExp(`${problem}.*Correct its .path.*git init --bare`, 's')),
    });
});

test('a HEAD on no branch is told, unless the configuration names a base', async ({ expect }) => {
  const dir = await makeOrdinary();
  await git('-C', dir, 'checkout', '--quiet', '--detach');
  const repository = repositoryAt(dir);
  await expect(world.host.locate(repository, never)).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('set `base`'),
  });
  expect(await world.host.locate({ ...repository, base: 'main' }, never)).toMatchObject({ defaultBranch: 'main' });
});

test('no hook runs, neither theirs nor one on our side', async ({ expect }) => {
  const path = await makeBare();
  const dir = await newDir();
  const trace = join(dir, 'a hook ran');
  const hooks = [join(path, 'hooks'), join(world.gitDir, 'hooks'), join(dir, 'hooks')];
  await git(`--git-dir=${path}`, 'config', 'core.hooksPath', join(dir, 'hooks'));
  onTestFinished(async () => {
    for (const name of ['pre-push', 'reference-transaction']) await chmod(join(world.gitDir, 'hooks', name), 0o600);
  });
  const names = ['pre-receive', 'update', 'post-receive', 'post-update', 'reference-transaction', 'pre-push'];
  for (const folder of hooks) {
    await mkdir(folder, { recursive: true });
    for (const name of names) await writeFile(join(folder, name), `#!/bin/sh\ntouch '${trace}'\n`, { mode: 0o755 });
  }
  await pushTo(path, 'shipmate/one', await world.commit());
  await openOn(path, 'shipmate/one');
  await expect(access(trace)).rejects.toMatchObject({ code: 'ENOENT' });
  // The trap itself works: a person's own push springs it.
  await git(`--git-dir=${world.gitDir}`, 'push', '--quiet', path, `${await world.commit()}:refs/heads/theirs`);
  await access(trace);
});

test("another user's repository is read and pushed to", async (context) => {
  const { expect, skip } = context;
  if (process.getuid?.() !== 0) skip('only root can give a repository to another user');
  const path = await makeBare();
  expect(await runProcess(['chown', '-R', '65534:65534', path])).toMatchObject({ exitCode: 0 });
  const commit = await world.commit();
  await pushTo(path, 'shipmate/one', commit);
  expect(await openOn(path, 'shipmate/one')).toMatchObject({ number: 1, state: 'open' });
});

test('what the repository itself refuses is told in its words', async ({ expect }) => {
  const path = await makeBare();
  await pushTo(path, 'shipmate', await world.commit());
  await expect(pushTo(path, 'shipmate/one', await world.commit())).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(/could not be pushed[\s\S]*shipmate/),
  });
});

test('what the repository cannot do just now is tried again', async ({ expect }) => {
  const path = await makeBare();
  await mkdir(join(path, 'refs/heads/shipmate'), { recursive: true });
  await writeFile(join(path, 'refs/heads/shipmate/one.lock'), '');
  const commit = await world.commit();
  await expect(pushTo(path, 'shipmate/one', commit)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  await rm(join(path, 'refs/heads/shipmate/one.lock'));
  expect(await pushTo(path, 'shipmate/one', commit)).toEqual({ commit });
});

test('numbers begin at one in each repository, by whatever path it is reached', async ({ expect }) => {
  const [path, other] = [await makeBare(), await makeBare()];
  const link = join(await newDir(), 'link.git');
  await symlink(path, link);
  for (const branch of ['one', 'two']) await pushTo(path, branch, await world.commit());
  await pushTo(other, 'one', await world.commit());
  expect([
    (await openOn(path, 'one')).number,
    (await openOn(link, 'two')).number,
    (await openOn(other, 'one')).number,
    (await openOn(link, 'one')).number,
  ]).toEqual([1, 2, 1, 1]);
});

test("a pull request's url leads to the repository", async ({ expect }) => {
  const path = await makeBare();
  const commit = await world.commit();
  await pushTo(path, 'one', commit);
  const url = new URL((await openOn(path, 'one')).url);
  expect(url.hash).toBe('#pull-request-1');
  url.hash = '';
  expect(fileURLToPath(url)).toBe(path);
  const listed = await git('-c', 'protocol.file.allow=always', 'ls-remote', url.href, 'one');
  expect(listed).toContain(commit);
});

test('merged by fast-forward with the branch deleted, or deleted unmerged', async ({ expect }) => {
  const path = await makeBare();
  const inTheirs = (...args: string[]) => git(`--git-dir=${path}`, ...args);
  const merged = await world.commit();
  await pushTo(path, 'merged', merged);
  await pushTo(path, 'dropped', await world.commit());
  await pushTo(path, 'kept', await world.commit());
  for (const branch of ['merged', 'dropped', 'kept']) await openOn(path, branch);
  await inTheirs('update-ref', 'refs/heads/main', merged);
  for (const branch of ['merged', 'dropped']) await inTheirs('update-ref', '-d', `refs/heads/${branch}`);
  expect([await readOn(path, 1), await readOn(path, 2), await readOn(path, 3)]).toMatchObject([
    { state: 'merged' },
    { state: 'closed' },
    { state: 'open' },
  ]);
  await pushTo(path, 'dropped', await world.commit());
  expect(await openOn(path, 'dropped')).toMatchObject({ number: 4, state: 'open' });
  expect(await readOn(path, 2), 'a closed one stays closed').toMatchObject({ state: 'closed' });
});

test('squashed, or closed and then squashed, is merged; a branch that comes back opens its pull request again', async ({
  expect,
}) => {
  const path = await makeBare();
  const clone = join(await newDir(), 'clone');
  await git('clone', '--quiet', path, clone);
  const inClone = (...args: string[]) => git('-C', clone, ...args);
  const change = async (file: string, text: string) => {
    await writeFile(join(clone, file), text);
    await inClone('add', '.');
    await inClone('commit', '--quiet', '-m', file);
  };
  const branches = ['squashed', 'dropped', 'beside', 'back'];
  for (const branch of branches) {
    await inClone('switch', '--quiet', '--create', branch, 'main');
    await change(branch === 'beside' ? 'squashed.txt' : `${branch}.txt`, `${branch}\n`);
    await change(`${branch}-2.txt`, 'two\n');
    await inClone('push', '--quiet', 'origin', branch);
    await openOn(path, branch);
  }
  const states = () => Promise.all(branches.map(async (_, at) => (await readOn(path, at + 1)).state));
  const drop = (branch: string) => git(`--git-dir=${path}`, 'update-ref', '-d', `refs/heads/${branch}`);
  await drop('dropped');
  await drop('back');
  expect(await states()).toEqual(['open', 'closed', 'open', 'closed']);

  await inClone('switch', '--quiet', 'main');
  for (const branch of ['squashed', 'dropped']) {
    await inClone('merge', '--quiet', '--squash', branch);
    await inClone('commit', '--quiet', '-m', `Squashed ${branch}`);
  }
  await change('later.txt', 'later\n');
  await inClone('push', '--quiet', 'origin', 'main', 'back');
  const objects = await git(`--git-dir=${path}`, 'count-objects', '-v');
  expect(await states()).toEqual(['merged', 'merged', 'open', 'open']);
  expect(await git(`--git-dir=${path}`, 'count-objects', '-v'), 'looking writes nothing there').toBe(objects);
});

test('a merge that nobody looked at is seen after the branch has moved on', async ({ expect }) => {
  const path = await makeBare();
  const first = await world.commit();
  await pushTo(path, 'one', first);
  await openOn(path, 'one');
  await git(`--git-dir=${path}`, 'update-ref', 'refs/heads/main', first);
  await pushTo(path, 'one', await world.commit(), first);
  expect(await openOn(path, 'one')).toMatchObject({ number: 2, state: 'open' });
  expect(await readOn(path, 1)).toMatchObject({ state: 'merged' });
});

test('one that stands on another is merged with it, or later into the same, be the branch below gone', async ({
  expect,
}) => {
  const path = await makeBare();
  const inTheirs = (...args: string[]) => git(`--git-dir=${path}`, ...args);
  const [below, above] = [await world.commit(), await world.commit()];
  await pushTo(path, 'below', below);
  await pushTo(path, 'above', above);
  await openOn(path, 'below');
  const stacked = { title: 'Title', body: '', base: 'below', head: 'above', draft: false };
  await world.host.openPullRequest(repositoryAt(path), { id: randomUUID(), ...stacked }, never);
  await inTheirs('update-ref', 'refs/heads/main', below);
  await inTheirs('update-ref', '-d', 'refs/heads/below');
  expect([await readOn(path, 2), await readOn(path, 1)]).toMatchObject([{ state: 'open' }, { state: 'merged' }]);
  await inTheirs('update-ref', 'refs/heads/main', above);
  expect(await readOn(path, 2)).toMatchObject({ state: 'merged', base: 'below' });
});

test('a title that cannot be kept is refused', async ({ expect }) => {
  const path = await makeBare();
  await pushTo(path, 'one', await world.commit());
  for (const title of ['', ' ', 'a\0b'])
    await expect(openOn(path, 'one', title)).rejects.toMatchObject({ name: 'VendorError', code: 'invalid' });
});

test('a database that is away is a vendor that may come back', async ({ expect }) => {
  const pool = new pg.Pool({ host: '127.0.0.1', port: 1, user: 'x', password: 'x', database: 'x' });
  onTestFinished(() => pool.end());
  const host = createLocalGit({ pool, dataDir: world.dir });
  const away = { name: 'VendorError', code: 'unavailable', retryable: true };
  await expect(host.readPullRequest(world.repository, 1, never)).rejects.toMatchObject(away);
  const branch = randomUUID();
  await host.pushBranch(
    world.repository,
    { gitDir: world.gitDir, branch, commit: await world.commit(), expected: null },
    never,
  );
  const input = { id: randomUUID(), title: 'T', body: '', base: 'main', head: branch, draft: false };
  await expect(host.openPullRequest(world.repository, input, never)).rejects.toMatchObject(away);
  expect(await host.check()).toMatchObject([
    { name: 'local-git: git', status: 'ok' },
    { name: 'local-git: pull requests', status: 'missing', remedy: expect.stringContaining('shipmate migrate') },
  ]);
});

test('local-git is made by its one line', async ({ expect }) => {
  const pool = new pg.Pool();
  onTestFinished(() => pool.end());
  const path = join(await newDir(), 'new.git');
  await makeRepository(path);
  const host = codeHosts['local-git']?.({ pool, settings: {}, secrets: {}, webhookSecrets: [], dataDir: world.dir });
  expect(await host?.locate(repositoryAt(path), never)).toMatchObject({ url: path });
});
