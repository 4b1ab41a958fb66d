import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Reporter, reporter } from '../stand-ins/github/issue-people.ts';
import { type GitHub, startGitHub } from '../stand-ins/github/server.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe('without an address that GitHub could reach', { timeout: 120_000 }, () => {
  let github: GitHub;
  let service: TestService;
  let ada: Reporter;
  beforeAll(async () => {
    github = await startGitHub({ requestsPerHour: 100_000 });
    const repository = await github.addRepository('acme/web');
    github.apps.install(repository.owner);
    ada = reporter(github, repository, github.addUser('ada'));
    const { id, privateKey } = github.apps.app;
    service = await startTestService({
      parts: ['listen'],
      files: {},
      env: { GITHUB_API_URL: github.apiUrl, GITHUB_APP_ID: String(id), GITHUB_PRIVATE_KEY: privateKey },
      change: (config) => ({
        ...config,
        github: config.github && { ...config.github, pollSeconds: 1 },
        trackers: { ...config.trackers, 'github-issues': { label: 'shipmate', repositories: ['acme/web'] } },
      }),
    });
  });
  afterAll(async () => {
    await service?.stop();
    await github?.close();
  });

  const prompts = async () =>
    (await service.database.pool.query('select body from prompts order by seq')).rows.map(({ body }) => body);

  test('an issue is taken up, acknowledged, and what is said on it is heard, all within seconds', async () => {
    expect(service.config.github?.pollSeconds).toBe(1);
    const issue = ada.file({ title: 'Too slow', labels: ['shipmate'] });
    const states = async () =>
      (await service.database.pool.query('select state from sessions')).rows.map(({ state }) => state);
    await expect.poll(states, { timeout: 30_000 }).toEqual(['active']);
    await expect
      .poll(() => issue.comments.filter(({ viaApp }) => viaApp).length, { timeout: 30_000 })
      .toBeGreaterThan(0);
    ada.say(issue, 'Only on Mondays');
    await expect.poll(prompts, { timeout: 30_000 }).toEqual(['Only on Mondays']);
    expect(github.outbox.log.every(({ statusCode }) => statusCode === 0)).toBe(true);
  });

  test('a mention in a comment gives it an issue, once; a name among others does not', async () => {
    const counted = async () =>
      Number((await service.database.pool.query('select count(*) from sessions')).rows[0].count);
    const before = await counted();
    const [called, other] = [ada.file({ title: 'Too loud' }), ada.file({ title: 'Too quiet' })];
    ada.say(other, 'As @bob said');
    ada.say(called, '@shipmate please look');
    await expect.poll(counted, { timeout: 30_000 }).toBe(before + 1);
    const bySelf = () => called.comments.filter(({ viaApp }) => viaApp).length;
    await expect.poll(bySelf, { timeout: 30_000 }).toBeGreaterThan(0);
    expect([await counted(), other.comments.length]).toEqual([before + 1, 1]);
  });

  test('while nothing happens, asking uses up nothing', async () => {
    const lists = () =>
      github.requests.filter(({ operation }) => operation === 'issues/list-for-repo').map(({ status }) => status);
    await expect.poll(() => lists().slice(-4), { timeout: 30_000 }).toEqual([304, 304, 304, 304]);
    github.expectClean();
  });
});
