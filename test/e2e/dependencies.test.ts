import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { checkInvariants } from '../../src/store/invariants.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const change = (name: string) => `
    - calls:
        - { tool: write, input: { path: ${name}.md, content: "x\\n" } }
        - { tool: finish, input: { title: Add ${name}, summary: "${name} is added." } }`;
const answer = (expected: string, text: string) => `
    - ${expected === '' ? '' : `expect: ["${expected}"]\n      `}calls: [{ tool: finish, input: { title: T, summary: s, answer: ${text} } }]`;

const script = `
tickets:
  "Task: First comes this.": ${answer('', 'Done first.')}
  "Task: Then comes that.": ${answer('Use UTC', 'Done then.')}
  "Task: Both at once.": ${answer('', 'Done anyway.')}
  "Task: Round and round.": ${answer('', 'Done in the round.')}
  "Task: Cellar.": ${change('cellar')}
  "Task: Walls.": ${change('walls')}
  "Task: Roof.": ${change('roof')}
  "Task: Storey one.": ${change('one')}
  "Task: Storey two.": ${change('two')}
    - expect: ["A balcony, too"]
      calls:
        - { tool: write, input: { path: balcony.md, content: "x\\n" } }
        - { tool: finish, input: { title: Add a balcony, summary: "It has a balcony." } }
    - expect: ["was merged meanwhile", "newest main", "And a lamp"]
      calls:
        - { tool: write, input: { path: lamp.md, content: "x\\n" } }
        - { tool: finish, input: { title: Add a lamp, summary: "It has a lamp." } }
  "Task: Ground.": ${change('ground')}
  "Task: Wheel.":
    - calls:
        - { tool: write, input: { path: wheel.md, content: "x\\n" } }
        - { tool: ask, input: { question: Of oak? } }
    - expect: ["stands on the newest main", "Yes, of oak"]
      calls: [{ tool: finish, input: { title: Add the wheel, summary: "The wheel is there." } }]
  "Task: Sails.":
    - calls: [{ tool: ask, input: { question: How many? } }]${change('sails')}
  "Task: Plinth.": ${change('plinth')}
  "Task: Spire.":
    - calls: [{ tool: bash, input: { command: "echo x > spire.md" } }]
    - calls: [{ tool: ask, input: { question: How high? } }]
    - expect: ["has the change that this ticket needs", "Ten"]
      calls: [{ tool: bash, input: { command: "cat plinth.md spire.md" } }]
    - expect: ["exit 0"]
      calls: [{ tool: finish, input: { title: Add the spire, summary: "The spire is there." } }]
  "Task: Cap.":
    - calls: [{ tool: ask, input: { question: Shall it turn? } }]
    - calls: [{ tool: bash, input: { command: "sleep 5.25; echo x > cap.md" } }]
    - calls: [{ tool: finish, input: { title: Add the cap, summary: "The cap is there." } }]
