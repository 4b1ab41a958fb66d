import { afterAll, beforeAll, expect, test } from 'vitest';
import { reviewsOf } from '../stand-ins/github/review-rows.ts';
import { type GitHubService, startGitHubService } from '../support/github-service.ts';
import { type JiraService, startJiraService } from '../support/jira-service.ts';

const bash = (command: string) => `calls: [{ tool: bash, input: { command: ${JSON.stringify(command)} } }]`;
const finish = (title: string, more = '') =>
  `calls: [{ tool: finish, input: { title: ${title}, summary: ${title} is there.${more} } }]`;

const script = `
tickets:
  Whole way:
    - ${bash('echo one > one.txt')}
    - ${finish('One')}
    - expect: ["these checks failed", "two.txt is missing"]
      ${bash('echo two > two.txt')}
    - ${finish('One and two')}
    - expect: ["ada writes", "Say uno, please.", "[T1] one.txt:1"]
      ${bash('echo uno > one.txt')}
    - ${finish('Uno and two', ', threads: [{ thread: T1, done: true, reply: "It is uno now." }]')}
`;
const checks = 'test ! -e one.txt || test -e two.txt || { echo "Error: two.txt is missing"; exit 1; }';

let onGitHub: GitHubService;
let service: JiraService;
beforeAll(async () => {
  const code = { 'readme.txt': 'hello\n', '.shipmate.yml': 'verify: [test -s readme.txt]\n' };
  service = await startJiraService({ script }, async (options) => {
    onGitHub = await startGitHubService({ ...options, code, checks });
    return onGitHub;
  });
});
afterAll, beforeAll, expect, test } from 'vitest';

import { reviewsOf } from '../stand-ins/github/review-rows.ts';
import { type GitHubService, startGitHubService } from '../support/github-service.ts';
import { type JiraService, startJiraService } from '../support/jira-service.ts';

const bash = (command: string) => `calls: [{ tool: bash, input: { command: ${JSON.stringify(command)} } }]`;
const finish = (title: string, more = '') =>
  `calls: [{ tool: finish, input: { title: ${title}, summary: ${title} is there.${more} } }]`;

const script = `
tickets:
  Whole way:
    - ${bash('echo one > one.txt')}
    - ${finish('One')}
    - expect: ["these checks failed", "two.txt is missing"]
      ${bash('echo two > two.txt')}
    - ${finish('One and two')}
    - expect: ["ada writes", "Say uno, please.", "[T1] one.txt:1"]
      ${bash('echo uno > one.txt')}
    - ${finish('Uno and two', ', threads: [{ thread: T1, done: true, reply: "It is uno now." }]')}
`;
const checks = 'test ! -e one.txt || test -e two.txt || { echo "Error: two.txt is missing"; exit 1; }';

let service: GitHubService & Omit<JiraPeople, 'ada'>;
let people: JiraPeople;
beforeAll(async () => {
  service = people = await startJiraService(
    { script, files: {} },
    (options) => startGitHubService({ ...options, env: options.env ?? {}, code: { 'readme.txt': 'hello\n', '.shipmate.yml': 'verify: [test -s readme.txt]\n' }, checks }),
  );
});
afterAll(() => service?.stop());

test('an issue, its pull request on GitHub, red checks mended, a review answered, merged: the issue is done, and so is its link', async () => {
  const { app, seen, give } = service;
  const { ada, ci, github, reviewing } = onGitHub;
  const issue = give('Whole way');
  const view = async () => app.sessions.view(issue.key);
  const progress = async () => (await view())?.progress;
  await expect.poll(progress, { timeout: 60_000 }).toMatch(/green/);
  console.log(JSON.stringify(seen(issue), null, 2), onGitHub.requests()[0]);
});
