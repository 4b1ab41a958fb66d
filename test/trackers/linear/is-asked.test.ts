import { afterAll, beforeAll, test } from 'vitest';
import type { Activity } from '../../../src/core/activity.ts';
import type { TicketHint } from '../../../src/core/ticket.ts';
import { isAsked } from '../../../src/trackers/linear/reading/is-asked.ts';
import type { SendDeps } from '../../../src/trackers/linear/writing/place.ts';
import { addUser } from '../../stand-ins/linear/workspace.ts';
import { moved, never, said, send, startWriting, type Writing } from './writing.ts';

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
  linear.clock.advance(2 * linear.workspace.unloggedForMs);
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

test('taken away in the three minutes of which no history tells: known by who has it', async ({ expect }) => {
  const { ada, linear } = world;
  const mentioned = (title: string) => {
    const { issue, hint } = world.nobodys(title);
    ada.comment(issue.id, '@shipmate Please look.');
    const conversation = {
      workspace: linear.workspace.organizationId,
      issue: issue.id,
      agentSession: world.sessions(issue)[0]?.id,
    };
    return { issue, hint, conversation };
  };
  const read: Activity = { type: 'action', action: 'Reading', parameter: 'src/a.ts', result: '12 lines' };
  const begin = async ({ hint, conversation }: ReturnType<typeof mentioned>) =>
    send(deps, hint, moved('started'), { ...said(conversation, ''), activity: read });

  const waits = mentioned('Waits for its turn');
  await send(deps, waits.hint, said(waits.conversation, 'On it.'));
  expect(await asked(waits.hint), 'nobody has it yet').toBe(true);

  const dropped = mentioned('Is dropped');
  await begin(dropped);
  expect(await asked(dropped.hint)).toBe(true);
  ada.undelegate(dropped.issue.id);
  expect(await asked(dropped.hint)).toBe(false);

  const { appUser } = linear.workspace;
  const other = addUser(linear.workspace, 'Another agent', { app: true });
  const theirs = mentioned('Goes to another agent');
  await begin(theirs);
  ada.change(theirs.issue.id, { delegateId: other.id });
  const [ours] = world.sessions(theirs.issue);
  if (!ours) throw new Error('no agent session began');
  // As Linear does where the other takes agent sessions.
  const { id: _id, createdAt: _at, updatedAt: _changed, __typename: _kind, ...fields } = ours;
  linear.workspace.insert('AgentSession', { ...fields, appUserId: other.id, sourceCommentId: null });
  expect(theirs.issue.delegateId).not.toBe(appUser.id);
  expect(await asked(theirs.hint)).toBe(false);

  const beside = world.nobodys('Is somebody else’s, who asks');
  ada.change(beside.issue.id, { delegateId: other.id });
  ada.comment(beside.issue.id, '@shipmate What do you think?');
  expect(await asked(beside.hint), 'asked beside another agent').toBe(true);
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
