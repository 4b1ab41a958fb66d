import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TicketOperation } from '../../../src/core/effect.ts';
import { createMemory } from '../../../src/trackers/jira/writing/memory.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { move, read, say, worldOn } from './writing-world.ts';

let jira: Jira;
beforeAll(async () => {
  jira = await startJira();
});
afterEach(() => {
  jira.faults.clear();
  jira.expectClean();
});
afterAll(() => jira.close());

const link: TicketOperation = { kind: 'linkSession', id: 'link', conversation: null, url: 'https://ship.example/s/1' };
const plan = (id: string, ...done: boolean[]): TicketOperation => ({
  ...{ kind: 'updatePlan', id, conversation: null },
  plan: done.map((isDone, index) => ({ content: `Step ${index + 1}`, status: isDone ? 'completed' : 'pending' })),
});
const pull = (id: string, state?: 'merged'): TicketOperation => ({
  ...{ kind: 'attachPullRequest', id, url: 'https://git.example/acme/ship/pull/7', title: 'Steer', number: 7 },
  ...(state && { state }),
});

const typesOf = (body?: { content: unknown[] }) => body?.content.map((node) => (node as { type: string }).type);

test('a session that does nothing is one status comment and one answer, in few requests, and nothing the second time', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const begin = [
    say('read', { type: 'thought', body: 'I read it.', ephemeral: true }),
    link,
    move('move', 'started', ['unstarted']),
    say('seen', { type: 'thought', body: 'There is nothing to do. Cost $0.02, 12 s.' }),
  ];
  const end = [plan('plan', true), say('end', { type: 'response', body: 'Nothing to do, @[Ada](account).' })];
  const desks = world.desks();
  jira.requests.length = 0;
  const first = [...(await world.send(issue, begin, desks)), ...(await world.send(issue, end, desks))];
  expect(jira.requests.map(({ operation }) => operation)).toEqual([
    'issues.getIssue',
    'issues.doTransition',
    'issues.getIssue',
    'issueComments.addComment',
    'issueComments.addComment',
    'issueComments.updateComment',
  ]);
  expect(issue.status.name).toBe('In Progress');
  const [status, answer] = read(issue);
  expect(status).toMatch(/nothing to do\. Cost \$0\.02[\s\S]*Step 1[\s\S]*my answer[\s\S]*What I do, step by step/);
  expect(answer).toContain('@Ada');
  expect(JSON.stringify(issue.comments)).not.toContain('"mention"');
  jira.requests.length = 0;
  const again = await world.send(issue, [...begin, ...end]);
  expect(again).toEqual(first);
  expect(jira.requests.filter(({ line }) => /^(PUT|POST|DELETE)/.test(line))).toEqual([]);
  expect(issue.comments).toHaveLength(2);
});

