import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Issue } from '../stand-ins/jira/rows.ts';
import { type JiraService, startJiraService } from '../support/jira-service.ts';
import { processesNaming } from '../support/service.ts';

/** No other test of this machine sleeps this long. */
const nap = `sleep ${40_000 + process.pid}.5`;
const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "x\\n" } }`;
const finish = (title: string, more = '') =>
  `{ tool: finish, input: { title: ${title}, summary: "${title}."${more} } }`;
const answer = (text: string) => `calls: [${finish('T', `, answer: ${text}`)}]`;
const ask = 'calls: [{ tool: ask, input: { question: Which zone?, options: [UTC, Local time] } }]';
const propose = (step: string) =>
  `calls: [{ tool: scope, input: { confidence: green, size: S, files: [], plan: [${step}] } }]`;

const script = `
tickets:
  Knows no zone:
    - ${ask}
    - { expect: ["Ada writes:\\n\\n2"], ${ask} }
    - { expect: ["Bob writes:", "UTC, of course"], ${answer('UTC it is.')} }
  Needs a yes:
    - ${propose('Note the zone')}
    - { expect: ["Ada writes:\\n\\nNote UTC"], ${propose('Note UTC')} }
    - { expect: Bob approved the plan, calls: [${write('utc.md')}, ${finish('Note UTC')}] }
  Gets a no:
    - ${propose('Note the zone')}
  Takes a nap:
    - { until: steered, calls: [${write('first.md')}] }
    - expect: ["-Round down.\\n+Round half up.", "Ada writes:\\n\\nfirst\\n\\nBob writes:\\n\\nsecond\\n\\nAda writes:\\n\\nthird"]
      calls: [{ tool: bash, input: { command: "${nap}" } }]
    - { expect: ["Ada writes:\\n\\ncontinue"], calls: [${write('second.md')}, ${finish('Add two files')}] }
  Changes hands:
    - calls: [${write('one.md')}, { tool: bash, input: { command: "${nap}" } }]
    - { expect: [the run ended first], calls: [${write('two.md')}, ${finish('Add two files')}] }
`;

let service: JiraService;
beforeAll(async () => {
  service = await startJiraService({
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
  });
});
afterAll(() => service?.stop());

const rest = ({ key }: Issue, fromRun = 1) => service.rest(key, fromRun);
const asked = ({ key }: Issue) =>
  expect.poll(async () => (await service.app.sessions.view(key))?.firstModelCallAt).toBeTruthy();

test('a question has its options by number; a number answers it, and so does a mention in words', async () => {
  const { ada, bob, bot, seen, last } = service;
  const issue = service.give('Knows no zone');
  expect((await rest(issue)).state).toBe('awaitingInput');
  expect(last(issue)).toMatch(/^Which zone\?\n(.|\n)*\n1\. UTC\n2\. Local time\n/);
  expect(seen(issue).shown).toEqual([
    expect.stringMatching(/I wait for an answer to \[my question\]\(http\S+focusedCommentId=\d+\)/),
  ]);
  ada.comment(issue.key, '2');
  expect((await rest(issue, 2)).state).toBe('awaitingInput');
  bob.mention(issue.key, bot, 'UTC, of course');
  const done = await rest(issue, 3);
  expect([done.state, done.runs.length]).toEqual(['complete', 3]);
  expect(seen(issue)).toMatchObject({
    shown: [expect.not.stringContaining('I wait for an answer')],
    said: [/^Which zone/, /^Which zone/, /^UTC it is/].map((text) => expect.stringMatching(text)),
  });
});

test('a plan waits for a yes in plain words, is revised by others, and ends by a no', async () => {
  const { ada, bob, bot, last, seen } = service;
  const issue = service.give('Needs a yes', { labels: ['approval:plan'] });
  await rest(issue);
  expect(last(issue)).toMatch(/Note the zone(.|\n)*\n1\. Approve\n2\. Reject\n/);
  ada.comment(issue.key, 'Note UTC');
  await rest(issue, 2);
  expect(last(issue)).toMatch(/Note UTC(.|\n)*\n1\. Approve\n2\. Reject\n/);
  bob.mention(issue.key, bot, 'approve');
  const done = await rest(issue, 3);
  expect(last(issue)).toMatch(/^Pull request: .*\(proved\)/);
  expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('utc.md');
  expect(seen(issue).said).toHaveLength(3);

  const unwanted = service.give('Gets a no', { labels: ['approval:plan'] });
  await rest(unwanted);
  ada.comment(unwanted.key, '2');
  await expect.poll(() => last(unwanted)).toMatch(/^Stopped: Ada rejected the plan/);
  expect((await rest(unwanted)).branch).toBe(null);
});

test('words and edits reach it at work, in order; "@shipmate stop" ends it at once, and "continue" goes on from there', async () => {
  const { ada, bob, jira, seen, last } = service;
  const issue = service.give('Takes a nap', { description: 'Totals.\n\nRound down.' });
  await asked(issue);
  ada.comment(issue.key, 'first');
  ada.change(issue.key, { description: 'Totals.\n\nRound half up.' });
  bob.comment(issue.key, 'second');
  ada.comment(issue.key, 'third');
  await jira.outbox.settled();
  await service.sorted();
  await service.letGo('steered');
  await expect.poll(() => processesNaming(nap)).not.toEqual([]);
  ada.comment(issue.key, '@shipmate stop');
  expect((await rest(issue)).state).toBe('stopped');
  expect(await processesNaming(nap)).toEqual([]);
  expect(seen(issue).said).toEqual([
    expect.stringMatching(/^Stopped, as you asked\.\n\nChanged so far, and kept: `first\.md`/),
  ]);
  ada.comment(issue.key, 'continue');
  const done = await rest(issue, 2);
  expect(last(issue)).toMatch(/^Pull request: /);
  expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('first.md\nsecond.md');
  expect(seen(issue).shown).toEqual([
    expect.stringContaining('I saw the change to the description; I take it into account.'),
  ]);
});

test('taken in mid-run it says where things stand and is silent; given back it goes on', async () => {
  const { ada, bob, bot, seen, last } = service;
  const issue = service.give('Changes hands');
  await expect.poll(() => processesNaming(nap)).not.toEqual([]);
  ada.assign(issue.key, bob.user);
  expect((await rest(issue)).state).toBe('stopped');
  expect(await processesNaming(nap)).toEqual([]);
  expect(seen(issue)).toMatchObject({
    assignee: 'Bob',
    said: [expect.stringMatching(/^Stopped: the ticket was given to someone else\./)],
  });
  ada.assign(issue.key, bot);
  const done = await rest(issue, 2);
  expect(last(issue)).toMatch(/^Pull request: /);
  expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('one.md\ntwo.md');
  expect(seen(issue)).toMatchObject({
    assignee: 'Shipmate',
    status: 'In Review',
    said: [{}, {}].map(() => expect.any(String)),
  });
});
