import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { type Setup, startSetup } from '../support/processes.ts';
import { someone } from '../support/service.ts';

const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
const script = 'replies: [{ calls: [{ tool: bash, input: { command: sleep 50 } }] }]';

let setup: Setup;
beforeAll(async () => {
  setup = await startSetup({ script, files, yaml: { budget: { minutes: 1 } } });
});
afterAll(() => setup?.stop());

test('a run that is five minutes past its limit of time is ended in whatever it does, and told so', async ({
  expect,
}) => {
  const preload = join(import.meta.dirname, '../support/six-minutes.mjs');
  setup.start('worker', { node: ['--import', preload] });
  const assignee = setup.config.trackers.board.agent;
  const { identifier } = await setup.app.desk.createTicket({ title: 'Never ends', assignee }, someone);
  const view = await setup.rest(identifier);
  expect(view.state).toBe('awaitingInput');
  expect(view.activities.at(-1)?.activity).toMatchObject({
    type: 'elicitation',
    body: expect.stringContaining('5 minutes past its limit of 1 minutes (budget.minutes)'),
  });
});
