import { randomUUID } from 'node:crypto';
import { IssueRelationType, LinearClient } from '@linear/sdk';
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

const delegated = (title = 'Fix the ship') => {
  const issue = ada.create({ teamId, title });
  ada.delegate(issue.id);
  return issue;
};
const stateNamed = (name: string) => statesOf(linear.workspace, teamId).find((state) => state.name === name)?.id ?? '';

test('the SDK reads an issue whole, and what hangs on it', async ({ expect }) => {
  const { workspace } = linear;
  const project = addProject(workspace, 'Harbour', [teamId]);
  const parent = ada.create({ teamId, title: 'The fleet' });
  const blocker = ada.create({ teamId, title: 'Tide' });
  const issue = delegated('Fix the ship 🚢');
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

test('a pull request is attached once for each URL', async ({ expect }) => {
  const issue = delegated();
  const url = 'https://github.com/acme/ship/pull/7';
  await client.attachmentLinkGitHubPR(issue.id, url, { title: 'Fix' });
  await client.attachmentLinkGitHubPR(issue.id, url, { title: 'Fix it' });
  await client.createAttachment({ issueId: issue.id, url, title: 'Fixed', subtitle: 'Merged' });
  const { nodes } = await (await client.issue(issue.id)).attachments();
  expect(nodes).toMatchObject([{ url, title: 'Fixed', subtitle: 'Merged', sourceType: 'github' }]);
  expect((await client.attachmentsForURL(url)).nodes).toHaveLength(1);
});

test('states move with their times, and are not another team’s', async ({ expect }) => {
  const issue = delegated();
  await client.updateIssue(issue.id, { stateId: stateNamed('Todo') });
  linear.clock.advance(2 * linear.workspace.unloggedForMs); // what is younger has no history
  await client.updateIssue(issue.id, { stateId: stateNamed('In Progress') });
  const started = await client.issue(issue.id);
  expect(started.startedAt).toBeInstanceOf(Date);
  await client.updateIssue(issue.id, { stateId: stateNamed('Done') });
  expect(await client.issue(issue.id)).toMatchObject({ startedAt: started.startedAt, completedAt: expect.any(Date) });
  const moves = async () => (await started.history()).nodes.flatMap(({ toStateId }) => toStateId ?? []);
  expect(await moves()).toEqual([stateNamed('Done'), stateNamed('In Progress')]);

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
  const issue = delegated();
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
