import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { hintOf, type Ticket } from '../../../src/core/ticket.ts';
import { sendOne } from '../../../src/trackers/tracker.ts';
import { reporter } from '../../stand-ins/github/issue-people.ts';
import { somebody } from '../../stand-ins/github/people.ts';
import { openPull } from '../../stand-ins/github/pulls.ts';
import { renameRepository } from '../../stand-ins/github/repositories.ts';
import type { Issue } from '../../stand-ins/github/rows.ts';
import { type GitHubWorld, label, startGitHubWorld } from './github-world.ts';

const signal = new AbortController().signal;
const notFound = { name: 'VendorError', code: 'not_found', retryable: false };

let world: GitHubWorld;
beforeAll(async () => {
  world = await startGitHubWorld();
});
afterAll(() => world?.close());

const idOf = (issue: Issue) => `${world.repository.id}/${issue.number}`;
const read = (issue: Issue): Promise<Ticket> =>
  world.tracker.readTicket({ ...world.unknownTicket, id: idOf(issue) }, signal);

/** What of GitHub's limit for an hour a piece of work used up, and in how many requests. */
async function spent(work: () => Promise<unknown>): Promise<{ used: number; asked: string[] }> {
  const { github } = world;
  const count = () => [...github.used.values()].reduce((sum, used) => sum + used.count, 0);
  const before = count();
  github.requests.length = 0;
  await work();
  return { used: count() - before, asked: github.requests.map(({ operation }) => operation ?? '') };
}

test('all that an issue says is read, and what says where it stands or whose it is stands apart', async ({
  expect,
}) => {
  const { ada } = world;
  const body = 'Grüße 🚢\n'.repeat(8_000);
  const issue = ada.file({ title: 'Whole', body, labels: ['bug', 'Priority: High', 'in progress', label] });
  ada.plan(issue, 'Spring');
  expect(await read(issue)).toMatchObject({
    identifier: `acme/web#${issue.number}`,
    description: body,
    labels: ['bug', 'Priority: High'],
    priority: 'high',
    state: { name: 'in progress', category: 'started' },
    assignee: { name: 'shipmate[bot]', isBot: true },
    team: 'web',
    project: 'Spring',
  });
});

test('who speaks is known: people who may write, people who may not, bots; our own words are no part of it', async ({
  expect,
}) => {
  const { github, repository, ada, tracker } = world;
  const issue = ada.file({ title: 'Talk', body: '' });
  const eve = reporter(github, repository, github.addUser('eve'), null);
  const ci = reporter(github, repository, github.addUser('ci[bot]', 'Bot'), null);
  for (const who of [ada, eve, ci]) who.say(issue, `I am ${who.user.login}.`);
  const activities = [
    { type: 'thought', body: 'On it.' },
    { type: 'response', body: 'Done.' },
  ] as const;
  for (const activity of activities)
    await sendOne(
      tracker,
      await read(issue),
      { kind: 'postActivity', id: randomUUID(), conversation: null, activity },
      signal,
    );
  const { comments } = await read(issue);
  expect(comments.map(({ author: { name, isBot, isOutsider = false } }) => [name, isBot, isOutsider])).toEqual([
    ['ada', false, false],
    ['eve', false, true],
    ['ci[bot]', true, false],
  ]);
});

test('what is read again and has not changed uses up nothing', async ({ expect }) => {
  const issue = world.ada.file({ title: 'Same', body: 'Please.' });
  world.ada.say(issue, 'Hello');
  await read(issue);
  const { used, asked } = await spent(() => read(issue));
  expect({ used, asked }).toEqual({ used: 0, asked: ['issues/get', 'issues/list-comments'] });
});

