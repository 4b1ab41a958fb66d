import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type LinearSetup, startLinearSetup } from '../support/linear-service.ts';

/** What is seen outside, in the order in which a ticket comes to it. */
const kinds = ['postActivity', 'linkSession', 'moveTicket', 'updatePlan', 'openPullRequest', 'attachPullRequest'];

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
  const port = await freePort();
  setup = await startLinearSetup({
    parts: [],
    yaml: { http: { port, publicUrl: 'https://shipmate.example.com' } },
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
  });
  setup.linear.workspace.keepsEqualUrls = true;
  setup.linear.outbox.urls.push(`http://127.0.0.1:${port}/webhooks/linear`);
  setup.linear.workspace.unloggedForMs = 0; // its history tells how often it was moved
});
afterAll(() => setup?.stop());

/** What a step shows in passing waits 15 s for company after each kill: two passes, in which each kind falls at two moments. */
test.for([['before'], ['mid', 'after']])(
  'killed %s each kind of effect: nothing is lost of what is seen in Linear, and nothing is there twice',
  {
    timeout: 120_000,
  },
  async (moments) => {
    const issue = setup.give('Is done in spite of it');
    for (const [at, kind] of kinds.entries()) {
      const moment = moments[at % moments.length];
      const service = setup.start('start', { env: { SHIPMATE_FAILPOINTS: `effect/${kind}/${moment}:kill` } });
      expect(await service.ended, `${kind}\n${service.output()}`).toBe('SIGKILL');
    }
    const last = setup.start('start');
    const done = await setup.rest(issue.identifier);
    const { number } = done.pullRequest ?? {};
    const { identifier } = issue;
    // A browser opens no file: the page of the session says where the pull request is.
    const url = expect.stringMatching(new RegExp(`/sessions/${identifier}/.*#pull-request-${number}$`));
    expect(setup.seen(issue)).toEqual({
      state: 'In Review',
      assignee: 'Bob',
      delegate: 'Shipmate',
      sessions: [
        {
          status: 'complete',
          plan: [{ content: 'Write two', status: 'completed' }],
          links: [
            { label: 'What Shipmate does', url: expect.stringContaining(`/sessions/${identifier}/`) },
            { label: `Pull request #${number}`, url },
          ],
          activities: [
            `thought: On it: reading ${identifier} and the code now.`,
            'action: Writing two.txt\n1 line',
            'action: Verifying on a clean checkout\nproved',
            expect.stringMatching(/^response: Pull request: file:.* \(proved\)\n\nTwo is there\./),
          ],
        },
      ],
      attachments: [{ title: `${identifier}: Add two`, subtitle: `Pull request #${number}`, url }],
    });
    expect(setup.strayComments()).toEqual([]);
    const moves = [...setup.linear.workspace.tables.IssueHistory.values()].filter(
      ({ issueId, toStateId }) => issueId === issue.id && toStateId !== null,
    );
    expect(moves).toHaveLength(2);
    expect(await setup.git('rev-list', '--count', `main..${done.branch}`)).toBe('1');
    const { rows } = await setup.database.pool.query('select number from local_git_pull_requests where head = $1', [
      done.branch,
    ]);
    expect(rows).toHaveLength(1);
    last.kill('SIGTERM');
    await last.ended;
  },
);
