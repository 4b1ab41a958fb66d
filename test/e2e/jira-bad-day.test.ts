import { afterAll, beforeAll, expect, test } from 'vitest';
import { addProject, makeWorkflow, transitionOf } from '../stand-ins/jira/projects.ts';
import { addField } from '../stand-ins/jira/site.ts';
import { type JiraService, startJiraService } from '../support/jira-service.ts';

const write = '{ tool: write, input: { path: two.txt, content: "two\\n" } }';
const finish = '{ tool: finish, input: { title: Add two, summary: Two is there. } }';
const script = `
tickets:
  Goes elsewhere:
    - { until: elsewhere, calls: [${write}] }
    - calls: [${finish}]
  Is deleted:
    - { until: never, calls: [${write}] }
`;

let service: JiraService;
beforeAll(async () => {
  service = await startJiraService({
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
  });
});
afterAll(() => service?.stop());

const begun = (identifier: string) =>
  expect
    .poll(async () => (await service.app.sessions.view(identifier))?.firstModelCallAt, { timeout: 30_000 })
    .toBeTruthy();

test('an issue that goes to another project while the site takes our token no more: it is handed in there, once, with what the workflow wants', async () => {
  const { ada, jira, seen } = service;
  const { site } = jira;
  const sized = addField(site, 'Size of it', 'text');
  const workflow = makeWorkflow(site, [
    ['To Do', 'new'],
    ['In Progress', 'indeterminate'],
    ['Peer review', 'indeterminate'],
    ['Shipped', 'done'],
  ]);
  Object.assign(transitionOf(workflow, 'Peer review'), { screen: [sized.id], required: [sized.id] });
  const other = addProject(site, { key: 'OPS', name: 'Operations', workflow });
  const issue = service.give('Goes elsewhere');
  await begun(issue.key);
  await expect.poll(() => issue.status.name).toBe('In Progress');
  ada.moveTo(issue.key, other);
  await expect.poll(() => service.app.sessions.view('OPS-1')).not.toBeNull();
  jira.faults.add({ action: { type: 'status', status: 401, commit: 'before', body: { errorMessages: [] } } });
  await service.letGo('elsewhere');
  const health = async () => (await fetch(`${service.url}/health`)).json();
  const account = `tracker/jira/${new URL(site.url).host}`;
  await expect.poll(health, { timeout: 30_000 }).toMatchObject({ closed: { [account]: 'disconnected' } });
  const before = seen(issue);
  expect(before.said).toEqual([]);
  jira.faults.clear();
  const page = '<!DOCTYPE html><html><body>We will be back.</body></html>';
  jira.faults.add({ nth: 1, action: { type: 'status', status: 200, commit: 'before', body: page } });
  // The minute passes for which nothing is asked of a site that lets nobody in.
  const { pool } = service.database;
  await pool.query('update accounts set open_at = now()');
  await pool.query("update effects set not_before = now() where state = 'pending'");

  const done = await service.rest('OPS-1');
  expect([done.state, done.unsent, done.runs.length]).toEqual(['complete', [], 1]);
  expect(seen(issue)).toEqual({
    status: 'In Progress',
    assignee: 'Shipmate',
    shown: [
      expect.stringMatching(
        /Jira asks for "Size of it" on the way to "Peer review"(.|\n)*please move the ticket yourself/,
      ),
    ],
    said: [expect.stringMatching(/^Pull request: (.|\n)*Two is there\./)],
    links: [],
    moves: ['Shipmate: In Progress'],
  });
});

test('an issue that is deleted while something is to be said: it ends, and nothing is left hanging', async () => {
  const { ada, jira } = service;
  const issue = service.give('Is deleted');
  await begun(issue.key);
  jira.faults.add({
    operation: 'issueComments.updateComment',
    action: { type: 'status', status: 503, commit: 'before' },
  });
  ada.comment(issue.key, 'Is it you?');
  await service.sorted();
  ada.delete(issue.key);
  const ended = await service.rest(issue.key);
  jira.faults.clear();
  expect(ended.state).toBe('stopped');
  const { rows } = await service.database.pool.query("select from effects where state = 'pending'");
  expect(rows).toEqual([]);
});