test('a poll of nothing new is five requests for each repository, and uses up nothing', async ({ expect }) => {
  const { tracker, ada } = world;
  const issue = ada.file({ title: 'Polled', labels: [label] });
  const since = ada.say(issue, 'Before.').createdAt;
  const poll = async () => {
    const given = await tracker.listTickets({ assignee: 'agent' }, null, signal);
    if (given.next !== null) await tracker.listTickets({ assignee: 'agent' }, given.next, signal);
    const spoken = await tracker.listTickets({ spokenSince: since }, null, signal);
    return [given.tickets.length > 0, spoken.tickets.map(({ title }) => title)];
  };
  expect(await poll()).toEqual([true, []]);
  const first = await spent(poll);
  expect(first.used, first.asked.join()).toBe(0);
  const [issues, comments] = ['issues/list-for-repo', 'issues/list-comments-for-repo'];
  expect(first.asked).toEqual([issues, comments, issues, comments, issues]);
  ada.say(issue, 'Since.');
  expect(await poll()).toEqual([true, ['Polled']]);
});

describe('what is not there any more', () => {
  test('an issue that was deleted, one that was moved elsewhere, and a pull request of our own are not found', async ({
    expect,
  }) => {
    const { github, repository, ada } = world;
    const [gone, moved] = [ada.file({ title: 'Gone' }), ada.file({ title: 'Moved' })];
    ada.delete(gone);
    ada.transfer(moved, await github.addRepository('acme/elsewhere'));
    await expect(read(gone)).rejects.toMatchObject(notFound);
    await expect(read(moved)).rejects.toMatchObject({
      ...notFound,
      message: expect.stringContaining('acme/elsewhere#1'),
    });
    const author = somebody(github, repository, 'ada');
    await author.commit('feature', { 'a.txt': 'a\n' });
    const wanted = { title: 'A', head: 'feature', base: 'main' };
    const own = await openPull(github, repository, github.apps.app.bot, wanted);
    await expect(read(own)).rejects.toMatchObject(notFound);
    const { tickets } = await world.tracker.listTickets({}, null, signal);
    expect(tickets.map(({ title }) => title)).not.toContain('A');
  });

  test('a repository that was renamed is read by its old name, and says the new one', async ({ expect }) => {
    const issue = world.ada.file({ title: 'Renamed' });
    const hint = hintOf(await read(issue));
    renameRepository(world.repository, 'site');
    const other = world.another();
    expect(await other.readTicket(hint, signal)).toMatchObject({
      id: hint.id,
      identifier: `acme/site#${issue.number}`,
    });
    const sent = { kind: 'updatePlan', id: randomUUID(), conversation: null, plan: [] } as const;
    await sendOne(other, hint, { ...sent, plan: [] }, signal);
    expect(issue.comments).toHaveLength(1);
    renameRepository(world.repository, 'web');
  });
});

test('whether it was called: by a word of who may write, until it was taken away', async ({ expect }) => {
  const { github, repository, ada, tracker } = world;
  const eve = reporter(github, repository, github.addUser('eve'), null);
  const issue = ada.file({ title: 'Called', body: 'Please.' });
  const isAsked = async () => tracker.isAsked(await read(issue), signal);
  /** Where no webhook tells of it the list does. */
  const listed = async () => {
    const titles: string[] = [];
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      const page = await tracker.listTickets({ assignee: 'agent' }, cursor, signal);
      titles.push(...page.tickets.map(({ title }) => title).filter((title) => title === 'Called'));
      cursor = page.next;
    }
    return titles;
  };
  expect(await isAsked()).toBe(false);
  eve.say(issue, '@shipmate, do it');
  expect(await isAsked()).toBe(false);
  ada.say(issue, '@shipmate, do it');
  expect(await isAsked()).toBe(true);
  expect(await listed()).toEqual(['Called']);
  ada.label(issue, label);
  ada.unlabel(issue, label);
  expect(await isAsked()).toBe(false);
  ada.say(issue, '@shipmate stop');
  expect(await isAsked()).toBe(false);
  expect(await listed()).toEqual([]);
  ada.say(issue, '@shipmate, once more');
  expect(await isAsked()).toBe(true);
});

