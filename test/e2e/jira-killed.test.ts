import { afterAll, beforeAll, expect, test } from 'vitest';
import { type JiraSetup, startJiraSetup } from '../support/jira-service.ts';

const script = `
tickets:
  Is done in spite of it:
    - calls:
        - { tool: update_plan, input: { steps: [{ content: Write two, status: inProgress }] } }
        - { tool: write, input: { path: two.txt, content: "two\\n" } }
    - calls:
        - { tool: update_plan, input: { steps: [{ content: Write two, status: completed }] } }
        - { tool: ask, input: { question: Which zone?, options: [UTC, Local time] } }
    - expect: ["Ada writes:\\n\\n1"]
      calls: [{ tool: finish, input: { title: Add two, summary: Two is there. } }]
`;

let setup: JiraSetup;
beforeAll(async () => {
  setup = await startJiraSetup({
    parts: [],
    pollSeconds: 1,
    yaml: {
      http: { port: 0, publicUrl: 'https://shipmate.example.com' },
      trackers: { jira: { poll: 'on', pollSeconds: 1 } },
    },
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
  });
});
afterAll(() => setup?.stop());

test('killed while it writes on an issue, and told nothing by webhooks: all is seen there once, and the answer is heard', {
  timeout: 120_000,
}, async () => {
  const { ada, jira, seen } = setup;
  const issue = setup.give('Is done in spite of it');
  // Between what Jira has done and our knowing of it.
  const start = (at: string) => setup.start('start', { env: { SHIPMATE_FAILPOINTS: `${at}:kill` } });
  const first = start('effect/postActivity/after');
  expect(await first.ended, first.output()).toBe('SIGKILL');
  const second = start('effect/attachPullRequest/after');
  await setup.rest(issue.key);
  expect(seen(issue)).toMatchObject({ status: 'In Progress', said: [expect.stringMatching(/^Which zone\?/)] });
  ada.comment(issue.key, '1');
  expect(await second.ended, second.output()).toBe('SIGKILL');
  const last = setup.start('start');
  const done = await setup.rest(issue.key, 2);
  expect(done.runs).toHaveLength(2);
  expect(seen(issue)).toEqual({
    status: 'In Review',
    assignee: 'Shipmate',
    shown: [
      expect.stringMatching(/^(.|\n)*- \[x\] Write two\n(.|\n)*Pull request \[#1: (.|\n)*Writing two\.txt: 1 line/),
    ],
    said: [
      expect.stringMatching(/^Which zone\?/),
      expect.stringMatching(/^Pull request: file:.* \(proved\)\n\nTwo is/),
    ],
    links: ['#1: ENG-1: Add two'],
    moves: ['Shipmate: In Progress', 'Shipmate: In Review'],
  });
  const posted = jira.requests.filter(
    ({ operation, status }) => operation === 'issueComments.addComment' && status === 201,
  );
  expect(posted).toHaveLength(3);
  expect(await setup.git('rev-list', '--count', `main..${done.branch}`)).toBe('1');
  const { rows } = await setup.database.pool.query('select from local_git_pull_requests');
  expect(rows).toHaveLength(1);
  last.kill('SIGTERM');
  await last.ended;
});
