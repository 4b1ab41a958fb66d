import { createCloudClient } from 'jira.js';
import { createClient } from 'jira.js/core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { somebody } from './people.ts';
import { addProject, makeWorkflow, renameProject, transitionOf } from './projects.ts';
import type { User } from './rows.ts';
import { type Jira, startJira } from './server.ts';

let jira: Jira;
beforeAll(async () => {
  jira = await startJira();
});
afterEach(() => jira.expectClean());
afterAll(() => jira.close());

function clientOf(user: User) {
  const { site, oauth } = jira;
  const auth = { type: 'basic', email: user.emailAddress, apiToken: oauth.addApiToken(site, user).value } as const;
  return createCloudClient(createClient({ host: site.url, auth, onSchemaMismatch: 'throw' }));
}

const status = (work: Promise<unknown>) =>
  work.then(
    () => 0,
    (error) => error.status ?? error,
  );

test('a workflow has its ways, its guards and its screens', async () => {
  const { site } = jira;
  const [bot, ada] = [site.addUser('Worker'), site.addUser('Ada L', { isAdmin: true })];
  const workflow = makeWorkflow(
    site,
    [
      ['To Do', 'new'],
      ['In Progress', 'indeterminate'],
      ['Done', 'done'],
    ],
    {
      paths: [
        ['Start', 'To Do', 'In Progress'],
        ['Finish', 'In Progress', 'Done'],
        ['Reopen', 'Done', 'To Do'],
      ],
    },
  );
  const finish = transitionOf(workflow, 'Finish');
  Object.assign(finish, { screen: ['resolution', 'labels'], required: ['labels'] });
  transitionOf(workflow, 'Reopen').allows = (user) => user.isAdmin;
  const project = addProject(site, { key: 'WF', name: 'Workflow', workflow });
  const { issue } = somebody(site, ada).create({ project, summary: 'Goes on' });
  const client = clientOf(bot);
  const id = { issueIdOrKey: issue.key };
  const names = async () =>
    (await client.issues.getTransitions({ ...id, expand: 'transitions.fields' })).transitions?.map(
      ({ name, fields }) => [
        name,
        Object.values(fields ?? {})
          .filter(({ required }) => required)
          .map(({ key }) => key),
      ],
    );
  const go = (fields = {}) => client.issues.doTransition({ ...id, transition: { id: finish.id }, fields });
  expect(await names()).toEqual([['Start', []]]);
  expect((await go().catch((error) => error)).body.errorMessages[0]).toMatch(/not valid for the current state/);
  await client.issues.doTransition({ ...id, transition: { id: transitionOf(workflow, 'Start').id } });
  expect(await names()).toEqual([['Finish', ['labels']]]);
  expect((await go().catch((error) => error)).body.errors).toEqual({ labels: 'Labels is required.' });
  expect((await go({ labels: ['x'], summary: 'x' }).catch((error) => error)).body.errors).toHaveProperty('summary');
  finish.refuses = () => 'The tests are red.';
  expect((await go({ labels: ['x'] }).catch((error) => error)).body.errorMessages).toEqual(['The tests are red.']);
  finish.refuses = () => null;
  await go({ labels: ['x'], resolution: { name: "Won't Do" } });
  expect([issue.status.name, issue.resolution?.name, await names()]).toEqual(['Done', "Won't Do", []]);
});

test('an issue that was moved, or whose project was renamed, is found by its old key; one that was deleted is not', async () => {
  const { site } = jira;
  const ada = somebody(site, site.addUser('Ada M'));
  const client = clientOf(ada.user);
  const [from, to] = [
    addProject(site, { key: 'OLD', name: 'Old' }),
    addProject(site, { key: 'NEW', name: 'New', style: 'next-gen' }),
  ];
  const { issue } = ada.create({ project: from, summary: 'Moves' });
  ada.moveTo(issue.id, to);
  renameProject(site, to, { key: 'NEXT', name: 'Next' });
  for (const name of ['OLD-1', 'NEW-1', 'NEXT-1', issue.id])
    expect((await client.issues.getIssue({ issueIdOrKey: name, fields: ['project', 'status'] })).key).toBe('NEXT-1');
  expect((await client.projects.getProject({ projectIdOrKey: 'NEW' })).key).toBe('NEXT');
  ada.delete('OLD-1');
  expect(await status(client.issues.getIssue({ issueIdOrKey: issue.id }))).toBe(404);
  expect(await status(client.issueSearch.countIssues({ jql: 'key in (NEXT-1)' }))).toBe(400);
});
