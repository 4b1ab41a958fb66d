import { afterAll, beforeAll, expect, test } from 'vitest';
import { type JiraService, startJiraService } from '../support/jira-service.ts';

const script = `
tickets:
  Fix the ship:
    - { until: letGo, calls: [{ tool: write, input: { path: two.txt, content: "two\\n" } }] }
    - calls: [{ tool: finish, input: { title: Add two, summary: Two is there. } }]
`;

let service: JiraService;
beforeAll(async () => {
  service = await startJiraService({ script, files: { 'one.txt': 'one\n' }, pollSeconds: 1 });
});
afterAll(() => service?.stop());

const prompts = async () =>
  (await service.database.pool.query('select body from prompts order by seq')).rows.map(({ body }) => body);
const sessions = async () =>
  (
    await service.database.pool.query(
      'select t.identifier, s.state from sessions s join tickets t on t.id = s.ticket_id',
    )
  ).rows;
test('without webhooks what people do is taken up at the next look: an assignment, a word, a mention', async () => {
  const issue = service.give('Fix the ship');
  await expect.poll(sessions, { timeout: 30_000 }).toMatchObject([{ identifier: issue.key, state: 'active' }]);
  await expect.poll(() => service.seen(issue).shown.length, { timeout: 30_000 }).toBe(1);
  service.ada.comment(issue.key, 'Only on Mondays');
  await expect.poll(prompts, { timeout: 30_000 }).toEqual(['Only on Mondays']);
  const called = service.file('Too slow');
  service.ada.mention(called.key, service.bot, 'please look');
  await expect.poll(async () => (await sessions()).length, { timeout: 30_000 }).toBe(2);
  expect(service.jira.outbox.told).toEqual([]);
  await service.letGo('letGo');
  await service.rest(issue.key);
  await service.rest(called.key);
});

test('a look at which nothing has happened costs two requests', async () => {
  const { jira } = service;
  // For so long words count as news, because clocks differ.
  jira.clock.advance(15 * 60_000);
  const searches = () => jira.requests.filter(({ operation }) => operation?.startsWith('issueSearch')).length;
  const whole = searches() + 4; // a look that is under way now may have begun before
  await expect.poll(searches, { timeout: 30_000 }).toBeGreaterThanOrEqual(whole);
  jira.requests.length = 0;
  await expect.poll(searches, { timeout: 30_000 }).toBeGreaterThanOrEqual(6);
  expect(Object.keys(jira.counts())).toEqual(['issueSearch.searchAndReconsileIssuesUsingJqlPost']);
  const asked = jira.requests.slice(0, 2).map(({ body }) => (body as { jql: string }).jql);
  expect(asked.filter((jql) => jql.includes('assignee = currentUser()'))).toHaveLength(1);
  expect(asked.filter((jql) => /updated >= -\d+m ORDER/.test(jql))).toHaveLength(1);
});
