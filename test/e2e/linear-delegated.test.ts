import { afterAll, beforeAll, test } from 'vitest';
import { assetPath, attach } from '../stand-ins/linear/attachments.ts';
import { relate } from '../stand-ins/linear/issues.ts';
import type { Issue } from '../stand-ins/linear/rows.ts';
import { addLabel, addProject } from '../stand-ins/linear/workspace.ts';
import { type ModelServer, startModelServer } from '../stand-ins/model-server/server.ts';
import { type LinearService, startLinearService } from '../support/linear-service.ts';

const publicUrl = 'https://shipmate.example.com';
const plan = (...steps: [string, string][]) =>
  `{ tool: update_plan, input: { steps: [${steps.map(([content, status]) => `{ content: ${content}, status: ${status} }`)}] } }`;

/** What people see in Linear from the delegation on, and what the model is told of what they wrote there. */
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
    - expect: ["Ada writes:\\n\\nAnd three, please"]
      calls:
        - { tool: write, input: { path: three.txt, content: "three\\n" } }
        - { tool: finish, input: { title: Add two and three, summary: Both are there. } }
  Is merged or not:
    - calls: [{ tool: bash, input: { command: "date +%N > new.txt" } }]
    - calls: [{ tool: finish, input: { title: Add it, summary: It is there. } }]
  Has much around it:
    - expect:
        - "Labels: area:money"
        - "Project: Bookkeeping"
        - "Cycle: Cycle 4 The ledger, until 2031-02-10"
        - "Priority: high"
        - "Deadline: 2031-02-03"
        - "Estimate: 3"
        - "Customer requests: Globex (important): We lose cents. ![ours.png]"
        - "Links: The design: https://example.com/design"
        - "relatedTo ENG-"
        - "Round half up, as the bank does."
        - "Ada"
        - "Half a cent went missing."
        - "Attachment bill.png (image/png, 24 bytes)"
        - "Attachment ours.png (image/png, 25 bytes)"
        - "[image: image/png, 24 bytes]"
        - "[image: image/png, 25 bytes]"
      calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: I have read it all. } }]
`;

const png = new Uint8Array([
  0x89,
  0x50,
  0x4e,
  0x47,
  0x0d,
  0x0a,
  0x1a,
  0x0a,
  ...Array.from({ length: 16 }, (_, n) => n),
]);

let model: ModelServer;
let service: LinearService;
beforeAll(async () => {
  model = await startModelServer({ script });
  service = await startLinearService({
    env: { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'a-key-of-the-model' },
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
    change: (config) => ({
      ...config,
      model: 'anthropic:claude-sonnet-5-5',
      http: { ...config.http, publicUrl },
      reconcile: { ...config.reconcile, minutes: 0.02 },
    }),
  });
});
afterAll(async () => {
  await service?.stop();
  await model?.close();
});

test('delegated: answered at once, shown while it is done, handed in with evidence; a later word goes on there', async ({
  expect,
}) => {
  const { linear, give, seen } = service;
  const { workspace } = linear;
  workspace.unloggedForMs = 0; // what follows is in its history
  const issue = give('Write it down');
  const done = await service.rest(issue.identifier);
  const [first] = workspace.tables.AgentActivity.values();
  const [session] = workspace.tables.AgentSession.values();
  expect(Date.parse(first?.createdAt ?? '') - Date.parse(session?.createdAt ?? '')).toBeLessThan(10_000);
  const nameOf = (id: string | null) => workspace.get('WorkflowState', id ?? '').name;
  const moves = [...workspace.tables.IssueHistory.values()].flatMap(({ fromStateId, toStateId }) =>
    toStateId === null ? [] : [[nameOf(fromStateId), nameOf(toStateId)]],
  );
  expect(moves).toEqual([
    ['Backlog', 'In Progress'],
    ['In Progress', 'In Review'],
  ]);

  const ownPage = done.page ?? '';
  const page = { label: 'What Shipmate does', url: ownPage };
  expect(ownPage).toContain(`${publicUrl}/sessions/ENG-1/`);
  const url = `${ownPage}#pull-request-1`; // a browser opens no file:
  const written = [
    'thought: On it: reading ENG-1 and the code now.',
    'action: Writing two.txt\n1 line',
    expect.stringMatching(/^action: Running cat two\.txt\nexit 0 in /),
    'action: Verifying on a clean checkout\nproved',
    expect.stringMatching(
      /^response: Pull request: file:.*#pull-request-1 \(proved\)\n\nTwo is there\.\n\n\*Cost so far: /,
    ),
  ];
  const shown = {
    state: 'In Review',
    assignee: 'Bob',
    delegate: 'Shipmate',
    sessions: [
      {
        status: 'complete',
        plan: [
          { content: 'Write two', status: 'completed' },
          { content: 'Hand it in', status: 'completed' },
        ],
        links: [page, { label: 'Pull request #1', url }],
        activities: written,
      },
    ],
    attachments: [{ title: 'ENG-1: Add two', subtitle: 'Pull request #1', url }],
  };
  expect(seen(issue)).toEqual(shown);
  expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('two.txt');

  service.ada.say(issue.id, 'And three, please');
  const more = await service.rest(issue.identifier, 2);
  expect([more.branch, more.pullRequest]).toEqual([done.branch, done.pullRequest]);
  expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('three.txt\ntwo.txt');
  const after = seen(issue);
  expect(after).toMatchObject({ state: 'In Review', attachments: [{ url }] });
  expect(after.sessions).toEqual([
    {
      ...shown.sessions[0],
      plan: expect.anything(),
      activities: [
        ...written,
        expect.stringMatching(/^thought: On it: picking the work up again/),
        'action: Writing three.txt\n1 line',
        'action: Verifying on a clean checkout\nproved',
        expect.stringMatching(/^response: .*#pull-request-1 \(proved\)\n\nBoth are there\./),
      ],
    },
  ]);
});

