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
  const { agentSession } = ada.delegate(issue.id).delivery('AgentSessionEvent').payload as {
    agentSession: { id: string };
  };
  return { issue, sessionId: agentSession.id };
}

test('the SDK reads an issue whole, and what hangs on it', async ({ expect }) => {
  const { issue } = delegated();
  const read = await client.issue(issue.identifier);
  expect(read).toMatchObject({
    id: issue.id,
    identifier: 'ENG-1',
    title: 'Fix the ship',
    priorityLabel: 'No priority',
  });
  expect(await read.state).toMatchObject({ name: 'Backlog', type: 'backlog' });
  expect(await read.delegate).toMatchObject({ id: linear.workspace.appUser.id, app: true });
  expect(await read.assignee).toMatchObject({ id: ada.user.id });
  expect((await client.viewer).id).toBe(linear.workspace.appUser.id);
});

test('a session is what its last activity makes of it, and what is for people is mirrored', async ({ expect }) => {
  const { issue, sessionId } = delegated();
  const status = async () => (await client.agentSession(sessionId)).status;
  const post = (content: object) => client.createAgentActivity({ agentSessionId: sessionId, content });
  expect(await status()).toBe('pending');
  await post({ type: 'thought', body: 'Looking.' });
  expect(await status()).toBe('active');
  await client.createAgentActivity({
    agentSessionId: sessionId,
    content: { type: 'elicitation', body: 'Left or right?' },
    signal: AgentActivitySignal.Select,
    signalMetadata: { options: [{ value: 'left' }, { value: 'right' }] },
  });
  expect(await status()).toBe('awaitingInput');
  const said = ada.say(issue.id, 'left').delivery('AgentSessionEvent', 'prompted');
  expect(said.payload).toMatchObject({ agentActivity: { content: { type: 'prompt', body: 'left' } } });
  await post({ type: 'action', action: 'Turned', parameter: 'left', result: 'done' });
  await post({ type: 'response', body: 'There.' });
  expect(await status()).toBe('complete');
  ada.say(issue.id, 'Further');
  expect(await status()).toBe('active');
  await post({ type: 'error', body: 'Aground.' });
  expect(await status()).toBe('error');
  const { nodes } = await (await client.issue(issue.id)).comments();
  expect(
    nodes
      .map(({ body }) => body)
      .toReversed()
      .slice(1),
  ).toEqual(['Left or right?', 'left', 'There.', 'Further', 'Aground.']);
});
