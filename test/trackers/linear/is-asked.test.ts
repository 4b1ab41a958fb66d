import { afterAll, beforeAll, test } from 'vitest';
import type { TicketHint } from '../../../src/core/ticket.ts';
import { isAsked } from '../../../src/trackers/linear/reading/is-asked.ts';
import type { SendDeps } from '../../../src/trackers/linear/writing/place.ts';
import { moved, never, send, startWriting, type Writing } from './writing.ts';

let world: Writing;
let deps: SendDeps;
beforeAll(async () => {
  world = await startWriting();
  deps = world.startProcess();
});
afterAll(() => world.linear.close());

const asked = (hint: TicketHint) => isAsked(deps, hint, never);

test('whoever was mentioned is asked, whoever is the delegate, until the ticket is taken away', async ({ expect }) => {
  const { ada, linear } = world;
  const { issue, hint } = world.nobodys();
  expect(await asked(hint)).toBe(false);
  ada.comment(issue.id, '@shipmate Please look.');
  expect(await asked(hint)).toBe(true);

  expect(await send(deps, hint, moved('started'))).toEqual([{ result: { state: 'In Progress' } }]);
  expect(issue.delegateId).toBe(linear.workspace.appUser.id);
  expect(await asked(hint)).toBe(true);
  ada.undelegate(issue.id);
  expect(await asked(hint)).toBe(false);
  ada.comment(issue.id, '@shipmate One more thing.');
  expect(await asked(hint)).toBe(true);
});

test('whoever was given a ticket was not only asked', async ({ expect }) => {
  const { issue, hint } = world.given();
  expect(await asked(hint)).toBe(false);
  world.ada.undelegate(issue.id);
  expect(await asked(hint)).toBe(false);
});

test('where work begins on a mention the agent has the ticket, also in a state that a person chose', async ({
  expect,
}) => {
  const { ada, linear, stateId, stateOf } = world;
  for (const [name, wanted] of [
    ['In Progress', linear.workspace.appUser.id],
    ['In Review', linear.workspace.appUser.id],
    ['Done', null],
  ] as const) {
    const { issue, hint } = world.nobodys();
    ada.comment(issue.id, '@shipmate Please look.');
    ada.change(issue.id, { stateId: stateId(name) });
    const [sent] = await send(deps, hint, moved('started'));
    expect(sent).toHaveProperty('result');
    expect([stateOf(issue), issue.delegateId]).toEqual([name, wanted]);
  }
});
