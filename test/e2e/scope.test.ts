import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest';
import type { SessionView } from '../../src/app.ts';
import type { Config } from '../../src/config.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import { startSetup } from '../support/processes.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const rate = (more = '') =>
  `{ tool: scope, input: { confidence: green, size: S, files: [two.txt], plan: [Write it, Hand it in]${more} } }`;
const plan = (step: string) =>
  `{ tool: scope, input: { confidence: green, size: S, files: [two.txt], plan: ["${step}"] } }`;
const red = (question: string) =>
  `{ tool: scope, input: { confidence: red, size: M, files: [], plan: [], questions: ["${question}"] } }`;
const write = '{ tool: write, input: { path: two.txt, content: "two\\n" } }';
const finish = '{ tool: finish, input: { title: Add a second file, summary: It was missing. } }';

const script = `
tickets:
  Add a second file:
    - { calls: [${write}] }
    - { expect: [call scope], calls: [${rate()}, ${write}] }
    - { expect: ["Go on."], calls: [${write}] }
    - { calls: [${finish}] }
  Killed:
    - { calls: [${rate()}] }
    - { calls: [${write}] }
    - { calls: [${finish}] }
  Answered:
    - { calls: [${red('Which colour, @ada?\\u202e')}] }
    - { expect: [Blue, Call scope again], calls: [${write}] }
    - { expect: [Rate the ticket again], calls: [${rate()}] }
    - { calls: [${write}, ${finish}] }
  Edited:
    - { calls: [${red('What is wanted?')}] }
    - { expect: [People have edited the ticket, A second file is], calls: [${rate()}] }
    - { calls: [${write}, ${finish}] }
  Planned:
    - { calls: [${rate()}] }
  Approved and rejected:
    - { calls: [${plan('Write it')}] }
    - { expect: [Ada approved the plan, carry it out], calls: [${write}, { tool: bash, input: { command: sleep 60 } }] }
    - { expect: [is not approved, In UTC], calls: [${write}, ${finish}] }
    - { expect: ["write was not called", "finish was not called"], calls: [${plan('Write it in UTC')}] }
    - expect: [Ada approved the plan]
      calls: [{ tool: write, input: { path: two.txt, content: "UTC\\n" } }, ${finish}]
    - expect: [How is it going, People approve a plan before]
      calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: It is in review. } }]
    - { expect: [Rewrite the rest, People approve a plan before], calls: [${write}] }
    - { expect: ["write was not called"], calls: [${plan('Rewrite the rest')}] }
    - { expect: [Ada approved the plan], calls: [{ tool: write, input: { path: rest.txt, content: "rest\\n" } }, ${finish}] }
  Labelled after it was rated:
    - { calls: [${rate()}] }
    - { expect: [It is yours now], calls: [${write}] }
    - { expect: ["write was not called"], calls: [${rate()}] }
  Said before it was shown:
    - calls: [{ tool: scope, input: { confidence: green, size: L, files: [], plan: [Split it], parts: [One, Two] } }]
      until: said
    - { expect: [All in one, call scope], calls: [${write}] }
    - { expect: ["write was not called"], calls: [${rate()}] }
    - { expect: ["Go on."], calls: [${write}, ${finish}] }
  Labelled at work:
    - { until: labelled, calls: [${rate()}] }
    - { expect: [People approve a plan before, "approval:plan"], calls: [${write}] }
    - { expect: ["write was not called"], calls: [${rate()}] }
  Too large:
    - calls:
        - tool: scope
          input:
            { confidence: yellow, size: L, files: [src], plan: [Split it], parts: ["The table\\nafter: 1", "The page\\nafter: 0"] }
    - expect: [The parts wait for one another]
      calls:
        - tool: scope
          input:
            { confidence: yellow, size: L, files: [src], plan: [Split it], parts: ["The table", "The page\\nrepository: web\\nafter: 0\\nShows it."] }
  "Task: a house.":
    - calls:
        - tool: scope
          input:
            { confidence: yellow, size: L, files: [src], plan: [Split it], parts: ["Walls\\n\\nTask: walls.", "Roof\\nafter: 0\\nTask: roof."] }
  "Task: walls.":
    - { calls: [${rate()}] }
    - { calls: [{ tool: write, input: { path: walls.txt, content: "walls\\n" } }, ${finish}] }
  "Task: roof.":
    - { calls: [${rate()}] }
    - { calls: [{ tool: write, input: { path: roof.txt, content: "roof\\n" } }, ${finish}] }
  Rated twice:
    - { calls: [{ tool: scope, input: { confidence: violet, size: S, files: [], plan: [] } }] }
    - { expect: [These are not the arguments of scope], calls: [${rate()}] }
    - { calls: [${rate(', questions: [Is that all]')}] }
    - { calls: [${write}, ${rate()}] }
    - { expect: [the rating stands], calls: [${finish}] }
  Only looked at:
    - { calls: [${write}, { tool: bash, input: { command: ls } }] }
    - { expect: [only rated], calls: [${rate(', questions: ["Where to?"]')}] }
    - { expect: [It is yours now, In the top directory.], calls: [${rate()}] }
    - { calls: [${write}, ${finish}] }
  Stays unclear:
    - { calls: [${red('What?')}] }
    - { expect: [Call scope again], calls: [${red('What, please?')}] }
  Given meanwhile:
    - { until: given, calls: [${rate()}] }
    - { expect: [It is yours now], calls: [${write}, ${finish}] }
  At work on it:
    - { calls: [${rate()}, { tool: bash, input: { command: "while ! test -e /workspace/go; do sleep 0.1; done", timeout: 60 } }] }
    - { calls: [${finish}] }
  Comes later:
    - { calls: [${rate()}] }
  Hears something first:
    - { until: spoken, calls: [${rate()}] }
    - { expect: [Mind the docs], calls: [${write}] }
    - { expect: [Rate the ticket again], calls: [${rate()}] }
  Swaps its plan:
    - calls: [{ tool: scope, input: { confidence: yellow, size: S, files: [three.txt], plan: [Write three] } }]
    - expect: [carry it out]
      calls: [{ tool: scope, input: { confidence: green, size: S, files: [three.txt], plan: [Write four] } }]
    - { calls: [{ tool: write, input: { path: four.txt, content: "four\\n" } }, ${finish}] }
`;
const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
const rated = (config: Config): Config => ({
  ...config,
  policy: { ...config.policy, scope: { ...config.policy.scope, before: true } },
});

