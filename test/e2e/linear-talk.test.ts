import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Issue } from '../stand-ins/linear/rows.ts';
import { addLabel } from '../stand-ins/linear/workspace.ts';
import { type LinearService, startLinearService } from '../support/linear-service.ts';
import { processesNaming } from '../support/service.ts';

/** No other test of this machine sleeps this long. */
const nap = `sleep ${30_000 + process.pid}.5`;
const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "x\\n" } }`;
const finish = (title: string, more = '') =>
  `{ tool: finish, input: { title: ${title}, summary: "${title}."${more} } }`;
const answer = (text: string) => `calls: [${finish('T', `, answer: ${text}`)}]`;
const propose = (step: string) =>
  `calls: [{ tool: scope, input: { confidence: green, size: S, files: [], plan: [${step}] } }]`;

const script = `
tickets:
  Knows no zone:
    - calls: [{ tool: ask, input: { question: Which zone?, options: [UTC, Local time] } }]
    - { expect: ["Ada writes:\\n\\nUTC"], ${answer('UTC it is.')} }
    - { expect: ["Bob writes:", "and the year?"], ${answer('This year.')} }
    - { expect: ["Ada writes:\\n\\nThanks, and now?"], ${answer('Nothing more.')} }
  Needs a yes:
    - ${propose('Note the zone')}
    - { expect: ["Ada writes:\\n\\nNote UTC"], ${propose('Note UTC')} }
    - { expect: Ada approved the plan, calls: [${write('utc.md')}, ${finish('Note UTC')}] }
  Gets a no:
    - ${propose('Note the zone')}
  Is steered:
    - { until: steered, calls: [{ tool: bash, input: { command: "true" } }] }
    - expect: ["-Round down.\\n+Round half up.", "Ada writes:\\n\\nfirst\\n\\nBob writes:\\n\\nsecond\\n\\nAda writes:\\n\\nthird"]
      ${answer('Half up.')}
  Takes a nap:
    - calls: [${write('first.md')}, { tool: bash, input: { command: "${nap}" } }]
    - { expect: ["Ada writes:\\n\\ncontinue"], calls: [${write('second.md')}, ${finish('Add two files')}] }
  Changes hands:
    - calls: [${write('one.md')}, ${finish('Add one')}]
    - { expect: [And two], calls: [${write('two.md')}, { tool: bash, input: { command: "${nap}" } }] }
    - { expect: [the run ended first], calls: [${finish('Add one and two')}] }
