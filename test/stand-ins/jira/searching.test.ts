import { createCloudClient } from 'jira.js';
import { createClient } from 'jira.js/core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Somebody, somebody } from './people.ts';
import { addProject } from './projects.ts';
import type { Project } from './rows.ts';
import { type Jira, startJira } from './server.ts';
import { addField } from './site.ts';

let jira: Jira;
let ada: Somebody;
let project: Project;
beforeAll(async () => {
  jira = await startJira();
  ada = somebody(jira.site, jira.site.addUser('Ada', { timeZone: 'Asia/Kolkata' }));
  project = addProject(jira.site, { key: 'ENG', name: 'Engineering', components: ['api'] });
});
afterEach(() => jira.expectClean());
afterAll(() => jira.close());

function client() {
  const apiToken = jira.oauth.addApiToken(jira.site, ada.user).value;
  const auth = { type: 'basic', email: ada.user.emailAddress, apiToken } as const;
  return createCloudClient(createClient({ host: jira.site.url, auth, onSchemaMismatch: 'throw' }));
}

test('JQL finds what it says, and what it cannot read is refused', async () => {
  const { site } = jira;
  const bob = site.addUser('Bob');
  const points = addField(site, 'Story Points', 'number');
  const team = addField(site, 'Team', 'select', { options: ['red', 'blue'] });
  const one = ada.create({ project, summary: 'Übel: the rudder', labels: ['Ship it', 'x'], assignee: ada.user }).issue;
  jira.clock.advance(60_000);
  const two = ada.create({
    project,
    summary: 'Two sails',
    description: 'rudder and "main sail"',
    priority: 'High',
    components: project.components,
    values: { [points.id]: 5, [team.id]: team.options[0] },
  }).issue;
  ada.move(two.key, 'Done');
  ada.mention(one.key, bob, 'look');
  const type = project.issueTypes.find(({ name }) => name === 'Sub-task');
  const three = ada.create({
    project,
    summary: 'Part',
    parentId: one.id,
    ...(type && { issueType: type }),
    assignee: bob,
  }).issue;
  const all = { [one.id]: 'one', [two.id]: 'two', [three.id]: 'three' };
  const search = async (jql: string) => {
    const { issues } = await client().issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql });
    return issues?.map(({ id = '' }) => all[id]).join(' ');
  };
  const kolkata = (minutes: number) =>
    new Date(Date.parse(two.created) + minutes * 60_000 + 5.5 * 3_600_000).toISOString().slice(0, 16).replace('T', ' ');
  for (const [jql, found] of [
    ['project = ENG ORDER BY created ASC', 'one two three'],
    ['project in ("Engineering") order by key desc', 'three two one'],
    ['assignee = currentUser()', 'one'],
    ['assignee is EMPTY', 'two'],
    [`assignee in (currentUser(), "${bob.accountId}") order by key`, 'one three'],
    [`assignee != ${JSON.stringify(bob.accountId)}`, 'one'],
    ['statusCategory = Done', 'two'],
    ['statusCategory != done order by key', 'one three'],
    ['status in ("To Do", Done) and not statusCategory = Done order by key', 'one three'],
    ['labels = "Ship it"', 'one'],
    ['labels in (x, y) or labels is empty order by key', 'one two three'],
    [`key in (ENG-1, "eng-3") ORDER BY key`, 'one three'],
    [`id = ${two.id}`, 'two'],
    [`parent = ENG-1`, 'three'],
    ['issuetype = Sub-task', 'three'],
    ['priority = High AND component = api AND resolution = Done', 'two'],
    ['"Story Points" >= 5', 'two'],
    [`cf[${points.schema.customId}] < 6 and Team = red`, 'two'],
    ['text ~ rudder order by key', 'one two'],
    ['text ~ "\\"main sail\\""', 'two'],
    ['summary ~ "ÜBEL"', 'one'],
    ['summary ~ "sa*"', 'two'],
    ['comment ~ currentUser()', ''],
    [`comment ~ ${JSON.stringify(`"${bob.accountId}"`)}`, 'one'],
    [`created >= "${kolkata(0)}" order by key`, 'two three'],
    [`created < "${kolkata(-1)}"`, ''],
    ['updated >= -30s or updated >= -1m order by key', /Date value '-30s'/],
    ['updated >= -1h order by key', 'one two three'],
    ['', /Unbounded/],
    ['order by created', /Unbounded/],
    ['project = NOPE', /does not exist for the field 'project'/],
    ['key in (ENG-1, ENG-999)', /An issue with key 'ENG-999'/],
    ['assignee = nobody', /does not exist for the field 'assignee'/],
    ['mood = good', /Field 'mood' does not exist/],
    ['project = ENG AND', /before the end of the query/],
    ['text ~ "a (b"', /Unable to parse the text/],
    ['text ~ "*a"', /not allowed as first character/],
    ['text ~ ""', /empty string/],
    ['labels ~ x', /operator '~' is not supported/],
    ['summary = x', /operator '=' is not supported/],
    ['labels = "a\\q"', /illegal JQL escape/],
    ['labels = "open', /has not been completed/],
    ['project = ENG; drop', /reserved JQL character/],
    ['status = order', /reserved JQL word/],
    ['assignee was in (currentUser())', /operator 'was'|Expecting/],
  ] as const)
    if (typeof found === 'string') expect(await search(jql), jql).toBe(found);
    else expect(String((await search(jql).catch((error) => error)).message), jql).toMatch(found);
});

