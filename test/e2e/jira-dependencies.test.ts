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
  Then comes that:
    - calls: [${rate('confidence: green, size: S, plan: [Do it]')}]
    - { expect: ["Ada writes:\\n\\nUse UTC"], ${answer('Done then.')} }
  Too large:
    - calls: [${rate('confidence: green, size: L, plan: [Split it], parts: ["Cellar\\nrepository: api\\nDig.", "Roof\\nrepository: api\\nafter: 0\\nCover."]')}]
  Cellar:
    - calls: [${rate('confidence: green, size: S, plan: [Do it]')}]
    - ${change('cellar')}
  Roof:
    - calls: [${rate('confidence: green, size: S, plan: [Do it]')}]
    - ${change('roof')}
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
    /^I wait until ENG-1 \(First comes this\) is done; then I begin by myself\. .*\n\n- continue$/,
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
  const link = { type: { name: 'Blocks' }, inward: { id: cellar.id }, outward: { id: roof.id } };
  expect(jira.site.links.at(-1)).toMatchObject(link);
  expect(jira.site.links.filter(({ outward }) => outward === roof)).toHaveLength(1);
  console.log(JSON.stringify([seen(large), seen(cellar), seen(roof)], null, 2), below.repository);
  ada.move(cellar.key, 'Done');
  await rest(roof, 2);
  ada.move(roof.key, 'Done');
  await rest(large, 3);
  console.log(JSON.stringify([seen(large), seen(cellar), seen(roof)], null, 2), below.repository);
});

test('what is unclear is asked, with what is known of it, and nothing is changed', async () => {
  const { last, seen } = service;
  const unclear = service.give('Is unclear', { components: api() });
  await rest(unclear);
  console.log(seen(unclear), last(unclear));
});
