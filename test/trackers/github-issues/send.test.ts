import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import type { Activity } from '../../../src/core/activity.ts';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { Ticket, TicketHint } from '../../../src/core/ticket.ts';
import { sendOne, type Tracker } from '../../../src/trackers/tracker.ts';
import type { Issue } from '../../stand-ins/github/rows.ts';
import { type GitHubWorld, label, startGitHubWorld } from './github-world.ts';

const signal = new AbortController().signal;
const again = { code: 'unavailable', retryable: true };

let world: GitHubWorld;
beforeAll(async () => {
  world = await startGitHubWorld();
});
afterEach(() => world.github.faults.clear());
afterAll(() => world?.close());

async function ticketOf(issue: Issue): Promise<Ticket> {
  return world.tracker.readTicket({ ...world.unknownTicket, id: `${world.repository.id}/${issue.number}` }, signal);
}

async function given(): Promise<{ issue: Issue; ticket: TicketHint }> {
  const issue = world.ada.file({ title: `Ticket ${randomUUID()}`, body: 'Please.', labels: [label] });
  return { issue, ticket: await ticketOf(issue) };
}

const post = (activity: Activity): TicketOperation => ({
  kind: 'postActivity',
  id: randomUUID(),
  conversation: null,
  activity,
});
const think = (body: string, ephemeral = false) => post({ type: 'thought', body, ...(ephemeral && { ephemeral }) });
const planned = (content: string): TicketOperation => ({
  kind: 'updatePlan',
  id: randomUUID(),
  conversation: null,
  plan: [{ content, status: 'pending' }],
});
/** 149 kB, of which no part is like another. */
const numbers = Array.from({ length: 25_000 }, (_, number) => String(number).padStart(5)).join(' ');
const draft = {
  title: 'A part',
  description: 'Do it.',
  priority: 'none',
  labels: [],
  fields: {},
  team: null,
  project: null,
} as const;
const part = (blocker: string): TicketOperation => ({
  kind: 'createTicket',
  id: randomUUID(),
  draft: { ...draft, title: `A part ${randomUUID()}`, labels: [] },
  relation: 'child',
  blockedBy: [blocker],
});

async function asked(work: () => Promise<unknown>): Promise<string[]> {
  world.github.requests.length = 0;
  await work();
  return world.github.requests.map(({ operation }) => operation ?? '');
}

describe('what is sent and whose answer is lost is there once', () => {
  test.for<[name: string, lost: string, operation: (blocker: string) => TicketOperation]>([
    ['a status comment', 'issues/create-comment', () => think('On it.')],
    ['an answer', 'issues/create-comment', () => post({ type: 'response', body: 'Here it is.' })],
    ['a question in three parts', 'issues/create-comment', () => post({ type: 'elicitation', body: numbers })],
    [
      'a move',
      'issues/add-labels',
      () => ({ kind: 'moveTicket', id: randomUUID(), to: 'started', from: ['unstarted'] }),
    ],
    [
      'a move to the end',
      'issues/update',
      () => ({ kind: 'moveTicket', id: randomUUID(), to: 'done', from: ['unstarted'] }),
    ],
    ['a part', 'issues/create', part],
    ['the place of a part', 'issues/add-sub-issue', part],
    ['what blocks a part', 'issues/add-blocked-by-dependency', part],
  ])('%s', async ([, lost, operation], { expect }) => {
    const { ticket, issue } = await given();
    const blocker = await ticketOf(world.ada.file({ title: 'First' }));
    const filed = world.repository.issues.size;
    const sent = operation(blocker.id);
    world.github.faults.add({ operation: lost, nth: 1, action: { type: 'loseReply' } });
    await expect(sendOne(world.tracker, ticket, sent, signal)).rejects.toMatchObject(again);
    // Another process, which remembers nothing.
    const answer = await sendOne(world.another(), ticket, sent, signal);
    expect(await sendOne(world.tracker, ticket, sent, signal)).toEqual(answer);
    expect(world.github.faults.unmet()).toEqual([]);
    const texts = issue.comments.map(({ body }) => body.replace(/<!--[\s\S]*?-->/g, ''));
    expect(new Set(texts).size).toBe(texts.length);
    if (sent.kind === 'createTicket') {
      expect(world.repository.issues.size).toBe(filed + 1);
      const child = await world.tracker.readTicket(answer.hint as TicketHint, signal);
      expect(child.relations.map(({ type }) => type).toSorted()).toEqual(['blockedBy', 'parent']);
    }
    if (sent.kind === 'moveTicket')
      expect(answer).toEqual({ state: sent.to === 'done' ? 'closed as completed' : 'in progress' });
  });
});

