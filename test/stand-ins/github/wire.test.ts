import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Octokit } from 'octokit';
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import { runProcess } from '../../../src/lib/process.ts';
import { type Somebody, somebody } from './people.ts';
import type { Repository } from './rows.ts';
import { type GitHub, startGitHub } from './server.ts';

let github: GitHub;
let repository: Repository;
let ada: Somebody;
let octokit: Octokit;
const where = { owner: 'acme', repo: 'app' };

beforeAll(async () => {
  github = await startGitHub();
  repository = await github.addRepository('acme/app');
  await github.addRepository('acme/other');
  ada = somebody(github, repository, 'ada');
  const installation = github.apps.install(repository.owner);
  const { id, privateKey } = github.apps.app;
  const baseUrl = github.apiUrl;
  const app = new App({
    appId: id,
    privateKey,
    Octokit: Octokit.defaults({ baseUrl, retry: { enabled: false }, throttle: { enabled: false } }),
  });
  octokit = await app.getInstallationOctokit(installation.id);
});
afterEach(() => {
  github.faults.clear();
  github.expectClean();
});
afterAll(() => github.close());

async function mint(body: object): Promise<string> {
  const auth = (await octokit.auth({ type: 'installation', refresh: true, ...body })) as { token: string };
  return auth.token;
}

