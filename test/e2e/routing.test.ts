import { afterAll, beforeAll, describe, test } from 'vitest';
import { someone, startTestService, type TestService } from '../support/service.ts';

const look = '{ tool: bash, input: { command: ls } }';
const plan = (step: string) => `{ tool: scope, input: { confidence: green, size: S, files: [], plan: ["${step}"] } }`;
const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "new\\n" } }`;
const finish = '{ tool: finish, input: { title: Add a file, summary: It was missing. } }';

const script = `
tickets:
  "[repo=acme/web] Work on it":
    - { calls: [${write('moved.txt')}, ${finish}] }
  Looks around:
    - { until: looked, calls: [${look}] }
    - { expect: ["Work on it"], calls: [{ tool: ask, input: { question: Which colour? } }] }
  Rate it:
    - { calls: [${look}, ${plan('In the wrong place')}] }
  "[repo=acme/web#release] Plan it":
    - { calls: [${plan('On the release')}] }
    - { expect: [Ada approved the plan], calls: [${write('released.txt')}, ${finish}] }
  Plan it:
    - { calls: [${look}, ${plan('On main')}] }
  Begun:
    - { calls: [${write('begun.txt')}, { tool: ask, input: { question: Which colour? } }] }
    - { expect: ["added approval:plan"], calls: [${write('more.txt')}, { tool: ask, input: { question: And now? } }] }
    - { expect: [People approve a plan before], calls: [${write('late.txt')}] }
    - { expect: ["write was not called"], calls: [${plan('The rest')}] }
replies:
  - calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Nothing is to be done. } }]