test('a question that is there, and of which the status comment does not know yet, is pointed to', async ({
  expect,
}) => {
  const { ticket, issue } = await given();
  const question = post({ type: 'elicitation', body: 'Which one?' });
  await world.tracker.send(ticket, [think('On it.'), think('Running the tests', true)], signal);
  world.github.faults.add({ operation: 'issues/update-comment', nth: 1, action: { type: 'cut' } });
  await expect(sendOne(world.tracker, ticket, question, signal)).rejects.toMatchObject(again);
  await sendOne(world.another(), ticket, question, signal);
  expect(issue.comments).toHaveLength(2);
  expect(issue.comments[0]?.body).toMatch(/^_Now:_ I wait for an answer to \[my question\]/m);
});

test('what two processes show at once is in one status comment', async ({ expect }) => {
  const { ticket, issue } = await given();
  const trackers = [world.tracker, world.another(), world.another()];
  const words = trackers.map((_, index) => `Word ${index}.`);
  const send = (tracker: Tracker, word: string) => sendOne(tracker, ticket, think(word), signal);
  await Promise.all(trackers.map((tracker, index) => send(tracker, words[index] ?? '')));
  const comments = issue.comments.filter(({ body }) => body.startsWith('<!-- shipmate:status -->'));
  expect(comments).toHaveLength(1);
  expect((await world.outside.activities(`${world.repository.id}/${issue.number}`)).length).toBeGreaterThan(0);
});

