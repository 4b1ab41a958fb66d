import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { TicketDraft } from '../../../src/core/ticket.ts';
import { makeWorkflow, transitionOf } from '../../stand-ins/jira/projects.ts';
import type { StatusCategory } from '../../stand-ins/jira/rows.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { addField } from '../../stand-ins/jira/site.ts';
import { wordsOf } from '../../stand-ins/jira/text.ts';
import { move, read, worldOn } from './writing-world.ts';

let jira: Jira;
beforeAll(async () => {
  jira = await startJira();
});
afterEach(() => {
  jira.faults.clear();
  jira.site.searchLagMs = 0;
  jira.expectClean();
});
afterAll(() => jira.close());

const statuses: [string, StatusCategory][] = [
  ['To Do', 'new'],
  ['Ready', 'new'],
  ['In Progress', 'indeterminate'],
  ['Blocked', 'indeterminate'],
  ['In Review', 'indeterminate'],
  ['Done', 'done'],
];
type Path = [name: string, from: string, to: string];
const line: Path[] = [
  ['Accept', 'To Do', 'Ready'],
  ['Start', 'Ready', 'In Progress'],
  ['Block', 'In Progress', 'Blocked'],
  ['Ask', 'In Progress', 'In Review'],
  ['Finish', 'In Review', 'Done'],
  ['Reopen', 'Blocked', 'In Progress'],
];
const flow = (paths: Path[]) => makeWorkflow(jira.site, statuses, { paths });

describe('a move', () => {
  test('takes the steps that the workflow wants, and no others', async () => {
    const world = worldOn(jira, { workflow: flow(line) });
    const issue = world.ticket();
    expect(await world.send(issue, [move('a', 'started', ['unstarted'])])).toEqual([
      { result: { state: 'In Progress' } },
    ]);
    expect(await world.send(issue, [move('b', 'done', ['started'])])).toEqual([{ result: { state: 'Done' } }]);
    const log = issue.histories.flatMap(({ items }) => items.filter(({ fieldId }) => fieldId === 'status'));
    expect(log.map(({ to }) => jira.site.statuses.find(({ id }) => id === to)?.name)).toEqual([
      ...['Ready', 'In Progress', 'In Review', 'Done'],
    ]);
  });

  test('says where there is no way to review, and what a screen asks for', async () => {
    const world = worldOn(jira, { workflow: flow(line.filter(([name]) => name !== 'Ask')) });
    const issue = world.ticket();
    await world.send(issue, [move('a', 'started', ['unstarted'])]);
    expect(await world.send(issue, [move('b', 'review', ['started'])])).toEqual([
      { result: { skipped: expect.stringMatching(/no way from "In Progress" to review/) } },
    ]);
    expect(issue.status.name).toBe('In Progress');
    expect(read(issue)).toEqual([expect.stringMatching(/^The workflow has no way from "In Progress" to review/)]);

    const risk = addField(jira.site, 'Risk of it', 'text');
    const workflow = flow(line);
    Object.assign(transitionOf(workflow, 'Ask'), { screen: [risk.id], required: [risk.id] });
    Object.assign(transitionOf(workflow, 'Finish'), { screen: ['resolution'], required: ['resolution'] });
    const other = worldOn(jira, { workflow });
    const asked = other.ticket();
    other.people.move(asked.key, 'In Progress');
    expect(await other.send(asked, [move('c', 'review', ['started'])])).toEqual([
      { result: { skipped: expect.stringMatching(/asks for "Risk of it" .*"In Review".*stays in "In Progress"/) } },
    ]);
    expect(read(asked)).toEqual([
      expect.stringMatching(/^Jira asks for "Risk of it" .*please move the ticket yourself/),
    ]);
    // What the ticket has already nobody has to give.
    const filled = other.ticket();
    other.people.move(filled.key, 'In Progress');
    filled.values[risk.id] = 'low';
    expect(await other.send(filled, [move('e', 'review', ['started'])])).toEqual([{ result: { state: 'In Review' } }]);
    other.people.move(asked.key, 'In Review');
    expect(await other.send(asked, [move('d', 'done', ['review'])])).toEqual([{ result: { state: 'Done' } }]);
    expect(asked.resolution?.name).toBe('Done');
  });

  test("never goes over a person's later change, not even one made meanwhile", async () => {
    const world = worldOn(jira);
    const issue = world.ticket();
    await world.send(issue, [move('a', 'started', ['unstarted'])]);
    world.people.move(issue.key, 'To Do');
    const skipped = (name: string) => [
      { result: { skipped: expect.stringContaining(`A person moved the ticket to "${name}"`) } },
    ];
    expect(await world.send(issue, [move('b', 'started', ['unstarted'])])).toEqual(skipped('To Do'));
    expect(await world.send(issue, [move('c', 'review', ['started'])])).toEqual(skipped('To Do'));
    // Given to the agent anew, it is the agent's to move.
    world.people.assign(issue.key, world.ada);
    world.people.assign(issue.key, world.bot);
    expect(await world.send(issue, [move('d', 'started', ['unstarted'])])).toEqual([
      { result: { state: 'In Progress' } },
    ]);
    jira.faults.add({
      operation: 'issues.doTransition',
      nth: 1,
      action: { type: 'meanwhile', does: () => world.people.move(issue.key, "Won't Do") },
    });
    expect(await world.send(issue, [move('e', 'review', ['started'])])).toEqual(skipped("Won't Do"));
    expect(issue.status.name).toBe("Won't Do");
    // What people have begun is not taken back.
    world.people.move(issue.key, 'In Progress');
    expect(await world.send(issue, [move('f', 'unstarted', ['started'])])).toEqual(skipped('In Progress'));
  });

  test('goes to the status that is named, and ends as called off where only a resolution says so', async () => {
    const workflow = makeWorkflow(jira.site, statuses);
    Object.assign(transitionOf(workflow, 'Done'), { screen: ['resolution'], required: ['resolution'] });
    const world = worldOn(jira, { workflow });
    const issue = world.ticket();
    world.people.move(issue.key, 'In Progress');
    world.people.assign(issue.key, world.ada);
    world.people.assign(issue.key, world.bot);
    const named = { ...move('a', 'review', ['started']), named: 'in review' };
    expect(await world.send(issue, [named])).toEqual([{ result: { state: 'In Review' } }]);
    expect(await world.send(issue, [{ ...move('b', 'started', ['review']), named: 'Blocked' }])).toEqual([
      { result: { state: 'Blocked' } },
    ]);
    expect(await world.send(issue, [move('c', 'canceled', ['started'])])).toEqual([{ result: { state: 'Done' } }]);
    expect(issue.resolution?.name).toBe("Won't Do");
    expect(await world.send(issue, [move('d', 'done', ['started'])])).toMatchObject([
      { result: { skipped: expect.stringContaining('"Done"') } },
    ]);
  });

  test('that Jira refuses as the workflow wants it is skipped with the reason', async () => {
    const workflow = flow(line);
    transitionOf(workflow, 'Accept').refuses = () => 'The estimate is missing.';
    const world = worldOn(jira, { workflow });
    const issue = world.ticket();
    expect(await world.send(issue, [move('a', 'started', ['unstarted'])])).toEqual([
      { result: { skipped: expect.stringMatching(/"To Do" stays.*"Accept".*The estimate is missing/) } },
    ]);
    // It is told on the ticket, once.
    await world.send(issue, [move('b', 'started', ['unstarted'])]);
    expect(read(issue)).toEqual([
      expect.stringMatching(/^[^.]*was refused\. Jira \(\S+\) refused it: The estimate is missing\.\s+$/),
    ]);
  });
});

