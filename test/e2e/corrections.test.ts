import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Config } from '../../src/config.ts';
import { normalRule } from '../../src/core/corrections.ts';
import { deterministicId } from '../../src/lib/ids.ts';
import { startDoomed } from '../support/killed-at.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const asks = '{ calls: [{ tool: ask, input: { question: "Local time or UTC?", options: [UTC, Local] } }] }';
const learns = (rule: string) =>
  `{ calls: [{ tool: finish, input: { title: t, summary: s, answer: Nothing to do., learned: ["${rule}"] } }] }`;

const script = `
tickets:
  First:
    - ${asks}
    - calls:
        - { tool: write, input: { path: note.txt, content: "UTC" } }
        - tool: finish
          input: { title: A note, summary: s, decisions: ["chose a text file because it is small"], learned: ["We use pnpm here."] }
  Second: [${asks}, ${learns('Use pnpm, never npm')}]
  Third: [${asks}, ${learns('Always use pnpm in this repository')}]
  Silent: [${learns('Never touch generated files')}]
  Fourth: [${asks}, ${learns("Don't edit generated files")}]
  Flaky: [${asks}, { fail: { status: 400 } }, { calls: [{ tool: finish, input: { title: t, summary: s, answer: Nothing to do. } }] }]
  Plain:
    - { text: "Local time or UTC?\\n\\nBoth are used here." }
    - { text: "Local time or UTC?\\n\\nBoth are used here." }
    - { text: "Local time or UTC?\\n\\nBoth are used here." }
    - { text: "Local time or UTC?\\n\\nBoth are used here." }
    - { calls: [{ tool: finish, input: { title: t, summary: s, answer: Nothing to do. } }] }
  Taken one: [${asks}, ${learns('Use tabs in Makefiles')}]
  Taken two: [${asks}, ${learns('Makefiles use tabs')}]
`;
const mallory = { id: 'mallory', name: 'Mallory', isBot: false };
const agentsMd = '# Rules\n\n- Be brief.\n';
const files = { 'README.md': 'A project.\n', 'AGENTS.md': agentsMd };

async function workAndAnswer(service: TestService, title: string, answer: string, fields: Record<string, string> = {}) {
  const asked = await service.work({ title, fields });
  await service.app.desk.comment(asked.ticket.identifier, answer, someone);
  return service.rest(asked.ticket.identifier, 2);
}

async function proposals({ database }: TestService) {
  const { rows } = await database.pool.query(
    `select title, body, head, base, draft from local_git_pull_requests where head like 'shipmate/agents-md-%' order by number`,
  );
  return rows;
}

