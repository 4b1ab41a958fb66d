import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Setup, startSetup } from '../support/processes.ts';
import { someone } from '../support/service.ts';

const day = 86_400_000;
const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
const script = `
replies:
${[1, 2, 3, 4, 5, 6].map((n) => `  - calls: [{ tool: write, input: { path: ${n}.md, content: "x\\n" } }, { tool: bash, input: { command: sleep 1 } }]`).join('\n')}
  - calls: [{ tool: finish, input: { title: Add files, summary: They were wanted. } }]
`;

describe('a clock that jumps', () => {
  let setup: Setup;
  beforeAll(async () => {
    // A day is far over the limit of minutes.
    setup = await startSetup({ script, files, yaml: { budget: { minutes: 30 } } });
  });
  afterAll(() => setup?.stop());

  test.for([
    ['forward a day', day],
    ['back a day', -day],
  ] as const)(
    '%s in the middle of a run: it is neither ended nor taken over, and nothing waits',
    {
      timeout: 120_000,
    },
    async ([name, shift], { expect }) => {
      const clock = join(setup.dir, `clock ${name}`);
      await writeFile(clock, '0');
      const preload = join(import.meta.dirname, '../support/clock-jumps.mjs');
      const jumping = { node: ['--import', preload], env: { CLOCK_FILE: clock } };
      const jumps = setup.start('worker', jumping);
      await jumps.said('running');
      const assignee = setup.config.trackers.board.agent;
      const { identifier } = await setup.app.desk.createTicket({ title: `Clock ${name}`, assignee }, someone);
      const steps = async () => (await setup.app.sessions.view(identifier))?.usage.calls ?? 0;
      await expect.poll(steps, { timeout: 60_000 }).toBeGreaterThan(0);
      await writeFile(clock, String(shift));
      // Another worker whose clock is right must see nothing to take over.
      const other = setup.start('worker');
      await other.said('running');
      await expect.poll(steps, { timeout: 60_000 }).toBeGreaterThan(3);
      await writeFile(clock, '0'); // and back, in the middle
      const view = await setup.rest(identifier);
      expect([view.state, view.runs.map(({ attempts }) => attempts)]).toEqual(['complete', [1]]);
      for (const part of [jumps, other]) {
        expect(part.log().filter(({ level }) => level === 'error')).toEqual([]);
        part.kill('SIGTERM');
        expect(await part.ended).toBe(0);
      }
    },
  );
});