async function git(token: string, ...args: string[]) {
  const env = {
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.org',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.org',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${github.url}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`,
  };
  const ran = await runProcess(['git', ...args], { env });
  return { exitCode: ran.exitCode, said: `${ran.stdout}${ran.stderr}` };
}

test('the real client opens, reads, lists and closes a pull request', async ({ expect }) => {
  await ada.commit('feature', { 'a.txt': 'a\n' });
  const { data: made } = await octokit.rest.pulls.create({ ...where, title: 'A', head: 'feature', base: 'main' });
  expect(made).toMatchObject({ number: 1, state: 'open', mergeable: true, changed_files: 1, user: { type: 'Bot' } });
  await expect(
    octokit.rest.pulls.create({ ...where, title: 'A', head: 'feature', base: 'main' }),
  ).rejects.toMatchObject({
    status: 422,
    message: expect.stringContaining('A pull request already exists for acme:feature.'),
  });
  const listed = await octokit.paginate(octokit.rest.pulls.list, { ...where, head: 'acme:feature', per_page: 1 });
  expect(listed.map(({ number }) => number)).toEqual([1]);
  const etag = (await octokit.rest.pulls.get({ ...where, pull_number: 1 })).headers.etag ?? '';
  const used = [...github.used.values()].map(({ count }) => count);
  await expect(
    octokit.rest.pulls.get({ ...where, pull_number: 1, headers: { 'if-none-match': etag } }),
  ).rejects.toMatchObject({ status: 304 });
  expect([...github.used.values()].map(({ count }) => count)).toEqual(used);
  await ada.merge(1, 'squash');
  expect((await octokit.rest.pulls.get({ ...where, pull_number: 1 })).data).toMatchObject({ merged: true });
});

test("what REST cannot do is done by GraphQL, by the vendor's schema", async ({ expect }) => {
  await ada.commit('draft', { 'd.txt': 'd\n' });
  const { number } = await ada.open({ title: 'D', head: 'draft', base: 'main', draft: true });
  const { data } = await octokit.rest.pulls.get({ ...where, pull_number: number });
  const ready = `mutation ($id: ID!) {
    markPullRequestReadyForReview(input: { pullRequestId: $id }) { pullRequest { isDraft } }
  }`;
  expect(await octokit.graphql(ready, { id: data.node_id })).toMatchObject({
    markPullRequestReadyForReview: { pullRequest: { isDraft: false } },
  });
  await expect(octokit.graphql(ready, { id: 'PR_0' })).rejects.toMatchObject({ errors: [{ type: 'NOT_FOUND' }] });
  await expect(octokit.graphql('{ mood }')).rejects.toMatchObject({ name: 'GraphqlResponseError' });
  expect(github.violations.splice(0)).toHaveLength(1);
});

test('a request that the description does not have is refused and remembered', async ({ expect }) => {
  await expect(
    octokit.request('POST /repos/{owner}/{repo}/pulls', {
      ...where,
      title: 'A',
      head: 'x',
      base: 'main',
      mood: 'good',
    }),
  ).rejects.toMatchObject({ status: 422 });
  expect(github.violations.splice(0)).toEqual([expect.stringContaining('body.mood is unknown')]);
});

test('git reads and pushes with a token that may, and is refused with one that may not', async ({ expect }) => {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-wire-'));
  const at = (...args: string[]) => ['-C', dir, ...args];
  try {
    const writing = await mint({ repositoryNames: ['app'], permissions: { contents: 'write' } });
    const reading = await mint({ repositoryNames: ['app'], permissions: { contents: 'read' } });
    const elsewhere = await mint({ repositoryNames: ['other'], permissions: { contents: 'write' } });
    expect(writing.length).toBeGreaterThan(500);
    const url = `${github.url}/acme/app.git`;
    expect(await git(reading, 'clone', '--quiet', url, dir)).toMatchObject({ exitCode: 0 });
    await writeFile(join(dir, 'b.txt'), 'b\n');
    await git(reading, ...at('add', '.'));
    await git(reading, ...at('commit', '-qm', 'B'));
    expect((await git(reading, ...at('push', url, 'HEAD:b'))).said).toContain('403');
    expect((await git(elsewhere, ...at('push', url, 'HEAD:b'))).said).toContain('not found');
    expect(await git(writing, ...at('push', url, 'HEAD:b'))).toMatchObject({ exitCode: 0 });
    await mkdir(join(dir, '.github/workflows'), { recursive: true });
    await writeFile(join(dir, '.github/workflows/ci.yml'), 'on: push\n');
    await git(reading, ...at('add', '.'));
    await git(reading, ...at('commit', '-qm', 'C'));
    expect((await git(writing, ...at('push', url, 'HEAD:b'))).said).toMatch(
      /\[remote rejected\] HEAD -> b \(refusing to allow a GitHub App to create or update workflow `.github\/workflows\/ci.yml` without `workflows` permission\)/,
    );
    github.faults.add({ operation: 'git/receive-pack', nth: 1, action: { type: 'expire' } });
    expect((await git(writing, ...at('push', url, 'HEAD~1:refs/heads/c'))).said).toMatch(/could not read Username/);
    github.clock.advance(3_601_000);
    expect((await git(reading, ...at('fetch', url))).said).toMatch(/could not read Username/);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('events are signed, sent once, and sent again when that is asked for', async ({ expect }) => {
  const got: { event: unknown; id: unknown; body: { action?: string } }[] = [];
  const server = createServer(async (from, to) => {
    const chunks: Buffer[] = [];
    for await (const chunk of from) chunks.push(chunk);
    got.push({
      event: from.headers['x-github-event'],
      id: from.headers['x-github-delivery'],
      body: JSON.parse(Buffer.concat(chunks).toString()),
    });
    to.writeHead(got.length === 1 ? 500 : 202).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  github.apps.app.webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await ada.commit('more', { 'm.txt': 'm\n' });
    await github.outbox.settled();
    const { number } = await ada.open({ title: 'More', head: 'more', base: 'main' });
    ada.comment(number, 'Well done');
    await github.outbox.settled();
    expect(got.map(({ event, body }) => [event, body.action])).toEqual([
      ['push', undefined],
      ['pull_request', 'opened'],
      ['issue_comment', 'created'],
    ]);
    const failed = github.outbox.log.find(({ statusCode }) => statusCode === 500);
    github.outbox.redeliver(failed?.id ?? 0);
    await github.outbox.settled();
    expect(got[3]).toEqual(got[0]);
  } finally {
    github.apps.app.webhookUrl = null;
    server.close();
  }
});
