import { randomUUID } from 'node:crypto';
import { AgentActivitySignal, IssueRelationType, LinearClient } from '@linear/sdk';
import { afterAll, beforeAll, test } from 'vitest';
import { type Somebody, setTeamAccess, somebody } from './people.ts';
import { type Linear, startLinear } from './server.ts';
import { addLabel, addProject, addTeam, addUser, statesOf } from './workspace.ts';

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
const stateNamed = (name: string) => statesOf(linear.workspace, teamId).find((state) => state.name === name)?.id ?? '';

test('the SDK reads an issue whole, and what hangs on it', async ({ expect }) => {
  const { workspace } = linear;
  const project = addProject(workspace, 'Harbour', [teamId]);
  const parent = ada.create({ teamId, title: 'The fleet' });
  const blocker = ada.create({ teamId, title: 'Tide' });
  const { issue } = delegated('Fix the ship 🚢');
  ada.change(issue.id, { projectId: project.id, parentId: parent.id, labelIds: [addLabel(workspace, 'bug').id] });
  await client.createIssueRelation({
    issueId: blocker.id,
    relatedIssueId: issue.id,
    type: IssueRelationType.Blocks,
  });
  const customer = workspace.insert('Customer', { name: 'Globex', domains: [] });
  const need = { body: 'We wait.', priority: 1, customerId: customer.id, creatorId: null };
  workspace.insert('CustomerNeed', { ...need, issueId: issue.id });

  const read = await client.issue(issue.identifier.toLowerCase());
  expect(read).toMatchObject({ id: issue.id, title: 'Fix the ship 🚢', priorityLabel: 'No priority' });
  expect(await read.state).toMatchObject({ name: 'Backlog', type: 'backlog' });
  expect(await read.delegate).toMatchObject({ id: workspace.appUser.id, app: true, isAssignable: true });
  expect(await read.assignee).toMatchObject({ id: ada.user.id, app: false });
  expect(await read.project).toMatchObject({ name: 'Harbour' });
  expect(await read.parent).toMatchObject({ id: parent.id });
  expect((await read.labels()).nodes).toMatchObject([{ name: 'bug' }]);
  const [relation] = (await read.inverseRelations()).nodes;
  expect(await relation?.issue).toMatchObject({ id: blocker.id });
  expect((await read.needs()).nodes).toMatchObject([{ content: 'We wait.' }]);
  expect((await client.viewer).id).toBe(workspace.appUser.id);
  expect((await client.organization).urlKey).toBe('acme');
});

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

test('a pull request is attached once for each URL', async ({ expect }) => {
  const { issue } = delegated();
  const url = 'https://github.com/acme/ship/pull/7';
  await client.attachmentLinkGitHubPR(issue.id, url, { title: 'Fix' });
  await client.attachmentLinkGitHubPR(issue.id, url, { title: 'Fix it' });
  await client.createAttachment({ issueId: issue.id, url, title: 'Fixed', subtitle: 'Merged' });
  const { nodes } = await (await client.issue(issue.id)).attachments();
  expect(nodes).toMatchObject([{ url, title: 'Fixed', subtitle: 'Merged', sourceType: 'github' }]);
  expect((await client.attachmentsForURL(url)).nodes).toHaveLength(1);
});

test('who is asked by name in a comment answers there', async ({ expect }) => {
  const issue = ada.create({ teamId, title: 'Talk' });
  const { comment } = ada.comment(issue.id, 'What is wrong with it?');
  const asked = ada.comment(issue.id, '@shipmate please look', comment);
  const { payload } = asked.delivery('AgentSessionEvent', 'created');
  expect(payload).toMatchObject({
    agentSession: { commentId: comment.id, comment: { userId: ada.user.id }, issueId: issue.id },
    previousComments: [{ id: comment.id }],
    promptContext: expect.stringContaining('</user> please look</comment>\n</primary-directive-thread>'),
  });
  expect(asked.told.map(({ payload: { type } }) => type)).toEqual([
    'Comment',
    'AppUserNotification',
    'AgentSessionEvent',
  ]);
  expect((await client.issue(issue.id)).delegateId).toBeUndefined();
  ada.comment(issue.id, 'And?', comment).delivery('AgentSessionEvent', 'prompted');
});