test('when its pull request is merged the issue is done; closed without that it is back, but where people have moved it', async ({
  expect,
}) => {
  const { give, seen, move } = service;
  const [merged, closed, moved] = [1, 2, 3].map((number) => give(`Is merged or not, ${number}`)) as [
    Issue,
    Issue,
    Issue,
  ];
  const views = await Promise.all([merged, closed, moved].map(({ identifier }) => service.rest(identifier)));
  const [first, second, third] = views.map(({ branch }) => `refs/heads/${branch}`) as [string, string, string];
  move(moved, 'Todo');
  const head = await service.git('rev-parse', second);
  await service.git('update-ref', 'refs/heads/main', first);
  for (const branch of [second, third]) await service.git('update-ref', '-d', branch);
  await expect.poll(() => seen(merged).state).toBe('Done');
  await expect.poll(() => seen(closed).state).toBe('In Progress');
  const settled = "select from effects where key like '%/pull-request/%' and state = 'done'";
  await expect.poll(async () => (await service.database.pool.query(settled)).rowCount).toBe(6);
  expect(seen(moved).state).toBe('Todo');
  expect([merged, closed].map((issue) => seen(issue).attachments)).toEqual([
    [expect.objectContaining({ subtitle: expect.stringMatching(/^Pull request #\d+, merged$/) })],
    [expect.objectContaining({ subtitle: expect.stringMatching(/^Pull request #\d+, closed$/) })],
  ]);

  // Opened again it is up for review again, and closed once more it is back once more.
  await service.git('update-ref', second, head);
  await expect.poll(() => seen(closed).state).toBe('In Review');
  await expect
    .poll(() => seen(closed).attachments)
    .toEqual([expect.objectContaining({ subtitle: expect.stringMatching(/^Pull request #\d+$/) })]);
  await service.git('update-ref', '-d', second);
  await expect.poll(() => seen(closed).state).toBe('In Progress');
});

test('what is around an issue reaches the model: guidance, fields, labels, links, what was said before, images', async ({
  expect,
}) => {
  const { linear, team, ada, bob } = service;
  const { workspace } = linear;
  const label = addLabel(workspace, 'area:money', team.id);
  const project = addProject(workspace, 'Bookkeeping', [team.id]);
  const cycle = workspace.insert('Cycle', {
    ...{ number: 4, name: 'The ledger', teamId: team.id },
    ...{ startsAt: '2031-01-27T00:00:00.000Z', endsAt: '2031-02-10T00:00:00.000Z' },
  });
  const issue = service.file('Has much around it', {
    description: 'Totals.',
    labelIds: [label.id],
    projectId: project.id,
    cycleId: cycle.id,
    priority: 2,
    dueDate: '2031-02-03',
    estimate: 3,
  });
  const other = service.file('Reads the bank');
  relate(workspace, issue.id, 'related', other.id);
  ada.attachFile(issue.id, 'bill.png', 'image/png', png);
  bob.comment(issue.id, 'Half a cent went missing.');
  ada.comment(issue.id, 'Round half up, as the bank does.');
  const customer = workspace.insert('Customer', { name: 'Globex', domains: [] });
  const asset = workspace.insert('Asset', {
    filename: 'ours.png',
    contentType: 'image/png',
    content: Uint8Array.of(...png, 0),
  });
  const body = `We lose cents.\n\n![ours.png](${linear.baseUrl}${assetPath(workspace, asset)})`;
  const need = { body, priority: 1, customerId: customer.id, issueId: issue.id, creatorId: null };
  workspace.insert('CustomerNeed', need);
  attach(workspace, { issueId: issue.id, url: 'https://example.com/design', title: 'The design' }, ada.user);
  workspace.guidance.push({ body: 'Tests first.', teamId: null }, { body: 'Reply in German.', teamId: team.id });
  await service.sorted();
  ada.delegate(issue.id);
  await service.rest(issue.identifier);
  expect(service.said(issue).at(-1)).toMatch(/^response: I have read it all\./);
  const heeded = [
    'Where two differ, the first holds.',
    ...['## Team Engineering', 'Reply in German.', '## Workspace', 'Tests first.'],
  ];
  expect(model.requests.at(-1)?.body).toContain(heeded.join('\\n\\n'));
});

test('nothing that it says stands there twice', ({ expect }) => {
  expect(service.strayComments()).toEqual([]);
});