`;
const files = { 'README.md': 'A project.\n' };

/** A ticket that does not tell its repository: rules, people's answers, and what is remembered of them. */
describe('the repository of a ticket', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      repositories: { 'acme/web': files, 'acme/api': files, tools: files },
      change: (config) => ({
        ...config,
        routes: [
          { project: 'Billing', repository: 'acme/api' },
          { team: 'Platform', repository: 'acme/web' },
          { team: 'Platform', repository: 'tools' },
        ],
      }),
    });
  });
  afterAll(() => service?.stop());

  const thoughts = async (identifier: string) => {
    const shown = await service.app.desk.show(identifier);
    return shown.activities.flatMap(({ activity }) =>
      activity.type === 'thought' && /remember|answered/.test(activity.body) ? [activity.body] : [],
    );
  };

  test('is asked for once in a project; the answer holds for the next ticket, until it is forgotten', async ({
    expect,
  }) => {
    const fields = { project: 'Shop' };
    const asked = await service.work({ title: 'One', fields });
    expect([asked.state, asked.activities.at(-1)?.activity]).toMatchObject([
      'awaitingInput',
      { type: 'elicitation', options: ['acme/web', 'acme/api', 'tools'] },
    ]);
    await service.app.desk.comment(asked.ticket.identifier, '@shipmate 2', someone);
    const answered = await service.rest(asked.ticket.identifier, 2);
    expect([answered.state, answered.repository]).toEqual(['complete', 'acme/api']);
    expect(await thoughts(asked.ticket.identifier)).toEqual([
      expect.stringMatching(/^`acme\/api` it is\. I remember this for the project "Shop".*routes forget "Shop"/),
    ]);

    const second = await service.work({ title: 'Two', fields });
    expect([second.state, second.repository, second.runs.length]).toEqual(['complete', 'acme/api', 1]);
    expect(await thoughts(second.ticket.identifier)).toEqual([
      expect.stringMatching(/^I work in `acme\/api`, as Ada answered for the project "Shop" before\./),
    ]);
    const own = await service.work({ title: 'Three', fields, description: 'Only here [repo=acme/web]' });
    expect(own.repository).toBe('acme/web');

    expect(await service.app.operations.listRoutes()).toMatchObject([
      { tracker: 'board', scope: { kind: 'project', name: 'Shop' }, repository: 'acme/api', by: { name: 'Ada' } },
    ]);
    expect(await service.app.operations.forgetRoutes('shop')).toBe(1);
    expect(await service.app.operations.forgetRoutes('shop')).toBe(0);
    const third = await service.work({ title: 'Four', fields });
    expect(third.state).toBe('awaitingInput');
  });

  test('of two tickets that were asked at once, each has its own answer; the newest is remembered', async ({
    expect,
  }) => {
    const fields = { project: 'Depot' };
    const one = await service.work({ title: 'Eight', fields });
    const two = await service.work({ title: 'Nine', fields });
    const say = (view: typeof one, body: string) => service.app.desk.comment(view.ticket.identifier, body, someone);
    await say(one, 'acme/web');
    expect(await service.rest(one.ticket.identifier, 2)).toMatchObject({ state: 'complete', repository: 'acme/web' });
    await say(two, 'acme/api');
    expect(await service.rest(two.ticket.identifier, 2)).toMatchObject({ state: 'complete', repository: 'acme/api' });
    expect(await thoughts(two.ticket.identifier)).toEqual([expect.stringMatching(/^`acme\/api` it is\. I remember/)]);
    expect(await service.app.operations.listRoutes()).toContainEqual(
      expect.objectContaining({ scope: { kind: 'project', name: 'Depot' }, repository: 'acme/api' }),
    );
  });

  test('is what a rule says; of several rules that fit, one is asked for', async ({ expect }) => {
    const ruled = await service.work({ title: 'Five', fields: { project: 'billing' } });
    expect([ruled.state, ruled.repository, await thoughts(ruled.ticket.identifier)]).toEqual([
      'complete',
      'acme/api',
      [],
    ]);
    const two = await service.work({ title: 'Six', fields: { team: 'Platform' } });
    expect(two.activities.at(-1)?.activity).toMatchObject({ options: ['acme/web', 'tools'] });
    await service.app.desk.comment(two.ticket.identifier, 'tools', someone);
    expect(await service.rest(two.ticket.identifier, 2)).toMatchObject({ state: 'complete', repository: 'tools' });
    const next = await service.work({ title: 'Seven', fields: { team: 'Platform' } });
    expect([next.state, next.repository]).toEqual(['complete', 'tools']);
  });

  const words = (view: Awaited<ReturnType<TestService['rest']>>) =>
    view.activities.map(({ activity }) => ('body' in activity ? activity.body : ''));

  test('that the ticket names only after it was rated is where the work is done, and nothing is left of the rating', async ({
    expect,
  }) => {
    const { desk, operations } = service.app;
    const fields = { project: 'Billing' };
    const made = await desk.createTicket({ title: 'Named late', description: 'Rate it', fields }, someone);
    const { sessionId } = await operations.scoping.ask(made, false);
    const rating = async () => (await operations.scoping.read([sessionId]))[0]?.rating?.confidence;
    await expect.poll(rating, { timeout: 20_000 }).toBe('green');
    const rated = await service.rest(made.identifier);
    expect(rated.repository).toBe('acme/api');

    await desk.editTicket(made.identifier, { description: '[repo=acme/web] Work on it' }, someone);
    await desk.assign(made.identifier, service.config.trackers.board.agent, someone);
    const done = await service.rest(made.identifier, 2);
    expect([done.state, done.repository, done.usage.calls]).toEqual(['complete', 'acme/web', 2]);
    expect(await service.gitIn('acme/web', 'show', `${done.branch}:moved.txt`)).toBe('new');
    expect(words(done).filter((text) => text.startsWith('It says'))).toEqual(['It says `acme/web` now: I work there.']);
    expect(words(done).join()).not.toMatch(/The work stays|Rated/);
  });

  test('a run that is at work when another is named says how to move it', async ({ expect }) => {
    const { desk, sessions } = service.app;
    const assignee = service.config.trackers.board.agent;
    const draft = { title: 'Named at work', description: 'Looks around [repo=tools]', assignee };
    const { identifier } = await desk.createTicket(draft, someone);
    const asked = async () => (await sessions.view(identifier))?.firstModelCallAt;
    await expect.poll(asked, { timeout: 20_000 }).toBeTruthy();
    await desk.editTicket(identifier, { description: '[repo=acme/web] Work on it' }, someone);
    await service.sorted();
    await service.letGo('looked');
    const here = await service.rest(identifier);
    expect([here.repository, words(here).find((text) => text.startsWith('I saw'))]).toEqual([
      'tools',
      expect.stringContaining('say "stop" now and then "continue"'),
    ]);
    await desk.comment(identifier, 'stop', someone);
    await service.sorted();
    await desk.comment(identifier, 'continue', someone);
    const done = await service.rest(identifier, 2);
    expect([done.state, done.repository, words(done).filter((text) => text.startsWith('It says'))]).toEqual([
      'complete',
      'acme/web',
      ['It says `acme/web` now: I work there.'],
    ]);
  });

  test('a base branch that is named late is followed, too; what was proposed before counts no more', async ({
    expect,
  }) => {
    const { desk } = service.app;
    await service.gitIn('acme/web', 'branch', 'release');
    const draft = { title: 'Named late', description: '[repo=acme/web] Plan it', labels: ['approval:plan'] };
    const { ticket, runs } = await service.work(draft);
    expect(runs[0]?.outcome?.proposal).toMatchObject({ steps: ['On main'] });
    await desk.editTicket(ticket.identifier, { description: '[repo=acme/web#release] Plan it' }, someone);
    const anew = await service.rest(ticket.identifier, 2);
    expect([anew.state, anew.runs[1]?.outcome?.proposal]).toMatchObject([
      'awaitingInput',
      { steps: ['On the release'] },
    ]);
    expect(words(anew)).toContainEqual(
      expect.stringMatching(
        /^It says `release` as its base now: I work there\. What I proposed as \w{6} was for where/,
      ),
    );
    await desk.comment(ticket.identifier, 'approve', someone);
    const done = await service.rest(ticket.identifier, 3);
    expect([done.state, done.runs.length]).toEqual(['complete', 3]);
    const { rows } = await service.database.pool.query('select base_branch from sessions where id = $1', [done.id]);
    expect(rows).toEqual([{ base_branch: 'release' }]);
  });

  test('stays once a file was changed; a plan that is wanted only then is proposed after a stop', async ({
    expect,
  }) => {
    const { desk } = service.app;
    const { ticket, repository } = await service.work({ title: 'Begun', description: '[repo=tools]' });
    const edit = { description: '[repo=acme/web]', labels: ['approval:plan'] };
    await desk.editTicket(ticket.identifier, edit, someone);
    const asked = await service.rest(ticket.identifier, 2);
    expect([repository, asked.repository, asked.state]).toEqual(['tools', 'tools', 'awaitingInput']);
    expect(words(asked)).toContainEqual(
      expect.stringMatching(/The work stays in the repository.*\n\nWork has begun, so I propose no plan.*say "stop"/s),
    );
    await desk.comment(ticket.identifier, 'stop', someone);
    await service.sorted();
    await desk.comment(ticket.identifier, 'continue', someone);
    const planned = await service.rest(ticket.identifier, 3);
    expect([planned.state, planned.runs[2]?.outcome?.proposal?.kind]).toEqual(['awaitingInput', 'plan']);
  });
});
