import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from '../../src/core/proposal.ts';
import { activityKey } from '../../src/store/activities.ts';
import { openProposal } from '../../src/store/proposals.ts';
import { type Setup, startSetup } from '../support/processes.ts';
import { processesNaming, someone, startTestService, type TestService } from '../support/service.ts';

const bob = { id: 'bob', name: 'Bob', isBot: false };
/** No other test of this machine sleeps this long. */
const nap = `sleep ${30_000 + process.pid}.75`;
const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
const write = '{ tool: write, input: { path: utc.md, content: "UTC\\n" } }';
const finish = '{ tool: finish, input: { title: Note the zone, summary: "It is UTC." } }';

const script = `
tickets:
  Needs a yes:
    - calls: [{ tool: ask, input: { question: Shall I? } }]
    - expect: ["Note from the service: The plan", "is not approved", "Ada writes", "Use UTC"]
      calls: [${write}, { tool: ask, input: { question: And now? } }]
    - expect: ["Note from the service: Ada approved the plan", "carry it out"]
      calls: [${write}, ${finish}]
  Is rejected at work:
    - calls: [{ tool: ask, input: { question: Shall I? } }]
    - { expect: Ada approved the plan, calls: [{ tool: bash, input: { command: "${nap}" } }] }
  Wants a plan:
    - calls: [{ tool: scope, input: { confidence: green, size: S, files: [], plan: [Note the zone] } }]
    - { expect: [Ada approved the plan], calls: [${write}, ${finish}] }
  Wants none after all:
    - calls: [{ tool: scope, input: { confidence: green, size: S, files: [], plan: [Note the zone] } }]
    - { expect: [Ada writes, Just note UTC], calls: [${write}] }
    - { expect: [was not called], calls: [{ tool: scope, input: { confidence: green, size: S, files: [], plan: [Note UTC] } }] }
    - { expect: [Ada approved the plan], calls: [${write}, ${finish}] }
    - { expect: [And the date], calls: [${write}] }
    - { expect: [was not called], calls: [{ tool: scope, input: { confidence: green, size: S, files: [], plan: [Note the date] } }] }
    - { expect: [Go on], calls: [{ tool: finish, input: { title: T, summary: s, answer: It is noted. } }] }
  Hears nothing:
    - calls: [{ tool: ask, input: { question: Shall I? } }]
    - { expect: Nobody objected to the plan, calls: [${write}] }
    - { calls: [${finish}] }
`;

/** As a run does that ends with a proposal, made of one that has just ended with a question: shown where that was. */
async function propose(
  service: TestService,
  identifier: string,
  steps: string[],
  silenceMinutes: number | null = null,
) {
  const view = await service.app.sessions.view(identifier);
  if (!view) throw new Error(`${identifier} has no session`);
  const run = await service.app.db
    .selectFrom('runs')
    .select(['id', 'number'])
    .where('session_id', '=', view.id)
    .orderBy('number', 'desc')
    .executeTakeFirstOrThrow();
  const content = { kind: 'plan' as const, steps };
  const shownBy = activityKey(view.id, `run/${run.number}/ended`);
  const proposal = { sessionId: view.id, runId: run.id, content, shownBy, silenceMinutes };
  await service.app.db.transaction().execute((tx) => openProposal(tx, proposal));
  return codeOf(content);
}

const lastWord = (view: Awaited<ReturnType<TestService['rest']>>) => {
  const { activity } = view.activities.at(-1) ?? {};
  return activity && activity.type !== 'action' ? activity.body : '';
};

