import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Config } from '../../src/config.ts';
import { describeActivity } from '../../src/core/activity.ts';
import { startDoomed } from '../support/killed-at.ts';
import { demoDir, someone, startTestService, type TestService } from '../support/service.ts';

const bug = { title: '"1.5h" is read as five hours', labels: ['bug'] };
const order: Config['orders'][string] = {
  ...{ tracker: 'board', team: null, project: null, labels: ['bug'], states: ['unstarted'], kinds: 'bug' },
  ...{ rating: 'green', perDay: 1, usdPerDay: 5, repository: null, paused: false },
};

/** The rounds of the start are over, and the next are a minute away: what they do is done here when it is wanted. */
async function roundsOver({ database }: TestService, ...names: string[]): Promise<void> {
  const over = 'select from schedules where name = any($1) and busy_until is null';
  await vi.waitUntil(async () => (await database.pool.query(over, [names])).rowCount === names.length, {
    timeout: 20_000,
  });
}

describe('the agent picks work by itself', () => {
  let service: TestService;
  beforeAll(async () => {
    const script = await readFile(join(demoDir, 'script.yaml'), 'utf8');
    service = await startTestService({
      script,
      change: (config) => ({
        ...config,
        orders: { bugs: order },
        automations: {
          nightly: {
            ...{
              cron: '0 6 * * *',
              timezone: 'UTC',
              template: { title: bug.title, description: 'Mend it.' },
              tracker: 'board',
            },
            ...{
              repository: null,
              team: null,
              project: null,
              labels: [],
              priority: 'low',
              assign: true,
              paused: false,
            },
          },
          monthly: {
            ...{ cron: '0 6 1 * *', timezone: 'UTC', template: 'release-notes', tracker: 'board', repository: null },
            ...{ team: null, project: null, labels: [], priority: 'low', assign: false, paused: true },
          },
        },
      }),
    });
    await roundsOver(service, 'standing orders', 'automations');
  });
  afterAll(() => service?.stop());

  test('a standing order takes a ticket, works on it, and stops at its number', async () => {
    const { app } = service;
    const { ownWork } = app.operations;
    const { identifier } = await app.desk.createTicket(bug, someone);
    const { identifier: later } = await app.desk.createTicket(bug, someone);
    expect(await ownWork.nextOf('bugs', new AbortController().signal)).toMatchObject({ identifier });
    await ownWork.runOrder('bugs', new AbortController().signal);
    const view = await service.rest(identifier);
    expect(view.state).toBe('complete');
    expect(view.pullRequest).not.toBe(null);
    expect(view.activities.map(({ activity }) => describeActivity(activity))).toContainEqual(
      expect.stringContaining('I took this by the standing order "bugs" (1 of 1 today)'),
    );
    await ownWork.runOrder('bugs', new AbortController().signal);
    expect((await app.desk.show(later)).ticket.assignee).toBe(null);
    const [order] = await ownWork.orders();
    expect(order?.idle).toContain('it has taken its 1 of the day');
    expect(order?.today.usd).toBeGreaterThan(0);
    expect(order?.picks).toMatchObject([{ hint: { identifier }, state: 'taken', session: 'complete' }]);
    const summary = await ownWork.summary();
    expect(summary).toContain(`- bugs: ${identifier} "${bug.title}": done: The pattern in \`src/parse.js\` matched`);
    expect(summary).toContain(view.pullRequest?.url);
  });

  test('an automation that is run now files a ticket, and the agent works on it', async () => {
    const { ownWork } = service.app.operations;
    await service.database.pool.query(
      "insert into automation_runs (id, automation, due_at, draft) values (gen_random_uuid(), 'monthly', now(), $1)",
      [
        JSON.stringify({
          title: 'T',
          description: '',
          priority: 'low',
          labels: [],
          fields: {},
          team: null,
          project: null,
        }),
      ],
    );
    expect(await ownWork.runAutomation('nightly', new AbortController().signal)).toBe(null);
    const [view, other] = await ownWork.automations();
    expect(other?.runs, 'what was begun of another is left to its round').toMatchObject([{ reason: null }]);
    const ticket = view?.runs[0]?.hint?.identifier ?? '';
    const session = await service.rest(ticket);
    expect([session.state, session.pullRequest === null]).toEqual(['complete', false]);
    expect(await ownWork.runAutomation('nightly', new AbortController().signal)).toBe(`${ticket} is not over yet`);
    expect(await ownWork.summary()).toContain(`- nightly: ${ticket} "`);
    await expect(ownWork.runAutomation('weekly', new AbortController().signal)).rejects.toThrow(
      'There is no automation "weekly". Known: nightly, monthly.',
    );
  });
});

