import { afterAll, beforeAll, describe, test } from 'vitest';
import { type DatabaseProxy, startDatabaseProxy } from '../support/database-proxy.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const files = {
  'one.txt': 'one\n',
  // A check that costs nothing: what it is has no part in these tests.
  '.shipmate.yml': 'verify: [test -s one.txt]\n',
};
const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "x\\n" } }`;
const script = `
replies:
  - calls: [${write('a.md')}, { tool: bash, input: { command: sleep 0.3 } }]
  - calls: [${write('b.md')}, { tool: bash, input: { command: sleep 0.3 } }]
  - calls: [${write('c.md')}, { tool: bash, input: { command: sleep 0.3 } }]
  - calls: [{ tool: finish, input: { title: Add three files, summary: Three files were wanted. } }]
`;

describe('a database that goes away in the middle', () => {
  let proxy: DatabaseProxy;
  let service: TestService;
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  beforeAll(async () => {
    process.on('unhandledRejection', note);
    proxy = await startDatabaseProxy();
    service = await startTestService({ script, files, databaseUrl: proxy.url });
  });
  afterAll(async () => {
    await service?.stop();
    await proxy?.goAway();
    process.off('unhandledRejection', note);
  });

  /** What a ticket that went well looks like, however often it was interrupted. */
  async function expectOnePullRequest(expect: import('vitest').ExpectStatic, identifier: string) {
    const view = await service.rest(identifier);
    expect(view.activities.at(-1)?.activity).toMatchObject({ type: 'response' });
    expect([view.state, view.runs.map(({ outcome }) => outcome?.proof), view.unsent]).toEqual([
      'complete',
      ['proved'],
      [],
    ]);
    const shown = await service.app.desk.show(identifier);
    expect(shown.activities.filter(({ activity }) => activity.type === 'response')).toHaveLength(1);
    expect(shown.activities.filter(({ activity }) => activity.type === 'error')).toEqual([]);
    expect(shown.attachments).toHaveLength(1);
    expect(shown.ticket.state.name).toBe('In Review');
    const { rows } = await service.database.pool.query('select head from local_git_pull_requests where head = $1', [
      view.branch,
    ]);
    expect(rows).toHaveLength(1);
    expect(await service.git('log', '--format=%s', `main..${view.branch}`)).toBe(`${identifier}: Add three files`);
    expect(await service.git('diff', '--name-only', `main...${view.branch}`)).toBe('a.md\nb.md\nc.md');
    expect(unhandled).toEqual([]);
    return view;
  }

  async function assign(title: string): Promise<string> {
    const assignee = service.config.trackers.board.agent;
    return (await service.app.desk.createTicket({ title, assignee }, someone)).identifier;
  }

  test('its connections are ended, several times', async ({ expect }) => {
    const identifier = await assign('Connections end');
    let times = 0;
    let ended = 0;
    let isOver = false;
    const over = service.rest(identifier).then(
      () => {
        isOver = true;
      },
      () => {}, // asked through one of the connections
    );
    while (times < 6 && !isOver) {
      await new Promise((resolve) => setTimeout(resolve, 250)); // at moments that mean nothing
      const { rowCount } = await service.database.pool.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'shipmate%'",
      );
      ended += rowCount ?? 0;
      times += 1;
    }
    await over;
    const view = await untilThere(() => expectOnePullRequest(expect, identifier));
    console.log(`${ended} connections ended, at ${times} times; the run took ${view.runs[0]?.attempts} attempts`);
    expect(ended).toBeGreaterThan(10);
  });

  test('nobody is there for a while', async ({ expect }) => {
    const identifier = await assign('Away for a while');
    await expect
      .poll(async () => (await service.app.sessions.view(identifier))?.usage.calls, { timeout: 10_000 })
      .toBeGreaterThan(0);
    await proxy.goAway();
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // an outage is a length of time
    await proxy.comeBack();
    const view = await untilThere(() => expectOnePullRequest(expect, identifier));
    console.log(`away for 1.5 s; the run took ${view.runs[0]?.attempts} attempts`);
  });
});

/** The test asks through the same connections that it ends. */
async function untilThere<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!/terminat|ECONN|Connection/i.test((error as Error).message)) throw error;
    }
  }
}
