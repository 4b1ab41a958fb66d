import { join } from 'node:path';
import { describe, test } from 'vitest';
import { startSetup } from '../support/processes.ts';
import { someone } from '../support/service.ts';

const preload = join(import.meta.dirname, '../support/six-minutes.mjs');

/** A run with a limit of one minute, on a worker whose waits of six minutes take two seconds; what came of it. */
async function work(options: { script: string; verify: string; env?: Record<string, string> }) {
  const files = { 'one.txt': 'one\n', '.shipmate.yml': `verify: ["${options.verify}"]\n` };
  const setup = await startSetup({ script: options.script, files, yaml: { budget: { minutes: 1 } } });
  try {
    setup.start('worker', { node: ['--import', preload], ...(options.env && { env: options.env }) });
    const assignee = setup.config.trackers.board.agent;
    const { identifier } = await setup.app.desk.createTicket({ title: 'Takes long', assignee }, someone);
    return await setup.rest(identifier);
  } finally {
    await setup.stop();
  }
}

describe('a run that is past its limit of time', () => {
  test('by five minutes is ended in whatever it does, and told so', async ({ expect }) => {
    const view = await work({
      script: 'replies: [{ calls: [{ tool: bash, input: { command: sleep 50 } }] }]',
      verify: 'test -s one.txt',
      env: { SIX_MINUTES: 'pass' },
    });
    expect(view.state).toBe('awaitingInput');
    expect(view.activities.at(-1)?.activity).toMatchObject({
      type: 'elicitation',
      body: expect.stringContaining('5 min longer than its limit of 1 min (`budget.minutes`)'),
    });
  });

  test('only by what does not count, as verification, goes on', async ({ expect }) => {
    const view = await work({
      script: `
replies:
  - { calls: [{ tool: write, input: { path: two.txt, content: "two\\n" } }] }
  - { calls: [{ tool: finish, input: { title: Add two, summary: It was wanted. } }] }
`,
      verify: 'test ! -e two.txt || sleep 5',
    });
    expect([view.state, view.runs.map(({ attempts }) => attempts)]).toEqual(['complete', [1]]);
  });
});