test.for(['mid', 'after'])(
  'killed as it gives back what an order took (%s): nobody has it, and it stands where it stood',
  async (moment, { expect }) => {
    const rating = "{ confidence: red, size: L, files: [], plan: [Ask], questions: ['What is meant?'] }";
    const script = `replies: [{ calls: [{ tool: scope, input: ${rating} }] }]`;
    const orders = { bugs: order };
    const change = (config: Config): Config => ({
      ...config,
      orders,
      policy: { ...config.policy, scope: { ...config.policy.scope, before: true } },
    });
    const service = await startTestService({ script, change, parts: [] });
    const { app } = service;
    const { identifier } = await app.desk.createTicket(bug, someone);
    const doomed = await startDoomed(service, `effect/releaseTicket/${moment}`, [
      'orders: { bugs: { tracker: board, labels: [bug], states: [unstarted], kinds: bug, rating: green, perDay: 1, usdPerDay: 5 } }',
    ]);
    try {
      expect(await doomed.ended).toEqual([null, 'SIGKILL']);
      await app.startWeb(false);
      await app.startWorking();
      const { unsent, activities } = await service.rest(identifier);
      const { ticket } = await app.desk.show(identifier);
      expect([ticket.assignee, ticket.state.name, unsent]).toEqual([null, 'Todo', []]);
      const told = activities.map(({ activity }) => describeActivity(activity));
      expect(new Set(told).size, told.join('\n')).toBe(told.length);
      const { rows } = await service.database.pool.query(
        "select state from effects where operation->>'kind' = 'releaseTicket'",
      );
      expect(rows).toEqual([{ state: 'done' }]);
    } finally {
      await doomed.end();
      await service.stop();
    }
  },
);

test('an order goes by a rating of its own: one that was made before, and worse than it asks for, lets nothing be changed', async ({
  expect,
}) => {
  const yellow = '{ tool: scope, input: { confidence: yellow, size: M, files: [], plan: [Guess] } }';
  const change = (config: Config): Config => ({
    ...config,
    orders: { bugs: order },
    policy: { ...config.policy, scope: { ...config.policy.scope, before: true } },
  });
  const script = `
replies:
  - { calls: [${yellow}] }
  - { calls: [{ tool: write, input: { path: guessed.txt, content: "x" } }] }
  - { calls: [${yellow}] }`;
  const service = await startTestService({ script, change });
  try {
    const { app } = service;
    await roundsOver(service, 'standing orders');
    const { ticket } = await app.desk.show((await app.desk.createTicket(bug, someone)).identifier);
    const { sessionId } = await app.operations.scoping.ask(ticket, false);
    await expect
      .poll(async () => (await app.operations.scoping.read([sessionId]))[0]?.rating?.confidence, { timeout: 20_000 })
      .toBe('yellow');
    await service.rest(ticket.identifier);
    await app.operations.ownWork.runOrder('bugs', new AbortController().signal);
    const view = await service.rest(ticket.identifier, 2);
    expect(view.pullRequest).toBe(null);
    expect(view.runs.at(-1)?.outcome).toMatchObject({ stopReason: 'finished', givesBack: 'yellow' });
    const { rows } = await service.database.pool.query("select result from steps where key like '%:write'");
    expect(rows.map(({ result }) => [result.isError, result.text])).toEqual([
      [true, expect.stringMatching(/^Rate the ticket again/)],
    ]);
    expect((await app.desk.show(ticket.identifier)).ticket).toMatchObject({ assignee: null, state: { name: 'Todo' } });
  } finally {
    await service.stop();
  }
});
