import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Part, type Setup, startSetup } from '../support/processes.ts';
import { someone } from '../support/service.ts';

const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
/** The sandbox of this test separates nothing, so that a command can end the worker that it runs under. */
const poison =
  'p=$$; while [ -n "$p" ] && [ "$p" != 1 ]; do tr "\\\\0" " " </proc/$p/cmdline | grep -q "[m]ain.ts worker" && kill -9 $p && break; p=$(cut -d" " -f4 /proc/$p/stat); done; sleep 20';
const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "x\\n" } }`;
const innocent = (name: string) => `
  ${name}:
    - calls: [{ tool: bash, input: { command: sleep 6 } }]
    - calls: [${write(`${name}.md`)}]
    - calls: [{ tool: bash, input: { command: sleep 1 } }]
    - calls: [{ tool: finish, input: { title: Add ${name}, summary: It was wanted. } }]`;
const script = `
tickets:
  Poison:
    - calls: [{ tool: read, input: { path: one.txt } }]
    - calls: [{ tool: bash, input: { command: ${JSON.stringify(poison)} } }]
    - expect: [continue]
      calls: [${write('instead.md')}, { tool: finish, input: { title: Another way, summary: Done without it. } }]
${['Ann', 'Bob', 'Cid'].map(innocent).join('')}
`;

describe('a tool call that kills its worker each time', () => {
  let setup: Setup;
  beforeAll(async () => {
    const sandbox = { driver: 'none' } as const;
    setup = await startSetup({
      ...{ script, files, yaml: { sandbox } },
      change: (config) => ({ ...config, sandbox: { ...config.sandbox, ...sandbox } }),
    });
  });
  afterAll(() => setup?.stop());

  test('is given up after three, told on the ticket with what it was doing; three others on the same worker finish', {
    timeout: 200_000,
  }, async ({ expect }) => {
    const assignee = setup.config.trackers.board.agent;
    const file = async (title: string) => (await setup.app.desk.createTicket({ title, assignee }, someone)).identifier;
    const others = [await file('Ann'), await file('Bob'), await file('Cid')];
    const poisoned = await file('Poison');

    let over = false;
    let workers = 0;
    let part: Part | null = null;
    const keepOneWorker = async () => {
      while (!over) {
        part = setup.start('worker');
        workers += 1;
        await part.ended;
      }
    };
    const keeping = keepOneWorker();
    const view = await setup.rest(poisoned);
    expect(view.state).toBe('error');
    expect(view.runs[0]?.attempts).toBe(4);
    const last = view.activities.at(-1)?.activity;
    expect(last).toMatchObject({ type: 'error', body: expect.stringContaining('Given up: 3 workers ended') });
    expect(last).toMatchObject({ body: expect.stringContaining('running `p=$$;') });
    expect(last).toMatchObject({ body: expect.stringContaining('say "continue"') });

    for (const other of others) {
      const seen = await setup.rest(other);
      expect([seen.state, seen.activities.at(-1)?.activity], other).toEqual([
        'complete',
        { type: 'response', body: expect.any(String) },
      ]);
    }
    expect(workers).toBe(4);

    // People can go on: the model is told that the call did not complete.
    await setup.app.desk.comment(poisoned, 'continue, but without that command', someone);
    const after = await setup.rest(poisoned, 2);
    expect(after.state).toBe('complete');
    over = true;
    (part as Part | null)?.kill('SIGTERM');
    await keeping;
  });
});