test('a ticket is taken if nobody has it, since when Jira says, and given up if it is still ours', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  world.people.assign(issue.key, null);
  const take: TicketOperation = { kind: 'takeTicket', id: 'take' };
  const release: TicketOperation = { kind: 'releaseTicket', id: 'release' };
  jira.faults.add({ operation: 'issues.assignIssue', nth: 1, action: { type: 'loseReply' } });
  expect(await world.send(issue, [take])).toMatchObject([{ error: { retryable: true } }]);
  const at = issue.histories.findLast(({ items }) => items.some(({ to }) => to === world.bot.accountId))?.created ?? '';
  const sent = [{ result: { at: new Date(at).toISOString() } }];
  expect(await world.send(issue, [take])).toEqual(sent);
  expect(await world.send(issue, [release])).toEqual([{ result: { released: true } }]);
  expect(issue.assignee).toBeNull();
  // Taken and given up: the same operation, however late, takes it no more.
  expect(await world.send(issue, [take])).toEqual(sent);
  expect(issue.assignee).toBeNull();

  const other = world.ticket();
  world.people.assign(other.key, null);
  jira.faults.clear();
  jira.faults.add({
    operation: 'issues.assignIssue',
    nth: 1,
    action: { type: 'meanwhile', does: () => world.people.assign(other.key, world.ada) },
  });
  expect(await world.send(other, [take, release])).toEqual([
    { result: { skipped: expect.stringContaining(world.ada.displayName) } },
    { result: { skipped: expect.stringContaining('not mine') } },
  ]);
  expect(other.assignee).toBe(world.ada);
});

const draft = (more: Partial<TicketDraft> = {}): TicketDraft => ({
  ...{
    title: 'Fix the rudder',
    description: 'It is **loose**.',
    priority: 'urgent',
    labels: ['needs care', 'shipmate'],
  },
  ...{ fields: {}, team: null, project: null, ...more },
});

