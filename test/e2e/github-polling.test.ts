import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Reporter, reporter } from '../stand-ins/github/issue-people.ts';
import { somebody } from '../stand-ins/github/people.ts';
import { createReviewing } from '../stand-ins/github/reviewing.ts';
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
    const { id, privateKey, webhookSecret } = github.apps.app;
    service = await startTestService({
      parts: ['listen'],
      files: {},
      env: {
        GITHUB_API_URL: github.apiUrl,
        GITHUB_APP_ID: String(id),
        GITHUB_PRIVATE_KEY: privateKey,
        GITHUB_WEBHOOK_SECRET: webhookSecret,
      },
      change(config) {
        const polled = config.github && { ...config.github, pollSeconds: 1 };
        const issues = polled && { label: 'shipmate', repositories: ['acme/web'], github: polled };
        return {
          ...config,
          reconcile: { minutes: 0.02 },
          github: polled,
          trackers: { ...config.trackers, 'github-issues': issues },
        };
      },
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
    await expect.poll(prompts, { timeout: 30_000 }).toEqual(['Only on Mondays', '@shipmate please look']);
    expect([await counted(), other.comments.length]).toEqual([before + 1, 1]);
  });

  test('so do words on a line of a pull request of others, and what is said there later', async () => {
    const repository = github.repository('acme/web');
    const author = somebody(github, repository, 'ada');
    await author.commit('feature', { 'a.txt': 'a\n' });
    const pull = await author.open({ title: 'A', head: 'feature', base: 'main' });
    const lines = [{ path: 'a.txt', line: 1, body: '@shipmate make it b' }];
    await createReviewing(github, repository).review(pull, { by: ada.user, lines });
    const news = async () => (await prompts()).slice(2).map((body) => body.split('\n')[0]);
    await expect.poll(news, { timeout: 30_000 }).toEqual(['@shipmate make it b']);
    ada.say(pull, 'Among us: is that so?');
    ada.say(pull, '@shipmate, and c');
    await expect.poll(news, { timeout: 30_000 }).toEqual(['@shipmate make it b', '@shipmate, and c']);
  });

  test('while nothing happens, asking uses up nothing', async () => {
    const lists = () =>
      github.requests.filter(({ operation }) => operation === 'issues/list-for-repo').map(({ status }) => status);
    await expect.poll(() => lists().slice(-4), { timeout: 30_000 }).toEqual([304, 304, 304, 304]);
    github.expectClean();
  });

  test('a webhook that did not arrive is asked for by the service itself', async () => {
    github.apps.app.webhookUrl = `${service.url}/webhooks/github`;
    github.faults.add({ delivery: 'issue_comment', action: { type: 'drop' } });
    const [issue] = github.repository('acme/web').issues.values();
    if (issue) ada.say(issue, 'And on Tuesdays');
    await github.outbox.settled();
    const stored = async () =>
      (await service.database.pool.query("select headers ->> 'x-github-event' as event from deliveries")).rows;
    await expect.poll(stored, { timeout: 30_000 }).toContainEqual({ event: 'issue_comment' });
    // What the agent answered to it was told of, too, and did not arrive.
    const again = github.outbox.log.flatMap(({ isRedelivery, guid }) => (isRedelivery ? [guid] : []));
    expect(again).toEqual([...new Set(again)]);
    await expect.poll(async () => (await prompts()).slice(4), { timeout: 30_000 }).toEqual(['And on Tuesdays']);
  });
});
