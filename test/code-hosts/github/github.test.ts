import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import type { CodeHost, PullRequestInput } from '../../../src/code-hosts/code-host.ts';
import { runProcess } from '../../../src/lib/process.ts';
import { branchCommit, git } from '../../stand-ins/github/git.ts';
import { mergePull } from '../../stand-ins/github/pulls.ts';
import { renameRepository } from '../../stand-ins/github/repositories.ts';
import type { Issue } from '../../stand-ins/github/rows.ts';
import { type GitHubWorld, hostOf, openGitHubWorld, repositoryAt } from './world.ts';

const never = new AbortController().signal;

let world: GitHubWorld;
let host: CodeHost;
let made = 0;

beforeAll(async () => {
  const owners = '*.md @zoe\n/src/ @ada @bob @acme/web @nobody @shipmate[bot]\n/src/own.ts @shipmate[bot]\n';
  world = await openGitHubWorld({
    files: { '.github/CODEOWNERS': owners, 'src/a.ts': 'a\n' },
    people: { bob: 'write', zoe: 'write' },
  });
  world.row.teams.set('web', []);
  host = world.host;
});
afterEach(() => {
  world.github.faults.clear();
  world.github.expectClean();
});
afterAll(() => world.close());

const newBranch = () => `shipmate/${++made}`;
const push = (branch: string, commit: string, expected: string | null = null, through = host) =>
  through.pushBranch(world.repository, { gitDir: world.gitDir, branch, commit, expected }, never);
const open = (input: PullRequestInput, through = host) => through.openPullRequest(world.repository, input, never);

async function pushed(files?: Record<string, string>, more: Partial<PullRequestInput> = {}): Promise<PullRequestInput> {
  const head = newBranch();
  await push(head, files ? await world.commitOf(files) : await world.commit());
  return { id: `run:${made}`, title: 'T', body: 'B', base: world.defaultBranch, head, draft: false, ...more };
}

const issueOf = (number: number) => world.row.issues.get(number) as Issue;
const mints = () =>
  world.github.requests.flatMap(({ operation, body }) =>
    operation === 'apps/create-installation-access-token' ? [body] : [],
  );

describe('tokens', () => {
  test('git is let in by its environment, to read one repository', async ({ expect }) => {
    await world.github.addRepository('acme/other');
    const from = mints().length;
    const fresh = hostOf(world.github);
    const { url, env } = await fresh.locate(world.repository, never);
    expect(url).toBe(`${world.github.url}/acme/app.git`);
    expect(mints().slice(from)).toContainEqual({ repositories: ['app'], permissions: { contents: 'read' } });
    const run = (...args: string[]) =>
      runProcess(['git', ...args], { env: { ...env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null' } });
    expect(await run('ls-remote', url, 'refs/heads/trunk/main')).toMatchObject({ exitCode: 0 });
    expect(await run('ls-remote', `${world.github.url}/acme/other.git`)).not.toMatchObject({ exitCode: 0 });
    const write = await run(`--git-dir=${world.gitDir}`, 'push', url, 'refs/heads/trunk/main:refs/heads/stolen');
    expect(write.stderr).toContain('403');
    await fresh.locate(world.repository, never);
    expect(mints().slice(from), 'one to ask with, one for git').toHaveLength(2);
  });

  test('a push whose token ends in its middle is made again with a new one, once', async ({ expect }) => {
    const [branch, commit, from] = [newBranch(), await world.commit(), mints().length];
    world.github.faults.add({ operation: 'git/receive-pack', nth: 1, action: { type: 'expire' } });
    expect(await push(branch, commit)).toEqual({ commit });
    expect(mints().slice(from)).toContainEqual({ repositories: ['app'], permissions: { contents: 'write' } });
    world.github.faults.add({ operation: 'git/receive-pack', action: { type: 'expire' } });
    await expect(push(newBranch(), commit)).rejects.toMatchObject({ code: 'disconnected', retryable: true });
  });

  test('an hour later, with another clock than ours, and with a token that was revoked, it goes on', async ({
    expect,
  }) => {
    world.github.clock.advance(2 * 3_600_000);
    expect(await host.locate(world.repository, never)).toMatchObject({ defaultBranch: 'trunk/main' });
    for (const token of world.github.apps.tokens) token.isRevoked = true;
    expect(await open(await pushed())).toMatchObject({ state: 'open' });
  });

  test('a workflow file is never pushed, whatever the App may do', async ({ expect }) => {
    const [installation] = world.github.apps.installations;
    Object.assign(installation?.permissions ?? {}, { workflows: 'write' });
    const branch = newBranch();
    await expect(
      push(branch, await world.commitOf({ '.github/workflows/ci.yml': 'on: push\n' })),
    ).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/`\.github\/workflows\/ci\.yml`.*by people only/),
    });
    expect(await branchCommit(world.row.dir, branch)).toBeNull();
    delete installation?.permissions.workflows;
  });

  test('a token of a user does for all', async ({ expect }) => {
    const { github } = world;
    const mine = hostOf(github, { token: github.apps.personalToken(world.ada.user) });
    expect((await mine.check())[0]).toMatchObject({ status: 'ok', message: expect.stringContaining('ada') });
    const head = newBranch();
    await push(head, await world.commit(), null, mine);
    const input = { id: `run:${head}`, title: 'T', body: '', base: world.defaultBranch, head, draft: false };
    const { number } = await open(input, mine);
    expect(issueOf(number).user.login).toBe('ada');
  });
});