test('an issue is about the repository that it is in', async ({ expect }) => {
  const issue = world.ada.file({ title: 'Where' });
  const candidates = [
    { name: 'api', location: 'acme/api' },
    { name: 'web', location: 'Acme/Web' },
  ];
  expect(await world.tracker.suggestRepositories(await read(issue), candidates, signal)).toEqual([
    { name: 'web', confidence: 1, why: 'where the issue is filed' },
  ]);
});

describe('what the agent files', () => {
  const draft = {
    description: 'Please.',
    priority: 'none',
    labels: [],
    fields: {},
    team: null,
    project: null,
  } as const;
  const file = (changes: object) =>
    world.tracker.createTicket(
      { id: randomUUID(), draft: { ...draft, title: 'Filed', labels: [], ...changes } },
      signal,
    );

  test("is made to fit, keeps odd characters, and is nobody's", async ({ expect }) => {
    const { github, repository, ada } = world;
    ada.plan(ada.file({ title: 'Planned' }), 'Spring');
    const odd = '🚢 "quotes" \\ \\u0000 <b>&amp;</b> עברית';
    const hint = await file({
      title: odd,
      description: `${odd}\0\n\n<!-- mine -->`,
      labels: ['größe 🚢', 'GRÖSSE', 'bug', 'Bug', label.toUpperCase(), 'in progress', `long ${'x'.repeat(60)}`, ' '],
      priority: 'urgent',
      fields: { Repository: 'api', Empty: ' ' },
      project: 'spring',
    });
    const ticket = await world.tracker.readTicket(hint, signal);
    expect(ticket).toMatchObject({
      ...hint,
      title: odd,
      description: `${odd}\uFFFD\n\n<!-- mine -->\n\n## Repository\n\napi`,
      labels: ['größe 🚢', 'GRÖSSE', 'bug', `long ${'x'.repeat(31)} … (shortened)`, 'priority: urgent'],
      assignee: null,
      priority: 'urgent',
      project: 'Spring',
    });
    const long = await file({ title: `${'x'.repeat(250)}${'🚢'.repeat(300)}`, description: 'y\n'.repeat(100_000) });
    expect(long.title.length).toBeLessThanOrEqual(256);
    expect(long.title.isWellFormed()).toBe(true);
    expect((await file({ title: ' \n' })).title).toBe('Untitled');
    expect([...repository.issues.values()].at(-1)?.user).toBe(github.apps.app.bot);
  });

  test('goes where its draft says, and nowhere where there is no such place', async ({ expect }) => {
    await world.person.createTicket({ title: 'There', description: '', team: 'tools' });
    for (const team of ['tools', 'acme/Tools']) expect((await file({ team })).identifier).toMatch(/^acme\/tools#\d+$/);
    await expect(file({ team: 'Nowhere 🚢' })).rejects.toMatchObject({
      code: 'invalid',
      message: 'There is no repository "Nowhere 🚢" to file a ticket in. There are: acme/web, acme/tools.',
    });
  });
});

test('the check names what is wrong with a repository', async ({ expect }) => {
  const { github, tracker } = world;
  await world.person.createTicket({ title: 'A', description: '', team: 'quiet' });
  const quiet = github.repository('acme/quiet');
  quiet.hasIssues = false;
  const checks = await tracker.check();
  quiet.hasIssues = true;
  expect(checks.map(({ status, message }) => [status, message])).toContainEqual([
    'warning',
    'acme/quiet has its issues switched off',
  ]);
});

test('an issue of an owner who has suspended the App waits, also for a process that never saw it', async ({
  expect,
}) => {
  const { github, ada } = world;
  const other = await github.addRepository('globex/api');
  const installation = github.apps.install(other.owner);
  world.repositories.push('globex/api');
  const there = reporter(github, other, ada.user).file({ title: 'There' });
  const hint = await world.tracker.readTicket({ ...world.unknownTicket, id: `globex/api#${there.number}` }, signal);
  installation.suspendedAt = new Date().toISOString();
  for (const tracker of [world.tracker, world.another()])
    await expect(tracker.readTicket(hintOf(hint), signal)).rejects.toMatchObject({
      code: 'disconnected',
      account: 'globex',
    });
  world.repositories.pop();
});