describe('an answer that is lost', () => {
  const cases: [name: string, operation: string, operations: TicketOperation[]][] = [
    ['of the status comment', 'issueComments.addComment', [say('a', { type: 'thought', body: 'On it.' })]],
    [
      'of a question',
      'issueComments.addComment',
      [say('a', { type: 'elicitation', body: 'Which?', options: ['x', 'y'] })],
    ],
    ['of a move', 'issues.doTransition', [{ kind: 'moveTicket', id: 'a', to: 'started', from: ['unstarted'] }]],
    ['of a pull request', 'issueRemoteLinks.createOrUpdateRemoteIssueLink', [pull('a')]],
    ['of giving it up', 'issues.assignIssue', [{ kind: 'releaseTicket', id: 'a' }]],
  ];
  test.each(cases)('%s changes nothing: the same again is seen once', async (_, operation, operations) => {
    const world = worldOn(jira);
    const issue = world.ticket();
    jira.faults.add({ operation, nth: 1, action: { type: 'loseReply' } });
    const desks = world.desks();
    const [lost] = await world.send(issue, operations, desks);
    expect(lost).toMatchObject({ error: { retryable: true } });
    jira.faults.clear();
    const sent = await world.send(issue, operations);
    expect(sent.every((each) => 'result' in each)).toBe(true);
    const before = { comments: issue.comments.length, links: issue.remoteLinks.length };
    expect(before.comments).toBeLessThanOrEqual(1);
    expect(await world.send(issue, operations, desks)).toEqual(sent);
    expect({ comments: issue.comments.length, links: issue.remoteLinks.length }).toEqual(before);
    expect(
      issue.histories.filter(({ items }) => items.some(({ fieldId }) => fieldId === 'status')).length,
    ).toBeLessThan(2);
  });

  test('of an edit: what it showed is there once', async () => {
    const world = worldOn(jira);
    const issue = world.ticket();
    await world.send(issue, [say('a', { type: 'thought', body: 'First word.' })]);
    jira.faults.add({ operation: 'issueComments.updateComment', nth: 1, action: { type: 'loseReply' } });
    const more = [say('b', { type: 'thought', body: 'Second word.' }), pull('c')];
    expect(await world.send(issue, more)).toMatchObject([{ error: { retryable: true } }]);
    expect(await world.send(issue, more)).toMatchObject([{ result: { id: 'b' } }, { result: {} }]);
    await world.send(issue, [pull('d', 'merged')]);
    expect(issue.comments).toHaveLength(1);
    expect(read(issue)[0]?.match(/Second word/g)).toHaveLength(1);
    expect(read(issue)[0]).toContain('#7: Steer');
    expect(issue.remoteLinks).toMatchObject([{ object: { title: '#7: Steer', status: { resolved: true } } }]);
  });
});

test('a pull request is one link of the ticket, which says what became of it', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const links = () => issue.remoteLinks.map(({ object }) => [object.url, object.summary, object.status]);
  const url = 'https://git.example/acme/ship/pull/7';
  await world.send(issue, [pull('a')]);
  expect(issue.remoteLinks).toMatchObject([{ relationship: 'pull request', object: { url, title: '#7: Steer' } }]);
  expect(links()).toEqual([[url, 'Pull request', { resolved: false }]]);
  await world.send(issue, [pull('b', 'merged')]);
  expect(links()).toEqual([[url, 'Pull request, merged', { resolved: true }]]);
  // Told late, and done before.
  await world.send(issue, [pull('a')]);
  expect(links()).toEqual([[url, 'Pull request, merged', { resolved: true }]]);
  const next = { ...pull('c'), url: `${url}1`, number: 71 } as TicketOperation;
  await world.send(issue, [next, { ...pull('d'), url: '/var/git/ship', number: 8 } as TicketOperation]);
  expect(links().map(([link]) => link)).toEqual([url, `${url}1`]);
  expect(read(issue)).toEqual([expect.stringMatching(/#7: Steer[\s\S]*merged[\s\S]*#8: Steer/)]);
});

test('a second move goes by the look after the first, unless a person has moved the ticket since', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const desks = world.desks();
  await world.send(issue, [move('a', 'started', ['unstarted'])], desks);
  jira.requests.length = 0;
  expect(await world.send(issue, [move('b', 'review', ['started'])], desks)).toEqual([
    { result: { state: 'In Review' } },
  ]);
  expect(jira.counts()).toEqual({ 'issues.doTransition': 1, 'issues.getIssue': 1 });
  world.people.move(issue.key, 'Backlog');
  expect(await world.send(issue, [move('c', 'done', ['review'])], desks)).toMatchObject([
    { result: { skipped: expect.stringContaining('"Backlog"') } },
  ]);
  expect(issue.status.name).toBe('Backlog');
  expect(issue.comments).toEqual([]);
});

describe('a delivery that tells of our own move', () => {
  const cases: [name: string, isOvertaken: boolean, looks: number][] = [
    ['spares the look after it', false, 1],
    ['from where it was not seen to be is looked at, and what a person chose meanwhile stands', true, 2],
  ];
  test.each(cases)('%s', async (_, isOvertaken, looks) => {
    const world = worldOn(jira);
    const issue = world.ticket();
    const chosen = world.project.workflow.statuses.find(
      ({ name }) => name !== issue.status.name && name !== 'In Progress',
    );
    if (!chosen) throw new Error('the workflow has too few statuses');
    const desks = world.desks();
    const { account: host, id } = world.hintFor(issue);
    desks.news.delivered(host ?? '', id, []);
    const from = issue.status.id;
    if (isOvertaken) {
      const does = () => world.people.move(issue.key, chosen.name);
      jira.faults.add({ operation: 'issues.doTransition', nth: 1, action: { type: 'meanwhile', does } });
    }
    jira.requests.length = 0;
    const sent = world.send(issue, [move('a', 'started', ['unstarted', 'backlog'])], desks);
    await expect.poll(() => issue.status.name).toBe('In Progress');
    const told = {
      history: '1',
      from: isOvertaken ? chosen.id : from,
      to: issue.status.id,
      at: new Date().toISOString(),
    };
    desks.news.delivered(host ?? '', id, [told]);
    expect(await sent).toMatchObject([
      { result: isOvertaken ? { skipped: expect.any(String) } : { state: 'In Progress' } },
    ]);
    expect(jira.counts()['issues.getIssue']).toBe(looks);
    expect(issue.status.name).toBe(isOvertaken ? chosen.name : 'In Progress');
  });
});

test('five at once are one status comment, whatever each of them says', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const desks = world.desks();
  const five = Array.from({ length: 5 }, (_, index) =>
    say(`five-${index}`, { type: 'thought', body: `Word ${index}.` }),
  );
  const same = say('same', { type: 'response', body: 'Said once.' });
  const sent = await Promise.all(five.map((each) => world.send(issue, [each, same], desks)));
  expect(sent.map(([, second]) => second)).toEqual(Array(5).fill(sent[0]?.[1]));
  expect(issue.comments).toHaveLength(2);
  expect(read(issue)[0]).toMatch(/Word 4[\s\S]*Word 0/);
});

