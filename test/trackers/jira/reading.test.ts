import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Ticket, TicketQuery } from '../../../src/core/ticket.ts';
import type { Desks } from '../../../src/trackers/jira/desks.ts';
import { linkPrefix, markKey } from '../../../src/trackers/jira/markers.ts';
import { readAttachment } from '../../../src/trackers/jira/reading/attachments.ts';
import { isAsked } from '../../../src/trackers/jira/reading/is-asked.ts';
import { listTickets } from '../../../src/trackers/jira/reading/list-tickets.ts';
import { readTicket } from '../../../src/trackers/jira/reading/read-ticket.ts';
import { searchTickets } from '../../../src/trackers/jira/reading/search-tickets.ts';
import { suggestRepositories } from '../../../src/trackers/jira/reading/suggest-repositories.ts';
import { addSprint } from '../../stand-ins/jira/field-input.ts';
import { type Somebody, somebody } from '../../stand-ins/jira/people.ts';
import { addProject, deny } from '../../stand-ins/jira/projects.ts';
import type { Adf, Project, User } from '../../stand-ins/jira/rows.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { addField } from '../../stand-ins/jira/site.ts';
import { textDocument } from '../../stand-ins/jira/text.ts';
import { anySignal, hintFor, listAll, openDesks } from './desk.ts';

let jira: Jira;
let ada: Somebody;
let bot: User;
let project: Project;
let desks: Desks;
beforeAll(async () => {
  jira = await startJira({ language: 'de' });
  const { site } = jira;
  ada = somebody(site, site.addUser('Ada'));
  bot = site.addUser('Shipmate', { isServiceAccount: true, timeZone: 'Asia/Kolkata' });
  project = addProject(site, { key: 'ENG', name: 'Engineering', components: ['api', 'web'] });
  desks = openDesks(jira, [{ site, user: bot }]);
});
afterEach(() => {
  jira.faults.clear();
  jira.expectClean();
});
afterAll(() => jira.close());

const typeOf = (name: string) => {
  const issueType = project.issueTypes.find((each) => each.name === name);
  return issueType ? { issueType } : {};
};

const read = (id: string): Promise<Ticket> => readTicket(desks, hintFor(id), anySignal());

const list = (query: TicketQuery, of = desks) => listAll(query, of);

