import { afterAll, beforeAll, describe, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';

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
    expect(shown.ticket.state.name).toBe('In Review');
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
});
