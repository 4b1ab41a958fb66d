import { afterAll, afterEach, beforeAll, describe, test, vi } from 'vitest';
import { type Reporter, reporter } from '../stand-ins/github/issue-people.ts';
import type { Issue, Repository } from '../stand-ins/github/rows.ts';
import { type GitHub, startGitHub } from '../stand-ins/github/server.ts';
import { startTestService, type TestService } from '../support/service.ts';

const label = 'for-shipmate';
const plan = '{ tool: update_plan, input: { steps: [{ content: Look, status: inProgress }] } }';
const script = `
tickets:
  Do nothing:
    - calls: [${plan}]
    - { delay: 1500, calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: All is well. } }] }
  Ask first:
    - calls: [{ tool: ask, input: { question: Which colour?, options: [red, blue] } }]
    - calls: [{ tool: write, input: { path: two.txt, content: "two\\n" } }]
    - calls: [{ tool: finish, input: { title: Add two, summary: It is there. } }]
  Taken away:
    - calls: [${plan}]
    - { until: away, calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: All is well. } }] }
  Called:
    - calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: I was called. } }]
`;

let github: GitHub;
let service: TestService;
let repository: Repository;
let ada: Reporter;
let eve: Reporter;
beforeAll(async () => {
  github = await startGitHub({ requestsPerHour: 100_000 });
  repository = await github.addRepository('acme/web', { people: { ada: 'write' } });
  github.apps.install(repository.owner);
  const { app } = github.apps;
  ada = reporter(github, repository, github.addUser('ada'));
  eve = reporter(github, repository, github.addUser('eve'), null);
  service = await startTestService({
    parts: ['listen', 'worker'],
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
    env: {
      GITHUB_API_URL: github.apiUrl,
      GITHUB_APP_ID: String(app.id),
      GITHUB_PRIVATE_KEY: app.privateKey,
      GITHUB_WEBHOOK_SECRET: app.webhookSecret,
    },
    change({ github, ...config }) {
      const issues = github && { label, repositories: ['acme/web'], github };
      return {
        ...config,
        github,
        trackers: { ...config.trackers, 'github-issues': issues },
        http: { ...config.http, publicUrl: 'https://shipmate.example.com' },
      };
    },
  });
  app.webhookUrl = `${service.url}/webhooks/github`;
  // What a process asks for at its start, once.
  await vi.waitUntil(
    () => github.requests.some(({ operation }) => operation === 'issues/list-comments-for-repo'),
    30_000,
  );
});
afterEach(() => github.expectClean());
afterAll(async () => {
  await service?.stop();
  await github?.close();
});

const identifierOf = ({ number }: Issue) => `acme/web#${number}`;
const shown = ({ comments }: Issue) =>
  comments.map(({ user, body }) => [user.login, body.replace(/<!--[\s\S]*?-->/g, '').trim()] as const);

test('a session that does nothing is seen in one status comment and one answer, for few requests', async ({
  expect,
}) => {
  const issue = ada.file({ title: 'Do nothing', body: 'Please.' });
  github.requests.length = 0;
  const before = [...github.used.values()].reduce((sum, { count }) => sum + count, 0);
  ada.label(issue, label);
  await service.rest(identifierOf(issue));
  const asked = github.requests.map(({ operation, status }) => `${operation}${status === 304 ? ' (unchanged)' : ''}`);
  const used = [...github.used.values()].reduce((sum, { count }) => sum + count, 0) - before;
  console.log(`a session that does nothing: ${asked.length} requests, ${used} of the hour's\n  ${asked.join('\n  ')}`);
  expect(used, asked.join()).toBeLessThanOrEqual(22);
  const [status, answer] = shown(issue);
  expect(issue.comments).toHaveLength(2);
  expect(status?.[1]).toMatch(/\n\n- \[[ x]\] .*Look/);
  expect(status?.[1]).toContain('[What I do, step by step](https://shipmate.example.com/sessions/');
  expect(answer?.[1]).toContain('All is well.');
  const page = /\(https:\/\/shipmate\.example\.com(\/sessions\/[^)]+)\)/.exec(status?.[1] ?? '')?.[1];
  const shownThere = await fetch(`${service.url}${page}`);
  expect([shownThere.status, await shownThere.text()]).toEqual([200, expect.stringContaining('acme/web#1')]);
  expect(issue.labels.map(({ name }) => name)).toEqual([label]);
});

test('a question is a comment; who may write answers it in one, and others do not', async ({ expect }) => {
  const issue = ada.file({ title: 'Ask first', body: 'Please.', labels: [label] });
  const asked = await service.rest(identifierOf(issue));
  expect(asked.state).toBe('awaitingInput');
  const question = shown(issue).find(([, body]) => body.includes('Which colour?'));
  expect(question?.[1]).toMatch(/1\. red\n2\. blue$/);
  eve.say(issue, 'red');
  await github.outbox.settled();
  await service.sorted();
  expect((await service.rest(identifierOf(issue))).state).toBe('awaitingInput');
  ada.say(issue, 'blue');
  await github.outbox.settled();
  const done = await service.rest(identifierOf(issue), 2);
  expect(done.state).toBe('complete');
  expect(issue.labels.map(({ name }) => name)).toEqual([label, 'in review']);
  const [status] = shown(issue);
  expect(status?.[1]).toMatch(/^Pull request /m);
  expect(status?.[1]).toContain('eve, I take orders on this ticket from people who may write here');
  expect(shown(issue).filter(([login]) => login === 'shipmate[bot]').length).toBe(3);
});

describe('whose it is', () => {
  test('a label that is taken away ends the work', async ({ expect }) => {
    const issue = ada.file({ title: 'Taken away', body: 'Please.', labels: [label] });
    await expect.poll(() => issue.labels.map(({ name }) => name), { timeout: 30_000 }).toContain('in progress');
    ada.unlabel(issue, label);
    const view = await service.rest(identifierOf(issue));
    await service.letGo('away');
    expect(view.state).toBe('stopped');
  });

  test('a word calls it, whatever order that is told in', async ({ expect }) => {
    github.outbox.hold();
    const issue = ada.file({ title: 'Called', body: 'Please.' });
    ada.say(issue, 'First of all: be quick.');
    ada.say(issue, '@shipmate, look at this.');
    eve.say(issue, '@shipmate, stop');
    github.outbox.release((held) => held.toReversed());
    await github.outbox.settled();
    const view = await service.rest(identifierOf(issue));
    expect(view.state).toBe('complete');
    expect(shown(issue).at(-1)?.[1]).toContain('I was called.');
  });
});
