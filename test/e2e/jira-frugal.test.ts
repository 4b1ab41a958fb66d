import { afterAll, beforeAll, beforeEach, test, vi } from 'vitest';
import { addProject, makeWorkflow } from '../stand-ins/jira/projects.ts';
import type { Issue } from '../stand-ins/jira/rows.ts';
import { wordsOf } from '../stand-ins/jira/text.ts';
import { type JiraService, startJiraService } from '../support/jira-service.ts';

const plan = '{ tool: update_plan, input: { steps: [{ content: Look, status: inProgress }] } }';
const write = (n: number) => `{ tool: write, input: { path: part-${n}.txt, content: "${n}\\n" } }`;
const turns = (count: number) => Array.from({ length: count }, (_, n) => `    - calls: [${write(n)}]\n`).join('');
const limits = ['jira-per-issue-on-write', 'jira-quota-tenant-based'] as const;

// What was seen of the ticket is some seconds old when the second turn ends.
const nothing = (title: string) => `
  ${title}:
    - calls: [${plan}]
    - { delay: 3000, calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: All is well. } }] }`;
const limited = (reason: string) => `
  Wait, says Jira by ${reason}:
    - calls: [${plan}, ${write(1)}]
    - { until: ${reason}, calls: [{ tool: finish, input: { title: Add parts, summary: They are there. } }] }`;

const script = `
tickets:${nothing('Do nothing')}${nothing('Do nothing on a way')}${nothing('Do nothing where mentioned')}${limits.map(limited).join('')}
  Something else:
    - calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: All is well. } }]
  Work for long:
    - calls: [${plan}]
${turns(28)}
    - calls: [{ tool: finish, input: { title: Add parts, summary: They are there. } }]
`;

let service: JiraService;
let jira: JiraService['jira'];
beforeAll(async () => {
  service = await startJiraService({
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
    change: (config) => ({ ...config, http: { ...config.http, publicUrl: 'https://shipmate.example.com' } }),
  });
  jira = service.jira;
  // What a process asks for at its start, once: who it is, and what it may have missed.
  await vi.waitUntil(() => Object.keys(jira.counts()).some((name) => name.startsWith('issueSearch')), 30_000);
  await requestsOf(service.file('Something else'));
});
afterAll(() => service?.stop());
beforeEach(() => jira.faults.clear());

/** Of a process, once: it is no matter how many sessions there are. */
const isOfSession = (operation: string | null) =>
  !['issueSearch.searchAndReconsileIssuesUsingJqlPost', 'myself.getCurrentUser', 'projects.searchProjects'].includes(
    operation ?? '',
  );

/** All that was asked of Jira from the moment at which a ticket was given until its session rests. */
async function requestsOf(
  issue: Issue,
  give: () => void = () => void service.ada.assign(issue.key, service.bot),
): Promise<(string | null)[]> {
  jira.requests.length = 0;
  give();
  await service.rest(issue.key);
  const asked = jira.requests.map(({ operation }) => operation).filter(isOfSession);
  jira.expectClean();
  return asked;
}

const stated = (issue: Issue) => issue.status.name;

const inSix = [
  'issues.getIssue',
  'issueComments.addComment',
  'issues.doTransition',
  'issueComments.addComment',
  'issues.doTransition',
  'issueComments.updateComment',
];

test('a session that does nothing: read, acknowledged, moved, answered, moved back, planned, in six requests', async ({
  expect,
}) => {
  const issue = service.file('Do nothing');
  const stood = stated(issue);
  expect(await requestsOf(issue)).toEqual(inSix);
  expect(stated(issue), 'where it stood').toBe(stood);
  expect(issue.comments.map(({ body }) => wordsOf(body))).toEqual([
    expect.stringMatching(/Look[\s\S]*What I do, step by step[\s\S]*Cost so far: .*of work/),
    expect.stringMatching(/All is well/),
  ]);
});

test('the same where it was mentioned in a comment, which is read again with the issue', async ({ expect }) => {
  const issue = service.file('Do nothing where mentioned');
  const asked = await requestsOf(issue, () => void service.ada.mention(issue.key, service.bot, 'is all well?'));
  expect(asked).toEqual(inSix);
});

