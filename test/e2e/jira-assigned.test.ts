import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeWorkflow, usualStatuses } from '../stand-ins/jira/projects.ts';
import type { Issue } from '../stand-ins/jira/rows.ts';
import { type JiraService, startJiraService } from '../support/jira-service.ts';

/** What people see in Jira from the assignment on, and in which ways they ask for work. */
const publicUrl = 'https://shipmate.example.com';
const plan = (...steps: [string, string][]) =>
  `{ tool: update_plan, input: { steps: [${steps.map(([content, status]) => `{ content: ${content}, status: ${status} }`)}] } }`;

const script = `
tickets:
  Write it down:
    - calls:
        - ${plan(['Write two', 'inProgress'], ['Hand it in', 'pending'])}
        - { tool: write, input: { path: two.txt, content: "two\\n" } }
    - calls:
        - { tool: bash, input: { command: cat two.txt } }
        - ${plan(['Write two', 'completed'], ['Hand it in', 'inProgress'])}
    - calls: [{ tool: finish, input: { title: Add two, summary: Two is there. } }]
    - expect: ["Ada writes:\\n\\nAnd ", "three"]
      calls:
        - { tool: write, input: { path: three.txt, content: "three\\n" } }
        - { tool: finish, input: { title: Add two and three, summary: Both are there. } }
  Has a bad day:
    - calls: [{ tool: ask, input: { question: Which zone? } }]
    - { until: told, calls: [{ tool: bash, input: { command: "true" } }] }
    - calls: [{ tool: finish, input: { title: T, summary: s, answer: UTC it is. } }]
  Is stopped late:
    - { until: never, calls: [{ tool: finish, input: { title: T, summary: s, answer: Never said. } }] }
  Asked for:
    - calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: I was asked. } }]
`;

let service: JiraService;
beforeAll(async () => {
  service = await startJiraService({
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
    change: (config) => ({
      ...config,
      http: { ...config.http, publicUrl },
      reconcile: { ...config.reconcile, minutes: 0.02 },
      trackers: {
        ...config.trackers,
        jira: config.trackers.jira && { ...config.trackers.jira, status: 'For the ship', jql: 'component = web' },
      },
    }),
  });
  const { jira, project } = service;
  project.workflow = makeWorkflow(jira.site, [...usualStatuses, ['For the ship', 'new']]);
});
afterAll(() => service?.stop());

const rest = ({ key }: Issue, fromRun = 1) => service.rest(key, fromRun);

