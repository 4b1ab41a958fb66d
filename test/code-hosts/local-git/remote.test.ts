import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { createLocalGit } from '../../../src/code-hosts/local-git/local-git.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';
import { git, makeRepository, repositoryAt } from './world.ts';

const never = new AbortController().signal;
let database: TestDatabase;
let server: GitServer;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shipmate-remote-'));
  [database, server] = await Promise.all([createTestDatabase(), startGitServer(dir)]);
});
afterAll(async () => {
  await server?.close();
  await database?.drop();
  await rm(dir, { recursive: true, force: true });
});

/** A repository of this test's own on the server, and a bare copy of ours with a new commit. */
async function open() {
  const name = `${randomUUID()}.git`;
  const path = join(dir, name);
  const first = await makeRepository(path);
  const gitDir = join(dir, `ours-${name}`);
  await git('clone', '--quiet', '--bare', path, gitDir);
  const tree = await git(`--git-dir=${gitDir}`, 'rev-parse', `${first}^{tree}`);
  const commit = await git(`--git-dir=${gitDir}`, 'commit-tree', '-m', 'Second', '-p', first, tree);
  const host = createLocalGit({ pool: database.pool, dataDir: join(dir, 'remotes') });
  return { path, gitDir, first, commit, host, repository: repositoryAt(`${server.url}/${name}`) };
}

const branch = 'shipmate/eng-1';

test('a repository elsewhere: located, pushed to, and its pull request seen as merged', async ({ expect }) => {
  const { path, gitDir, commit, host, repository } = await open();
  const { url, defaultBranch } = await host.locate(repository, never);
  expect([url, defaultBranch]).toEqual([repository.location, 'main']);
  await host.pushBranch(repository, { gitDir, branch, commit, expected: null }, never);
  await host.pushBranch(repository, { gitDir, branch, commit, expected: null }, never); // done already
  expect(await git(`--git-dir=${path}`, 'rev-parse', branch)).toBe(commit);
  const input = { id: randomUUID(), title: 'Title', body: '', base: 'main', head: branch, draft: false };
  const opened = await host.openPullRequest(repository, input, never);
  expect(opened).toMatchObject({ number: 1, state: 'open', url: `${repository.location}#pull-request-1` });
  expect(await host.openPullRequest(repository, input, never)).toMatchObject({ number: 1 });
  await git(`--git-dir=${path}`, 'update-ref', 'refs/heads/main', commit);
  expect(await host.readPullRequest(repository, 1, never)).toMatchObject({ state: 'merged' });
});

test('what somebody else has pushed there is not pushed over', async ({ expect }) => {
  const { path, gitDir, first, commit, host, repository } = await open();
  await git(`--git-dir=${path}`, 'update-ref', `refs/heads/${branch}`, first);
  const push = host.pushBranch(repository, { gitDir, branch, commit, expected: null }, never);
  await expect(push).rejects.toMatchObject({ code: 'conflict', retryable: false });
  expect(await git(`--git-dir=${path}`, 'rev-parse', branch)).toBe(first);
  const onMain = host.pushBranch(repository, { gitDir, branch: 'main', commit, expected: first }, never);
  await expect(onMain).rejects.toMatchObject({ code: 'invalid' });
});

test('one that is not there, and a server that is away', async ({ expect }) => {
  const { host } = await open();
  const gone = host.locate(repositoryAt(`${server.url}/nowhere.git`), never);
  await expect(gone).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('Correct its `url`'),
  });
  const away = host.locate(repositoryAt('http://127.0.0.1:1/web.git'), never);
  await expect(away).rejects.toMatchObject({ code: 'unavailable', retryable: true });
});
