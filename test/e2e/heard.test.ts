import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { someone, startTestService, type TestService } from '../support/service.ts';

/** Whatever is said while a run comes to its end is heard by the next one, and keeps no run from ending. */
const script = `
tickets:
  Runs out of turns:
    - { until: said, calls: [{ tool: bash, input: { command: "true" } }] }
    - expect: ["Use UTC", "continue"]
      calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: UTC it is. } }]
  Is stopped while it thinks:
    - { until: said, calls: [{ tool: bash, input: { command: "true" } }] }
    - { fail: { status: 529, times: 1 }, until: never }
    - expect: ["Use UTC", "Not local time"]
      calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: UTC it is. } }]
`;

describe('words said around the end of a run', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      files: { 'one.txt': 'one\n' },
      change: (config) => ({ ...config, budget: { ...config.budget, turns: 2 } }),
    });
  });
  afterAll(() => service?.stop());

  const file = async (title: string) => {
    const assignee = service.config.trackers.board.agent;
    return (await service.app.desk.createTicket({ title, assignee }, someone)).identifier;
  };

  test('a comment in the last turn that the budget allows: the run ends, the next one hears it', async ({ expect }) => {
    const one = await startTestService({
      script: await readFile(`${service.dir}/script.yaml`, 'utf8'),
      files: { 'one.txt': 'one\n' },
      change: (config) => ({ ...config, budget: { ...config.budget, turns: 1 } }),
    });
    try {
      const assignee = one.config.trackers.board.agent;
      const { identifier } = await one.app.desk.createTicket({ title: 'Runs out of turns', assignee }, someone);
      await expect.poll(async () => (await one.app.sessions.view(identifier))?.firstModelCallAt).toBeTruthy();
      await one.app.desk.comment(identifier, 'Use UTC', someone);
      await one.sorted();
      await one.letGo('said');
      const spent = await one.rest(identifier);
      expect([spent.state, spent.runs[0]?.outcome?.stopReason]).toEqual(['awaitingInput', 'budgetExceeded']);
      await one.app.desk.comment(identifier, 'continue', someone);
      const done = await one.rest(identifier, 2);
      expect(done.activities.at(-1)?.activity).toMatchObject({
        type: 'response',
        body: expect.stringMatching(/^UTC it is\./),
      });
    } finally {
      await one.stop();
    }
  });

  test('a comment that only an unfinished model call had read, and one after the stop, are both heard', async ({
    expect,
  }) => {
    const identifier = await file('Is stopped while it thinks');
    await expect.poll(async () => (await service.app.sessions.view(identifier))?.firstModelCallAt).toBeTruthy();
    await service.app.desk.comment(identifier, 'Use UTC', someone);
    await service.sorted();
    await service.letGo('said');
    // The second model call has begun, with the comment in it.
    await expect
      .poll(
        async () => {
          const read = await service.app.db
            .selectFrom('prompts')
            .select('id')
            .where('read_at', 'is not', null)
            .execute();
          return read.length;
        },
        { timeout: 10_000 },
      )
      .toBe(1);
    await service.app.desk.comment(identifier, 'stop', someone);
    await service.app.desk.comment(identifier, 'Not local time', someone);
    // What was said after the stop is wanted in spite of it: the run ends, and another goes on with both.
    const done = await service.rest(identifier, 2);
    expect(done.runs.map((run) => run.outcome?.stopReason)).toEqual(['stopped', 'finished']);
    expect(done.activities.at(-1)?.activity).toMatchObject({
      type: 'response',
      body: expect.stringMatching(/^UTC it is\./),
    });
  });
});