test('assigned: answered at once, shown in one comment while it is done, handed in with evidence; a later word goes on there; merged it is done', async () => {
  const { ada, seen } = service;
  const issue = service.give('Write it down');
  const done = await rest(issue);
  const page = done.page ?? '';
  expect(page).toContain(`${publicUrl}/sessions/ENG-1/`);
  const links = `Pull request [#1: ENG-1: Add two](${page}#pull-request-1)\\\n[What I do, step by step](${page})`;
  const first = seen(issue);
  expect(first).toEqual({
    status: 'In Review',
    assignee: 'Shipmate',
    shown: [
      expect.stringMatching(/^Verifying on a clean checkout: proved\n\n- \[x\] Write two\n- \[x\] Hand it in\n\n/),
    ],
    said: [
      expect.stringMatching(
        /^Pull request: file:.*#pull-request-1 \(proved\)\n\nTwo is there\.\n\n_Cost so far: .* \d+ s of work\._$/,
      ),
    ],
    links: ['#1: ENG-1: Add two'],
    moves: ['Shipmate: In Progress', 'Shipmate: In Review'],
  });
  expect(first.shown[0]).toContain(links);
  const earlier = [
    'On it: reading ENG-1 and the code now\\.',
    'Writing two\\.txt: 1 line',
    'Running cat two\\.txt: exit 0',
  ];
  expect(first.shown[0]).toMatch(new RegExp(earlier.map((line) => `\\n- \\d\\d:\\d\\d ${line}`).join('.*')));
  const [status] = issue.comments;
  expect(Date.parse(status?.created ?? '') - Date.parse(issue.created)).toBeLessThan(10_000);

  ada.comment(issue.key, {
    type: 'doc',
    version: 1,
    content: [
      {
        type: 'paragraph',
        content: [
          { type: 'text', text: 'And ' },
          { type: 'text', text: 'three', marks: [{ type: 'em' }] },
          { type: 'text', text: ', please' },
        ],
      },
    ],
  });
  const more = await rest(issue, 2);
  expect([more.branch, more.pullRequest]).toEqual([done.branch, done.pullRequest]);
  expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('three.txt\ntwo.txt');

  await service.git('update-ref', 'refs/heads/main', `refs/heads/${done.branch}`);
  await expect.poll(() => seen(issue).links).toEqual(['(#1: ENG-1: Add two and three)']);
  await expect.poll(() => seen(issue).status).toBe('Done');
  await expect.poll(() => seen(issue).shown[0]).toContain('Add two and three](');
  await expect.poll(() => seen(issue).shown[0]).toContain('#pull-request-1), merged');
  const after = seen(issue);
  expect(after.said).toEqual([
    first.said[0],
    expect.stringMatching(/^Pull request: .*#pull-request-1 \(proved\)\n\nBoth are there\./),
  ]);
  expect(after.shown).toHaveLength(1);
  expect(after.moves).toEqual([...first.moves, 'Shipmate: Done']);
});

test('it comes to each who asks for it: by a label, a mention, a name, a status, a query; each is answered once', async () => {
  const { ada, bob, bot, seen } = service;
  const [labelled, mentioned, named, moved, queried] = Array.from({ length: 5 }, (_, number) =>
    service.file(`Asked for ${number}`, { assignee: bob.user }),
  ) as [Issue, Issue, Issue, Issue, Issue];
  ada.change(labelled.key, { labels: ['Shipmate', 'x'] });
  ada.mention(mentioned.key, bot, 'could you look?');
  ada.comment(named.key, '@shipmate could you look?');
  ada.move(moved.key, 'For the ship');
  ada.change(queried.key, { components: service.project.components.slice(0, 1) });
  for (const issue of [labelled, mentioned, named, moved, queried]) {
    await expect.poll(() => service.app.sessions.view(issue.key), { timeout: 20_000 }).not.toBeNull();
    expect((await rest(issue)).runs).toHaveLength(1);
    expect([issue.key, seen(issue)]).toMatchObject([
      issue.key,
      { assignee: 'Bob', said: [expect.stringMatching(/^I was asked\./)] },
    ]);
  }
});

test('webhooks that come twice, late, in any order, or not at all: each ticket is worked on once, and each word is heard once', async () => {
  const { ada, bob, jira, seen } = service;
  const { faults, outbox } = jira;
  faults.add(
    { delivery: '*', action: { type: 'repeat', times: 1 } },
    { delivery: 'jira:issue_updated', nth: 1, action: { type: 'late', ms: 400 } },
    { delivery: 'jira:issue_created', action: { type: 'drop' } },
  );
  const [issue, stopped] = [service.give('Has a bad day'), service.give('Is stopped late')] as const;
  await rest(issue);
  await expect.poll(async () => (await service.app.sessions.view(stopped.key))?.firstModelCallAt).toBeTruthy();
  outbox.hold();
  ada.comment(issue.key, 'UTC');
  bob.comment(issue.key, 'or not');
  ada.comment(issue.key, 'UTC, I said');
  bob.comment(stopped.key, 'what for?');
  ada.comment(stopped.key, 'stop');
  outbox.release((held) => held.toReversed());
  expect((await rest(stopped)).state).toBe('stopped');
  expect(seen(stopped).said).toEqual([expect.stringMatching(/^Stopped, as you asked\./)]);
  await outbox.settled();
  await service.sorted();
  await service.letGo('told');
  const done = await rest(issue, 2);
  expect([done.state, done.runs.length]).toEqual(['complete', 2]);
  const heard = `select p.body from prompts p join sessions s on s.id = p.session_id join tickets t on t.id = s.ticket_id
    where t.identifier = $1 order by p.said_at`;
  const { rows } = await service.database.pool.query(heard, [issue.key]);
  expect(rows.map(({ body }) => body)).toEqual(['UTC', 'or not', 'UTC, I said']);
  expect(seen(issue)).toMatchObject({
    shown: [expect.any(String)],
    said: [expect.stringMatching(/^Which zone/), expect.stringMatching(/^UTC it is\./)],
  });
  faults.clear();
});