describe('pull requests', () => {
  test('reviewers are those who own what it changes, labels those that are set', async ({ expect }) => {
    const labelled = hostOf(world.github, { labels: ['agent', 'bot'] });
    const input = await pushed({ 'src/a.ts': 'b\n', 'x.md': 'x\n' }, { paths: ['src/a.ts'] });
    const { number } = await open(input, labelled);
    const { labels, pull } = issueOf(number);
    expect(labels.map(({ name }) => name)).toEqual(['agent', 'bot']);
    expect(pull?.reviewers.map(({ login }) => login)).toEqual(['ada', 'bob']);
    expect(pull?.teamReviewers).toEqual(['web']);
    const { number: other } = await open(await pushed({ 'src/own.ts': 'o\n', 'x.md': 'x\n' }), labelled);
    expect(issueOf(other).pull?.reviewers.map(({ login }) => login)).toEqual(['zoe']);
  });

  test('a request whose answer was lost is found again, and finished', async ({ expect }) => {
    const input = await pushed({ 'x.md': 'y\n' });
    world.github.faults.add({ operation: 'pulls/create', nth: 1, action: { type: 'loseReply' } });
    await expect(open(input)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    const again = await open(input);
    expect(issueOf(again.number).pull?.reviewers).toHaveLength(1);
    expect([...world.row.issues.values()].filter(({ pull }) => pull?.head === input.head)).toHaveLength(1);
  });

  test('a draft is made ready, and the way back', async ({ expect }) => {
    const input = await pushed(undefined, { draft: true });
    const first = await open(input);
    expect(first.draft).toBe(true);
    expect(await open({ ...input, id: 'ready', draft: false })).toEqual({ ...first, draft: false });
    expect(issueOf(first.number).pull?.draft).toBe(false);
    expect(await open({ ...input, id: 'draft', draft: true })).toEqual(first);
    expect(issueOf(first.number).pull?.draft).toBe(true);
  });

  test('one that a person closed stays closed; a later request opens another', async ({ expect }) => {
    const input = await pushed();
    const first = await open(input);
    await world.ada.close(first.number);
    expect(await open(input)).toMatchObject({ number: first.number, state: 'closed' });
    const second = await open({ ...input, id: `${input.id}:2` });
    expect(second).toMatchObject({ state: 'open', body: 'B' });
    expect(second.number).not.toBe(first.number);
  });

  test('what a person wrote after our marker, and a text that is too long, are kept within bounds', async ({
    expect,
  }) => {
    const input = await pushed(undefined, { body: 'x'.repeat(70_000) });
    const { number } = await open(input);
    expect(issueOf(number).body?.length).toBeLessThanOrEqual(65_536);
    await world.ada.edit(number, { body: `${issueOf(number).body}\n\nMine` });
    expect((await host.readPullRequest(world.repository, number, never)).body).toContain('Mine');
  });
});

describe('repositories', () => {
  test('one that was renamed goes by its old name, for git too', async ({ expect }) => {
    const row = await world.github.addRepository('acme/before');
    renameRepository(row, 'after');
    const repository = repositoryAt('acme/before');
    const commit = await git(row.dir, ['commit-tree', '-p', 'main', '-m', 'New', 'main^{tree}']);
    const location = await host.locate(repository, never);
    expect(location.url).toBe(`${world.github.url}/acme/after.git`);
    const dir = await mkdtemp(join(tmpdir(), 'shipmate-renamed-'));
    try {
      await git(dir, ['clone', '--quiet', '--bare', row.dir, dir]);
      await git(dir, ['fetch', '--quiet', row.dir, commit]);
      await host.pushBranch(repository, { gitDir: dir, branch: 'shipmate/r', commit, expected: null }, never);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
    const input = { id: 'r', title: 'R', body: 'R', base: 'main', head: 'shipmate/r', draft: false };
    const opened = await host.openPullRequest(repository, input, never);
    await mergePull(world.github, row, row.issues.get(opened.number) as Issue, world.ada.user, 'squash');
    expect(await host.readPullRequest(repository, opened.number, never)).toMatchObject({ state: 'merged' });
  });

  test('what cannot be written to says why', async ({ expect }) => {
    const { github } = world;
    const repository = repositoryAt('acme/old');
    const old = await github.addRepository('acme/old', { isArchived: true });
    const request = { gitDir: world.gitDir, branch: 'shipmate/x', commit: await world.commit(), expected: null };
    const input = { id: 'x', title: 'X', body: '', base: 'main', head: 'shipmate/x', draft: false };
    const archived = { code: 'invalid', retryable: false, message: expect.stringContaining('archived') };
    await expect(host.pushBranch(repository, request, never)).rejects.toMatchObject(archived);
    await git(old.dir, [
      'update-ref',
      'refs/heads/shipmate/x',
      await git(old.dir, ['commit-tree', '-p', 'main', '-m', 'X', 'main^{tree}']),
    ]);
    await expect(host.openPullRequest(repository, input, never)).rejects.toMatchObject(archived);

    await github.addRepository('acme/empty', { isEmpty: true });
    const empty = repositoryAt('acme/empty');
    await expect(host.openPullRequest(empty, input, never)).rejects.toMatchObject({ code: 'invalid' });
    expect(await host.pushBranch(empty, request, never)).toEqual({ commit: request.commit });
    await expect(host.locate(repositoryAt('no/such/thing'), never)).rejects.toMatchObject({ code: 'invalid' });
  });

  test('a fork gets pull requests of its own', async ({ expect }) => {
    const { github } = world;
    const fork = await github.addRepository('bob/app', { parent: world.row, defaultBranch: 'trunk/main' });
    github.apps.install(fork.owner, [fork]);
    const repository = repositoryAt('bob/app');
    const [branch, commit] = [newBranch(), await world.commit()];
    await host.pushBranch(repository, { gitDir: world.gitDir, branch, commit, expected: null }, never);
    const input = { id: branch, title: 'F', body: '', base: 'trunk/main', head: branch, draft: false };
    const opened = await host.openPullRequest(repository, input, never);
    expect(fork.issues.get(opened.number)?.pull).toMatchObject({ head: branch });
  });

  test('where the App was taken away and given again, it goes on', async ({ expect }) => {
    const { github } = world;
    const row = await github.addRepository('carol/app');
    const repository = repositoryAt('carol/app');
    const first = github.apps.install(row.owner, [row]);
    await host.locate(repository, never);
    first.suspendedAt = github.clock.stamp();
    for (const token of github.apps.tokens) if (token.installation === first) token.isRevoked = true;
    await expect(hostOf(github).locate(repository, never)).rejects.toMatchObject({
      message: expect.stringMatching(/suspended.*settings\/installations\/\d+/),
    });
    first.isDeleted = true;
    const other = await github.addRepository('carol/other');
    github.apps.install(row.owner, [other]);
    await expect(host.locate(repository, never)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('/apps/shipmate/installations/new'),
    });
    github.apps.install(row.owner, [row]);
    expect(await host.locate(repository, never)).toMatchObject({ defaultBranch: 'main' });
  });
});