test('a ticket is read whole, in the words of people', async () => {
  const { site } = jira;
  const risk = addField(site, 'Risk', 'select', { options: ['low', 'high'] });
  const criteria = addField(site, 'Acceptance criteria', 'textarea');
  const points = addField(site, 'Story Points', 'number');
  const reviewers = addField(site, 'Areas', 'multiselect', { options: ['sea', 'land'] });
  const owner = addField(site, 'Owner', 'user');
  const when = addField(site, 'Starts', 'datetime');
  const sprintField = addField(site, 'Sprint', 'sprint');
  const sprint = addSprint(site, 'Sprint 7');
  const epic = ada.create({ project, ...typeOf('Epic'), summary: 'Ship it' }).issue;
  const blocker = ada.create({ project, summary: 'First' }).issue;
  const list: Adf = {
    type: 'doc',
    version: 1,
    content: [
      { type: 'heading', attrs: { level: 2 }, content: [{ type: 'text', text: 'Why' }] },
      {
        type: 'paragraph',
        content: [
          { type: 'text', text: 'It ' },
          { type: 'text', text: 'drifts', marks: [{ type: 'strong' }] },
        ],
      },
    ],
  };
  const { issue } = ada.create({
    project,
    summary: 'Steer',
    description: list,
    priority: 'High',
    labels: ['helm', 'urgent'],
    components: project.components.slice(0, 1),
    parentId: epic.id,
    duedate: '2026-12-24',
    values: {
      [risk.id]: risk.options[1],
      [criteria.id]: textDocument('It steers.'),
      [points.id]: 5,
      [reviewers.id]: reviewers.options,
      [owner.id]: ada.user.accountId,
      [when.id]: '2026-12-01T10:00:00.000+0100',
      [sprintField.id]: [sprint],
    },
  });
  const child = ada.create({ project, ...typeOf('Sub-task'), summary: 'Part', parentId: issue.id }).issue;
  ada.move(child.key, 'In Review');
  ada.link(blocker.key, issue.key);
  ada.move(blocker.key, 'Done');
  const later = ada.create({ project, summary: 'Later' }).issue;
  ada.link(issue.key, later.key);
  ada.assign(issue.key, bot);
  ada.move(issue.key, 'In Progress');
  const said = ada.comment(issue.key, 'Gently.').comment;
  const app = somebody(site, site.addUser('Linter', { accountType: 'app' }));
  app.comment(issue.key, 'One warning.');
  ada.attach(issue.key, 'chart.PNG', 'application/octet-stream', Buffer.from('png'));
  const api = (await desks.sites.all(anySignal()))[0]?.client.on(anySignal());
  const link = (globalId: string, title: string) =>
    api?.issueRemoteLinks.createOrUpdateRemoteIssueLink({
      ...{ issueIdOrKey: issue.key, globalId },
      ...{ relationship: 'design', object: { url: `https://example.org/${title}`, title } },
    });
  await link(`${linkPrefix}pr/1`, 'Our-pull-request');
  await link('wiki=2', 'Plan');

  const from = jira.requests.length;
  const ticket = await read('eng-3');
  expect(jira.requests.slice(from).map(({ operation }) => operation)).toEqual([
    ...['issues.getIssue', 'myself.getCurrentUser', 'issueRemoteLinks.getRemoteIssueLinks'],
  ]);
  expect(ticket).toMatchObject({
    tracker: 'jira',
    identifier: 'ENG-3',
    title: 'Steer',
    url: `${site.url}/browse/ENG-3`,
    priority: 'high',
    team: 'Engineering',
    description: '## Why\n\nIt **drifts**',
    labels: ['helm', 'urgent'],
    fields: {
      Type: 'Task',
      Deadline: '2026-12-24',
      Components: 'api',
      Risk: 'high',
      'Acceptance criteria': 'It steers.',
      'Story Points': '5',
      Areas: 'sea, land',
      Owner: 'Ada',
      Sprint: expect.stringContaining('Sprint 7'),
      Links: 'Plan (design): https://example.org/Plan',
    },
    state: { name: 'In Progress', category: 'started' },
    assignee: { id: bot.accountId, name: 'Shipmate', isBot: true },
    comments: [
      { id: said.id, author: { name: 'Ada', isBot: false }, body: 'Gently.', at: said.created },
      { author: { name: 'Linter', isBot: true }, body: 'One warning.' },
    ],
    attachments: [{ name: 'chart.PNG', mediaType: 'image/png', bytes: 3 }],
    updatedAt: issue.updated,
  });
  expect(ticket.fields.Starts).toMatch(/^2026-12-01T/);
  expect(ticket.relations.map(({ type, ticket: other, category }) => [type, other.title, category])).toEqual([
    ['parent', 'Ship it', 'unstarted'],
    ['child', 'Part', 'review'],
    ['blockedBy', 'First', 'done'],
    ['blocks', 'Later', 'unstarted'],
  ]);
  expect((await read(epic.key)).relations.map(({ type, ticket: other }) => [type, other.title])).toEqual([
    ['child', 'Steer'],
  ]);
  const [attachment] = ticket.attachments;
  const content = (id = '') => readAttachment(desks, ticket, id, anySignal());
  expect(Buffer.from(await content(attachment?.id)).toString()).toBe('png');
  await expect(content('1')).rejects.toMatchObject({ code: 'not_found' });
  const suggested = async (...names: string[]) =>
    suggestRepositories(
      desks,
      ticket,
      names.map((name) => ({ name, location: `https://example.org/acme/${name}.git` })),
      anySignal(),
    );
  expect(await suggested('API', 'eng')).toEqual([{ name: 'API', confidence: 1, why: 'for its component api' }]);
  expect(await suggested('web', 'engineering')).toEqual([
    { name: 'engineering', confidence: 0.9, why: 'for its project ENG' },
  ]);
});

test('what we wrote is left out by its mark, which nobody else can set for us', async () => {
  const { issue } = ada.create({ project, summary: 'Talk' });
  const api = (await desks.sites.all(anySignal()))[0]?.client.on(anySignal());
  const write = (text: string, properties: { key: string; value: unknown }[]) =>
    api?.issueComments.addComment({ issueIdOrKey: issue.id, body: textDocument(text) as never, properties });
  ada.comment(issue.key, 'Before');
  await write('Ours', [{ key: markKey, value: { id: 'x' } }]);
  await write('By hand', []);
  ada.comment(issue.key, 'After');
  expect((await read(issue.key)).comments.map(({ body, author }) => [body, author.isBot])).toEqual([
    ['Before', false],
    ['By hand', true],
    ['After', false],
  ]);
});

