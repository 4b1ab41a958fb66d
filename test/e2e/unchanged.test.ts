import { afterAll, beforeAll, describe, test } from 'vitest';
import { someone, startTestService, type TestService } from '../support/service.ts';

const script = `
tickets:
  How long is a minute:
    - calls: [{ tool: read, input: { path: units.js } }]
    - calls:
        - tool: finish
          input: { title: Answered, summary: Looked it up., answer: "A minute is 60,000 milliseconds, see \`units.js\`." }
  Hands in nothing:
    - calls: [{ tool: read, input: { path: units.js } }]
    - calls: [{ tool: finish, input: { title: Nothing, summary: There was nothing to do. } }]
    - expect: Nothing was changed. If the ticket needs no change, call finish again with an \`answer\` that says so and why
      calls: [{ tool: finish, input: { title: Nothing, summary: There was nothing to do. } }]
    - calls: [{ tool: finish, input: { title: Nothing, summary: There was nothing to do. } }]
  Undoes its change:
    - calls:
        - { tool: write, input: { path: units.js, content: "export const minute = 1;\\n" } }
        - { tool: write, input: { path: units.js, content: "export const minute = 60_000;\\n" } }
        - tool: finish
          input: { title: Fine, summary: Tried it., answer: It is right as it is. }
  Leaves scratch behind:
    - calls:
        - { tool: write, input: { path: scratch.js, content: "1;\\n" } }
        - tool: finish
          input: { title: Fine, summary: Tried it., answer: It is right as it is. }
    - expect: An \`answer\` is for a ticket that needs no change, but files were changed.
      calls:
        - { tool: bash, input: { command: rm scratch.js } }
        - tool: finish
          input: { title: Fine, summary: Tried it., answer: It is right as it is. }
  Asks first:
    - calls: [{ tool: ask, input: { question: Which unit? } }]
    - { expect: ["Minutes"], calls: [{ tool: finish, input: { title: T, summary: s, answer: Sixty seconds. } }] }
    - { expect: ["And hours"], calls: [{ tool: finish, input: { title: T, summary: s, answer: Sixty minutes. } }] }
  Is taken in hand:
    - { until: taken, calls: [{ tool: finish, input: { title: T, summary: s, answer: As it is. } }] }
  Was worked on:
    - calls: [{ tool: write, input: { path: hour.js, content: "export const hour = 60;\\n" } }]
    - calls: [{ tool: finish, input: { title: Add hours, summary: Hours are there. } }]
    - { expect: ["How long is it"], calls: [{ tool: finish, input: { title: T, summary: s, answer: Sixty minutes. } }] }
`;

// A fixer that would find something to do on the base itself.
const files = {
  'units.js': 'export const minute = 60_000;\n',
  'notes.txt': 'trailing   \n',
  '.shipmate.yml': 'fix: ["sed -i \'s/ *$//\' notes.txt"]\n',
};

describe('a ticket that needs no change', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ script, files });
  });
  afterAll(() => service?.stop());

  async function nothingPublished() {
    const { rows } = await service.database.pool.query("select count(*)::int as n from effects where lane = 'code'");
    return { branches: await service.git('for-each-ref', '--format=%(refname)', 'refs/heads'), effects: rows[0].n };
  }

  test.for([
    ['How long is a minute?', 'A minute is 60,000 milliseconds, see `units.js`.'],
    ['Undoes its change', 'It is right as it is.'],
    ['Leaves scratch behind', 'It is right as it is.'],
  ])('%s ends with the answer, and nothing is published', async ([title, answer], { expect }) => {
    const view = await service.work({ title: title ?? '' });
    expect(view.state).toBe('complete');
    expect([view.branch, view.pullRequest, view.unsent]).toEqual([null, null, []]);
    expect(view.runs.map(({ outcome }) => [outcome?.stopReason, outcome?.proof])).toEqual([['finished', undefined]]);
    const shown = await service.app.desk.show(view.ticket.identifier);
    const responses = shown.activities.filter(({ activity }) => activity.type === 'response');
    expect(responses.map(({ activity }) => activity)).toEqual([
      { type: 'response', body: expect.stringContaining(String(answer)) },
    ]);
    expect(shown.activities.at(-1)).toEqual(responses.at(-1));
    expect(shown.ticket.state.name, 'where it stood').toBe('Todo');
    expect(shown.attachments).toEqual([]);
    expect(await nothingPublished()).toEqual({ branches: 'refs/heads/main', effects: 0 });
  });

  test('an empty change without an answer is refused, and in the end people are asked', async ({ expect }) => {
    const view = await service.work({ title: 'Hands in nothing' });
    expect(view.state).toBe('awaitingInput');
    const shown = await service.app.desk.show(view.ticket.identifier);
    const word = shown.activities.at(-1)?.activity;
    expect(word?.type).toBe('elicitation');
    expect(word?.type === 'elicitation' && word.body).toContain('Nothing was changed.');
    expect(shown.ticket.state.name).toBe('In Progress');
    expect(await nothingPublished()).toEqual({ branches: 'refs/heads/main', effects: 0 });
  });

  const stateOf = async (name: string) => (await service.app.desk.show(name)).ticket.state.name;

  test('a ticket goes back to where it stood before the agent began, in whichever of its runs that was', async ({
    expect,
  }) => {
    const { desk } = service.app;
    const asked = await service.work({ title: 'Asks first', state: 'Backlog' });
    const name = asked.ticket.identifier;
    expect([asked.state, await stateOf(name)]).toEqual(['awaitingInput', 'In Progress']);
    await desk.comment(name, 'Minutes', someone);
    expect((await service.rest(name, 2)).state).toBe('complete');
    expect(await stateOf(name)).toBe('Backlog');
    // What people have begun since is theirs.
    await desk.move(name, 'In Progress', someone);
    await desk.comment(name, 'And hours', someone);
    await service.rest(name, 3);
    expect(await stateOf(name)).toBe('In Progress');
  });

  test('where a person has moved it meanwhile, or where it has a draft, it stays', async ({ expect }) => {
    const { desk } = service.app;
    const { identifier } = await desk.createTicket({ title: 'Is taken in hand', assignee: 'shipmate' }, someone);
    await expect.poll(() => stateOf(identifier), { timeout: 20_000 }).toBe('In Progress');
    await desk.move(identifier, 'In Review', someone);
    await service.letGo('taken');
    expect((await service.rest(identifier)).state).toBe('complete');
    expect(await stateOf(identifier)).toBe('In Review');

    const worked = await service.work({ title: 'Was worked on' });
    const name = worked.ticket.identifier;
    expect([worked.runs[0]?.outcome?.proof, await stateOf(name)]).toEqual(['unproved', 'In Progress']);
    await desk.comment(name, 'How long is it?', someone);
    await service.rest(name, 2);
    expect(await stateOf(name)).toBe('In Progress');
  });
});