describe('approval', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      files,
      change: (config) => ({
        ...config,
        policy: { ...config.policy, approval: { ...config.policy.approval, by: ['Ada'] } },
      }),
    });
  });
  afterAll(() => service?.stop());

  test('waits, is refused, revised and given, and then the same history goes on', async () => {
    const { app, rest } = service;
    const { ticket } = await service.work({ title: 'Needs a yes' });
    const { identifier } = ticket;
    const asked = async (session: string) => {
      const { rows } = await service.database.pool.query(
        "select count(*)::int as n from steps where kind = 'model' and session_id = $1",
        [session],
      );
      return rows[0].n;
    };
    const say = (body: string, by = someone) => app.desk.comment(identifier, body, by);
    const first = await propose(service, identifier, ['Note the zone']);

    await say('approve', bob);
    const refused = await rest(identifier, 2);
    expect([refused.state, await asked(refused.id)]).toEqual(['awaitingInput', 1]);
    expect(lastWord(refused)).toMatch(/^Bob, only Ada may approve here/);

    await say('Use UTC');
    const revised = await rest(identifier, 3);
    expect([revised.state, await asked(revised.id)]).toEqual(['awaitingInput', 2]);
    const { rows } = await service.database.pool.query(
      `select result ->> 'text' as text from steps where key like '%:write'`,
    );
    expect(rows).toEqual([{ text: expect.stringContaining(`the plan ${first} is not approved`) }]);

    const second = await propose(service, identifier, ['Note that it is UTC']);
    await say(`approve ${first}`);
    const older = await rest(identifier, 4);
    expect([await asked(older.id), lastWord(older)]).toEqual([2, expect.stringContaining(`say "approve ${second}"`)]);

    await say('Approve');
    const done = await rest(identifier, 5);
    expect([done.state, done.runs.map(({ outcome }) => outcome?.stopReason)]).toEqual([
      'complete',
      ['needsInput', 'needsInput', 'needsInput', 'needsInput', 'finished'],
    ]);
    expect(await service.git('show', `${done.branch}:utc.md`)).toBe('UTC');
    expect(done.decisions).toEqual([`Ada decided: “Use UTC” (asked: “May I carry out the plan ${first}?”)`]);
  });

  test('a ticket may want a plan where none is rated: it is proposed all the same', async () => {
    const asked = await service.work({ title: 'Wants a plan', description: '## Approval\n\nrequired' });
    expect(asked.runs[0]?.outcome?.proposal).toEqual({ kind: 'plan', steps: ['Note the zone'] });
    await service.app.desk.comment(asked.ticket.identifier, 'approve', someone);
    expect((await service.rest(asked.ticket.identifier, 2)).state).toBe('complete');
  });

  test('where the wish for a plan is taken back, what was proposed is proposed anew, and later work is done', async () => {
    const { app, rest } = service;
    const { ticket } = await service.work({ title: 'Wants none after all', labels: ['approval:plan'] });
    const { identifier } = ticket;
    await app.desk.editTicket(identifier, { labels: [] }, someone);
    await app.desk.comment(identifier, 'Just note UTC', someone);
    const anew = await rest(identifier, 2);
    expect(anew.runs[1]?.outcome?.proposal).toEqual({ kind: 'plan', steps: ['Note UTC'] });
    await app.desk.comment(identifier, 'approve', someone);
    expect((await rest(identifier, 3)).state).toBe('complete');
    await app.desk.comment(identifier, 'And the date', someone);
    const done = await rest(identifier, 4);
    expect([done.state, done.runs[3]?.outcome?.stopReason]).toEqual(['complete', 'finished']);
  });

  test('a no to what is being carried out ends it in the middle of a command, and says so once', async () => {
    const { app, rest } = service;
    const { ticket } = await service.work({ title: 'Is rejected at work' });
    const code = await propose(service, ticket.identifier, ['Take a nap']);
    await app.desk.comment(ticket.identifier, 'approve', someone);
    await expect.poll(() => processesNaming(nap), { timeout: 20_000 }).not.toEqual([]);
    await app.desk.comment(ticket.identifier, '@shipmate reject', bob);
    const view = await rest(ticket.identifier, 2);
    expect([view.state, view.runs.length, await processesNaming(nap)]).toEqual(['stopped', 2, []]);
    const closings = view.activities.filter(({ activity }) => activity.type === 'response');
    expect(closings.map(({ activity }) => activity)).toEqual([
      { type: 'response', body: expect.stringMatching(new RegExp(`^Stopped: Bob rejected the plan ${code}\\.`)) },
    ]);
  });
});

test('waiting costs nothing while nobody works, and silence approves once, whoever was killed before it', async () => {
  const setup: Setup = await startSetup({ script, files, yaml: { worker: { slots: 1 } } });
  try {
    const { app, database } = setup;
    const count = async (what: string) =>
      (await database.pool.query(`select count(*)::int as n from ${what}`)).rows[0].n;
    const worker = setup.start('worker');
    await worker.said('running');
    const { ticket } = await setup.work({ title: 'Hears nothing' });
    const { identifier } = ticket;
    const code = await propose(setup, identifier, ['Note the zone'], 0.05);
    worker.kill('SIGKILL');
    await worker.ended;
    // Nobody works, and nothing is held for the session: no process, no reservation, no live run, before silence has passed.
    await database.pool.query('update proposals set silence_minutes = 60');
    await expect.poll(() => processesNaming(setup.dir)).toEqual([]);
    expect([await count('reservations'), await count('runs where ended_at is null')]).toEqual([0, 0]);
    await database.pool.query('update proposals set silence_minutes = 0.001');
    await expect
      .poll(() => count("activities where activity ->> 'body' like 'Nobody objected%'"), { timeout: 20_000 })
      .toBe(1);

    setup.start('worker');
    const done = await setup.rest(identifier, 2);
    expect([done.state, done.runs.length]).toEqual(['complete', 2]);
    expect(await count("activities where activity ->> 'body' like 'Nobody objected%'")).toBe(1);
    expect((await database.pool.query('select code, state from proposals')).rows).toEqual([
      { code, state: 'approved' },
    ]);
    expect(await app.sessions.view(identifier)).toMatchObject({ unsent: [] });
  } finally {
    await setup.stop();
  }
}, 120_000);