test('states move with their times, and are not another team’s', async ({ expect }) => {
  const { issue } = delegated();
  await client.updateIssue(issue.id, { stateId: stateNamed('In Progress') });
  const started = await client.issue(issue.id);
  expect(started.startedAt).toBeInstanceOf(Date);
  await client.updateIssue(issue.id, { stateId: stateNamed('Done') });
  expect(await client.issue(issue.id)).toMatchObject({ startedAt: started.startedAt, completedAt: expect.any(Date) });
  const { nodes: history } = await started.history();
  expect(history.map(({ toStateId }) => toStateId)).toEqual([stateNamed('Done'), stateNamed('In Progress')]);
  linear.workspace.unloggedForMs = 3 * 60_000;
  await client.updateIssue(issue.id, { stateId: stateNamed('Todo') });
  expect((await started.history()).nodes).toHaveLength(2);
  linear.clock.advance(3 * 60_000);
  await client.updateIssue(issue.id, { stateId: stateNamed('Done') });
  expect((await started.history()).nodes).toHaveLength(3);
  linear.workspace.unloggedForMs = 0;

  const other = addTeam(linear.workspace, { key: 'OPS', name: 'Operations' });
  const [theirs] = statesOf(linear.workspace, other.id);
  const refused = { type: 'InvalidInput' };
  await expect(client.updateIssue(issue.id, { stateId: theirs?.id ?? '' })).rejects.toMatchObject(refused);
  await expect(client.updateIssue(issue.id, { assigneeId: randomUUID() })).rejects.toMatchObject(refused);
  ada.change(issue.id, { teamId: other.id });
  const moved = await client.issue(issue.identifier);
  expect(moved).toMatchObject({ id: issue.id, identifier: 'OPS-1', previousIdentifiers: [expect.any(String)] });
  expect(await moved.state).toMatchObject({ type: 'completed' });
});

test('issues are listed by what they are, page by page, the newest first', async ({ expect }) => {
  const label = addLabel(linear.workspace, 'paged').id;
  const ids = Array.from({ length: 5 }, (_, index) => ada.create({ teamId, title: `${index}`, labelIds: [label] }).id);
  ada.delegate(ids[0] ?? '');
  ada.change(ids[1] ?? '', { stateId: stateNamed('Done') });
  const titles = async (filter: object, more: object = {}) =>
    (await client.issues({ filter: { labels: { some: { name: { eq: 'paged' } } }, ...filter }, ...more })).nodes.map(
      ({ title }) => title,
    );
  expect(await titles({})).toEqual(['4', '3', '2', '1', '0']);
  expect(await titles({ state: { type: { nin: ['completed', 'canceled'] } }, delegate: { null: true } })).toEqual([
    '4',
    '3',
    '2',
  ]);
  expect(await titles({ delegate: { isMe: { eq: true } } })).toEqual(['0']);
  expect(await titles({ or: [{ title: { eq: '2' } }, { assignee: { name: { eq: 'Ada' } } }] })).toEqual(['2', '0']);
  expect(await titles({ team: { key: { eq: 'OPS' } } })).toEqual([]);
  expect(await titles({}, { orderBy: 'updatedAt', first: 1 })).toEqual(['1']);
  const first = await client.issues({ filter: { labels: { name: { eq: 'paged' } } }, first: 2 });
  expect([first.nodes.length, first.pageInfo.hasNextPage]).toEqual([2, true]);
  ada.change(first.pageInfo.endCursor ?? '', { labelIds: [] });
  const second = await first.fetchNext();
  expect(second.nodes.map(({ title }) => title)).toEqual(['4', '3', '2', '1']);
});

test('a file is in the description, and read with the token', async ({ expect }) => {
  const { issue } = delegated();
  ada.attachFile(issue.id, 'mockup.png', 'image/png', new Uint8Array([1, 2, 3]));
  const url = /!\[mockup\.png\]\((.*?)\)/.exec((await client.issue(issue.id)).description ?? '')?.[1] ?? '';
  expect((await fetch(url)).status).toBe(401);
  const answer = await fetch(url, { headers: { authorization: `Bearer ${linear.token}` } });
  expect([answer.headers.get('content-type'), [...(await answer.bytes())]]).toEqual(['image/png', [1, 2, 3]]);
  const { uploadFile } = await client.fileUpload('text/plain', 'log.txt', 2);
  await fetch(uploadFile?.uploadUrl ?? '', { method: 'PUT', body: 'ok' });
  const log = await fetch(uploadFile?.assetUrl ?? '', { headers: { authorization: `Bearer ${linear.token}` } });
  expect(await log.text()).toBe('ok');
});

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

test('what the app may not see is not there', async ({ expect }) => {
  const closed = addTeam(linear.workspace, { key: 'SEC', name: 'Secret' });
  const issue = ada.create({ teamId: closed.id, title: 'Hidden' });
  const { payload } = setTeamAccess(linear.workspace, closed.id, false);
  expect(payload).toMatchObject({ type: 'PermissionChange', removedTeamIds: [closed.id] });
  await expect(client.issue(issue.id)).rejects.toThrow('Could not find referenced Issue');
  await expect(client.updateIssue(issue.id, { title: 'x' })).rejects.toMatchObject({ type: 'InvalidInput' });
  expect((await client.teams()).nodes.map(({ key }) => key)).not.toContain('SEC');
  expect((await client.issues({ filter: { title: { eq: 'Hidden' } } })).nodes).toEqual([]);
});
