import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { TicketHint } from '../../../src/core/ticket.ts';
import { fileTicket } from '../../../src/trackers/linear/writing/file-ticket.ts';
import { addLabel, addProject, addTeam } from '../../stand-ins/linear/workspace.ts';
import { draft, never, send, startWriting, type Writing } from './writing.ts';

let world: Writing;
beforeAll(async () => {
  world = await startWriting();
});
afterEach(() => world.linear.faults.clear());
afterAll(() => world.linear.close());

const take = (): TicketOperation => ({ kind: 'takeTicket', id: randomUUID() });
const release = (): TicketOperation => ({ kind: 'releaseTicket', id: randomUUID() });
const skipped = [{ result: { skipped: expect.stringMatching(/./) } }];

test('sub-tickets are filed once, with their labels and what blocks them', async ({ expect }) => {
  const { issue, hint } = world.given();
  const { tables } = world.linear.workspace;
  const blocker = world.nobodys();
  const label = `area ${randomUUID()}`;
  const create: TicketOperation = {
    kind: 'createTicket',
    id: randomUUID(),
    draft: draft({ priority: 'high', labels: [label], team: 'Engineering', fields: { Repository: 'ship' } }),
    relation: 'child',
    blockedBy: [blocker.issue.id],
  };
  world.linear.faults.add({ field: 'issueCreate', nth: 1, action: { type: 'loseReply' } });
  await send(world.startProcess(), hint, create);
  const [first] = await send(world.startProcess(), hint, create);
  const [second] = await send(world.startProcess(), hint, create, { ...create, id: randomUUID() });
  expect(second).toEqual(first);
  const filed = tables.Issue.get(create.id);
  expect((first as { result: { hint: TicketHint } }).result.hint).toMatchObject({
    id: create.id,
    identifier: filed?.identifier,
    title: create.draft.title,
    priority: 'high',
    team: 'Engineering',
  });
  expect(filed).toMatchObject({ parentId: issue.id, priority: 2, stateId: world.stateId('Todo') });
  expect(filed?.description).toBe('Please.\n\n## Repository\n\nship');
  expect(filed?.labelIds.map((id) => tables.IssueLabel.get(id)?.name)).toEqual([label]);
  expect([...tables.IssueLabel.values()].filter(({ name }) => name === label)).toHaveLength(1);
  expect([...tables.IssueRelation.values()].filter(({ relatedIssueId }) => relatedIssueId === create.id)).toMatchObject(
    [{ issueId: blocker.issue.id, type: 'blocks' }],
  );
  expect([...tables.Issue.values()].filter(({ parentId }) => parentId === issue.id)).toHaveLength(2);
});

test('a ticket that is blocked by one that is not there is not filed', async ({ expect }) => {
  const { hint } = world.given();
  const id = randomUUID();
  const create: TicketOperation = {
    kind: 'createTicket',
    id,
    draft: draft(),
    relation: null,
    blockedBy: [randomUUID()],
  };
  expect(await send(world.startProcess(), hint, create)).toMatchObject([{ error: { code: 'not_found' } }]);
  expect(world.linear.workspace.tables.Issue.has(id)).toBe(false);
});

test('the parts of a ticket cost one request each, and those that need one another know it', async ({ expect }) => {
  const { hint } = world.given();
  const { workspace } = world.linear;
  addProject(workspace, 'Fleet', [world.teamId]);
  const deps = world.startProcess();
  const ids: string[] = [randomUUID(), randomUUID(), randomUUID()];
  const part = (place: number): TicketOperation => ({
    kind: 'createTicket',
    id: ids[place] ?? '',
    draft: draft({ team: 'Engineering', project: 'Fleet' }),
    relation: 'child',
    blockedBy: ids.slice(0, place),
  });
  await send(deps, hint, part(0));
  const { requests } = await world.requestsDuring(async () => {
    for (const place of [1, 2]) expect(await send(deps, hint, part(place))).toMatchObject([{ result: { hint: {} } }]);
  });
  expect(requests).toBe(2);
  const blocks = [...workspace.tables.IssueRelation.values()].filter(({ issueId }) => ids.includes(issueId));
  expect(blocks.map(({ issueId, relatedIssueId }) => [ids.indexOf(issueId), ids.indexOf(relatedIssueId)])).toEqual([
    [0, 1],
    [0, 2],
    [1, 2],
  ]);
});

test('a label that Linear refuses keeps no ticket from being filed', async ({ expect }) => {
  const { workspace } = world.linear;
  const known = addLabel(workspace, `known ${randomUUID()}`, world.teamId);
  const filing = { id: randomUUID(), draft: draft({ labels: [known.name, `refused ${randomUUID()}`] }) };
  world.linear.faults.add({ field: 'issueLabelCreate', action: { type: 'invalid', why: 'no more labels' } });
  await fileTicket(world.startProcess(), filing, never);
  expect(workspace.tables.Issue.get(filing.id)?.labelIds).toEqual([known.id]);
});

