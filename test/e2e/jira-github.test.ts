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
afterAll(() => service?.stop());

test('an issue, its pull request on GitHub, red checks mended, a review answered, merged: the issue is done, and so is its link', async () => {
  const { app, seen, give } = service;
  const { ada, ci, github, reviewing } = onGitHub;
  const issue = give('Whole way');
  const view = async () => app.sessions.view(issue.key);
  const progress = async () => (await view())?.progress;
  await expect.poll(progress, { timeout: 60_000 }).toMatch(/green/);
  const [request, ...others] = onGitHub.requests();
  if (!request?.pull) throw new Error('There is no pull request.');
  // Jira's own development panel goes by the key; both lead to each other.
  expect([request.title, request.pull.head]).toEqual(['ENG-1: One and two', 'shipmate/ENG-1-one']);
  expect(request.body).toContain(`[ENG-1](${service.jira.site.url}/browse/ENG-1)`);
  const green = seen(issue);
  expect(green).toMatchObject({
    status: 'In Review',
    shown: [expect.stringMatching(/Pull request \[#1: ENG-1: One and two\](.|\n)*I mend that now \(round 1 of 2\)/)],
    said: [
      expect.stringMatching(/^Pull request: <http\S+> \(proved\)\n\nOne and two is there\.\n\nIts check is green\./),
    ],
    links: ['#1: ENG-1: One and two'],
  });

  await reviewing.review(request, {
    by: ada.user,
    verdict: 'CHANGES_REQUESTED',
    lines: [{ path: 'one.txt', line: 1, body: 'Say uno, please.' }],
  });
  await expect.poll(async () => (await view())?.runs[2]?.outcome?.stopReason, { timeout: 30_000 }).toBe('finished');
  await expect.poll(progress, { timeout: 60_000 }).toMatch(/green/);
  await expect.poll(() => reviewsOf(github).threads.map(({ resolvedBy }) => resolvedBy !== null)).toEqual([true]);
  await ada.merge(request.number, 'squash');
  await ci.settled();
  await expect.poll(progress, { timeout: 60_000 }).toBe('merged');
  expect([others, onGitHub.requests().length]).toEqual([[], 1]);
  await expect
    .poll(() => seen(issue))
    .toEqual({
      ...green,
      status: 'Done',
      shown: [expect.stringMatching(/was merged(.|\n)*#1: ENG-1: Uno and two\]\S+, merged(.|\n)*1 remark/)],
      said: [
        ...green.said,
        expect.stringMatching(/\(proved\)\n\nUno and two is there\.\n\nIts check is green\./),
        expect.stringMatching(/^Done: <http\S+> is merged, and `main` is fine with it\./),
      ],
      links: ['(#1: ENG-1: Uno and two)'],
      moves: ['Shipmate: In Progress', 'Shipmate: In Review', 'Shipmate: Done'],
    });
});
