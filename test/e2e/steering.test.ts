import { afterEach, expect, test } from 'vitest';
import { type Setup, startSetup } from '../support/processes.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

/** What people write and edit while a run is at work, or rests, and what the model is told of it. */
const script = `
tickets:
  Is edited at work:
    - { until: written, calls: [{ tool: bash, input: { command: "true" } }] }
    - expect:
        - People have edited the ticket
        - "-Round down.\\n+Round half up."
        - 'Field "Risk": was empty, is "Money."'
        - "Ada writes:\\n\\nfirst\\n\\nAda writes:\\n\\nsecond"
      calls: [{ tool: bash, input: { command: "true" } }]
    - calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Seen. } }]
  Is edited while it hands in:
    - until: edited
      calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Too early. } }]
    - expect: ["-Round down.\\n+Round half up."]
      calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Half up. } }]
  Asks what it should know:
    - calls: [{ tool: ask, input: { question: How is it rounded? } }]
    - expect: ["+Round half up."]
      calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Half up. } }]
    - expect: ["-Round half up.\\n+Round down after all.", continue]
      calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Down. } }]
`;
const files = { 'one.txt': 'one\n' };
const description = 'Totals.\n\nRound down.\n';
const edited = { description: 'Totals.\n\nRound half up.\n', fields: { Risk: 'Money.' } };

let service: TestService | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

async function file({ app, config }: TestService, title: string): Promise<string> {
  const assignee = config.trackers.board.agent;
  return (await app.desk.createTicket({ title, description, assignee }, someone)).identifier;
}

function asked({ app }: TestService, identifier: string) {
  return async () => (await app.sessions.view(identifier))?.firstModelCallAt;
}

/** How often a request told of an edit, and how often people were told that it was seen. */
async function tellings({ app, database }: TestService, identifier: string): Promise<{ told: number; seen: string[] }> {
  const { rows } = await database.pool.query(
    `select count(*)::int as told from steps s join sessions x on x.id = s.session_id join tickets t on t.id = x.ticket_id
     where t.identifier = $1 and s.kind = 'model' and s.input ->> 'said' like '%People have edited%'`,
    [identifier],
  );
  const { activities } = await app.desk.show(identifier);
  const bodies = activities.flatMap(({ activity }) => (activity.type === 'thought' ? [activity.body] : []));
  return { told: rows[0].told, seen: bodies.filter((body) => body.startsWith('I saw the change')) };
}

test('an edit at work reaches the next turn as a difference, once, with the words in their order', async () => {
  service = await startTestService({ script, files });
  const { desk } = service.app;
  const identifier = await file(service, 'Is edited at work');
  await expect.poll(asked(service, identifier)).toBeTruthy();
  await desk.comment(identifier, 'first', someone);
  await desk.editTicket(identifier, edited, someone);
  await desk.comment(identifier, 'second', someone);
  await service.sorted();
  await service.letGo('written');
  const view = await service.rest(identifier);
  expect([view.state, view.runs[0]?.outcome?.message]).toEqual(['complete', 's']);
  expect(await tellings(service, identifier)).toEqual({
    told: 1,
    seen: ['I saw the change to the fields and the description; I take it into account.'],
  });
});

test('an edit in the last turn keeps the run from ending on what is no longer wanted', async () => {
  service = await startTestService({ script, files });
  const identifier = await file(service, 'Is edited while it hands in');
  await expect.poll(asked(service, identifier)).toBeTruthy();
  await service.app.desk.editTicket(identifier, edited, someone);
  await service.sorted();
  await service.letGo('edited');
  const view = await service.rest(identifier);
  expect(view.runs).toHaveLength(1);
  expect(view.activities.at(-1)?.activity).toMatchObject({
    type: 'response',
    body: expect.stringMatching(/^Half up\./),
  });
  expect((await tellings(service, identifier)).told).toBe(1);
});

test('an edit wakes a session that asked, and no other; what was edited at rest is told when it goes on', async () => {
  service = await startTestService({ script, files });
  const { desk } = service.app;
  const identifier = await file(service, 'Asks what it should know');
  expect((await service.rest(identifier)).state).toBe('awaitingInput');
  await desk.editTicket(identifier, { description: edited.description }, someone);
  expect((await service.rest(identifier, 2)).state).toBe('complete');

  await desk.editTicket(identifier, { description: 'Totals.\n\nRound down after all.\n' }, someone);
  await service.sorted();
  expect(await service.rest(identifier)).toMatchObject({ state: 'complete', runs: [{}, {}] });
  await desk.comment(identifier, 'continue', someone);
  const done = await service.rest(identifier, 3);
  expect(done.activities.at(-1)?.activity).toMatchObject({ type: 'response', body: expect.stringMatching(/^Down\./) });
  expect(await tellings(service, identifier)).toMatchObject({ told: 2, seen: [{}, {}].map(() => expect.any(String)) });
});

test('workers killed between reading an edit and the turn that tells it: it is told once', {
  timeout: 120_000,
}, async () => {
  const setup: Setup = await startSetup({ script, files });
  service = setup;
  const kill = (point: string) => setup.start('worker', { env: { SHIPMATE_FAILPOINTS: `${point}:kill` } });
  const identifier = await file(setup, 'Is edited at work');
  const first = kill('edit/read');
  await expect.poll(asked(setup, identifier), { timeout: 30_000 }).toBeTruthy();
  await setup.app.desk.comment(identifier, 'first', someone);
  await setup.app.desk.editTicket(identifier, edited, someone);
  await setup.app.desk.comment(identifier, 'second', someone);
  await setup.sorted();
  await setup.letGo('written');
  expect(await first.ended).toBe('SIGKILL');
  const second = kill('step/model/begun');
  expect(await second.ended).toBe('SIGKILL');
  setup.start('worker');
  const view = await setup.rest(identifier);
  expect([view.state, view.runs[0]?.outcome?.message]).toEqual(['complete', 's']);
  expect(await tellings(setup, identifier)).toMatchObject({ told: 1, seen: [expect.any(String)] });
});