test('two processes at once make two status comments, of which the first stays and knows what both have done', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const [one, other] = [world.desks(), world.desks()];
  const word = (id: string) => [say(id, { type: 'thought', body: `Word of ${id}.` })];
  await Promise.all([world.send(issue, word('one'), one), world.send(issue, word('other'), other)]);
  expect(issue.comments).toHaveLength(2);
  await world.send(issue, [...word('one'), ...word('other'), ...word('third')]);
  expect(read(issue)).toEqual([expect.stringMatching(/Word of third[\s\S]*Word of o[\s\S]*Word of o/)]);
  await Promise.all([world.send(issue, word('fourth'), one), world.send(issue, word('fifth'), other)]);
  expect(issue.comments).toHaveLength(1);
});

test('what was given up half-way is looked for before it is said again', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const desks = world.desks();
  await world.send(issue, [say('a', { type: 'thought', body: 'On it.' })], desks);
  const stopped = new AbortController();
  const does = () => stopped.abort(new Error('stopped'));
  jira.faults.add({ operation: 'issueComments.addComment', nth: 1, action: { type: 'meanwhile', does } });
  const end = [say('end', { type: 'response', body: 'Said once.' })];
  await expect(world.send(issue, end, desks, stopped.signal)).rejects.toThrow('stopped');
  await expect.poll(() => issue.comments.length).toBe(2);
  expect(await world.send(issue, end, desks)).toMatchObject([{ result: { id: issue.comments[1]?.id } }]);
  expect(issue.comments).toHaveLength(2);
});