test('a ticket of its own goes to the team and project that the draft names, once', async ({ expect }) => {
  const { workspace } = world.linear;
  const team = addTeam(workspace, { key: 'OPS', name: 'Operations 🚢' });
  const project = addProject(workspace, 'Roadmap', [team.id]);
  const filing = { id: randomUUID(), draft: draft({ team: 'ops', project: 'roadmap' }) };
  const deps = world.startProcess();
  const hints = await Promise.all([deps, deps, world.startProcess()].map((from) => fileTicket(from, filing, never)));
  for (const hint of hints) expect(hint).toEqual(hints[0]);
  expect(hints[0]).toMatchObject({ id: filing.id, team: 'Operations 🚢', project: 'Roadmap' });
  expect(workspace.tables.Issue.get(filing.id)).toMatchObject({
    teamId: team.id,
    projectId: project.id,
    parentId: null,
  });
  expect([...workspace.tables.Issue.values()].filter(({ title }) => title === filing.draft.title)).toHaveLength(1);
});

test('a team that was made a moment ago is found', async ({ expect }) => {
  const deps = world.startProcess();
  await fileTicket(deps, { id: randomUUID(), draft: draft() }, never);
  addTeam(world.linear.workspace, { key: 'NEW', name: 'Newcomers' });
  const hint = await fileTicket(deps, { id: randomUUID(), draft: draft({ team: 'NEW' }) }, never);
  expect(hint.team).toBe('Newcomers');
});

test('a team that is not there is told, with those that are', async ({ expect }) => {
  const filing = { id: randomUUID(), draft: draft({ team: 'Enginering' }) };
  await expect(fileTicket(world.startProcess(), filing, never)).rejects.toMatchObject({
    code: 'invalid',
    retryable: false,
    message: expect.stringMatching(/no team "Enginering".*"Engineering"/),
  });
});

test('what the agent drafts is made to fit', async ({ expect }) => {
  const odd = draft({ title: ' \n', description: 'a\0b\ud800', labels: ['c\0d', ' '], project: 'g\ud800' });
  const hint = await fileTicket(world.startProcess(), { id: randomUUID(), draft: odd }, never);
  expect(hint).toMatchObject({ title: 'Untitled', project: null });
  const filed = world.linear.workspace.tables.Issue.get(hint.id);
  expect(filed?.description).toBe('a\ufffdb\ufffd');
  expect(filed?.labelIds).toHaveLength(1);
  const long = draft({ title: `${'x'.repeat(248)}${'🚢'.repeat(300)}` });
  const cut = await fileTicket(world.startProcess(), { id: randomUUID(), draft: long }, never);
  expect(cut.title.length).toBeLessThanOrEqual(250);
  expect(cut.title.isWellFormed()).toBe(true);
});

test('a ticket is taken by being delegated, in a session of its own; another process knows of it', async ({
  expect,
}) => {
  const { issue, hint } = world.nobodys();
  const operation = take();
  const deps = world.startProcess();
  const [taken] = await send(deps, hint, operation);
  expect(taken).toEqual({ result: { at: world.sessions(issue)[0]?.createdAt } });
  expect(issue).toMatchObject({ delegateId: world.linear.workspace.appUser.id, assigneeId: null });
  expect(world.activities(issue)).toHaveLength(1);
  await send(deps, hint, release());
  expect(issue.delegateId).toBe(null);
  for (const late of [deps, world.startProcess()]) expect(await send(late, hint, operation)).toEqual([taken]);
  expect(issue.delegateId, 'a late repetition takes nothing').toBe(null);
  const [again] = await send(world.startProcess(), hint, take());
  expect(again).not.toEqual(taken);
  expect(issue.delegateId).not.toBe(null);
});

test('a take whose reply was lost is found to be done', async ({ expect }) => {
  const { issue, hint } = world.nobodys();
  const operation = take();
  world.linear.faults.add({ field: 'agentSessionCreateOnIssue', nth: 1, action: { type: 'loseReply' } });
  expect(await send(world.startProcess(), hint, operation)).toMatchObject([{ error: { retryable: true } }]);
  expect(await send(world.startProcess(), hint, operation)).toEqual([{ result: { at: expect.any(String) } }]);
  expect(world.sessions(issue)).toHaveLength(1);
});

test("what is somebody's or finished is not taken, and what is not ours is not given up", async ({ expect }) => {
  const theirs = world.nobodys();
  world.ada.change(theirs.issue.id, { assigneeId: world.ada.user.id });
  expect(await send(world.startProcess(), theirs.hint, take())).toEqual(skipped);
  expect(await send(world.startProcess(), theirs.hint, release())).toEqual(skipped);
  const finished = world.nobodys();
  world.ada.change(finished.issue.id, { stateId: world.stateId('Done') });
  expect(await send(world.startProcess(), finished.hint, take())).toEqual(skipped);
  const given = world.given();
  expect(await send(world.startProcess(), given.hint, release())).toEqual([{ result: { at: expect.any(String) } }]);
  expect(given.issue).toMatchObject({ delegateId: null, assigneeId: world.ada.user.id });
});