const shown = (view: SessionView) =>
  view.activities
    .filter(({ activity }) => !('ephemeral' in activity && activity.ephemeral))
    .map(({ activity }) => activity);
const words = (view: SessionView) => shown(view).map((activity) => ('body' in activity ? activity.body : ''));

describe('a ticket is rated before it is worked on', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ script, files, change: rated });
  });
  afterAll(() => service?.stop());

  const ratings = async (identifier: string) => {
    const { rows } = await service.database.pool.query(
      `select confidence, size, r.files, questions, parts, followed, estimate, stop_reason, proof, minutes > 0 as took, changed
       from ratings r join sessions s on s.id = r.session_id join tickets t on t.id = s.ticket_id
       where t.identifier = $1 order by r.seq`,
      [identifier],
    );
    return rows;
  };

  test('green: nothing is changed before, the rating stays on the ticket, and what it took is told beside it', async ({
    expect,
  }) => {
    const { desk } = service.app;
    const { identifier } = await desk.createTicket({ title: 'Add a second file' }, someone);
    await desk.comment(identifier, 'word '.repeat(2_000), someone);
    await desk.assign(identifier, service.config.trackers.board.agent, someone);
    const view = await service.rest(identifier);
    expect(view.state).toBe('complete');
    const unread = words(view).filter((text) => text.startsWith('Of these comments I read only'));
    expect(unread).toEqual([expect.stringContaining("2,000 characters: Ada's of 9,999 characters.")]);
    const told = words(view).filter((text) => text.startsWith('**Rated'));
    expect(told).toHaveLength(1);
    expect(told[0]).toBe(
      '**Rated green, size S**: it is clear what to do and how.\n\nLikely files: `two.txt`.\n\n' +
        'Plan:\n1. Write it\n2. Hand it in\n\nEstimate: there is nothing to compare with yet; it takes three finished tickets.',
    );
    expect(words(view).at(-1)).toMatch(/\n\n\*Rated without an estimate, .*; it took [\d.]+ min\.\*\n\n\*Cost so far/);
    expect(view.plan.map(({ content }) => content)).toEqual(['Write it', 'Hand it in']);
    expect(await ratings(view.ticket.identifier)).toEqual([
      {
        ...{ confidence: 'green', size: 'S', files: ['two.txt'], questions: [], parts: 0, followed: 'work' },
        ...{ estimate: null, stop_reason: 'finished', proof: expect.any(String), took: true, changed: ['two.txt'] },
      },
    ]);
  });

  test('red: it asks once, is answered, rates again and works', async ({ expect }) => {
    const asked = await service.work({ title: 'Answered' });
    const { identifier } = asked.ticket;
    expect([asked.state, asked.runs[0]?.outcome?.stopReason]).toEqual(['awaitingInput', 'needsInput']);
    const said = shown(asked).filter(({ type }) => type !== 'thought');
    expect(said).toHaveLength(1);
    expect(words(asked).join()).not.toContain('\u202e');
    const [question] = words(asked).slice(-1);
    expect(question).toMatch(
      /^\*\*Rated red, size M\*\*: .*\n\nWhat is missing:\n- Which colour, `@ada`\?\n- a description/,
    );
    await service.app.desk.comment(identifier, 'Blue', someone);
    const done = await service.rest(identifier, 2);
    expect([done.state, done.runs.length]).toEqual(['complete', 2]);
    expect(done.decisions).toEqual([
      expect.stringMatching(/^Ada decided: “Blue” \(asked: “[^”]*Rated red, size M[^”]*”\)$/),
    ]);
    expect((await ratings(identifier)).map(({ confidence, stop_reason }) => [confidence, stop_reason])).toEqual([
      ['red', 'needsInput'],
      ['green', 'finished'],
    ]);
  });

  test('red: an edit of the ticket has it rated again; a change that says no more has not', async ({ expect }) => {
    const { ticket } = await service.work({ title: 'Edited' });
    await service.app.desk.move(ticket.identifier, 'In Review', someone);
    await service.app.desk.editTicket(ticket.identifier, { description: 'A second file is wanted.' }, someone);
    const done = await service.rest(ticket.identifier, 2);
    expect([done.state, done.runs.length]).toEqual(['complete', 2]);
  });

  test('a plan that people want to see first is proposed', async ({ expect }) => {
    const view = await service.work({ title: 'Planned', labels: ['approval:plan'] });
    expect(view.state).toBe('awaitingInput');
    expect(view.runs[0]?.outcome).toMatchObject({
      stopReason: 'needsInput',
      options: ['Approve', 'Reject'],
      proposal: { kind: 'plan', steps: ['Write it', 'Hand it in'] },
    });
    const proposal = words(view).at(-1) ?? '';
    expect(proposal).toMatch(
      /^\*\*Rated green, size S\*\*.*\n\n\*\*Plan \w+\*\*\n\n1\. Write it\n2\. Hand it in\n\nSay "approve"/s,
    );
    expect(proposal.match(/Write it/g), 'the plan is shown once').toHaveLength(1);
  });

  test('approved, rejected in the middle of the work, proposed anew and finished; what is wanted next is proposed, too', async ({
    expect,
  }) => {
    const { desk } = service.app;
    const proposed = await service.work({ title: 'Approved and rejected', labels: ['approval:plan'] });
    const { identifier } = proposed.ticket;
    const say = (body: string) => desk.comment(identifier, body, someone);
    const plans = async () => {
      const { rows } = await service.database.pool.query(
        `select content -> 'steps' ->> 0 as step, state, carried_out_at is not null as done
         from proposals where session_id = $1 order by number`,
        [proposed.id],
      );
      return rows.map(({ step, state, done }) => `${step}: ${state}${done ? ', done' : ''}`);
    };
    const hasWritten = async () => {
      const { rows } = await service.database.pool.query(
        "select from steps where key like '%:write' and completed_at is not null and session_id = $1",
        [proposed.id],
      );
      return rows.length > 0;
    };
    await say('approve');
    await expect.poll(hasWritten, { timeout: 20_000 }).toBe(true);
    await say('reject');
    expect((await service.rest(identifier, 2)).state).toBe('stopped');
    await say('In UTC');
    const anew = await service.rest(identifier, 3);
    expect([anew.state, await plans()]).toEqual(['awaitingInput', ['Write it: rejected', 'Write it in UTC: open']]);
    await say('approve');
    const done = await service.rest(identifier, 4);
    expect([done.state, await service.git('show', `${done.branch}:two.txt`)]).toEqual(['complete', 'UTC']);
    expect((await plans()).at(-1)).toBe('Write it in UTC: approved, done');

    await say('How is it going?');
    expect(words(await service.rest(identifier, 5)).at(-1)).toMatch(/^It is in review\./);
    await say('Rewrite the rest');
    const next = await service.rest(identifier, 6);
    expect([next.state, (await plans()).at(-1)]).toEqual(['awaitingInput', 'Rewrite the rest: open']);
    await say('approve');
    const end = await service.rest(identifier, 7);
    expect([end.state, await service.git('show', `${end.branch}:rest.txt`)]).toEqual(['complete', 'rest']);
  });

  test('a plan is wanted after the ticket was rated, or while it is: nothing is changed before it is shown', async ({
    expect,
  }) => {
    const { app } = service;
    const labels = ['approval:plan'];
    const agent = service.config.trackers.board.agent;
    const rated = await app.desk.createTicket({ title: 'Labelled after it was rated' }, someone);
    const { sessionId } = await app.operations.scoping.ask(rated, false);
    await expect
      .poll(async () => (await app.operations.scoping.read([sessionId]))[0]?.rating?.confidence, { timeout: 20_000 })
      .toBe('green');
    await app.desk.editTicket(rated.identifier, { labels }, someone);
    await app.desk.assign(rated.identifier, agent, someone);
    const given = await app.desk.createTicket({ title: 'Labelled at work', assignee: agent }, someone);
    const asked = async () => (await app.sessions.view(given.identifier))?.firstModelCallAt;
    await expect.poll(asked, { timeout: 20_000 }).toBeTruthy();
    await app.desk.editTicket(given.identifier, { labels }, someone);
    await service.sorted();
    await service.letGo('labelled');
    for (const [identifier, runs] of [
      [rated.identifier, 2],
      [given.identifier, 1],
    ] as const) {
      const view = await service.rest(identifier, runs);
      expect([view.state, view.runs.at(-1)?.outcome?.proposal?.kind]).toEqual(['awaitingInput', 'plan']);
    }
  });

  test('what was not shown, because people spoke meanwhile, is nothing to work by', async ({ expect }) => {
    const { desk, sessions } = service.app;
    const assignee = service.config.trackers.board.agent;
    const { identifier } = await desk.createTicket({ title: 'Said before it was shown', assignee }, someone);
    const asked = async () => (await sessions.view(identifier))?.firstModelCallAt;
    await expect.poll(asked, { timeout: 20_000 }).toBeTruthy();
    await desk.comment(identifier, 'All in one, please', someone);
    await service.sorted();
    await service.letGo('said');
    const view = await service.rest(identifier);
    expect([view.state, view.runs.length]).toEqual(['complete', 1]);
  });

  test('too large: sub-tickets are proposed with their order; a circle among them goes back to the model', async ({
    expect,
  }) => {
    const view = await service.work({ title: 'Too large' });
    const part = { description: '', repository: null, after: [] };
    expect(view.runs[0]?.outcome?.proposal).toEqual({
      kind: 'split',
      parts: [
        { ...part, title: 'The table' },
        { title: 'The page', description: 'Shows it.', repository: 'web', after: [0] },
      ],
    });
    expect(words(view).at(-1)).toContain('1. **The table**\n2. **The page** (in web, after 1)\n   Shows it.');
    expect(
      words(view)
        .at(-1)
        ?.match(/The table/g),
      'the parts are shown once',
    ).toHaveLength(1);
  });

  test('approved, its parts are filed once, in their order, and the ticket leads them to their end', async ({
    expect,
  }) => {
    const { desk } = service.app;
    const whole = await service.work({
      title: 'House',
      description: 'Task: a house.\n\n## Allowed paths\n*.txt\n\n## Exit commands\ntest -s one.txt',
      fields: { Risk: 'It falls down.' },
    });
    const { identifier } = whole.ticket;
    expect(whole.runs[0]?.outcome?.proposal?.kind).toBe('split');
    expect(words(whole).at(-1)).toContain('says of allowed paths, exit commands and risk holds for each part.');
    for (const word of ['approve', 'Approve', 'approve']) await desk.comment(identifier, word, someone);
    const partsOf = async () =>
      (await desk.show(identifier)).ticket.relations.filter(({ type }) => type === 'child').map(({ ticket }) => ticket);
    await expect.poll(async () => (await partsOf()).map(({ title }) => title)).toEqual(['Walls', 'Roof']);
    const told = async () => words((await service.app.sessions.view(identifier)) as SessionView);
    expect((await told()).join(), 'where to say what nobody has read').toContain('filed now, as shown.');
    const [walls, roof] = (await partsOf()).map((part) => part.identifier);
    if (!walls || !roof) throw new Error('there are no parts');
    const first = await service.rest(walls);
    expect((await desk.show(walls)).ticket).toMatchObject({
      description: `Part of ${identifier}: House\n\nTask: walls.`,
      fields: { 'Allowed paths': '*.txt', 'Exit commands': 'test -s one.txt', Risk: 'It falls down.' },
    });
    expect([first.state, first.runs.length]).toEqual(['complete', 1]);
    expect((await service.rest(roof)).runs.map((run) => run.outcome?.stopReason)).toEqual(['waiting']);
    expect((await desk.show(roof)).ticket.state.category, 'what waits is not begun').toBe('unstarted');
    const planOf = async () => (await desk.show(identifier)).plan.map(({ content }) => content);
    await expect
      .poll(planOf)
      .toEqual([`${walls} Walls: in review: ${first.pullRequest?.url}`, `${roof} Roof: waiting for ${walls}`]);
    expect((await desk.show(identifier)).ticket.state.category).toBe('started');
    await desk.move(walls, 'Done', someone);
    expect((await service.rest(roof, 2)).pullRequest?.url).toBeDefined();
    await desk.move(roof, 'Done', someone);
    await expect.poll(async () => (await service.app.sessions.view(identifier))?.state).toBe('complete');
    await expect.poll(planOf).toEqual([`${walls} Walls: done`, `${roof} Roof: done`]);
    expect(await partsOf()).toHaveLength(2);
    const [rating] = await ratings(identifier);
    expect([rating?.followed, rating?.stop_reason], 'nobody worked on it').toEqual(['split', 'waiting']);
  });

  test('rated twice, the later one counts; nonsense is told to the model, and after the first change it stands', async ({
    expect,
  }) => {
    const view = await service.work({ title: 'Rated twice' });
    expect(view.state).toBe('complete');
    const kept = await ratings(view.ticket.identifier);
    expect(kept.map(({ questions, stop_reason }) => [questions, stop_reason])).toEqual([
      [[], null],
      [['Is that all'], 'finished'],
    ]);
    // By now there are three of this size to compare with.
    expect(words(view).filter((text) => text.startsWith('**Rated'))[1]).toMatch(
      /Estimate: [\d.-]+ min \(from \d similar/,
    );
    expect(words(view).at(-1)).toMatch(/\*Estimated: [\d.-]+ min; it took [\d.]+ min\.\*/);
  });

  test('a ticket that is only to be rated stays as it was; given later, the work goes on from there', async ({
    expect,
  }) => {
    const { app } = service;
    const made = await Promise.all(
      ['Only looked at', 'Stays unclear'].map((title) => app.desk.createTicket({ title }, someone)),
    );
    const before = await Promise.all(made.map(({ identifier }) => app.desk.show(identifier)));
    const { scoping } = app.operations;
    const { found } = await scoping.find(
      made.map(({ identifier }) => identifier.toLowerCase()),
      AbortSignal.timeout(10_000),
    );
    const asked = await Promise.all(found.map((ticket) => scoping.ask(ticket, false)));
    const ids = asked.map(({ sessionId }) => sessionId);
    await expect
      .poll(async () => (await scoping.read(ids)).filter(({ rating }) => rating).length, { timeout: 30_000 })
      .toBe(2);
    expect((await scoping.read(ids)).map(({ rating }) => rating?.confidence).toSorted()).toEqual(['green', 'red']);
    // Events on tickets that are not ours change nothing of that.
    await app.desk.comment(made[0]?.identifier ?? '', 'In the top directory.', someone);
    await service.rest(made[0]?.identifier ?? '');
    const after = await Promise.all(made.map(({ identifier }) => app.desk.show(identifier)));
    expect(after[1]).toEqual(before[1]);
    expect([after[0]?.ticket.state, after[0]?.ticket.assignee, after[0]?.activities]).toEqual([
      before[0]?.ticket.state,
      null,
      [],
    ]);
    const { violations } = await checkInvariants(service.database.db, { live: true, days: null });
    expect(violations).toEqual([]);

    const agent = service.config.trackers.board.agent;
    await app.desk.comment(made[1]?.identifier ?? '', 'word '.repeat(2_000), someone);
    for (const { identifier } of made) await app.desk.assign(identifier, agent, someone);
    const [done, unclear] = await Promise.all(made.map(({ identifier }) => service.rest(identifier, 2)));
    expect([done?.state, done?.usage.calls]).toEqual(['complete', 4]);
    expect([unclear?.state, unclear?.usage.calls]).toEqual(['awaitingInput', 2]);
    const told = [done, unclear].map((view) =>
      view ? words(view).filter((text) => /^(\*\*Rated|Of these)/.test(text)) : [],
    );
    expect(told, 'the rating that work begins on, and none that is to be made again').toEqual([
      [expect.stringMatching(/^\*\*Rated green, .*- Where to\?/s), expect.not.stringContaining('Where to?')],
      [
        expect.stringMatching(/^Of these comments I read only/),
        expect.stringMatching(/^\*\*Rated red, .*What, please/s),
      ],
    ]);
    expect(await scoping.ask(made[0] as never, false)).toMatchObject({ isGiven: true });
  });

  test('given while it is being rated: it is answered at once, and the work follows', async ({ expect }) => {
    const { app } = service;
    const ticket = await app.desk.createTicket({ title: 'Given meanwhile' }, someone);
    await app.operations.scoping.ask(ticket, true);
    const calls = async () => (await app.sessions.view(ticket.identifier))?.firstModelCallAt;
    await expect.poll(calls, { timeout: 20_000 }).toBeTruthy();
    await app.desk.assign(ticket.identifier, service.config.trackers.board.agent, someone);
    await expect
      .poll(async () => words((await app.sessions.view(ticket.identifier)) as SessionView)[0])
      .toMatch(/^On it: I am reading/);
    await service.letGo('given');
    const done = await service.rest(ticket.identifier, 2);
    expect([done.state, done.runs.length, done.usage.calls]).toEqual(['complete', 2, 2]);
    expect(words(done)[1], 'asked to be told').toMatch(/^\*\*Rated green/);
    expect(
      words(done).filter((text) => text.startsWith('**Rated')),
      'and told once',
    ).toHaveLength(1);
  });
});

