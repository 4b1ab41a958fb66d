import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LinearSetup, startLinearSetup } from '../support/linear-service.ts';

/**
 * Where the service falls, one after the other, each begun after the one before it: before, in the middle and right after
 * what is seen in Linear and in git. Kinds take turns, so that a ticket comes to each of them.
 */
const kinds = ['postActivity', 'moveTicket', 'updatePlan', 'openPullRequest', 'attachPullRequest'];
const points = kinds.flatMap((kind) => ['before', 'mid', 'after'].map((moment) => `effect/${kind}/${moment}`));

const script = `
tickets:
  Is done in spite of it:
    - calls:
        - { tool: update_plan, input: { steps: [{ content: Write two, status: inProgress }] } }
        - { tool: write, input: { path: two.txt, content: "two\\n" } }
    - calls: [{ tool: update_plan, input: { steps: [{ content: Write two, status: completed }] } }]
    - calls: [{ tool: finish, input: { title: Add two, summary: Two is there. } }]
`;

let setup: LinearSetup;
beforeAll(async () => {
  setup = await startLinearSetup({
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
  });
});
afterAll(() => setup?.stop());

test('killed fifteen times over one issue: nothing is lost of what is seen in Linear, and nothing is there twice', {
  timeout: 170_000,
}, async () => {
  const issue = setup.give('Is done in spite of it');
  for (const point of points) {
    const worker = setup.start('worker', { env: { SHIPMATE_FAILPOINTS: `${point}:kill` } });
    expect(await worker.ended, `${point}\n${worker.output()}`).toBe('SIGKILL');
  }
  const last = setup.start('worker');
  const done = await setup.rest(issue.identifier);
  const url = done.pullRequest?.url ?? '';
  expect(setup.seen(issue)).toEqual({
    state: 'In Review',
    assignee: 'Bob',
    delegate: 'Shipmate',
    sessions: [
      {
        status: 'complete',
        plan: [{ content: 'Write two', status: 'completed' }],
        links: [{ label: 'Pull request #1', url }],
        activities: [
          'thought: On it: reading ENG-1 and the code now.',
          'action: Writing two.txt\n1 line',
          'action: Verifying on a clean checkout\nproved',
          expect.stringMatching(/^response: Pull request: file:.* \(proved\)\n\nTwo is there\./),
        ],
      },
    ],
    attachments: [{ title: 'ENG-1: Add two', subtitle: 'Pull request #1', url }],
  });
  expect(setup.strayComments()).toEqual([]);
  const moves = [...setup.linear.workspace.tables.IssueHistory.values()];
  expect(moves).toHaveLength(2);
  expect(await setup.git('rev-list', '--count', `main..${done.branch}`)).toBe('1');
  expect(await setup.git('branch', '--list', 'shipmate/*')).not.toContain('\n');
  const { rows } = await setup.database.pool.query('select number from local_git_pull_requests');
  expect(rows).toHaveLength(1);
  last.kill('SIGTERM');
  await last.ended;
});