`;

const run = promisify(execFile);
let clones = 0;
let service: TestService;
beforeAll(async () => {
  service = await startTestService({ script, files: { 'a.txt': 'a\n', '.shipmate.yml': 'verify: [test -s a.txt]\n' } });
});
afterAll(async () => {
  const { violations } = await checkInvariants(service.app.db, { live: true, days: null });
  await service.stop();
  if (violations.length > 0) throw new Error(JSON.stringify(violations));
});

const desk = () => service.app.desk;
const file = async (title: string, fields: Record<string, string> = {}) =>
  (await desk().createTicket({ title, description: `Task: ${title}.`, fields }, someone)).identifier;
const give = (ticket: string) => desk().assign(ticket, service.config.trackers.board.agent, someone);
const said = async (ticket: string) =>
  ((await service.app.sessions.view(ticket))?.activities ?? []).map(({ activity }) =>
    activity.type === 'action' ? '' : activity.body,
  );
const planOf = async (ticket: string) => (await desk().show(ticket)).plan.map((step) => step.content);

const requestOf = async (head: string | null) =>
  (await service.database.pool.query('select base, body, state from local_git_pull_requests where head = $1', [head]))
    .rows;

/** As a person does it in a clone, with a commit of somebody else after it. */
async function merge(branch: string | null, removes = false): Promise<void> {
  const clone = join(service.dir, `clone-${clones++}`);
  const git = (...args: string[]) =>
    run('git', ['-C', clone, '-c', 'user.name=Ada', '-c', 'user.email=a@example.com', ...args]);
  await run('git', ['clone', '--quiet', service.repository, clone]);
  await git('merge', '--quiet', '--no-ff', '-m', `Merge ${branch}`, `origin/${branch}`);
  await git('commit', '--quiet', '--allow-empty', '-m', 'Later');
  await git('push', '--quiet', 'origin', 'main', ...(removes ? [`:${branch}`] : []));
}

describe('tickets that wait for others', () => {
  test('one that is blocked says for whom it waits, keeps what is said, and begins when the other is done', async ({
    expect,
  }) => {
    const first = await file('First comes this');
    const then = await file('Then comes that');
    await desk().relate(first, 'blocks', then, someone);
    await give(then);
    const waiting = await service.rest(then);
    expect(waiting.state).toBe('awaitingInput');
    expect(waiting.usage.calls ?? 0).toBe(0);
    expect(waiting.activities.at(-1)?.activity).toEqual({
      type: 'elicitation',
      body:
        `I wait until ${first} (First comes this) is done; then I begin by myself. ` +
        'Say "continue" to have me begin anyway.',
      options: ['continue'],
    });
    expect((await desk().show(then)).ticket.state.name, 'it has not begun').toBe('Todo');
    await desk().comment(then, 'Use UTC', someone);
    await expect
      .poll(() => said(then))
      .toContain('Noted; I read it when I begin. Say "continue" to have me begin now.');
    expect((await service.app.sessions.view(then))?.runs).toHaveLength(1);

    await give(first);
    await service.rest(first);
    expect((await service.app.sessions.view(then))?.runs, 'in review is not done').toHaveLength(1);
    await desk().move(first, 'Done', someone);
    const done = await service.rest(then, 2);
    expect(done.state).toBe('complete');
    expect(done.activities.at(-1)?.activity).toMatchObject({ body: expect.stringMatching(/^Done then\./) });
    expect(await said(then)).toContain('What I waited for has come: I begin now.');
  });

  test('"continue" begins anyway, and it does not wait for the same again', async ({ expect }) => {
    const first = await file('Never done');
    const both = await file('Both at once');
    await desk().relate(first, 'blocks', both, someone);
    await give(both);
    expect((await service.rest(both)).runs[0]?.outcome?.stopReason).toBe('waiting');
    await desk().comment(both, 'continue', someone);
    const done = await service.rest(both, 2);
    expect(done.runs[1]?.outcome?.stopReason).toBe('finished');
  });

  test('those that wait for each other are told the way round, and "continue" begins one of them', async ({
    expect,
  }) => {
    const [a, b] = [await file('Round and round'), await file('And round')];
    await desk().relate(a, 'blocks', b, someone);
    await desk().relate(b, 'blocks', a, someone);
    await give(a);
    const asked = await service.rest(a);
    expect([asked.state, asked.runs[0]?.outcome?.stopReason]).toEqual(['awaitingInput', 'needsInput']);
    expect((await said(a)).at(-1)).toContain(`I cannot begin: ${a} waits for ${b}, which waits for ${a}.`);
    await desk().comment(a, 'continue', someone);
    expect((await service.rest(a, 2)).state).toBe('complete');
  });

  test('one that waits is stopped as any other, and stays so when the other is done', async ({ expect }) => {
    const first = await file('Never done either');
    const held = await file('Held up');
    await desk().relate(first, 'blocks', held, someone);
    await give(held);
    await service.rest(held);
    await desk().comment(held, 'stop', someone);
    await expect.poll(async () => (await service.app.sessions.view(held))?.state).toBe('stopped');
    await desk().move(first, 'Done', someone);
    await desk().comment(first, 'Done at last', someone);
    await expect
      .poll(
        async () =>
          (await service.app.db.selectFrom('deliveries').select('id').where('sorted_at', 'is', null).execute()).length,
      )
      .toBe(0);
    const { rows } = await service.database.pool.query('select count(*)::int as waits from waits');
    expect(rows[0].waits).toBe(0);
    expect((await service.app.sessions.view(held))?.runs).toHaveLength(1);
  });
});

describe('a ticket with sub-tickets', () => {
  test('leads them: those that may begin do so at once, the others after them, and its plan is true all the time', async ({
    expect,
  }) => {
    const house = await file('House');
    const [cellar, walls, roof, garden] = [
      await file('Cellar'),
      await file('Walls'),
      await file('Roof'),
      await file('Garden'),
    ];
    for (const part of [cellar, walls, roof, garden]) await desk().relate(house, 'child', part, someone);
    for (const before of [cellar, walls]) await desk().relate(before, 'blocks', roof, someone);
    await desk().assign(garden, 'ada', someone);
    await give(house);
    const leading = await service.rest(house);
    expect(leading.runs[0]?.outcome?.stopReason).toBe('waiting');
    await expect.poll(async () => (await desk().show(house)).ticket.state.name).toBe('In Progress');
    expect((await said(house)).at(-1)).toContain(`Not mine, and left alone: ${garden} (Garden).`);
    const urlOf = async (ticket: string) => (await service.rest(ticket)).pullRequest?.url;
    const [first, second] = [await urlOf(cellar), await urlOf(walls)];
    expect((await service.rest(roof)).runs.map((run) => run.outcome?.stopReason)).toEqual(['waiting']);
    await expect
      .poll(() => planOf(house))
      .toEqual([
        `${cellar} Cellar: in review: ${first}`,
        `${walls} Walls: in review: ${second}`,
        `${roof} Roof: waiting for ${cellar}, ${walls}`,
        `${garden} Garden: left to ada`,
      ]);
    for (const part of [cellar, walls, roof])
      expect((await desk().show(part)).ticket.assignee?.name).toBe(service.config.trackers.board.agent);

    await desk().comment(house, 'Paint it green', someone);
    await expect.poll(() => said(house)).toContainEqual(expect.stringContaining('I lead its sub-tickets'));
    await desk().move(cellar, 'Done', someone);
    await service.database.pool.query('update deliveries set sorted_at = null'); // all of it once more
    await expect
      .poll(() => planOf(house))
      .toEqual([
        `${cellar} Cellar: done`,
        `${walls} Walls: in review: ${second}`,
        `${roof} Roof: waiting for ${walls}`,
        `${garden} Garden: left to ada`,
      ]);
    await desk().move(walls, 'Done', someone);
    const third = (await service.rest(roof, 2)).pullRequest?.url;
    await desk().move(garden, 'Canceled', someone);
    await expect
      .poll(() => planOf(house))
      .toEqual([
        `${cellar} Cellar: done`,
        `${walls} Walls: done`,
        `${roof} Roof: in review: ${third}`,
        `${garden} Garden: canceled`,
      ]);
    expect((await service.app.sessions.view(house))?.state).toBe('awaitingInput');
    await desk().move(roof, 'Done', someone);
    await expect.poll(async () => (await service.app.sessions.view(house))?.state, { timeout: 5_000 }).toBe('complete');
    const { runs } = await service.rest(house);
    expect(runs.map((run) => run.outcome?.stopReason)).toEqual(['waiting', 'finished']);
    expect((await said(house)).at(-1)).toContain(`All 4 sub-tickets of this ticket are over: 3 done, 1 canceled`);
    expect(await planOf(house)).toContain(`${roof} Roof: done`);
    expect((await desk().show(house)).ticket.state.name).toBe('In Review');
    const sessions = await Promise.all([cellar, walls, roof].map((part) => service.rest(part)));
    expect(sessions.map((session) => session.runs.length)).toEqual([1, 1, 2]);
    const pulls = await service.database.pool.query('select head from local_git_pull_requests');
    expect(pulls.rows).toHaveLength(3);
  });

  test('stages review-end: a part that needs another begins on its branch, and its pull request says so', async ({
    expect,
  }) => {
    const tower = await file('Tower', { Stages: 'review end' });
    const [one, two] = [await file('Storey one'), await file('Storey two')];
    for (const part of [one, two]) await desk().relate(tower, 'child', part, someone);
    await desk().relate(one, 'blocks', two, someone);
    await give(tower);
    await expect.poll(async () => (await service.app.sessions.view(two))?.state, { timeout: 20_000 }).toBe('complete');
    const [below, above] = [await service.rest(one), await service.rest(two)];
    expect(above.baseBranch).toBe(below.branch);
    const { rows } = await service.database.pool.query(
      'select base, body from local_git_pull_requests where head = $1',
      [above.branch],
    );
    expect(rows).toEqual([
      { base: below.branch, body: expect.stringContaining(`**Stacked** on the pull request of ${one}`) },
    ]);
    expect(await service.git('ls-tree', '--name-only', above.branch ?? '')).toContain('one.md\ntwo.md');

    await desk().comment(tower, 'stop', someone);
    await expect.poll(async () => (await service.app.sessions.view(tower))?.state).toBe('stopped');
    expect((await said(tower)).at(-1)).toContain('I begin no further sub-ticket');
    expect((await service.app.sessions.view(two))?.state).toBe('complete');

    await merge(below.branch);
    await desk().comment(two, 'A balcony, too', someone);
    const moved = await service.rest(two, above.runs.length + 1);
    expect([moved.baseBranch, moved.branch, moved.pullRequest]).toEqual(['main', above.branch, above.pullRequest]);
    expect(await requestOf(above.branch)).toMatchObject([
      { base: 'main', body: expect.not.stringContaining('Stacked') },
    ]);
    expect(await service.git('diff', '--name-only', `main...${above.branch}`)).toBe('balcony.md\ntwo.md');

    await merge(above.branch);
    await desk().comment(two, 'And a lamp', someone);
    const anew = await service.rest(two, above.runs.length + 2);
    expect(await requestOf(anew.branch)).toMatchObject([{ base: 'main', state: 'open' }]);
    expect(await service.git('merge-base', 'main', anew.branch ?? '')).toBe(await service.git('rev-parse', 'main'));
    expect(await service.git('diff', '--name-only', 'main', anew.branch ?? '')).toBe('lamp.md');
  });

  test('stages review-end: what is merged and gone while others stand on it holds none of them up', async ({
    expect,
  }) => {
    const mill = await file('Mill', { Stages: 'review end' });
    const [ground, wheel, sails, cap] = [
      await file('Ground'),
      await file('Wheel'),
      await file('Sails'),
      await file('Cap'),
    ];
    for (const part of [ground, wheel, sails, cap]) await desk().relate(mill, 'child', part, someone);
    const upper = [wheel, sails, cap];
    for (const part of upper) await desk().relate(ground, 'blocks', part, someone);
    await give(mill);
    for (const part of upper)
      await expect
        .poll(async () => (await service.app.sessions.view(part))?.baseBranch, { timeout: 20_000 })
        .toBeTruthy();
    const asked = await Promise.all(upper.map((part) => service.rest(part)));
    const below = await service.rest(ground);
    expect(asked.map(({ state, baseBranch }) => [state, baseBranch])).toEqual(
      upper.map(() => ['awaitingInput', below.branch]),
    );

    await desk().comment(cap, 'It shall', someone);
    await expect
      .poll(async () => JSON.stringify((await service.app.sessions.view(cap))?.activities), { timeout: 20_000 })
      .toContain('sleep 5.25');
    await merge(below.branch, true);
    await desk().comment(wheel, 'Yes, of oak', someone);
    await desk().comment(sails, 'Four', someone);
    for (const [index, name] of ['wheel', 'sails', 'cap'].entries()) {
      const part = upper[index] ?? '';
      const done = await service.rest(part, (asked[index]?.runs.length ?? 0) + 1);
      expect([part, done.state, done.baseBranch]).toEqual([part, 'complete', 'main']);
      expect(await requestOf(done.branch)).toMatchObject([{ base: 'main', state: 'open' }]);
      expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe(`${name}.md`);
      if (part !== cap)
        expect(await service.git('merge-base', 'main', done.branch ?? '')).toBe(await service.git('rev-parse', 'main'));
    }
  });

  test('stages review-end: a part that was begun before it was one goes on upon the branch of what it needs', async ({
    expect,
  }) => {
    const [church, plinth, spire] = [
      await file('Church'),
      await file('Plinth'),
      await file('Spire', { Stages: 'review end' }),
    ];
    for (const part of [plinth, spire]) await give(part);
    const [below, asked] = [await service.rest(plinth), await service.rest(spire)];
    expect([asked.state, asked.baseBranch]).toEqual(['awaitingInput', 'main']);
    for (const part of [plinth, spire]) await desk().relate(church, 'child', part, someone);
    await desk().relate(plinth, 'blocks', spire, someone);
    await desk().comment(spire, 'Ten', someone);
    const above = await service.rest(spire, 2);
    expect([above.state, above.baseBranch]).toEqual(['complete', below.branch]);
    expect(await requestOf(above.branch)).toMatchObject([
      { base: below.branch, body: expect.stringContaining('**Stacked**') },
    ]);
    expect(await service.git('diff', '--name-only', `${below.branch}...${above.branch}`)).toBe('spire.md');
  });
});
