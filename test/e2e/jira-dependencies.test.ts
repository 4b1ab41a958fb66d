import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Issue } from '../stand-ins/jira/rows.ts';
import { type JiraService, startJiraService } from '../support/jira-service.ts';

const answer = (text: string) => `calls: [{ tool: finish, input: { title: T, summary: s, answer: ${text} } }]`;
const change = (name: string) => `calls:
        - { tool: write, input: { path: ${name}.md, content: "x\\n" } }
        - { tool: finish, input: { title: Add ${name}, summary: "${name} is there." } }`;
const rate = (more: string) => `{ tool: scope, input: { files: [], ${more} } }`;

const script = `
tickets:
  "Task: dig.":
    - calls: [${rate('confidence: green, size: S, plan: [Do it]')}]
    - ${change('cellar')}
  "Task: cover.":
    - calls: [${rate('confidence: green, size: S, plan: [Do it]')}]
    - ${change('roof')}
  Then comes that:
    - { expect: ["Ada writes:\\n\\nUse UTC"], calls: [${rate('confidence: green, size: S, plan: [Do it]')}] }
    - ${answer('Done then.')}
  Too large:
    - calls: [${rate('confidence: green, size: L, plan: [Split it], parts: ["Cellar\\nrepository: api\\nTask: dig.", "Roof\\nrepository: api\\nafter: 0\\nTask: cover."]')}]
  Is unclear:
    - calls: [${rate('confidence: red, size: S, plan: [], questions: ["Which colour?"]')}]
`;

let service: JiraService;
const files = { 'a.txt': 'a\n', '.shipmate.yml': 'verify: [test -s a.txt]\n' };
beforeAll(async () => {
  service = await startJiraService({
    script,
    repositories: { 'acme/api': files, 'acme/web': files },
    change: (config) => ({
      ...config,
      policy: { ...config.policy, scope: { ...config.policy.scope, before: true } },
    }),
  });
});
afterAll(() => service?.stop());

const api = () => service.project.components.filter(({ name }) => name === 'api');
const rest = ({ key }: Issue, fromRun = 1) => service.rest(key, fromRun);

test('an issue that another one blocks names it and waits; when that is done it begins', async () => {
  const { ada, bot, last, seen } = service;
  const [first, then] = [service.file('First comes this'), service.file('Then comes that', { components: api() })];
  ada.link(first.key, then.key);
  ada.assign(then.key, bot);
  await rest(then);
  expect(seen(then)).toMatchObject({ status: 'To Do', moves: [] });
  expect(last(then)).toMatch(
    /^I wait until ENG-1 \(First comes this\) is done; then I begin by myself\. .*\n\n- continue\n\n_Answer with a comment\. Nobody has to be mentioned\._$/,
  );
  ada.comment(then.key, 'Use UTC');
  await expect.poll(() => seen(then).shown[0]).toMatch(/^Noted; I read it when I begin/);
  ada.move(first.key, 'Done');
  await rest(then, 2);
  expect(seen(then)).toMatchObject({
    shown: [expect.stringContaining('What I waited for has come: I begin now.')],
    said: [expect.stringMatching(/^I wait until/), expect.stringMatching(/^Done then\./)],
  });
});

test('what is too large is split when people say so: its parts are sub-tasks, begun in their order, with one overview', async () => {
  const { ada, bob, jira, last, seen } = service;
  const large = service.give('Too large', { components: api() });
  await rest(large);
  expect(last(large)).toMatch(
    /^\*\*Rated green, size L\*\*(.|\n)*1\. \*\*Cellar\*\*(.|\n)*2\. \*\*Roof\*\* \(in api, after 1\)/,
  );
  expect(seen(large).shown[0]).toContain('I work in `acme/api`, for its component api');
  const filed = () => [...jira.site.issues.values()].filter(({ parentId }) => parentId === large.id);
  expect(filed()).toEqual([]);
  bob.comment(large.key, 'approve');
  await expect.poll(() => filed().length, { timeout: 30_000 }).toBe(2);
  const [cellar, roof] = filed() as [Issue, Issue];
  const below = await rest(cellar);
  await rest(roof);
  expect(below.repository).toBe('acme/api');
  const link = { type: { name: 'Blocks' }, inward: { id: cellar.id }, outward: { id: roof.id } };
  expect(jira.site.links.filter(({ outward }) => outward === roof)).toMatchObject([link]);
  expect([seen(cellar), seen(roof)]).toMatchObject([
    { status: 'In Review', assignee: 'Shipmate', said: [expect.stringMatching(/^Pull request: /)] },
    { status: 'To Do', assignee: 'Shipmate', said: [expect.stringMatching(/^I wait until ENG-4 \(Cellar\) is done/)] },
  ]);
  const planned = () => seen(large).shown[0]?.match(/^- \[[ x]\] .*$/gm);
  await expect
    .poll(planned)
    .toEqual([
      expect.stringMatching(/^- \[ \] \*\*ENG-4 Cellar: in review: \S+\*\* \(at work\)$/),
      '- [ ] ENG-5 Roof: waiting for ENG-4',
    ]);
  ada.move(cellar.key, 'Done');
  await rest(roof, 2);
  expect(seen(roof)).toMatchObject({ status: 'In Review', moves: ['Shipmate: In Progress', 'Shipmate: In Review'] });
  ada.move(roof.key, 'Done');
  await expect.poll(() => last(large)).toMatch(/^All 2 sub-tickets of this ticket are done\./);
  await expect.poll(planned).toEqual(['- [x] ENG-4 Cellar: done', '- [x] ENG-5 Roof: done']);
  expect(seen(large).said).toEqual(
    [/^\*\*Rated green/, /^The 2 sub-tickets that you approved are filed/, /^This ticket has 2 open/, /^All 2/].map(
      (text) => expect.stringMatching(text),
    ),
  );
});

test('what is unclear is asked, with what is known of it, and nothing is changed', async () => {
  const { seen } = service;
  const unclear = service.give('Is unclear', { components: api() });
  expect(await rest(unclear)).toMatchObject({ state: 'awaitingInput', branch: null });
  expect(seen(unclear).said).toEqual([
    expect.stringMatching(/^\*\*Rated red, size S\*\*(.|\n)*What is missing:\n\n- Which colour\?\n- a description/),
  ]);
});