test('people are told of the beginning, the question and the end; all else is an edit', async ({ expect }) => {
  const { ticket, issue } = await given();
  const link: TicketOperation = {
    kind: 'linkSession',
    id: randomUUID(),
    conversation: null,
    url: 'https://ship.example/s',
  };
  const steps: TicketOperation[][] = [
    [think('I have it.'), link],
    [
      { kind: 'moveTicket', id: randomUUID(), to: 'started', from: ['unstarted'] },
      planned('Look'),
      think('I look.', true),
    ],
    [post({ type: 'action', action: 'Reading', parameter: 'src/a.ts', ephemeral: true }), planned('Look again')],
    [post({ type: 'elicitation', body: 'Which one?', options: ['left', 'right'] })],
    [
      think('Right it is.'),
      {
        kind: 'attachPullRequest',
        id: randomUUID(),
        url: 'https://github.com/acme/web/pull/7',
        title: 'Fix',
        number: 7,
      },
    ],
    [post({ type: 'response', body: 'Done, @ada and @acme/team; see `@types/node`.' })],
    [
      {
        kind: 'attachPullRequest',
        id: randomUUID(),
        url: 'https://github.com/acme/web/pull/7',
        title: 'Fix',
        number: 7,
        state: 'merged',
      },
    ],
  ];
  const requests: string[][] = [];
  for (const operations of steps) requests.push(await asked(() => world.tracker.send(ticket, operations, signal)));
  expect(requests.map((each) => each.filter((name) => !/list|get/.test(name)))).toEqual([
    ['issues/create-comment'],
    ['issues/add-labels', 'issues/update-comment'],
    ['issues/update-comment'],
    ['issues/create-comment', 'issues/update-comment'],
    ['issues/update-comment'],
    ['issues/create-comment', 'issues/update-comment'],
    ['issues/update-comment'],
  ]);
  const [status, question, answer] = issue.comments.map(({ body }) => body);
  expect(issue.comments).toHaveLength(3);
  expect(question).toMatch(/^Which one\?\n\n1\. left\n2\. right\n\n<!-- shipmate:[\w-]+ -->$/);
  expect(answer).toContain('Done, `@ada` and `@acme/team`; see `@types/node`.');
  const shown = status?.replace(/<!--[\s\S]*?-->/g, '').trim();
  expect(shown?.replaceAll(/#issuecomment-\d+|http:\/\/127.0.0.1:\d+/g, '').replace(/\d\d:\d\d/, 'HH:MM')).toBe(
    [
      'Right it is.',
      '- [ ] Look again',
      `_Now:_ See [my answer](/acme/web/issues/${issue.number}).`,
      'Pull request [#7: Fix](https://github.com/acme/web/pull/7), merged  \n[What I do, step by step](https://ship.example/s)',
      '<details><summary>Earlier (UTC)</summary>\n\n- HH:MM I have it.\n\n</details>',
    ].join('\n\n'),
  );
});

test('a status comment that people delete is made again, and one that they spoil begins anew', async ({ expect }) => {
  const { ticket, issue } = await given();
  await sendOne(world.tracker, ticket, planned('One'), signal);
  const [first] = issue.comments;
  if (!first) throw new Error('there is no status comment');
  world.ada.deleteComment(issue, first);
  const late = planned('Two');
  await expect(sendOne(world.tracker, ticket, late, signal)).resolves.toEqual({ id: late.id });
  const [second] = issue.comments;
  if (!second) throw new Error('there is no status comment');
  world.ada.editComment(issue, second, '<!-- shipmate:status -->\n\nOops <!-- shipmate:state {"plan": 7} -->');
  await sendOne(world.another(), ticket, planned('Three'), signal);
  expect(issue.comments.map(({ id }) => id)).toEqual([second.id]);
  expect(await world.outside.plan(ticket.id)).toEqual([{ content: 'Three', status: 'pending' }]);
});

test("marks count in our own comments only, and what others write is nobody's result", async ({ expect }) => {
  const { ticket, issue } = await given();
  const answer = post({ type: 'response', body: 'Here.' });
  world.ada.say(issue, `No!\n\n<!-- shipmate:${answer.id} -->`);
  world.ada.say(issue, '<!-- shipmate:status -->');
  await sendOne(world.tracker, ticket, answer, signal);
  expect(issue.comments.map(({ user }) => user.login)).toEqual(['ada', 'ada', 'shipmate[bot]']);
});

test('a state that people chose is not taken back, and a long history keeps within one comment', async ({ expect }) => {
  const { ticket, issue } = await given();
  world.ada.label(issue, 'in progress');
  const back: TicketOperation = { kind: 'moveTicket', id: randomUUID(), to: 'unstarted', from: ['started'] };
  expect(await sendOne(world.tracker, ticket, back, signal)).toEqual({
    skipped: expect.stringContaining('"in progress"'),
  });
  for (let made = 0; made < 3; made++)
    await world.tracker.send(
      ticket,
      Array.from({ length: 20 }, () => think('y'.repeat(5_000))),
      signal,
    );
  expect(issue.comments).toHaveLength(1);
  expect(issue.comments[0]?.body.length).toBeLessThan(65_536);
});

test('of a row what was done before a refusal is shown; and where that cannot be written it was not done', async ({
  expect,
}) => {
  const { ticket } = await given();
  await sendOne(world.tracker, ticket, planned('Begin'), signal);
  const row = (): TicketOperation[] => [planned('Next'), part(`${world.repository.id}/999999`), planned('Never')];
  world.github.faults.add({
    operation: 'issues/update-comment',
    action: { type: 'status', status: 502, commit: 'before' },
  });
  expect(await world.tracker.send(ticket, row(), signal)).toEqual([{ error: expect.objectContaining(again) }]);
  expect(await world.outside.plan(ticket.id)).toEqual([{ content: 'Begin', status: 'pending' }]);
  world.github.faults.clear();
  expect(await world.tracker.send(ticket, row(), signal)).toEqual([
    { result: { id: expect.any(String) } },
    { error: expect.objectContaining({ code: 'not_found' }) },
  ]);
  expect(await world.outside.plan(ticket.id)).toEqual([{ content: 'Next', status: 'pending' }]);
});

test('where nothing was begun, nothing is shown of what was not done', async ({ expect }) => {
  const { ticket, issue } = await given();
  world.ada.close(issue);
  const skipped = { skipped: expect.any(String) };
  expect(await sendOne(world.tracker, ticket, { kind: 'takeTicket', id: randomUUID() }, signal)).toEqual(skipped);
  const move: TicketOperation = { kind: 'moveTicket', id: randomUUID(), to: 'started', from: ['unstarted'] };
  expect(await sendOne(world.tracker, ticket, move, signal)).toEqual(skipped);
  await sendOne(world.tracker, ticket, think('I look.', true), signal);
  expect(issue.comments).toEqual([]);
});

describe('with a token', () => {
  let people: GitHubWorld;
  beforeAll(async () => {
    people = await startGitHubWorld({ token: true });
  });
  afterAll(() => people?.close());

  test('a ticket is taken by being assigned, listed by it, and given up', async ({ expect }) => {
    const { tracker, ada, repository } = people;
    const issues = [
      ada.file({ title: 'Mine' }),
      ada.file({ title: 'By its label', labels: [label] }),
      ada.file({ title: "Nobody's" }),
    ];
    const hint = { ...people.unknownTicket, id: `${repository.id}/${issues[0]?.number}` };
    const taken = await sendOne(tracker, hint, { kind: 'takeTicket', id: randomUUID() }, signal);
    expect(taken).toEqual({ at: expect.any(String) });
    expect(issues[0]?.assignees.map(({ login }) => login)).toEqual(['shipmate']);
    ada.assign(issues[1] as Issue, 'shipmate');
    const listed: string[] = [];
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      const page = await tracker.listTickets({ assignee: 'agent' }, cursor, signal);
      listed.push(...page.tickets.map(({ title }) => title));
      cursor = page.next;
    }
    expect(listed).toEqual(['By its label', 'Mine']);
    await sendOne(tracker, hint, { kind: 'releaseTicket', id: randomUUID() }, signal);
    expect(issues[0]?.assignees).toEqual([]);
    expect((await tracker.readTicket(hint, signal)).assignee).toBe(null);
  });
});