test('files that another session is at work on have the later one wait, also when people speak; another plan is proposed anew', {
  timeout: 120_000,
}, async ({ expect }) => {
  const service = await startTestService({
    script,
    files,
    change: (config) => {
      const { policy, ...rest } = rated(config);
      return { ...rest, policy: { ...policy, overlap: 'wait', scope: { ...policy.scope, yellow: 'plan' } } };
    },
  });
  onTestFinished(() => service.stop());
  const assignee = service.config.trackers.board.agent;
  const first = await service.app.desk.createTicket({ title: 'At work on it', assignee }, someone);
  const waits = async () => JSON.stringify((await service.app.sessions.view(first.identifier))?.activities);
  await expect.poll(waits, { timeout: 30_000 }).toContain('while ! test');
  const later = await service.work({ title: 'Comes later' });
  expect(later.runs[0]?.outcome).toMatchObject({
    stopReason: 'waiting',
    waits: [{ ticket: { identifier: first.identifier }, until: 'rests' }],
  });
  expect(words(later).at(-1)).toContain(
    `${first.identifier} is being worked on at the same time and touches \`two.txt\` too.`,
  );

  // People speak while the rating is made that has it wait: it is rated anew, and waits.
  const spokenTo = await service.app.desk.createTicket({ title: 'Hears something first', assignee }, someone);
  const asked = async () => (await service.app.sessions.view(spokenTo.identifier))?.firstModelCallAt;
  await expect.poll(asked, { timeout: 20_000 }).toBeTruthy();
  await service.app.desk.comment(spokenTo.identifier, 'Mind the docs', someone);
  await service.sorted();
  await service.letGo('spoken');
  const heard = await service.rest(spokenTo.identifier);
  expect([heard.state, heard.runs.map(({ outcome }) => outcome?.stopReason)]).toEqual(['awaitingInput', ['waiting']]);
  expect(words(heard).at(-1)).toContain(`I wait until the work on ${first.identifier} rests`);

  // What people approved is that plan, and no other.
  const proposed = await service.work({ title: 'Swaps its plan' });
  const { identifier } = proposed.ticket;
  await service.app.desk.comment(identifier, 'approve', someone);
  const swapped = await service.rest(identifier, 2);
  expect([swapped.state, swapped.runs.map(({ outcome }) => outcome?.proposal)]).toEqual([
    'awaitingInput',
    [
      { kind: 'plan', steps: ['Write three'] },
      { kind: 'plan', steps: ['Write four'] },
    ],
  ]);

  await service.app.desk.comment(first.identifier, 'stop', someone);
  expect((await service.rest(first.identifier)).state).toBe('stopped');
});

test('killed between the rating and the next turn: it is not rated twice', { timeout: 120_000 }, async ({ expect }) => {
  const setup = await startSetup({ script, files, change: rated });
  onTestFinished(() => setup.stop());
  const env = { SHIPMATE_FAILPOINTS: 'step/model/before:kill@2' };
  const victim = setup.start('worker', { env });
  const assignee = setup.config.trackers.board.agent;
  const { identifier } = await setup.app.desk.createTicket({ title: 'Killed', assignee }, someone);
  expect(await victim.ended).toBe('SIGKILL');
  setup.start('worker');
  const view = await setup.rest(identifier);
  expect([view.state, view.runs[0]?.attempts, view.usage.calls]).toEqual(['complete', 2, 3]);
  expect(words(view).filter((text) => text.startsWith('**Rated'))).toHaveLength(1);
  const { rows } = await setup.database.pool.query('select count(*)::int as count from ratings');
  expect(rows).toEqual([{ count: 1 }]);
});
