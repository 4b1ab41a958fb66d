import { randomUUID } from 'node:crypto';
import { AgentActivitySignal, LinearClient } from '@linear/sdk';
import { afterAll, beforeAll, test } from 'vitest';
import { type Somebody, somebody } from './people.ts';
import { type Linear, startLinear } from './server.ts';
import { addTeam, addUser } from './workspace.ts';

let linear: Linear;
let client: LinearClient;
let ada: Somebody;
let teamId: string;

beforeAll(async () => {
  linear = await startLinear();
  client = new LinearClient({ accessToken: linear.token, apiUrl: linear.url });
  teamId = addTeam(linear.workspace, { key: 'ENG', name: 'Engineering' }).id;
  ada = somebody(linear.workspace, addUser(linear.workspace, 'Ada'), linear.baseUrl);
});
afterAll(async () => {
  await linear.close();
});

/** An issue in the agent's hands, and its session. */
function delegated(title = 'Fix the ship') {
  const issue = ada.create({ teamId, title });
  const { payload } = ada.delegate(issue.id).delivery('AgentSessionEvent', 'created');
  return { issue, sessionId: (payload as { agentSession: { id: string } }).agentSession.id, payload };
}

const post = (agentSessionId: string, content: object, more: object = {}) =>
  client.createAgentActivity({ agentSessionId, content, ...more });
const statusOf = async (sessionId: string) => (await client.agentSession(sessionId)).status;

test('a session is what its last activity makes of it, and what is for people is mirrored', async ({ expect }) => {
  const { issue, sessionId, payload } = delegated();
  expect(payload).toMatchObject({ agentSession: { status: 'pending', creator: { id: ada.user.id } } });
  await post(sessionId, { type: 'thought', body: 'Looking.' });
  expect(await statusOf(sessionId)).toBe('active');
  const select = { signal: AgentActivitySignal.Select, signalMetadata: { options: [{ value: 'left' }] } };
  await post(sessionId, { type: 'elicitation', body: 'Left or right?' }, select);
  expect(await statusOf(sessionId)).toBe('awaitingInput');
  const said = ada.say(issue.id, 'left').delivery('AgentSessionEvent', 'prompted');
  expect(said.payload).toMatchObject({
    agentSession: { id: sessionId, status: 'active' },
    agentActivity: { content: { type: 'prompt', body: 'left' }, user: { id: ada.user.id } },
  });
  await post(sessionId, { type: 'action', action: 'Turned', parameter: 'left', result: 'done' });
  await post(sessionId, { type: 'response', body: 'There.' });
  expect(await statusOf(sessionId)).toBe('complete');
  ada.say(issue.id, 'Further');
  expect(await statusOf(sessionId)).toBe('active');
  ada.stop(issue.id);
  expect(await statusOf(sessionId)).toBe('stopping');
  await post(sessionId, { type: 'error', body: 'Aground.' });
  expect(await statusOf(sessionId)).toBe('error');
  const { nodes: activities } = await (await client.agentSession(sessionId)).activities();
  expect(activities.map(({ content }) => content.type).toReversed()).toEqual([
    'thought',
    'elicitation',
    'prompt',
    'action',
    'response',
    'prompt',
    'prompt',
    'error',
  ]);
  const { nodes } = await (await client.issue(issue.id)).comments();
  const anchor = nodes.at(-1);
  expect([anchor?.userId, anchor?.botActor?.name]).toEqual([undefined, 'Linear']);
  expect(
    nodes
      .slice(0, -1)
      .map(({ body, parentId }) => [body, parentId])
      .toReversed(),
  ).toEqual(['Left or right?', 'left', 'There.', 'Further', 'Aground.'].map((body) => [body, anchor?.id]));
});

test('half an hour without a word is stale, until the next', async ({ expect }) => {
  const { sessionId } = delegated();
  await post(sessionId, { type: 'thought', body: 'Looking.' });
  linear.clock.advance(29 * 60_000);
  expect(await statusOf(sessionId)).toBe('active');
  linear.clock.advance(2 * 60_000);
  expect(await statusOf(sessionId)).toBe('stale');
  await post(sessionId, { type: 'thought', body: 'Still here.' });
  expect(await statusOf(sessionId)).toBe('active');
});

test.for([
  ['a type that agents have not', { type: 'prompt', body: 'x' }, {}],
  ['a missing body', { type: 'thought' }, {}],
  ['an empty body', { type: 'response', body: ' ' }, {}],
  ['an action without its parameter', { type: 'action', action: 'Read' }, {}],
  ['a result that is no text', { type: 'action', action: 'Read', parameter: 'x', result: { lines: 1 } }, {}],
  ['what the type does not have', { type: 'thought', body: 'x', mood: 'good' }, {}],
  ['an ephemeral response', { type: 'response', body: 'x' }, { ephemeral: true }],
  ['a choice without options', { type: 'elicitation', body: 'x' }, { signal: 'select' }],
  ['an id that is none', { type: 'thought', body: 'x' }, { id: 'first' }],
  ['text with a NUL', { type: 'thought', body: 'a\0b' }, {}],
] as const)('%s is refused as invalid', async ([, content, more], { expect }) => {
  const { sessionId } = delegated();
  await expect(post(sessionId, content, more)).rejects.toMatchObject({ type: 'InvalidInput' });
  expect(await statusOf(sessionId)).toBe('pending');
});