test('a search lags behind, but for what is to be reconciled; reading an issue does not', async () => {
  const { site } = jira;
  site.searchLagMs = 3_000;
  const { issue } = ada.create({ project, summary: 'Fresh', labels: ['lag'] });
  const find = async (jql: string, reconcileIssues: number[] = []) =>
    (
      await client().issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql, fields: ['summary'], reconcileIssues })
    ).issues?.map(({ fields }) => fields?.summary);
  expect(await find('labels = lag')).toEqual([]);
  expect(await find('labels = lag', [Number(issue.id)])).toEqual(['Fresh']);
  jira.clock.advance(3_000);
  ada.change(issue.key, { labels: [], summary: 'Stale' });
  expect(await find('labels = lag')).toEqual(['Fresh']);
  expect(await find('labels = lag', [Number(issue.id)])).toEqual([]);
  expect((await client().issues.getIssue({ issueIdOrKey: issue.key })).fields?.summary).toBe('Stale');
  jira.clock.advance(3_000);
  expect(await find('labels = lag')).toEqual([]);
  site.searchLagMs = 0;
});

test('pages hold each issue once, though issues come and go between them', async () => {
  for (let made = 0; made < 7; made++) ada.create({ project, summary: `Page ${made}`, labels: ['paged'] });
  const jql = 'labels = paged ORDER BY created ASC';
  const read = (nextPageToken?: string) =>
    client().issueSearch.searchAndReconsileIssuesUsingJqlPost({
      jql,
      maxResults: 3,
      fields: ['summary'],
      ...(nextPageToken && { nextPageToken }),
    });
  const seen: string[] = [];
  const first = await read();
  ada.change(first.issues?.[0]?.key ?? '', { labels: [] });
  ada.delete(first.issues?.[2]?.key ?? '');
  ada.create({ project, summary: 'Page 7', labels: ['paged'] });
  for (let page = first; ; page = await read(page.nextPageToken ?? '')) {
    seen.push(...(page.issues ?? []).map(({ fields }) => fields?.summary));
    if (page.isLast) break;
  }
  expect(seen).toEqual(Array.from({ length: 8 }, (_, index) => `Page ${index}`));
  const refused = await read(Buffer.from('{}').toString('base64')).catch((error) => error);
  expect(refused.body.errorMessages).toEqual(['The provided next page token is invalid or expired.']);
});
