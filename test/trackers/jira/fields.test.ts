import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { routeTicket } from '../../../src/core/routing.ts';
import { defaultFieldNames, readFacts } from '../../../src/core/ticket-facts.ts';
import { fromMarkdown } from '../../../src/trackers/jira/adf/from-markdown.ts';
import type { Desks } from '../../../src/trackers/jira/desks.ts';
import { readTicket } from '../../../src/trackers/jira/reading/read-ticket.ts';
import { addSprint } from '../../stand-ins/jira/field-input.ts';
import { type Somebody, somebody } from '../../stand-ins/jira/people.ts';
import { addProject } from '../../stand-ins/jira/projects.ts';
import type { Field, Project, User } from '../../stand-ins/jira/rows.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { addField } from '../../stand-ins/jira/site.ts';
import { anySignal, hintFor, openDesks } from './desk.ts';

let jira: Jira;
let ada: Somebody;
let bot: User;
let project: Project;
let desks: Desks;
beforeAll(async () => {
  jira = await startJira({ language: 'de' });
  const { site } = jira;
  ada = somebody(site, site.addUser('Ada'));
  bot = site.addUser('Shipmate', { isServiceAccount: true });
  project = addProject(site, { key: 'ENG', name: 'Engineering', components: ['api', 'web'] });
  desks = openDesks(jira, [{ site, user: bot }]);
});
afterEach(() => jira.expectClean());
afterAll(() => jira.close());

type Kind = Parameters<typeof addField>[2];
/** A field, what is in it, and how it is told. */
type Case = [name: string, kind: Kind, value: unknown | ((field: Field) => unknown), told: string | undefined];

const text = (markdown: string) => fromMarkdown(markdown);
const version = (name: string, id: string) => ({ self: 'x', id, name, archived: false, released: false });
const cases: Case[] = [
  ['Customer', 'text', 'Acme *GmbH*', 'Acme *GmbH*'],
  [
    'Notes',
    'textarea',
    text('- It **steers**\n- It is [quick](https://a.example)'),
    '- It **steers**\n- It is [quick](https://a.example)',
  ],
  ['Tasks', 'textarea', text('- [ ] paint\n- [x] steer'), '- [ ] paint\n- [x] steer'],
  ['Done when', 'textarea', text('1. Builds\n2. `npm t` passes\n\n```sh\nnpm t\n```'), undefined],
  ['Risk', 'select', ({ options }: Field) => options[1], 'high'],
  ['Platforms', 'multiselect', ({ options }: Field) => options, 'low, high'],
  ['Checks', 'checkboxes', ({ options }: Field) => options.slice(0, 1), 'low'],
  [
    'Region',
    'cascade',
    { self: 'x', id: '1', value: 'Europe', child: { self: 'x', id: '2', value: 'Bremen' } },
    'Europe - Bremen',
  ],
  ['Continent', 'cascade', { self: 'x', id: '1', value: 'Asia' }, 'Asia'],
  ['Owner', 'user', () => ada.user.accountId, 'Ada'],
  ['Reviewers', 'users', () => [ada.user.accountId, bot.accountId], 'Ada, Shipmate'],
  ['Story Points', 'number', 0.5, '0.5'],
  ['Starts', 'date', '2026-12-01', '2026-12-01'],
  ['Design', 'url', 'https://example.org/a_b_c', 'https://example.org/a_b_c'],
  ['Areas', 'labels', ['sea', 'land'], 'sea, land'],
  ['Seen in', 'version', [version('1.2', '7'), version('1.3', '8')], '1.2, 1.3'],
  ['Crew', 'team', { id: 'a1-b2', name: 'Helm', isVisible: true }, 'Helm'],
  ['Repo of it', 'text', 'acme/web#release', 'acme/web#release'],
  ['Nothing', 'text', null, undefined],
  ['Empty list', 'multiselect', [], undefined],
];

test('fields are told by their names, whatever they hold, and mean what the configuration says', async () => {
  const { site } = jira;
  const values: Record<string, unknown> = {
    fixVersions: [version('2.0', '9')],
    environment: text('Node.js **24**'),
  };
  const expected: Record<string, string> = {};
  for (const [name, kind, value, told] of cases) {
    const field = addField(site, name, kind, { options: ['low', 'high'] });
    values[field.id] = typeof value === 'function' ? value(field) : value;
    if (told !== undefined) expected[name] = told;
  }
  const [over, now] = [addSprint(site, 'Sprint 6', 'closed'), addSprint(site, 'Sprint 7')];
  const coming = addSprint(site, 'Sprint 8', 'future');
  values[addField(site, 'Sprint', 'sprint').id] = [over, now, coming];
  values[addField(site, 'Rang', 'epicLink').id] = null;
  const epicType = project.issueTypes.find(({ name }) => name === 'Epic');
  const epic = ada.create({ project, ...(epicType && { issueType: epicType }), summary: 'Sail' }).issue;
  const { issue } = ada.create({
    ...{ project, summary: 'Steer', priority: 'Highest', parentId: epic.id, duedate: '2026-12-24', values },
    components: project.components,
  });
  const ticket = await readTicket(desks, hintFor(issue.key), anySignal());
  const { 'Done when': doneWhen, ...fields } = ticket.fields;
  expect(doneWhen).toMatch(/^1\. Builds\n2\. `npm t` passes\n\n```sh\nnpm t\n```$/);
  expect(fields).toEqual({
    ...expected,
    Type: 'Task',
    Deadline: '2026-12-24',
    Components: 'api, web',
    'Fix versions': '2.0',
    Environment: 'Node.js **24**',
    Sprint: 'Sprint 7; Sprint 8 (not begun)',
  });
  expect(ticket).toMatchObject({ priority: 'urgent', relations: [{ type: 'parent', ticket: { title: 'Sail' } }] });

  const names = { ...defaultFieldNames, acceptanceCriteria: ['Done when'], repository: ['repo of it'] };
  const facts = readFacts(ticket, names);
  expect(facts).toMatchObject({
    acceptanceCriteria: ['Builds', '`npm t` passes', 'npm t'],
    repository: 'acme/web#release',
    risk: 'high',
    deadline: '2026-12-24',
  });
  const repositories = ['acme/web', 'acme/api', 'acme/main'].map((name) => ({
    ...{ name, codeHost: 'local-git', location: `/r/${name}`, base: null },
  }));
  const route = (rules: Parameters<typeof routeTicket>[2]['rules'], named: string | null = null) =>
    routeTicket(ticket, { ...facts, repository: named }, { repositories, rules, remembered: null });
  expect(route([], facts.repository)).toMatchObject({ repository: { name: 'acme/web' }, base: 'release' });
  const main = { project: 'eng', repository: 'acme/main' };
  expect(route([main])).toMatchObject({ repository: { name: 'acme/main' } });
  expect(route([main, { fields: { Components: 'api' }, repository: 'acme/api' }])).toMatchObject({
    repository: { name: 'acme/api' },
  });

  // They are asked for with the ticket: their names cost no request.
  const from = jira.requests.length;
  await readTicket(desks, hintFor(issue.key), anySignal());
  expect(jira.requests.slice(from).map(({ operation }) => operation)).not.toContain('issueFields.getFields');
});
