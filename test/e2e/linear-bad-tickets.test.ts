import { afterAll, beforeAll, beforeEach, test } from 'vitest';
import { setTeamAccess } from '../stand-ins/linear/people.ts';
import { addTeam, type usualStates } from '../stand-ins/linear/workspace.ts';
import { type OnLinear, startOnLinear } from './linear-bad.ts';

const write = '{ tool: write, input: { path: two.txt, content: "two\\n" } }';
const finish = '{ tool: finish, input: { title: Add two, summary: Two is there. } }';
const script = `
tickets:
  Goes elsewhere:
    - { until: elsewhere, calls: [${write}] }
    - calls: [${finish}]
  Goes back:
    - { until: back, calls: [${write}] }
    - calls: [${finish}]
  Is closed to us:
    - { until: never, calls: [${write}] }
  Is deleted:
    - { until: never, calls: [${write}] }
replies:
  - calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Nothing is to be done. } }]
  - calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Still nothing. } }]
`;

let world: OnLinear;
beforeAll(async () => {
  // What is not proved is not moved to review.
  const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
  world = await startOnLinear({ script, files });
});
afterAll(() => world?.close());
beforeEach(() => world.linear.faults.clear());

const begun = async (identifier: string) => (await world.service.app.sessions.view(identifier))?.firstModelCallAt;
const query = async (text: string) => (await world.service.database.pool.query(text)).rows;

test('a ticket that we may not see: the person reads why in the session, and it goes on when that is mended', async ({
  expect,
}) => {
  const { linear, ada, service, file, activities } = world;
  const { id: teamId } = addTeam(linear.workspace, { key: 'SEC', name: 'Secret' });
  const issue = ada.create({ teamId, title: 'A secret' });
  ada.delegate(issue.id);
  linear.workspace.closedTeams.add(teamId); // before what was told is under way
  const view = await service.rest(issue.identifier);
  expect([view.state, view.unsent]).toEqual(['error', []]);
  const [last] = activities(issue).slice(-1);
  expect(last).toMatchObject({ type: 'error', body: expect.stringContaining('give the app access to its team') });
  setTeamAccess(linear.workspace, teamId, true);
  ada.say(issue.id, 'continue');
  expect((await service.rest(issue.identifier, 2)).state).toBe('complete');

  const deleted = file('Not there any more');
  linear.faults.add({ delivery: 'Issue', action: { type: 'drop' } });
  ada.delegate(deleted.id);
  ada.change(deleted.id, { trashed: true });
  const ended = await service.rest(deleted.identifier);
  expect([ended.state, ended.unsent]).toEqual(['error', []]);
  expect(activities(deleted).at(-1)).toMatchObject({ type: 'error', body: expect.stringContaining('has no ticket') });
});

test('an issue that goes to another team in mid-run keeps its session, and is moved by the states of that team', async ({
  expect,
}) => {
  const { linear, ada, service, file, stateOf, activities, sessions } = world;
  const states: typeof usualStates = [
    ['Later', 'backlog'],
    ['Doing', 'started'],
    ['Peer review', 'started'],
    ['Shipped', 'completed'],
  ];
  const { id: teamId } = addTeam(linear.workspace, { key: 'OPS', name: 'Operations' }, states);
  const issue = file('Goes elsewhere');
  ada.delegate(issue.id);
  await expect.poll(() => begun(issue.identifier), { timeout: 30_000 }).toBeTruthy();
  await expect.poll(() => stateOf(issue)).toBe('In Progress');
  const old = issue.identifier;
  ada.change(issue.id, { teamId });
  expect([issue.identifier, stateOf(issue)]).toEqual(['OPS-1', 'Doing']);
  await expect.poll(() => service.app.sessions.view('OPS-1')).not.toBeNull();
  await service.letGo('elsewhere');
  const view = await service.rest('OPS-1');
  expect([view.state, view.unsent, view.runs.length]).toEqual(['complete', [], 1]);
  expect(stateOf(issue)).toBe('Peer review');
  expect(activities(issue).filter(({ type }) => type === 'response')).toHaveLength(1);
  expect(sessions(issue)).toHaveLength(1);
  expect(await service.app.sessions.view(old)).toBeNull();
});