test('a ticket that was moved is found by its id; one that is gone, or not for us, is not', async () => {
  const { site } = jira;
  const other = addProject(site, { key: 'OPS', name: 'Operations' });
  const { issue } = ada.create({ project, summary: 'Wanders' });
  const before = await read(issue.key);
  ada.moveTo(issue.key, other);
  const after = await readTicket(desks, before, anySignal());
  expect([after.id, after.identifier, after.team]).toEqual([before.id, issue.key, 'Operations']);
  deny(other, bot, 'BROWSE_PROJECTS');
  await expect(readTicket(desks, before, anySignal())).rejects.toMatchObject({ code: 'not_found', retryable: false });
  await expect(read('ENG-999')).rejects.toThrow(/ENG-999.*Browse projects/);
  await expect(read('../myself')).rejects.toMatchObject({ code: 'not_found' });
  await expect(
    readTicket(desks, { ...before, ref: { ...(before.ref as object), site: 'gone.example.org' } }, anySignal()),
  ).rejects.toMatchObject({ code: 'disconnected', account: 'gone.example.org' });
});

test('lists hold what fits, oldest first, over pages, however late the search is', async () => {
  const { site } = jira;
  const home = addProject(site, { key: 'LST', name: 'Lists "and" more' });
  const make = (summary: string, more = {}) => ada.create({ project: home, summary, ...more }).issue;
  const first = make('mine', { assignee: bot });
  make('by label', { labels: ['Shipmate'] });
  make("ada's", { assignee: ada.user });
  make('nobody');
  const review = make('in review', { labels: ['x'] });
  const called = make('called');
  const dropped = make('called, then taken');
  ada.move(review.key, 'In Review');
  ada.move(make('over', { assignee: bot }).key, 'Done');
  ada.mention(called.key, bot, 'please look');
  ada.mention(dropped.key, bot, 'please look');
  ada.assign(dropped.key, bot);
  jira.clock.advance(1_000);
  ada.assign(dropped.key, null);
  ada.mention(make('stopped').key, bot, 'stop');
  const team = 'LST';
  const cases: [TicketQuery, string[]][] = [
    [{ team, assignee: 'agent' }, ['mine', 'by label', 'called']],
    [
      { team: 'lists "AND" more', assignee: 'nobody' },
      ['nobody', 'in review', 'called', 'called, then taken', 'stopped'],
    ],
    [{ team, categories: ['review'] }, ['in review']],
    [{ team, categories: ['started', 'backlog'] }, []],
    [{ team, labels: ['x'] }, ['in review']],
    [{ project: 'nowhere' }, []],
  ];
  for (const [query, found] of cases) expect(await list(query)).toEqual({ found, passedOver: [] });

  const byJql = { ...desks, jql: 'labels = x' };
  const query: TicketQuery = { team, assignee: 'agent' };
  expect((await list(query, byJql)).found).toEqual(['mine', 'by label', 'in review', 'called']);
  expect((await list(query, { ...desks, status: 'In Review' })).found).toContain('in review');
  // What this site does not know hides nothing else.
  expect((await list(query, { ...byJql, status: 'Nowhere' })).found).toEqual([
    ...['mine', 'by label', 'in review', 'called'],
  ]);
  const byStatus = { ...desks, status: 'In Review' };
  expect((await list(query, { ...byStatus, jql: 'nonsense = 1' })).found).toContain('in review');

  site.searchLagMs = 60_000;
  jira.clock.advance(120_000);
  ada.assign(first.key, ada.user);
  expect((await list({ team, assignee: 'agent' })).found).toEqual(['mine', 'by label', 'called']);
  desks.sites.known()[0]?.touch(first.id);
  expect((await list({ team, assignee: 'agent' })).found).toEqual(['by label', 'called']);
  site.searchLagMs = 0;

  const since = new Date(jira.clock.now()).toISOString();
  jira.clock.advance(5_000);
  ada.comment(called.key, 'And?');
  somebody(site, bot).comment(review.key, 'Ours');
  expect((await list({ team, spokenSince: since })).found).toEqual(['called']);

  const many = addProject(site, { key: 'MNY', name: 'Many' });
  const made = Array.from({ length: 120 }, (_, number) => ada.create({ project: many, summary: `n${number}` }).issue);
  const start = await listTickets(desks, { team: 'MNY' }, null, anySignal());
  for (const gone of made.slice(0, 10)) ada.move(gone.key, 'Done');
  const rest: string[] = [];
  for (let cursor = start.next; cursor !== null; ) {
    const page = await listTickets(desks, { team: 'MNY' }, cursor, anySignal());
    rest.push(...page.tickets.map(({ title }) => title));
    cursor = page.next;
  }
  const all = [...start.tickets.map(({ title }) => title), ...rest];
  expect(all).toEqual(made.map(({ summary }) => summary));
});

