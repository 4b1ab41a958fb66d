import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import { branchName } from '../../src/core/pull-request-text.ts';
import { writeUnanswered } from '../../src/core/question-text.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const secret = 'whsec_4f1c9d2ab87e66';
const script = `
tickets:
  Asks with work:
    - calls:
        - { tool: write, input: { path: half.txt, content: "half" } }
        - { tool: bash, input: { command: "echo the key is ${secret}; exit 3" } }
        - { tool: ask, input: { question: "The file is there. Which half?", options: [Left, Right] } }
  Asks without:
    - calls: [{ tool: ask, input: { question: Which half? } }]
replies:
  - calls:
      - { tool: write, input: { path: half.txt, content: "half" } }
      - { tool: bash, input: { command: "echo the key is ${secret}; echo broken; exit 3" } }
  - calls: [{ tool: finish, input: { title: The whole, summary: s } }]
`;

function start(pushSnapshot: boolean): Promise<TestService> {
  return startTestService({
    script,
    files: { 'one.txt': 'one\n' },
    env: { BOARD_WEBHOOK_SECRET: secret },
    change: (config) => ({
      ...config,
      budget: { ...config.budget, turns: 1 },
      policy: { ...config.policy, escalation: { pushSnapshot } },
    }),
  });
}

describe('what people are told where they must act', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await start(true);
  });
  afterAll(() => service?.stop());

  const branches = async () =>
    (await service.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/shipmate')).split('\n');
  const question = ({ activities }: Awaited<ReturnType<TestService['work']>>) =>
    activities.flatMap(({ activity }) => (activity.type === 'elicitation' ? [activity.body] : [])).at(-1) ?? '';

  test('what was run, its output without secrets, and the work so far on a branch of its own', async ({ expect }) => {
    const cut = await service.work({ title: 'Half done' });
    expect([cut.state, cut.branch, cut.headCommit, cut.pullRequest]).toEqual(['awaitingInput', null, null, null]);
    const { identifier } = cut.ticket;
    const body = question(cut);
    const snapshot = `shipmate/${identifier}-half-done-snapshot`;
    expect(body).toContain(
      '**This run has reached its limit** of 1 turn (`budget.turns`).\n\n**Asked:** Half done\n\n' +
        '**Tried:**\n- Changed `half.txt`\n\nWhere things stand: ',
    );
    expect(body.indexOf('**This run')).toBe(0);
    expect(body).toContain('**What now?**\n- Say "continue" to give it another run\n');
    expect(body).toMatch(
      /\*\*Evidence:\*\*\n- `echo the key is \[redacted\]; echo broken; exit 3`: exit 3 in [\d.]+ s\n/,
    );
    expect(body).toMatch(/```\nexit 3 in [\d.]+ s\nthe key is \[redacted\]\nbroken\n```/);
    expect(body).toContain(`goes to the branch \`${snapshot}\`.`);
    expect(JSON.stringify(await service.app.sessions.view(identifier).then((view) => view?.runs))).not.toContain(
      secret,
    );
    expect(await service.git('show', `${snapshot}:half.txt`)).toBe('half');
    expect(await service.git('rev-parse', `${snapshot}^`)).toBe(await service.git('rev-parse', 'main'));

    await service.app.desk.comment(identifier, 'continue', someone);
    const done = await service.rest(identifier, 2);
    expect([done.state, done.branch]).toEqual(['complete', `shipmate/${identifier}-the-whole`]);
    expect(await branches()).toEqual([snapshot, `shipmate/${identifier}-the-whole`]);
    const { rows } = await service.database.pool.query('select head from local_git_pull_requests');
    expect(rows).toEqual([{ head: `shipmate/${identifier}-the-whole` }]);
  });

  test('a question stays plain, and says in two lines where the unfinished work is; its close says all of it', async ({
    expect,
  }) => {
    const asked = await service.work({ title: 'Asks with work' });
    const { identifier } = asked.ticket;
    const snapshot = `shipmate/${identifier}-asks-with-work-snapshot`;
    expect(question(asked).replace(/\n\n\*Cost so far.*$/, '')).toMatch(
      new RegExp(
        `^The file is there\\. Which half\\?\n\n\\*\\*Snapshot:\\*\\* .* goes to the branch \`${snapshot}\`\\.\n` +
          `\\*\\*Last run:\\*\\* \`echo the key is \\[redacted\\]; exit 3\`: exit 3 in [\\d.]+ s; \`shipmate pull ${identifier}\` has the log\\.$`,
      ),
    );
    expect(asked.activities.at(-1)?.activity).toMatchObject({ options: ['Left', 'Right'] });
    expect(await service.git('show', `${snapshot}:half.txt`)).toBe('half');
    const [outcome] = asked.runs.map((run) => run.outcome);
    const closed = writeUnanswered(
      { outcome: outcome as Outcome, code: null, askedAt: '2026-03-01', days: 14 },
      { title: 'Asks with work' },
      [],
    );
    for (const part of ['for now: Which half?', '- Changed `half.txt`', 'the key is [redacted]\n```', snapshot])
      expect(closed).toContain(part);
    const plain = await service.work({ title: 'Asks without' });
    expect(question(plain)).toMatch(/^Which half\?\n\n\*Cost so far[^\n]*$/);
  });

  test("a branch that is somebody else's is left alone: that is told, and the session rests as it was", async ({
    expect,
  }) => {
    const assignee = service.config.trackers.board.agent;
    const { identifier } = await service.app.desk.createTicket({ title: 'Taken' }, someone);
    const taken = `${branchName(identifier, 'Taken')}-snapshot`;
    await service.git('branch', taken, 'main');
    await service.app.desk.assign(identifier, assignee, someone);
    const view = await service.rest(identifier);
    expect(view.state).toBe('awaitingInput');
    expect(view.activities.at(-1)?.activity).toMatchObject({
      type: 'response',
      body: expect.stringContaining(`\`shipmate pull ${identifier}\` brings it to you.`),
    });
    expect(await service.git('rev-parse', taken)).toBe(await service.git('rev-parse', 'main'));
  });
});

test('nothing is pushed where the policy says so', async ({ expect }) => {
  const service = await start(false);
  try {
    const { ticket, activities } = await service.work({ title: 'Half done' });
    expect(JSON.stringify(activities)).toContain(
      `kept and not pushed (policy.escalation.pushSnapshot is off); \`shipmate pull ${ticket.identifier}\``,
    );
    expect(await service.git('for-each-ref', '--format=%(refname)', 'refs/heads/shipmate')).toBe('');
  } finally {
    await service.stop();
  }
});