test('a text that is too long for a comment is several, and goes on where it was broken off', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const body = Array.from({ length: 900 }, (_, index) => `Finding ${index}: ${'word '.repeat(15)}`).join('\n\n');
  const long = [say('long', { type: 'response', body })];
  jira.faults.add({ operation: 'issueComments.addComment', nth: 2, action: { type: 'loseReply' } });
  expect(await world.send(issue, long)).toMatchObject([{ error: { retryable: true } }]);
  const [sent] = await world.send(issue, long);
  const parts = read(issue);
  expect(parts.length).toBeGreaterThan(3);
  expect(parts.map((part) => /\((\d+) of (\d+)\)/.exec(part)?.[1])).toEqual(parts.map((__, index) => `${index + 1}`));
  for (let index = 0; index < 900; index++)
    expect(parts.filter((part) => part.includes(`Finding ${index}:`))).toHaveLength(1);
  expect(sent).toMatchObject({ result: { id: issue.comments[0]?.id } });
});

describe('what others have steered', () => {
  const linked = (text: string, href: string) => ({ type: 'text', text, marks: [{ type: 'link', attrs: { href } }] });
  const words = (text: string) => ({ type: 'text', text });
  const cases: [name: string, body: string, content: unknown[]][] = [
    ['what would run is no link', '[a](javascript:alert(1))', [words('a'), words(' (javascript:alert(1))')]],
    [
      'what lies nowhere in Jira is none',
      '[**a**.ts](src/a.ts)',
      [{ ...words('a'), marks: [{ type: 'strong' }] }, words('.ts'), words(' (src/a.ts)')],
    ],
    ['nor is one without an address', '[a]()', [words('a')]],
    ['addresses are', '[a](https://ship.example/a)', [linked('a', 'https://ship.example/a')]],
    [
      'a file of who knows which ticket is its name',
      'a ![shot](attachment:0e3b4f3c-1111-4222-8333-444455556666)',
      [words('a '), words('shot')],
    ],
    ['and alone, too', '![shot](attachment:0e3b4f3c-1111-4222-8333-444455556666)', [words('shot')]],
    ['nobody is called by name', '@[Ada](5b10ac8d82e05b22cc7d4ef5)', [words('@Ada')]],
  ];
  test.each(cases)('%s', async (_, body, content) => {
    const world = worldOn(jira);
    const issue = world.ticket();
    await world.send(issue, [say('a', { type: 'response', body })]);
    expect(issue.comments.map((comment) => comment.body.content)).toEqual([[{ type: 'paragraph', content }]]);
  });

  test('code and folds that are left open swallow nothing of ours', async () => {
    const world = worldOn(jira);
    const issue = world.ticket();
    const bodies = [
      '- As it was:\n  ```ts\n  const a',
      '<details>\n\nMore',
      'Look:\n\n```ts\nconst b',
      'End </details>',
    ];
    const thoughts = bodies.map((body, index) => say(`${index}`, { type: 'thought', body }));
    const shown: unknown[] = [];
    for (const thought of thoughts) {
      await world.send(issue, [thought, plan('plan', true), link]);
      shown.push(typesOf(issue.comments[0]?.body));
    }
    const ours = ['taskList', 'paragraph'];
    expect(shown).toEqual([
      ['bulletList', ...ours],
      ['expand', ...ours, 'expand'],
      ['paragraph', 'codeBlock', ...ours, 'expand'],
      ['paragraph', ...ours, 'expand'],
    ]);
  });
});

test('what Jira refuses by its looks is shown as it is written', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const desks = world.desks();
  const body = { errorMessages: ['INVALID_INPUT'], errors: {} };
  const refused = { type: 'status', status: 400, commit: 'before', body } as const;
  jira.faults.add({ operation: 'issueComments.addComment', nth: 1, action: refused });
  jira.faults.add({ operation: 'issueComments.addComment', nth: 3, action: refused });
  jira.faults.add({ operation: 'issueComments.updateComment', nth: 1, action: refused });
  const sent = [
    ...(await world.send(issue, [say('a', { type: 'thought', body: '**Look**' })], desks)),
    ...(await world.send(issue, [say('b', { type: 'response', body: '*Found*' })], desks)),
  ];
  expect(sent.filter((each) => 'error' in each)).toEqual([]);
  expect(issue.comments.map(({ body: shown }) => typesOf(shown))).toEqual([['codeBlock'], ['codeBlock']]);
  expect(read(issue)).toEqual([
    expect.stringMatching(/^\*\*Look\*\*[\s\S]*my answer/),
    expect.stringContaining('_Found_'),
  ]);
});

