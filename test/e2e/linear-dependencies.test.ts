import { afterAll, beforeAll, expect, test } from 'vitest';
import { relate } from '../stand-ins/linear/issues.ts';
import type { Issue } from '../stand-ins/linear/rows.ts';
import { type LinearService, startLinearService } from '../support/linear-service.ts';

const answer = (text: string) => `calls: [{ tool: finish, input: { title: T, summary: s, answer: ${text} } }]`;
const change = (name: string) => `calls:
        - { tool: write, input: { path: ${name}.md, content: "x\\n" } }
        - { tool: finish, input: { title: Add ${name}, summary: "${name} is there." } }`;

const script = `
tickets:
  "Task: Then comes that.":
    - { expect: ["Ada writes:\\n\\nUse UTC"], ${answer('Done then.')} }
  "Task: Cellar.":
    - ${change('cellar')}
  "Task: Roof.":
    - ${change('roof')}
`;

let service: LinearService;
beforeAll(async () => {
  service = await startLinearService({
    script,
    files: { 'a.txt': 'a\n', '.shipmate.yml': 'verify: [test -s a.txt]\n' },
  });
});
afterAll(() => service?.stop());

const rest = ({ identifier }: Issue, fromRun = 1) => service.rest(identifier, fromRun);
const last = (issue: Issue) => service.said(issue).at(-1);
const file = (title: string, parentId: string | null = null) =>
  service.file(title, { description: `Task: ${title}.`, parentId });
const blocks = (one: Issue, other: Issue) => relate(service.linear.workspace, one.id, 'blocks', other.id);

test('an issue that another blocks names it and waits; when that is done it begins', async () => {
  const { ada } = service;
  const [first, then] = [file('First comes this'), file('Then comes that')];
  blocks(first, then);
  ada.delegate(then.id);
  await rest(then);
  expect(service.seen(then)).toMatchObject({ state: 'Backlog', sessions: [{ status: 'awaitingInput' }] });
  expect(last(then)).toMatch(
    /^elicitation: I wait until ENG-1 \(First comes this\) is done; then I begin by myself\. .*\n\[continue\]$/,
  );
  ada.say(then.id, 'Use UTC');
  await expect
    .poll(() => service.said(then))
    .toContainEqual(expect.stringMatching(/^thought: Noted; I read it when I begin/));
  service.move(first, 'In Review');
  await service.sorted();
  expect((await rest(then)).runs).toHaveLength(1);
  service.move(first, 'Done');
  await rest(then, 2);
  expect(last(then)).toMatch(/^response: Done then\./);
  expect(service.said(then)).toContain('thought: What I waited for has come: I begin now.');
});

test('of an issue with sub-issues it leads those that nobody has, in their order; its plan says how far they are', async () => {
  const { ada, bob, seen } = service;
  const house = file('House');
  const [cellar, roof, garden] = [file('Cellar', house.id), file('Roof', house.id), file('Garden', house.id)];
  blocks(cellar, roof);
  bob.change(garden.id, { assigneeId: bob.user.id });
  ada.delegate(house.id);
  await rest(house);
  const planned = () => seen(house).sessions[0]?.plan.map(({ content }) => content);
  const built = await expect.poll(async () => (await service.app.sessions.view(cellar.identifier))?.pullRequest?.url);
  await built.toBeTruthy();
  const below = await rest(cellar);
  await rest(roof);
  await expect
    .poll(planned)
    .toEqual([
      `${cellar.identifier} Cellar: in review: ${below.pullRequest?.url}`,
      `${roof.identifier} Roof: waiting for ${cellar.identifier}`,
      `${garden.identifier} Garden: left to Bob`,
    ]);
  expect([seen(cellar), seen(roof), seen(garden)]).toMatchObject([
    { state: 'In Review', delegate: 'Shipmate', assignee: null, attachments: [{}] },
    { state: 'Backlog', delegate: 'Shipmate', sessions: [{ status: 'awaitingInput' }] },
    { state: 'Backlog', delegate: null, assignee: 'Bob', sessions: [] },
  ]);
  service.move(cellar, 'Done');
  await rest(roof, 2);
  expect(seen(roof)).toMatchObject({ state: 'In Review', attachments: [{}] });
  service.move(garden, 'Canceled');
  service.move(roof, 'Done');
  await rest(house, 2);
  await expect
    .poll(planned)
    .toEqual([
      `${cellar.identifier} Cellar: done`,
      `${roof.identifier} Roof: done`,
      `${garden.identifier} Garden: canceled`,
    ]);
  expect(last(house)).toMatch(/^response: All 3 sub-tickets of this ticket are over: 2 done, 1 canceled/);
  expect(seen(house).state).toBe('In Review');
  expect([cellar, roof, house].map((issue) => seen(issue).sessions.length)).toEqual([1, 1, 1]);
});

test('nothing that it says stands there twice', () => {
  expect(service.strayComments()).toEqual([]);
});