`;

let service: LinearService;
beforeAll(async () => {
  service = await startLinearService({
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
  });
});
afterAll(() => service?.stop());

const rest = ({ identifier }: Issue, fromRun = 1) => service.rest(identifier, fromRun);
const last = (issue: Issue) => service.said(issue).at(-1);
const asked = ({ identifier }: Issue) =>
  expect.poll(async () => (await service.app.sessions.view(identifier))?.firstModelCallAt).toBeTruthy();

test('a question: its options are offered, and the answer goes on; who speaks elsewhere is answered there', async () => {
  const { ada, bob, linear, seen } = service;
  const issue = service.give('Knows no zone');
  await rest(issue);
  expect(seen(issue).sessions[0]).toMatchObject({
    status: 'awaitingInput',
    activities: [
      'thought: On it: reading ENG-1 and the code now.',
      expect.stringMatching(/^elicitation: Which zone\?\n(.|\n)*\n\[UTC\]\n\[Local time\]$/),
    ],
  });
  ada.say(issue.id, 'UTC');
  expect((await rest(issue, 2)).state).toBe('complete');
  const [first] = seen(issue).sessions;
  expect([first?.status, first?.activities.at(-1)]).toEqual([
    'complete',
    expect.stringMatching(/^response: UTC it is/),
  ]);

  const { comment } = bob.comment(issue.id, '@shipmate and the year?');
  await rest(issue, 3);
  expect(seen(issue).sessions.map(({ status }) => status)).toEqual(['complete', 'complete']);
  const [same, second] = seen(issue).sessions;
  expect(same).toEqual(first);
  expect(second?.activities).toEqual([
    expect.stringMatching(/^thought: /),
    expect.stringMatching(/^response: This year/),
  ]);
  const mirrored = [...linear.workspace.tables.Comment.values()].filter(({ parentId }) => parentId === comment.id);
  expect(mirrored.map(({ body }) => body)).toEqual([expect.stringMatching(/^This year\./)]);

  const [thread] = linear.workspace.tables.AgentSession.values();
  ada.comment(issue.id, 'Thanks, and now?', linear.workspace.get('Comment', thread?.commentId ?? ''));
  await rest(issue, 4);
  const [asked, other] = seen(issue).sessions;
  expect(other).toEqual(second);
  expect(asked?.activities.at(-1)).toMatch(/^response: Nothing more/);
  expect((await rest(issue)).runs, 'of one history').toHaveLength(4);
});

test('a plan is shown before work, revised, and approved; another is rejected', async () => {
  const { ada, linear, team } = service;
  const labelIds = [addLabel(linear.workspace, 'approval: plan', team.id).id];
  const issue = service.give('Needs a yes', { labelIds });
  await rest(issue);
  expect(last(issue)).toMatch(/^elicitation: (.|\n)*Note the zone(.|\n)*\n\[Approve\]\n\[Reject\]$/);
  ada.say(issue.id, 'Note UTC');
  await rest(issue, 2);
  expect([last(issue), service.seen(issue).sessions[0]?.status]).toEqual([
    expect.stringMatching(/^elicitation: (.|\n)*Note UTC/),
    'awaitingInput',
  ]);
  ada.say(issue.id, 'approve');
  const done = await rest(issue, 3);
  expect(last(issue)).toMatch(/^response: Pull request: .*\(proved\)/);
  expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('utc.md');

  const unwanted = service.give('Gets a no', { labelIds });
  await rest(unwanted);
  ada.say(unwanted.id, 'reject');
  await expect.poll(() => last(unwanted)).toMatch(/^response: Stopped: Ada rejected the plan/);
  expect((await rest(unwanted)).branch).toBe(null);
});

test('what is said and edited while it is at work reaches it, in order, an edit as what is different', async () => {
  const { ada, bob } = service;
  const issue = service.give('Is steered', { description: 'Totals.\n\nRound down.' });
  await asked(issue);
  ada.say(issue.id, 'first');
  ada.change(issue.id, { description: 'Totals.\n\nRound half up.' });
  bob.say(issue.id, 'second');
  ada.say(issue.id, 'third');
  await expect.poll(() => service.linear.outbox.waiting()).toBe(0);
  await service.sorted();
  await service.letGo('steered');
  await rest(issue);
  expect(last(issue)).toMatch(/^response: Half up\./);
  expect(service.said(issue)).toContainEqual('thought: I saw the change to the description; I take it into account.');
});

test('the stop button ends it with one closing activity; "continue" goes on from there', async () => {
  const { ada, seen } = service;
  const issue = service.give('Takes a nap');
  await expect.poll(() => processesNaming(nap)).not.toEqual([]);
  const before = seen(issue).sessions[0]?.activities ?? [];
  ada.stop(issue.id);
  expect((await rest(issue)).state).toBe('stopped');
  expect(await processesNaming(nap)).toEqual([]);
  const [stopped] = seen(issue).sessions;
  expect(stopped?.status).toBe('complete');
  expect(stopped?.activities.slice(before.length)).toEqual([
    expect.stringMatching(/^response: Stopped, as you asked\.\n\nChanged so far, and kept: `first\.md`/),
  ]);
  ada.say(issue.id, 'continue');
  const done = await rest(issue, 2);
  expect(last(issue)).toMatch(/^response: Pull request: /);
  expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('first.md\nsecond.md');
});

test('given to a person it says where things stand and is silent; given back it goes on, on the same pull request', async () => {
  const { ada, bob, seen } = service;
  const issue = service.give('Changes hands');
  const first = await rest(issue);
  expect(first.state).toBe('complete');
  ada.say(issue.id, 'And two');
  await expect.poll(() => processesNaming(nap)).not.toEqual([]);
  const before = service.said(issue).length;
  bob.change(issue.id, { delegateId: null, assigneeId: ada.user.id });
  expect((await rest(issue, 2)).state).toBe('stopped');
  expect(service.said(issue).slice(before)).toEqual([
    expect.stringMatching(/^response: Stopped: the ticket was given to someone else\./),
  ]);
  expect(seen(issue)).toMatchObject({ assignee: 'Ada', delegate: null });

  bob.delegate(issue.id);
  const again = await rest(issue, 3);
  expect([again.state, again.branch, again.pullRequest?.url]).toEqual([
    'complete',
    first.branch,
    first.pullRequest?.url,
  ]);
  expect(await service.git('diff', '--name-only', `main...${first.branch}`)).toBe('one.md\ntwo.md');
  expect(seen(issue)).toMatchObject({ assignee: 'Ada', delegate: 'Shipmate', sessions: [{}, { status: 'complete' }] });
});

test('nothing that it says stands there twice', () => {
  expect(service.strayComments()).toEqual([]);
});