test('an id is used once, whatever it was used for', async ({ expect }) => {
  const { sessionId, issue } = delegated();
  const id = randomUUID();
  await post(sessionId, { type: 'response', body: 'Once.' }, { id });
  const again = { type: 'InvalidInput', message: expect.stringContaining('already exists') };
  await expect(post(sessionId, { type: 'response', body: 'Once.' }, { id })).rejects.toMatchObject(again);
  await expect(client.createIssue({ id, teamId, title: 'Another' })).rejects.toMatchObject(again);
  await expect(client.createIssue({ id: issue.id, teamId, title: 'Another' })).rejects.toMatchObject(again);
  expect((await client.agentActivity(id)).content).toMatchObject({ body: 'Once.' });
});

test('plan, links and summary of a session are its own app’s to set', async ({ expect }) => {
  const { sessionId } = delegated();
  const step = (content: string, status: string) => ({ content, status });
  const link = (url: string) => ({ label: 'Link', url: `https://example.org/${url}` });
  await client.updateAgentSession(sessionId, {
    plan: [step('Read', 'inProgress'), step('Write', 'pending')],
    externalUrls: [link('a'), link('b')],
  });
  await client.updateAgentSession(sessionId, { plan: [step('Read', 'completed')], summary: 'Reading' });
  await client.updateAgentSession(sessionId, { addedExternalUrls: [link('c')], removedExternalUrls: [link('a').url] });
  expect(await client.agentSession(sessionId)).toMatchObject({
    plan: [step('Read', 'completed')],
    summary: 'Reading',
    externalUrls: [link('b'), link('c')],
  });
  for (const wrong of [
    { plan: [step('Read', 'done')] },
    { plan: { steps: [] } },
    { summary: 'two\nlines' },
    { summary: ' ' },
  ])
    await expect(client.updateAgentSession(sessionId, wrong)).rejects.toMatchObject({ type: 'InvalidInput' });
  const key = linear.oauth.issueKey(linear.workspace.organizationId, ada.user.id).value;
  const hers = new LinearClient({ apiKey: key, apiUrl: linear.url });
  expect((await hers.viewer).id).toBe(ada.user.id);
  await expect(hers.updateAgentSession(sessionId, { summary: 'Mine' })).rejects.toMatchObject({ type: 'Forbidden' });
});

test('who is asked by name in a comment answers there', async ({ expect }) => {
  const issue = ada.create({ teamId, title: 'Talk' });
  const asked = ada.comment(issue.id, '@shipmate please look');
  const { payload } = asked.delivery('AgentSessionEvent', 'created');
  expect(payload).toMatchObject({ agentSession: { commentId: asked.comment.id, comment: { userId: ada.user.id } } });
  expect(payload).not.toHaveProperty('previousComments');
  const kinds = asked.told.map(({ payload: { type } }) => type);
  expect(kinds).toEqual(['Comment', 'AppUserNotification', 'AgentSessionEvent']);
  expect((await client.issue(issue.id)).delegateId).toBeUndefined();
  ada.comment(issue.id, 'And?', asked.comment).delivery('AgentSessionEvent', 'prompted');
});

test.for([true, false])(
  'who is asked in an answer is told what was said before (a thread of its own: %s)',
  async (isOwn, { expect }) => {
    linear.workspace.answersSpawnThreads = isOwn;
    const issue = ada.create({ teamId, title: 'Talk' });
    const { comment } = ada.comment(issue.id, 'What is wrong with it?');
    const asked = ada.comment(issue.id, '@shipmate please look', comment);
    const { payload } = asked.delivery('AgentSessionEvent', 'created');
    expect(payload).toMatchObject({
      previousComments: [{ id: comment.id }],
      promptContext: expect.stringContaining('</user> please look</comment>\n</primary-directive-thread>'),
    });
    const { commentId, sourceCommentId } = payload.agentSession as { commentId: string; sourceCommentId?: string };
    expect([commentId === comment.id, sourceCommentId]).toEqual(isOwn ? [false, asked.comment.id] : [true, undefined]);
    ada.say(issue.id, 'And?').delivery('AgentSessionEvent', 'prompted');
  },
);

test('an app that takes no agent sessions is told of none, and can begin none', async ({ expect }) => {
  linear.workspace.hasAgentSessions = false;
  const issue = ada.create({ teamId, title: 'Quiet' });
  const told = ada.delegate(issue.id).told.map(({ payload: { type } }) => type);
  const begun = client.agentSessionCreateOnIssue({ issueId: issue.id });
  await expect(begun).rejects.toThrow('not enabled for this application');
  linear.workspace.hasAgentSessions = true;
  expect(told).toEqual(['Issue', 'AppUserNotification']);
  const { agentSessionId } = await client.agentSessionCreateOnIssue({ issueId: issue.id });
  expect(await statusOf(agentSessionId ?? '')).toBe('pending');
});