test('all that the agent says stays in the team, where customers can read what is said', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  await world.send(issue, [plan('plan', true), say('a', { type: 'response', body: 'Found.' })]);
  await world.send(issue, [plan('again', true, false)]);
  const inside = { key: 'sd.public.comment', value: { internal: true } };
  expect(issue.comments.map(({ properties }) => properties[1])).toEqual([inside, inside]);
});

test('the longest plan fits, with what was spent', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const steps = Array.from(
    { length: 50 },
    (_, index) => ({ content: `${index} ${'Ж字'.repeat(240)}`, status: 'pending' }) as const,
  );
  const spent = '$0.42, 312k tokens, 14 turns, 3 min of work';
  const long: TicketOperation = { ...{ kind: 'updatePlan', id: 'long', conversation: null, plan: steps }, spent };
  const pulls = Array.from(
    { length: 8 },
    (_, index) =>
      ({ ...pull(`p${index}`), number: index, url: `https://git.example/pull/${index}` }) as TicketOperation,
  );
  const sent = await world.send(issue, [long, ...pulls, say('a', { type: 'thought', body: '字'.repeat(4_000) })]);
  expect(sent.filter((each) => 'error' in each)).toEqual([]);
  const [shown = ''] = read(issue);
  for (const [index] of steps.entries()) expect(shown).toContain(`${index} Ж字`);
  expect(shown).toContain(`Cost so far:  ${spent}`);
});

test('the status comment stays within what Jira takes, and is made again where people deleted it', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const desks = world.desks();
  const words = Array.from({ length: 40 }, (_, index) =>
    say(`long-${index}`, { type: 'thought', body: `Word ${index}: ${'mast '.repeat(700)}` }),
  );
  expect((await world.send(issue, words, desks)).filter((each) => 'error' in each)).toEqual([]);
  const [comment] = issue.comments;
  expect(JSON.stringify(comment?.body).length).toBeLessThanOrEqual(32_767);
  world.people.deleteComment(issue.key, comment?.id ?? '');
  await world.send(issue, [say('on', { type: 'thought', body: 'I go on.' })], desks);
  expect(read(issue)).toEqual([expect.stringMatching(/^I go on\.[\s\S]*Word 39/)]);
});

test('what Jira puts off is put off, and what it would refuse is not sent', async () => {
  const world = worldOn(jira);
  const issue = world.ticket();
  const question = [say('q', { type: 'elicitation', body: 'Which?', options: ['left', 'right'] })];
  const limited = { type: 'rateLimit', reason: 'jira-per-issue-on-write', seconds: 7 } as const;
  jira.faults.add({ operation: 'issueComments.addComment', nth: 1, action: limited });
  expect(await world.send(issue, question)).toMatchObject([{ error: { code: 'unavailable', retryAfterMs: 7_000 } }]);
  await world.send(issue, question);
  expect(read(issue)).toEqual([expect.stringMatching(/Which\?[\s\S]*left[\s\S]*right[\s\S]*a number, or your own/)]);
  expect(JSON.stringify(issue.comments[0]?.body)).toContain('orderedList');
  let now = 0;
  const memory = createMemory(() => now);
  for (let write = 0; write < 90; write++) {
    await memory.pace('x', AbortSignal.timeout(5_000));
    now += 150;
  }
  await expect(memory.pace('x', AbortSignal.timeout(5_000))).rejects.toMatchObject({
    code: 'unavailable',
    retryAfterMs: 16_500,
  });
  now += 16_500;
  await memory.pace('x', AbortSignal.timeout(5_000));
});