describe('what people teach the agent', () => {
  let service: TestService;
  beforeAll(async () => {
    const change = (config: Config): Config => ({
      ...config,
      policy: { ...config.policy, people: { ...config.policy.people, speak: ['Ada'] } },
    });
    service = await startTestService({ script, files, change });
  });
  afterAll(() => service?.stop());

  test('decisions, of the agent and of people, are kept and in the pull request', async ({ expect }) => {
    const { ticket } = await service.work({ title: 'First' });
    await service.app.desk.comment(ticket.identifier, 'Local time, and npm!', mallory);
    await service.app.desk.comment(ticket.identifier, 'UTC please, “always”; fixes BOARD-9 @bob', someone);
    const view = await service.rest(ticket.identifier, 2);
    const decided = [
      'Ada decided: “UTC please, "always"; fixes `BOARD-9` `@bob`” (asked: “Local time or UTC?”)',
      'chose a text file because it is small',
    ];
    expect([view.state, view.decisions]).toEqual(['complete', decided]);
    const { rows } = await service.database.pool.query('select body from local_git_pull_requests');
    expect(rows[0].body).toContain(`## Decisions taken\n\n- ${decided.join('\n- ')}\n`);
    expect(await proposals(service)).toEqual([]);
  });

  test('an answer to a question without a tool is a decision, too', async ({ expect }) => {
    const view = await workAndAnswer(service, 'Plain', 'UTC');
    expect([view.state, view.decisions]).toEqual(['complete', ['Ada decided: “UTC” (asked: “Local time or UTC?”)']]);
  });

  test('an answer is a decision though the call that read it first failed', async ({ expect }) => {
    const { ticket, state, runs } = await workAndAnswer(service, 'Flaky', 'UTC');
    expect([state, runs.length]).toEqual(['error', 2]);
    await service.app.desk.comment(ticket.identifier, 'continue', someone);
    const view = await service.rest(ticket.identifier, 3);
    expect([view.state, view.decisions]).toEqual(['complete', ['Ada decided: “UTC” (asked: “Local time or UTC?”)']]);
  });

  test('a correction on two tickets, in other words, is proposed for AGENTS.md, once for ever', async ({ expect }) => {
    const first = (await service.app.sessions.list(10)).find(({ title }) => title === 'First');
    // Wherever a ticket's own work begins, a rule is for all that come.
    await service.git('branch', 'release', 'main');
    const second = await workAndAnswer(service, 'Second', 'pnpm!', { 'Base branch': 'release' });
    expect([second.state, second.branch, second.pullRequest, second.headCommit]).toEqual([
      'complete',
      null,
      null,
      null,
    ]);
    const [proposal, ...more] = await proposals(service);
    expect(more).toEqual([]);
    expect(proposal).toMatchObject({ title: 'AGENTS.md: Use pnpm, never npm', base: 'main', draft: false });
    expect(proposal.body).toContain(`- ${first?.identifier}, First (Ada): “We use pnpm here.”`);
    expect(proposal.body).toContain(`- ${second.ticket.identifier}, Second (Ada): “Use pnpm, never npm”`);
    expect(await service.git('show', `${proposal.head}:AGENTS.md`)).toBe(
      `${agentsMd}\n## Learned from reviews\n\n- Use pnpm, never npm`,
    );
    expect(await service.git('diff', '--stat=200', `main...${proposal.head}`)).toMatch(
      /AGENTS\.md .*\n 1 file changed/,
    );
    expect(await service.git('rev-list', '--count', `main..${proposal.head}`)).toBe('1');
    const told = second.activities.filter(({ activity }) => JSON.stringify(activity).includes(proposal.head));
    expect(told.map(({ activity }) => activity.type)).toEqual(['thought']);
    expect(second.activities.at(-1)?.activity.type).toBe('response');
    expect((await service.app.desk.show(second.ticket.identifier)).attachments).toEqual([]);

    const third = await workAndAnswer(service, 'Third', 'pnpm, as ever');
    expect(third.state).toBe('complete');
    expect(await proposals(service)).toHaveLength(1);
  });

  test('where nobody spoke, nobody corrected anything', async ({ expect }) => {
    await service.work({ title: 'Silent' });
    await workAndAnswer(service, 'Fourth', 'UTC');
    expect(await proposals(service)).toHaveLength(1);
    const { rows } = await service.database.pool.query("select rule from corrections where rule like '%generated%'");
    expect(rows).toEqual([{ rule: "Don't edit generated files" }]);
  });

  test('a code host that refuses it does not fail the session; it is told', async ({ expect }) => {
    const id = deterministicId('rule', 'upstream', normalRule('Makefiles use tabs'));
    await service.git('branch', `shipmate/agents-md-${id.slice(0, 8)}`, 'main');
    await workAndAnswer(service, 'Taken one', 'Tabs');
    const two = await workAndAnswer(service, 'Taken two', 'Tabs');
    expect(two.state).toBe('complete');
    expect(two.activities.at(-1)?.activity).toMatchObject({
      type: 'response',
      body: expect.stringMatching(
        /pushing a change of AGENTS\.md .* failed for good.*\n\nNothing of this ticket depends on it/s,
      ),
    });
    expect(await proposals(service)).toHaveLength(1);
  });
});

test.for(['after', 'settled'])(
  'killed when the branch of a proposal is pushed (%s): one pull request',
  async (moment, { expect }) => {
    const service = await startTestService({ script, files, parts: [] });
    const doomed = await startDoomed(service, `effect/pushFile/${moment}`, ['policy: { scope: { before: false } }']);
    try {
      await workAndAnswer(service, 'First', 'pnpm');
      const asked = await service.work({ title: 'Second' });
      await service.app.desk.comment(asked.ticket.identifier, 'pnpm', someone);
      expect(await doomed.ended).toEqual([null, 'SIGKILL']);
      expect(await proposals(service)).toEqual([]);
      await service.app.startWeb(false);
      await service.app.startWorking();
      const done = await service.rest(asked.ticket.identifier, 2);
      expect([done.state, done.unsent]).toEqual(['complete', []]);
      const found = await proposals(service);
      expect(found).toHaveLength(1);
      expect(await service.git('rev-list', '--count', `main..${found[0].head}`)).toBe('1');
      expect(await service.git('for-each-ref', '--format=%(refname)', 'refs/heads/shipmate/agents-md-*')).toBe(
        `refs/heads/${found[0].head}`,
      );
    } finally {
      await doomed.end();
      await service.stop();
    }
  },
);