describe('a ticket that is filed', () => {
  test('is there once, however long searches lag and whatever was lost', async () => {
    const world = worldOn(jira);
    const criteria = addField(jira.site, `Criteria ${world.project.key}`, 'textarea', { project: world.project });
    const fields = { [criteria.name]: '- It holds.', Harbour: 'Kiel' };
    const since = new Date().toISOString();
    jira.site.searchLagMs = 60_000;
    jira.faults.add({ operation: 'issues.createIssue', nth: 1, action: { type: 'loseReply' } });
    const filing = { id: 'filed', since, draft: draft({ team: world.project.name.toUpperCase(), fields }) };
    await expect(world.file(filing)).rejects.toMatchObject({ retryable: true });
    const hint = await world.file(filing);
    expect(await world.file({ ...filing, draft: draft({ title: 'Other words', team: world.project.key }) })).toEqual(
      hint,
    );
    const issues = [...jira.site.issues.values()].filter(({ project }) => project === world.project);
    expect(issues).toHaveLength(1);
    const [issue] = issues;
    expect(issue).toMatchObject({
      key: hint.identifier,
      labels: ['needs-care'],
      assignee: null,
      priority: { name: 'Highest' },
    });
    expect(hint).toMatchObject({ title: 'Fix the rudder', team: world.project.name, priority: 'urgent' });
    expect(wordsOf(issue?.description)).toMatch(/loose[\s\S]*Harbour[\s\S]*Kiel/);
    expect(wordsOf(issue?.values[criteria.id])).toContain('It holds.');
    jira.site.searchLagMs = 0;
    jira.clock.advance(3_600_000);
    expect(await world.file(filing)).toEqual(hint);
    await expect(world.file({ id: 'nowhere', draft: draft({ team: 'Nowhere' }) })).rejects.toThrow(
      /no project "Nowhere"/,
    );
  });

  test('on another one is its part where Jira has such, else linked, and waits for what blocks it', async () => {
    const world = worldOn(jira);
    const parent = world.ticket();
    const blocker = world.ticket('First this');
    const file = (id: string, relation: 'child' | 'relatedTo', blockedBy: string[] = []): TicketOperation => ({
      ...{ kind: 'createTicket', id, draft: draft({ title: id }), relation, blockedBy },
    });
    const operations = [file('part', 'child', [world.hintFor(blocker).id]), file('beside', 'relatedTo')];
    jira.faults.add({ operation: 'issueLinks.linkIssues', nth: 1, action: { type: 'loseReply' } });
    expect(await world.send(parent, operations)).toMatchObject([{ error: { retryable: true } }]);
    const sent = await world.send(parent, operations);
    expect(await world.send(parent, operations)).toEqual(sent);
    const filed = (title: string) => [...jira.site.issues.values()].filter(({ summary }) => summary === title);
    const [part, ...others] = filed('part');
    const [beside] = filed('beside');
    expect(others).toEqual([]);
    expect(part).toMatchObject({ parentId: parent.id, issueType: { hierarchyLevel: -1 } });
    expect(beside).toMatchObject({ parentId: null, issueType: { name: 'Task' } });
    const links = jira.site.links.map(({ type, inward, outward }) => [type.name, inward.id, outward.id]);
    expect(links).toEqual([
      ['Blocks', blocker.id, part?.id],
      ['Relates', parent.id, beside?.id],
    ]);
    // A part of a part: Jira has none.
    const [deeper] = await world.send(part as never, [file('deeper', 'child')]);
    expect(deeper).toMatchObject({ result: { hint: { title: 'deeper' } } });
    expect(filed('deeper')[0]?.parentId).toBeNull();
    expect(jira.site.links.at(-1)).toMatchObject({ type: { name: 'Relates' }, inward: { id: part?.id } });
    // What an epic has is a task, in whichever project.
    const type = world.project.issueTypes.find(({ name }) => name === 'Epic');
    const { issue: epic } = world.people.create({
      project: world.project,
      summary: 'Sail',
      ...(type && { issueType: type }),
    });
    await world.send(epic, [file('of an epic', 'child')]);
    expect(filed('of an epic')).toMatchObject([{ parentId: epic.id, issueType: { name: 'Task' } }]);
    // Without leave to link it is filed all the same; and so it is where Jira takes its description only as plain text.
    const refused = (status: number) => ({ type: 'status', status, commit: 'before', body: { errors: {} } }) as const;
    jira.faults.clear();
    jira.faults.add({ operation: 'issueLinks.linkIssues', nth: 1, action: refused(403) });
    jira.faults.add({ operation: 'issues.createIssue', nth: 1, action: refused(400) });
    expect(await world.send(parent, [file('apart', 'relatedTo')])).toMatchObject([{ result: { hint: {} } }]);
    expect(filed('apart')).toMatchObject([{ description: { content: [{ type: 'codeBlock' }] } }]);
    const absent = await world.send(parent, [file('never', 'relatedTo', [`${new URL(jira.site.url).host}/999999`])]);
    expect(absent).toMatchObject([{ error: { code: 'not_found' } }]);
    expect(filed('never')).toEqual([]);
  });

  test('is refused with what to do where the project asks for what nobody said', async () => {
    const world = worldOn(jira);
    const risk = addField(jira.site, 'Risk class', 'select', { options: ['low', 'high'] });
    world.project.required.push(risk.id);
    await expect(world.file({ id: 'a', draft: draft({ team: world.project.key }) })).rejects.toThrow(
      /asks for "Risk class"/,
    );
    const hint = await world.file({
      id: 'b',
      draft: draft({ team: world.project.key, fields: { 'risk class': 'High' } }),
    });
    expect(jira.site.find(hint.identifier)?.values[risk.id]).toMatchObject({ value: 'high' });
  });
});
