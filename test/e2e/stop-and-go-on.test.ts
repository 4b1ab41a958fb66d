import { afterAll, beforeAll, describe, test } from 'vitest';
import { processesNaming, someone, startTestService, type TestService } from '../support/service.ts';

/** No other test of this machine sleeps this long. */
const nap = `sleep ${30_000 + process.pid}.25`;

const files = {
  'one.txt': 'one\n',
  // A check that costs nothing: what it is has no part in these tests.
  '.shipmate.yml': 'verify: [test -s one.txt]\n',
};

const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "x\\n" } }`;
const finish = (title: string, more = '') =>
  `{ tool: finish, input: { title: ${title}, summary: "${title}, as was wanted."${more} } }`;

const script = `
tickets:
  Takes a nap:
    - calls: [${write('first.md')}, { tool: bash, input: { command: "${nap} & ${nap}" } }]
    - expect: ["Ada writes:", continue]
      calls: [{ tool: bash, input: { command: "ls; git status --short" } }]
    - expect: first.md
      calls: [${write('second.md')}, ${finish('Add two files')}]
  Comes back:
    - calls: [${write('one.md')}, ${finish('Add one')}]
    - { expect: Please add two as well, calls: [${write('two.md')}, ${finish('Add two')}] }
    - { expect: Why two?, calls: [${finish('Nothing new')}] }
    - expect: Nothing was changed.
      calls: [${finish('Explained', ', answer: Because you asked.')}]
`;

describe('people have a say', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ script, files });
  });
  afterAll(() => service?.stop());

  test('a stop ends what runs, says so once, and "continue" goes on from there', async ({ expect }) => {
    const assignee = service.config.trackers.board.agent;
    const { identifier } = await service.app.desk.createTicket({ title: 'Takes a nap', assignee }, someone);
    await expect.poll(() => processesNaming(nap), { timeout: 20_000 }).not.toEqual([]);
    const since = performance.now();
    await service.app.desk.comment(identifier, '@shipmate stop!', someone);
    const view = await service.rest(identifier);
    console.log(`stopped ${Math.round(performance.now() - since)} ms after it was asked for`);
    expect(view.state).toBe('stopped');
    expect(await processesNaming(nap)).toEqual([]);
    expect(view.runs.map((run) => [run.outcome?.stopReason, run.endedAt !== null])).toEqual([['stopped', true]]);
    const closing = view.activities.filter(({ activity }) => activity.type === 'response');
    expect(closing.map(({ activity }) => (activity.type === 'response' ? activity.body.split('\n\n') : []))).toEqual([
      [
        'Stopped, as you asked.',
        'Changed so far, and kept: `first.md`. There is no branch and no pull request yet.',
        'Say "continue" to go on from here, or just say what to do.',
        expect.stringMatching(/^\*Cost so far: /),
      ],
    ]);
    expect([view.branch, view.pullRequest, view.unsent]).toEqual([null, null, []]);

    await service.app.desk.comment(identifier, 'stop', someone);
    await expect
      .poll(async () => (await service.app.desk.show(identifier)).activities.at(-1)?.activity)
      .toEqual({ type: 'response', body: 'Nothing is running.' });

    await service.app.desk.comment(identifier, 'continue', someone);
    const done = await service.rest(identifier, 2);
    expect([done.state, done.runs.at(-1)?.outcome?.proof]).toEqual(['complete', 'proved']);
    expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('first.md\nsecond.md');
  });

  test('a comment on finished work: same branch, same pull request, a second commit; a question: an answer', async ({
    expect,
  }) => {
    const first = await service.work({ title: 'Comes back' });
    expect([first.state, first.runs[0]?.outcome?.proof]).toEqual(['complete', 'proved']);
    const { identifier } = first.ticket;
    const subjects = () => service.git('log', '--format=%s', `main..${first.branch}`);

    await service.app.desk.comment(identifier, 'Please add two as well', someone);
    const second = await service.rest(identifier, 2);
    expect([second.state, second.branch, second.pullRequest]).toEqual(['complete', first.branch, first.pullRequest]);
    expect(await subjects()).toBe(`${identifier}: Add two\n${identifier}: Add one`);
    expect(await service.git('rev-parse', `${second.branch}^`)).toBe(first.headCommit);
    expect(await service.git('diff', '--name-only', `main...${second.branch}`)).toBe('one.md\ntwo.md');

    await service.app.desk.comment(identifier, 'Why two?', someone);
    const third = await service.rest(identifier, 3);
    expect([third.state, third.headCommit]).toEqual(['complete', second.headCommit]);
    expect(third.activities.at(-1)?.activity).toEqual({
      type: 'response',
      body: expect.stringMatching(/^Because you asked\.\n\n\*Cost so far: /),
    });
    expect((await subjects()).split('\n')).toHaveLength(2);
    const { rows } = await service.database.pool.query('select number from local_git_pull_requests where head = $1', [
      first.branch,
    ]);
    expect(rows).toHaveLength(1);
  });
});