test('the same where the workflow leaves no way but its own', async ({ expect }) => {
  const workflow = makeWorkflow(
    jira.site,
    [
      ['To Do', 'new'],
      ['In Progress', 'indeterminate'],
      ['Done', 'done'],
    ],
    {
      paths: [
        ['Begin', 'To Do', 'In Progress'],
        ['Put back', 'In Progress', 'To Do'],
        ['End', 'In Progress', 'Done'],
      ],
    },
  );
  const other = addProject(jira.site, { key: 'WAY', name: 'Ways', lead: service.ada.user, workflow });
  const file = () => service.ada.create({ project: other, summary: 'Do nothing on a way' }).issue;
  const [first, second] = [file(), file()];
  // What leads on from a status is learned once.
  expect((await requestsOf(first)).length).toBe(inSix.length + 1);
  expect(await requestsOf(second)).toEqual(inSix);
  expect([stated(first), stated(second)]).toEqual(['To Do', 'To Do']);
});

test('a session of thirty turns that ends with a pull request', async ({ expect }) => {
  const issue = service.file('Work for long');
  const begun = Date.now();
  const asked = await requestsOf(issue);
  expect((await service.app.sessions.view(issue.key))?.state).toBe('complete');
  expect(asked.length, asked.join('\n')).toBeLessThanOrEqual(12);
  // What is shown in passing is gathered; what ends the session goes out at once, before and after the pull request is opened.
  const edits = asked.filter((name) => name === 'issueComments.updateComment');
  expect(edits.length).toBeLessThanOrEqual(2 + Math.ceil((Date.now() - begun) / 15_000));
  expect(jira.requests.flatMap(({ status, line }) => (status === 429 ? [line] : []))).toEqual([]);
});

/** A session at work is told to wait with what it says at its end. */
async function waitingFor(reason: (typeof limits)[number], seconds: number) {
  const issue = service.give(`Wait, says Jira by ${reason}`);
  await vi.waitUntil(() => stated(issue) === 'In Progress' && issue.comments.length > 0, 30_000);
  jira.requests.length = 0;
  // What comes first of what it says at its end.
  const operation = 'issueComments.updateComment';
  jira.faults.add({ operation, nth: 1, action: { type: 'rateLimit', reason, seconds } });
  await service.letGo(reason);
  await vi.waitUntil(() => jira.requests.some(({ status }) => status === 429), 30_000);
  const refusedAt = jira.requests.find(({ status }) => status === 429)?.at ?? 0;
  return { issue, openAt: refusedAt + seconds * 1000 };
}

const closedUntil = "select extract(epoch from open_at) * 1000 as ms from accounts where name like 'tracker/jira/%'";

test('a limit of one issue puts off only what is written to that, and it is said once', async ({ expect }) => {
  const { issue, openAt } = await waitingFor('jira-per-issue-on-write', 6);
  const other = service.give('Something else');
  await service.rest(other.key);
  expect(Date.now(), 'another one was worked on meanwhile').toBeLessThan(openAt);
  const { rows } = await service.database.pool.query(closedUntil);
  expect(rows.filter(({ ms }) => Number(ms) > Date.now())).toEqual([]);
  expect(await service.rest(issue.key)).toMatchObject({ state: 'complete', unsent: [] });
  const writes = jira.requests.filter(({ url, line }) => !line.startsWith('GET') && url.includes(`/${issue.id}/`));
  expect(writes.flatMap(({ at, status, line }) => (status !== 429 && at < openAt - 100 ? [line] : []))).toEqual([]);
  expect(issue.comments).toHaveLength(2);
});

test('a quota is kept to by all of the account, and then all goes out, once', async ({ expect }) => {
  const { issue, openAt } = await waitingFor('jira-quota-tenant-based', 3);
  const look = async () => Number((await service.database.pool.query(closedUntil)).rows[0]?.ms ?? 0);
  await expect.poll(look, { timeout: 30_000 }).toBeGreaterThan(openAt - 500);
  expect(await service.rest(issue.key)).toMatchObject({ state: 'complete', unsent: [] });
  const later = jira.requests.slice(jira.requests.findIndex(({ status }) => status === 429) + 1);
  expect(later.flatMap(({ at, line }) => (at < openAt - 100 ? [line] : []))).toEqual([]);
  expect(issue.comments).toHaveLength(2);
  expect(stated(issue)).toBe('In Review');
});