test('a person who moves the ticket while it is worked on has the last word', async ({ expect }) => {
  const { ada, service, file, stateOf, stateId } = world;
  const issue = file('Goes back');
  ada.delegate(issue.id);
  await expect.poll(() => begun(issue.identifier), { timeout: 30_000 }).toBeTruthy();
  await expect.poll(() => stateOf(issue)).toBe('In Progress');
  ada.change(issue.id, { stateId: stateId('Backlog') });
  await service.letGo('back');
  const view = await service.rest(issue.identifier);
  expect([view.state, view.unsent, view.pullRequest]).toMatchObject(['complete', [], { number: expect.any(Number) }]);
  expect(stateOf(issue)).toBe('Backlog');
});

test('an issue in triage is taken out of it when work begins, and is back where it was answered', async ({
  expect,
}) => {
  const { linear, ada, service, stateOf } = world;
  const { id: teamId } = addTeam(linear.workspace, { key: 'TRI', name: 'Triaged', triageEnabled: true });
  const stateIdOf = [...linear.workspace.tables.WorkflowState.values()].find(
    (state) => state.teamId === teamId && state.type === 'triage',
  )?.id;
  const issue = ada.create({ teamId, title: 'In triage', stateId: stateIdOf ?? null });
  expect(stateOf(issue)).toBe('Triage');
  ada.delegate(issue.id);
  expect((await service.rest(issue.identifier)).state).toBe('complete');
  const nameOf = (id: unknown) => linear.workspace.get('WorkflowState', String(id)).name;
  const states = linear.outbox.told.flatMap(({ payload: { type, data } }) => {
    const told = data as { id?: string; stateId?: string } | undefined;
    return type === 'Issue' && told?.id === issue.id ? [nameOf(told.stateId)] : [];
  });
  expect(states).toContain('In Progress');
  expect(stateOf(issue)).toBe('Triage');
});

test('delegated without a session: one of our own is begun, no second one comes of it, and the next wish is heard', async ({
  expect,
}) => {
  const { linear, ada, service, file, activities, sessions } = world;
  const issue = file('Nobody told us');
  linear.workspace.hasAgentSessions = false;
  ada.delegate(issue.id);
  linear.workspace.hasAgentSessions = true;
  const view = await service.rest(issue.identifier);
  await service.sorted();
  expect([view.state, view.runs.length, sessions(issue).length]).toEqual(['complete', 1, 1]);
  expect(activities(issue).filter(({ type }) => type === 'response')).toHaveLength(1);
  const told = linear.outbox.told.filter(
    ({ payload }) => payload.action === 'created' && JSON.stringify(payload).includes(issue.id),
  );
  expect(told.some(({ payload }) => (payload.agentSession as { creator?: object })?.creator === undefined)).toBe(true);

  ada.undelegate(issue.id);
  await service.sorted();
  linear.faults.add({ delivery: '*', action: { type: 'drop' } });
  ada.delegate(issue.id);
  expect((await service.rest(issue.identifier, 2)).state).toBe('complete');
});

test('a team that is taken from the app in mid-run: the session ends, and nothing is left hanging', async ({
  expect,
}) => {
  const { linear, ada, service } = world;
  const { id: teamId } = addTeam(linear.workspace, { key: 'GON', name: 'Gone' });
  const issue = ada.create({ teamId, title: 'Is closed to us' });
  ada.delegate(issue.id);
  await expect.poll(() => begun(issue.identifier), { timeout: 30_000 }).toBeTruthy();
  setTeamAccess(linear.workspace, teamId, false);
  const view = await service.rest(issue.identifier);
  expect(view.state).toBe('stopped');
  expect(await query("select 1 from effects where state = 'pending'")).toEqual([]);
});

test('an issue that is deleted while something is to be said: it ends, once', async ({ expect }) => {
  const { linear, ada, service, file } = world;
  const issue = file('Is deleted');
  ada.delegate(issue.id);
  await expect.poll(() => begun(issue.identifier), { timeout: 30_000 }).toBeTruthy();
  linear.faults.add({ field: 'agentActivityCreate', action: { type: 'status', status: 503, commit: 'before' } });
  ada.say(issue.id, 'Is it you?');
  await service.sorted();
  ada.change(issue.id, { trashed: true });
  await service.sorted();
  linear.faults.clear();
  const view = await service.rest(issue.identifier);
  expect(view.state).toBe('stopped');
  expect(view.runs).toHaveLength(1);
});