test('somebody who mentions the agent asks for it, until it is taken away; who tells it to stop does not', async () => {
  const { site } = jira;
  const asked = (issue: { key: string }) => isAsked(desks, hintFor(issue.key), anySignal());
  const make = (more = {}) => ada.create({ project, summary: 'Asked?', ...more }).issue;
  const mention = (who: Somebody, text: string) => {
    const issue = make();
    who.mention(issue.key, bot, text);
    return issue;
  };
  const customer = somebody(site, site.addUser('Visitor', { accountType: 'customer' }));
  const app = somebody(site, site.addUser('Robot', { accountType: 'app' }));
  const typed = make();
  ada.comment(typed.key, 'Could @shipmate look?');
  const mail = make();
  ada.comment(mail.key, 'Write to me@shipmate.example');
  const quoted = make();
  ada.comment(quoted.key, {
    type: 'doc',
    version: 1,
    content: [
      { type: 'codeBlock', content: [{ type: 'text', text: '@shipmate' }] },
      { type: 'paragraph', content: [{ type: 'text', text: '@shipmate', marks: [{ type: 'code' }] }] },
    ],
  });
  const cases: [{ key: string }, boolean][] = [
    [make({ assignee: bot }), true],
    [make({ labels: ['SHIPMATE'] }), true],
    [make(), false],
    [mention(ada, 'please'), true],
    [mention(ada, 'stop'), false],
    [mention(customer, 'please'), false],
    [mention(app, 'please'), false],
    [typed, true],
    [mail, false],
    [quoted, false],
    [make({ description: '@shipmate: please' }), true],
  ];
  for (const [index, [issue, is]] of cases.entries()) expect([index, await asked(issue)]).toEqual([index, is]);
  const taken = mention(ada, 'please');
  ada.change(taken.key, { labels: ['shipmate'] });
  jira.clock.advance(1_000);
  ada.change(taken.key, { labels: [] });
  expect(await asked(taken)).toBe(false);
});

test('what a status or a query gave stays ours while we have moved it from there, until people have it otherwise', async () => {
  const agent = somebody(jira.site, bot);
  const byStatus = { ...desks, status: 'Backlog' };
  const byJql = { ...desks, jql: 'status = Backlog' };
  const acts: [string, (key: string) => unknown, status: boolean, jql: boolean][] = [
    ['nothing', () => {}, true, true],
    ['words', (key) => ada.change(key, { description: 'More.' }), true, true],
    ['a label', (key) => ada.change(key, { labels: ['later'] }), true, false],
    ['a move', (key) => ada.move(key, 'To Do'), false, false],
    [
      'taken',
      (key) => {
        ada.assign(key, bot);
        ada.assign(key, ada.user);
      },
      false,
      false,
    ],
  ];
  for (const [what, act, ...expected] of acts) {
    const { key } = ada.create({ project, summary: 'Asked?' }).issue;
    ada.move(key, 'Backlog');
    for (const status of ['In Progress', 'In Review']) agent.move(key, status);
    act(key);
    const found = [byStatus, byJql].map((each) => isAsked(each, hintFor(key), anySignal()));
    expect([what, ...(await Promise.all(found))]).toEqual([what, ...expected]);
  }
});

test('words are searched for as words; the best stands first', async () => {
  const home = addProject(jira.site, { key: 'SRC', name: 'Search' });
  const make = (summary: string, description: string) => ada.create({ project: home, summary, description });
  make('Zephyr', 'nothing else');
  make('The zephyr gate jams', 'It squeaks');
  make('Gate', 'as the zephyr said');
  const search = async (words: string, limit = 5) =>
    (await searchTickets(desks, words, limit, anySignal())).map(({ hint }) => hint.title);
  expect(await search('zephyr AND (gate OR "squeaks*")')).toEqual(['The zephyr gate jams', 'Gate', 'Zephyr']);
  expect(await search('zephyr gate', 1)).toEqual(['The zephyr gate jams']);
  expect(await search('" \\ ~ *')).toEqual([]);
  const [best] = await searchTickets(desks, 'squeaks', 1, anySignal());
  expect(best).toMatchObject({ text: 'It squeaks', state: { name: 'To Do', category: 'unstarted' } });
});
