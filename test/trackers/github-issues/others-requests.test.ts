import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, test } from 'vitest';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { Ticket, TicketQuery } from '../../../src/core/ticket.ts';
import { type Somebody, somebody } from '../../stand-ins/github/people.ts';
import { createReviewing } from '../../stand-ins/github/reviewing.ts';
import type { Issue } from '../../stand-ins/github/rows.ts';
import { type GitHubWorld, label, startGitHubWorld } from './github-world.ts';

let world: GitHubWorld;
let bob: Somebody;
let pulls: Issue[];
const { signal } = new AbortController();
beforeAll(async () => {
  world = await startGitHubWorld();
  bob = somebody(world.github, world.repository, 'bob');
  pulls = [];
  for (const [index, title] of ['Lines', 'Reviewed', 'Talked', 'Quiet'].entries()) {
    await bob.commit(`branch-${index}`, { [`${index}.txt`]: 'one\n' });
    pulls.push(await bob.open({ title, body: 'Mine.', head: `branch-${index}`, base: 'main' }));
  }
});
afterAll(() => world?.close());

const readIt = (issue: Issue): Promise<Ticket> => {
  const id = `${world.repository.id}/${issue.number}`;
  return world.tracker.readTicket({ ...world.unknownTicket, id }, signal);
};
const listed = async (query: TicketQuery) => {
  const { tickets } = await world.tracker.listTickets(query, null, signal);
  return tickets.map(({ title }) => title);
};

test('those on which it was called are on its list and heard, wherever that was said, and no others', async ({
  expect,
}) => {
  const [lines, reviewed, talked, quiet] = pulls as [Issue, Issue, Issue, Issue];
  const { github, repository, ada, tracker } = world;
  const reviewing = createReviewing(github, repository);
  const since = quiet.updatedAt;
  ada.label(quiet, label);
  bob.comment(quiet.number, 'Nice.');
  expect([await listed({ assignee: 'agent' }), await listed({ spokenSince: since })]).toEqual([[], []]);
  await reviewing.review(lines, { by: bob.user, lines: [{ path: '0.txt', line: 1, body: '@shipmate two' }] });
  await reviewing.review(reviewed, { by: bob.user, body: '@shipmate, two' });
  bob.comment(talked.number, '@shipmate: two');
  const called = ['Lines', 'Reviewed', 'Talked'];
  expect([await listed({ assignee: 'agent' }), await listed({ spokenSince: since })]).toEqual([called, called]);
  const others: TicketQuery[] = [{}, { assignee: 'nobody' }, { labels: [label] }];
  for (const query of others) expect(await listed(query)).toEqual([]);
  expect(await Promise.all(pulls.map(async (pull) => tracker.isAsked(await readIt(pull), signal)))).toEqual([
    ...called.map(() => true),
    false,
  ]);
  const [comment] = talked.comments;
  if (comment) ada.deleteComment(talked, comment);
  expect(await tracker.isAsked(await readIt(talked), signal)).toBe(false);
});

test('is read with its branches, its talk and its state; what belongs to issues is left out', async ({ expect }) => {
  const [lines, reviewed] = pulls as [Issue, Issue];
  bob.comment(lines.number, 'Hm.');
  bob.comment(lines.number, '@shipmate continue');
  const ticket = await readIt(lines);
  expect(ticket).toMatchObject({
    title: 'Lines',
    description: 'Mine.',
    state: { name: 'open', category: 'started' },
    relations: [],
    request: { number: lines.number, url: ticket.url, head: 'branch-0', base: 'main', isFork: false },
  });
  expect(ticket.comments.map(({ body, isAside = false }) => [body.split('\n')[0], isAside])).toEqual([
    ['@shipmate two', false],
    ['Hm.', true],
    ['@shipmate continue', false],
  ]);
  await bob.merge(lines.number);
  await bob.close(reviewed.number);
  expect((await readIt(lines)).state).toEqual({ name: 'merged', category: 'done' });
  expect((await readIt(reviewed)).state).toEqual({ name: 'closed', category: 'canceled' });
});

test('is neither moved nor taken, and shows little', async ({ expect }) => {
  const talked = pulls[2] as Issue;
  const [id, conversation] = [() => randomUUID(), null];
  const operations: TicketOperation[] = [
    { kind: 'moveTicket', id: id(), to: 'review', from: ['started'] },
    { kind: 'takeTicket', id: id() },
    { kind: 'releaseTicket', id: id() },
    { kind: 'updatePlan', id: id(), conversation, plan: [{ content: 'Look', status: 'inProgress' }] },
    { kind: 'postActivity', id: id(), conversation, activity: { type: 'thought', body: 'On it.' } },
    { kind: 'postActivity', id: id(), conversation, activity: { type: 'elicitation', body: 'Which?' } },
  ];
  const sent = await world.tracker.send(await readIt(talked), operations, signal);
  const skipped = { result: { skipped: expect.stringContaining('It is a pull request') } };
  expect(sent.slice(0, 3)).toEqual([skipped, skipped, skipped]);
  const shown = talked.comments.map(({ body }) => body.replace(/\s*<!--[\s\S]*?-->\s*/g, ''));
  expect(shown).toEqual([
    'On it.\n\n_Now:_ I wait for an answer to my question.',
    'Which?\n\n(I hear answers that begin with `@shipmate`.)',
  ]);
  expect([talked.labels, talked.assignees]).toEqual([[], []]);
});
