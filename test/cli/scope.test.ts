import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';
import { type Setup, startSetup } from '../support/processes.ts';
import { someone } from '../support/service.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const rate = (confidence: string, questions = '[]') =>
  `{ tool: scope, input: { confidence: ${confidence}, size: S, files: [one.txt], plan: [Do it], questions: ${questions} } }`;
const script = `
tickets:
  Clear:
    - { calls: [{ tool: bash, input: { command: ls } }, ${rate('green')}] }
    - { expect: [only to be rated], calls: [${rate('yellow')}] }
  Given:
    - { calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Done. } }] }
  Unclear:
    - { calls: [${rate('red', '["Which?"]')}] }
    - { calls: [${rate('red', '["Which?"]')}] }
`;

describe('shipmate scope', { timeout: 170_000 }, () => {
  let setup: Setup;
  beforeAll(async () => {
    setup = await startSetup({ script, files: { 'one.txt': 'one\n' } }); // nobody works
  });
  afterAll(() => setup?.stop());

  function shipmate(...args: string[]) {
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = {
        PATH: process.env.PATH,
        HOME: setup.dir,
        DATABASE_URL: setup.database.url,
        NODE_COMPILE_CACHE: compileCache,
      };
      const child = execFile(process.execPath, [main, ...args], { cwd: setup.dir, env }, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  test('rates tickets where nobody else works, and leaves them as they were; --post writes it on them', async ({
    expect,
  }) => {
    const { desk } = setup.app;
    const file = (title: string, more = {}) => desk.createTicket({ title, labels: ['soon'], ...more }, someone);
    const [clear, unclear] = [await file('Clear'), await file('Unclear')];
    const given = await file('Given', { assignee: setup.config.trackers.board.agent });
    const before = await Promise.all([clear, unclear].map(({ identifier }) => desk.show(identifier)));

    const named = await shipmate('scope', clear.identifier.toLowerCase(), unclear.identifier);
    expect(named.stderr).toBe('');
    expect(named.stdout).toMatch(/^ticket +rated +size +estimate +open questions/m);
    expect(named.stdout).toMatch(new RegExp(`^${clear.identifier} +green +S +nothing to compare with +0 +Clear$`, 'm'));
    expect(named.stdout).toMatch(new RegExp(`^${unclear.identifier} +red +S .* 1 +Unclear\n +Which\\?$`, 'm'));
    expect(named.code).toBe(0);
    expect(await Promise.all([clear, unclear].map(({ identifier }) => desk.show(identifier)))).toEqual(before);

    const listed = await shipmate('scope', '--label', 'soon', '--limit', '5', '--json', '--post');
    const rated = JSON.parse(listed.stdout) as { ticket: string; confidence: string | null; problem: string | null }[];
    expect(Object.fromEntries(rated.map(({ ticket, confidence }) => [ticket, confidence]))).toEqual({
      [clear.identifier]: 'yellow',
      [unclear.identifier]: 'red',
      [given.identifier]: null,
    });
    expect(rated.find(({ ticket }) => ticket === given.identifier)?.problem).toMatch(/assigned to Shipmate/);
    expect(listed.code, 'one of them was not rated').toBe(1);
    expect(listed.stderr, 'these are all').toBe('');
    const after = await desk.show(clear.identifier);
    expect(after.activities.map(({ activity }) => activity)).toEqual([
      { type: 'thought', body: expect.stringMatching(/^\*\*Rated yellow, size S\*\*/) },
    ]);
    expect([after.ticket.state, after.ticket.assignee]).toEqual([before[0]?.ticket.state, null]);

    const { rows } = await setup.database.pool.query("select attempt from runs where purpose = 'work'");
    expect(rows, 'nobody worked on what is given').toEqual([{ attempt: 0 }]);
    const { stdout } = await shipmate('sessions', 'ratings');
    expect(stdout).toMatch(/^yellow +1 +0 +0 +0 {2}nothing to compare yet$/m);
    expect(stdout).toMatch(/^red +1 /m);
  });

  test('what cannot be rated is said, with what to do', async ({ expect }) => {
    expect((await shipmate('scope', 'BOARD-999')).stderr).toMatch(/^There is no open ticket BOARD-999\. Name them/);
    expect((await shipmate('scope')).stderr).toMatch(/^Name tickets, such as BOARD-1, or say which with --label/);
    expect((await shipmate('scope', 'BOARD-1', '--team', 'x')).stderr).toMatch(/not both/);
    const none = await shipmate('scope', '--label', 'nowhere');
    expect([none.code, none.stdout]).toEqual([0, 'No open ticket fits.\n']);
  });

  test('that more tickets fit than are rated is said', async ({ expect }) => {
    const { desk } = setup.app;
    const agent = setup.config.trackers.board.agent;
    const labels = ['many'];
    const made = [];
    for (const title of ['One', 'Two']) made.push(await desk.createTicket({ title, labels, assignee: agent }, someone));
    const listed = (...limit: string[]) => shipmate('scope', '--label', 'many', '--json', ...limit);
    const [some, all] = [await listed('--limit', '1'), await listed()];
    expect([JSON.parse(some.stdout), JSON.parse(all.stdout)]).toMatchObject([{ length: 1 }, { length: 2 }]);
    expect([some.stderr, all.stderr]).toEqual([
      'More than 1 open tickets fit; these are the first. Use --limit for more.\n',
      '',
    ]);
    for (const { identifier } of made) await desk.unassign(identifier, someone);
  });

  test('interrupted, it leaves the rest to whoever works next', async ({ expect }) => {
    const { identifier } = await setup.app.desk.createTicket({ title: 'Clear' }, someone);
    const env = {
      PATH: process.env.PATH,
      HOME: setup.dir,
      DATABASE_URL: setup.database.url,
      NODE_COMPILE_CACHE: compileCache,
    };
    const child = execFile(process.execPath, [main, 'scope', identifier], { cwd: setup.dir, env });
    const asked = async () => (await setup.app.sessions.view(identifier))?.runs.length ?? 0;
    await expect.poll(asked, { timeout: 30_000 }).toBe(1);
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('close', resolve));
    expect(child.exitCode).toBe(130);
    const worker = setup.start('worker');
    expect((await setup.rest(identifier)).runs[0]?.outcome?.stopReason).toBe('finished');
    // Where a worker runs, that one does it.
    const next = await setup.app.desk.createTicket({ title: 'Clear' }, someone);
    const { code, stdout } = await shipmate('scope', next.identifier);
    expect([code, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^${next.identifier} +green`, 'm'))]);
    expect(worker.log().some(({ msg, ticket }) => msg === 'run claimed' && ticket === next.identifier)).toBe(true);
  });
});
