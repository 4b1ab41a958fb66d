import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import type { Plan } from '../../../src/core/plan.ts';
import { statusOf } from '../../stand-ins/linear/agent-sessions.ts';
import type { AgentSession, Issue } from '../../stand-ins/linear/rows.ts';
import { said, send, startWriting, type Writing } from './writing.ts';

let world: Writing;
beforeAll(async () => {
  world = await startWriting();
});
afterEach(() => world.linear.faults.clear());
afterAll(() => world.linear.close());

const message = 'I go on where you wrote last.';
const leaving = (conversation: unknown, to: unknown, plan: Plan | null = null) =>
  ({ kind: 'leaveConversation', id: randomUUID(), conversation, to, message, plan }) as const;
const refOf = (issue: Issue, more: { agentSession?: string; comment?: { id: string; thread: string } } = {}) => ({
  workspace: world.linear.workspace.organizationId,
  issue: issue.id,
  agentSession: null,
  ...more,
});

/** An issue on which the agent works in one agent session, and is asked for in a second. */
async function inTwoPlaces() {
  const { issue, hint, session, conversation } = world.given();
  await send(world.startProcess(), hint, said(conversation, 'On it.'));
  const { comment } = world.ada.comment(issue.id, '@shipmate and this?');
  const other = world.sessions(issue).at(-1) as AgentSession;
  return { issue, hint, session, conversation, other, comment, to: refOf(issue, { agentSession: other.id }) };
}

const skipped = [{ result: { skipped: 'People talk with me in the same place.' } }];

test('the agent session that is left is over: its last words say so, and its plan shows nobody at work', async ({
  expect,
}) => {
  const { issue, hint, session, conversation, other, to } = await inTwoPlaces();
  const plan: Plan = [{ content: 'Look', status: 'pending' }];
  const operation = leaving(conversation, to, plan);
  const deps = world.startProcess();
  const { result, requests } = await world.requestsDuring(() => send(deps, hint, operation));
  expect([result, requests]).toEqual([[{ result: { id: operation.id } }], 1]);
  await send(deps, hint, operation);
  expect(await send(world.startProcess(), hint, operation)).toEqual(result);
  expect(world.activities(issue)).toEqual(['On it.', message]);
  expect([statusOf(session, world.linear.clock.now()), session.plan]).toEqual(['complete', plan]);
  expect([statusOf(other, world.linear.clock.now()), other.plan]).toEqual(['pending', null]);
});

test('a comment leads to an agent session, too: to the one that it began, or whose thread it is in', async ({
  expect,
}) => {
  const { issue, hint, conversation, comment, to } = await inTwoPlaces();
  const began = refOf(issue, { comment: { id: comment.id, thread: comment.id } });
  const deps = world.startProcess();
  expect(await send(deps, hint, leaving(began, to))).toEqual(skipped);
  expect(await send(deps, hint, leaving(to, refOf(issue))), 'the newest').toEqual(skipped);
  const [thread] = world.sessions(issue).map(({ commentId }) => commentId);
  const inThread = refOf(issue, { comment: { id: randomUUID(), thread: thread ?? '' } });
  expect(await send(deps, hint, leaving(conversation, inThread))).toEqual(skipped);
  expect(world.activities(issue)).toEqual(['On it.']);
  expect(await send(deps, hint, leaving(conversation, began))).toEqual([{ result: { id: expect.any(String) } }]);
  expect(world.activities(issue)).toEqual(['On it.', message]);
});

test('where there is no agent session none is begun to be left, and one that is gone needs no last word', async ({
  expect,
}) => {
  const nobodys = world.nobodys();
  expect(await send(world.startProcess(), nobodys.hint, leaving(refOf(nobodys.issue), null))).toEqual(skipped);
  expect(world.sessions(nobodys.issue)).toEqual([]);
  const { issue, hint, conversation, session, to } = await inTwoPlaces();
  world.linear.workspace.tables.AgentSession.delete(session.id);
  const [left, more] = await send(world.startProcess(), hint, leaving(conversation, to), said(to, 'Here.'));
  expect([left, more]).toEqual([{ result: { id: expect.any(String) } }, { result: expect.anything() }]);
  expect(world.activities(issue)).toEqual(['Here.']);
});

test('words for an agent session that Linear does not have any more are said in the newest, or in one that is begun', async ({
  expect,
}) => {
  const { issue, hint, conversation, session, other } = await inTwoPlaces();
  const { AgentSession: sessions } = world.linear.workspace.tables;
  const deps = world.startProcess();
  sessions.delete(session.id);
  const sent = await send(deps, hint, said(conversation, 'one'), said(conversation, 'two'));
  expect(sent).toEqual([{ result: expect.anything() }, { result: expect.anything() }]);
  expect(world.activities(issue)).toEqual(['one', 'two']);
  const known = await world.requestsDuring(() => send(deps, hint, said(conversation, 'three')));
  expect([known.requests, world.activities(issue).at(-1)], 'that is remembered').toEqual([1, 'three']);

  sessions.delete(other.id);
  await send(world.startProcess(), hint, said(conversation, 'four'));
  expect(world.sessions(issue)).toHaveLength(1);
  expect(world.activities(issue)).toEqual(['four']);
});

test('words that name no agent session go to the newest, whichever was written to before', async ({ expect }) => {
  const { issue, hint, conversation } = world.given();
  const deps = world.startProcess();
  await send(deps, hint, said(conversation, 'one'));
  world.ada.comment(issue.id, '@shipmate and this?');
  await send(deps, hint, said(refOf(issue), 'two'));
  const [, newest] = world.sessions(issue);
  const last = [...world.linear.workspace.tables.AgentActivity.values()].at(-1);
  expect([last?.agentSessionId, last?.content.body]).toEqual([newest?.id, 'two']);
});

test('the page of a session is linked once, though the answer was lost and Linear takes a link twice', async ({
  expect,
}) => {
  const { hint, session, conversation } = world.given();
  world.linear.workspace.keepsEqualUrls = true;
  const url = 'https://shipmate.example.com/sessions/ENG-1/key';
  const operation = { kind: 'linkSession', id: randomUUID(), conversation, url } as const;
  const first = await world.requestsDuring(() => send(world.startProcess(), hint, operation));
  expect([first.requests, first.result]).toEqual([1, [{ result: { url } }]]);
  for (let again = 0; again < 2; again++)
    expect(await send(world.startProcess(), hint, operation)).toEqual([{ result: { url } }]);
  world.linear.workspace.keepsEqualUrls = false;
  expect(session.externalUrls).toEqual([{ label: 'What Shipmate does', url }]);
});
