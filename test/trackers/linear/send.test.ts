import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import type { TicketOperation } from '../../../src/core/effect.ts';
import { LinearError } from '../../../src/trackers/linear/errors.ts';
import { sendOperations } from '../../../src/trackers/linear/writing/send.ts';
import { addTeam, statesOf, usualStates } from '../../stand-ins/linear/workspace.ts';
import { draft, moved, said, send, startWriting, type Writing } from './writing.ts';

let world: Writing;
beforeAll(async () => {
  world = await startWriting();
});
afterEach(() => world.linear.faults.clear());
afterAll(() => world.linear.close());

const refused = (why: string, field = 'agentActivityCreate', nth = 1) =>
  world.linear.faults.add({ field, nth, action: { type: 'invalid', why } });

test('all of one send goes out in one document, behind one look', async ({ expect }) => {
  const { issue, hint, session, conversation } = world.given();
  const url = 'https://github.com/acme/ship/pull/7';
  const deps = world.startProcess();
  const operations: TicketOperation[] = [
    said(conversation, 'On it.'),
    { kind: 'updatePlan', id: randomUUID(), conversation, plan: [{ content: 'Read', status: 'inProgress' }] },
    moved('started'),
    { kind: 'attachPullRequest', id: randomUUID(), url, title: 'Fix the ship', number: 7 },
    moved('review', ['unstarted', 'started']),
    { ...said(conversation, ''), activity: { type: 'response', body: 'Done.' } },
  ];
  const { result, requests } = await world.requestsDuring(() => send(deps, hint, ...operations));
  const [first, plan, start, attach, review, last] = result.map((answer) => 'result' in answer && answer.result);
  expect(requests).toBe(3); // the look, the team's states, the document
  expect(first).toEqual({ id: operations[0]?.id, at: expect.stringMatching(/^\d{4}-.*Z$/) });
  expect(plan).toEqual({ id: operations[1]?.id });
  expect([start, attach, review]).toEqual([{ state: 'In Progress' }, { url }, { state: 'In Review' }]);
  expect(last).toMatchObject({ id: operations[5]?.id });
  expect(world.activities(issue)).toEqual(['On it.', 'Done.']);
  expect(world.stateOf(issue)).toBe('In Review');
  expect(session.plan).toEqual([{ content: 'Read', status: 'inProgress' }]);
  expect(session.externalUrls).toEqual([{ label: 'Pull request #7', url }]);

  const again = await world.requestsDuring(() => send(deps, hint, ...operations));
  expect(again).toEqual({ result, requests: 0 });
  const elsewhere = await send(world.startProcess(), hint, ...operations);
  expect(elsewhere[0]).toEqual(result[0]);
  expect(world.activities(issue)).toEqual(['On it.', 'Done.']);
  expect(session.externalUrls).toHaveLength(1);
  expect(world.linear.workspace.tables.Attachment.size).toBe(1);
});

test('a move right after words of ours needs no look of its own', async ({ expect }) => {
  const { hint, conversation } = world.given();
  const deps = world.startProcess();
  await send(deps, world.given().hint, moved('started')); // so that the team's states are known
  await send(deps, hint, said(conversation, 'On it.'));
  const { requests } = await world.requestsDuring(() => send(deps, hint, moved('started')));
  expect(requests).toBe(1);
});

test('what a lost reply left behind is found, and the rest of the batch goes out', async ({ expect }) => {
  const { issue, hint, conversation } = world.given();
  const deps = world.startProcess();
  const operations = [said(conversation, 'one'), said(conversation, 'two'), said(conversation, 'three')];
  world.linear.faults.add({ field: 'agentActivityCreate', nth: 1, action: { type: 'loseReply' } });
  const [lost, ...others] = await send(deps, hint, ...operations.slice(0, 2));
  expect(lost).toMatchObject({ error: { code: 'unavailable', retryable: true } });
  expect(others).toEqual([]);
  const { result, requests } = await world.requestsDuring(() => send(deps, hint, ...operations));
  expect(result).toEqual(operations.map(({ id }) => ({ result: { id, at: expect.any(String) } })));
  expect(requests).toBe(3); // what is refused, what is there, what is not
  expect(world.activities(issue)).toEqual(['one', 'two', 'three']);
});

test('what was shown in passing, and is gone by now, is not shown again by another process', async ({ expect }) => {
  const { issue, hint, conversation } = world.given();
  const passing: TicketOperation = {
    ...said(conversation, ''),
    activity: { type: 'action', action: 'Reads', parameter: 'src', ephemeral: true },
  };
  const [one, two] = [said(conversation, 'one'), said(conversation, 'two')];
  await send(world.startProcess(), hint, passing, one);
  expect(world.activities(issue)).toEqual(['one']);
  const again = await send(world.startProcess(), hint, passing, two);
  expect(again).toMatchObject([{ result: { id: passing.id } }, { result: { id: two.id } }]);
  expect(world.activities(issue)).toEqual(['one', 'two']);
});

test('of a batch that was carried out as far as its middle, the rest is sent, with the same answers', async ({
  expect,
}) => {
  const { issue, hint, conversation } = world.given();
  const [one, two, three] = [said(conversation, 'one'), said(conversation, 'two'), said(conversation, 'three')];
  await send(world.startProcess(), hint, two);
  const answers = await send(world.startProcess(), hint, one, two, three);
  expect(answers).toEqual([one, two, three].map(({ id }) => ({ result: { id, at: expect.any(String) } })));
  expect(world.activities(issue).toSorted()).toEqual(['one', 'three', 'two']);
});

test('the first that is refused is the last that was tried, and says why', async ({ expect }) => {
  const { issue, hint, conversation } = world.given();
  const operations = [said(conversation, 'one'), said(conversation, 'two'), said(conversation, 'three')];
  refused('body is not to my liking', 'agentActivityCreate', 2);
  const answers = await send(world.startProcess(), hint, ...operations);
  expect(answers).toEqual([
    { result: { id: operations[0]?.id, at: expect.any(String) } },
    { error: expect.objectContaining({ code: 'invalid', retryable: false }) },
  ]);
  expect(String((answers[1] as { error: unknown }).error)).toContain('body is not to my liking');
  expect(world.activities(issue)).toEqual(['one']);
});

test('where Linear does not say which it refuses, each is sent by itself', async ({ expect }) => {
  const { issue, hint, conversation } = world.given();
  const deps = world.startProcess();
  const { client } = deps;
  const vague: typeof client = {
    async request(workspace, document, variables, signal) {
      if (/\bm1:/.test(document) || JSON.stringify(variables).includes('two'))
        throw new LinearError('Linear refused it: bad input', { code: 'invalid', retryable: false });
      return client.request(workspace, document, variables, signal);
    },
  };
  const operations = ['one', 'two', 'three'].map((body) => said(conversation, body));
  const answers = await send({ ...deps, client: vague }, hint, ...operations);
  expect(answers).toEqual([
    { result: { id: operations[0]?.id, at: expect.any(String) } },
    { error: expect.objectContaining({ code: 'invalid' }) },
  ]);
  expect(world.activities(issue)).toEqual(['one']);
});

test('words go to another agent session where the one that was remembered is gone', async ({ expect }) => {
  const { issue, hint } = world.nobodys();
  const deps = world.startProcess();
  await send(deps, hint, said(hint.ref, 'one'));
  const [gone] = world.sessions(issue);
  world.linear.workspace.tables.AgentSession.delete(gone?.id ?? '');
  expect(await send(deps, hint, said(hint.ref, 'two'))).toEqual([{ result: expect.anything() }]);
  expect(world.activities(issue)).toEqual(['two']);
});

test('a long text that Linear refuses is sent once more, shorter', async ({ expect }) => {
  const { issue, hint, conversation } = world.given();
  refused('body is too long');
  const [answer] = await send(world.startProcess(), hint, said(conversation, 'x'.repeat(100_000)));
  expect(answer).toHaveProperty('result');
  expect(world.activities(issue)[0]).toMatch(/^x+\n\[80,000 characters left out\]\nx+$/);
});

test('whatever breaks on the way, each is seen once and in order', async ({ expect }) => {
  const { issue, hint, session, conversation } = world.given();
  const { tables } = world.linear.workspace;
  const words = Array.from({ length: 12 }, (_, index) => said(conversation, `thought ${index}`));
  const plan = (content: string): TicketOperation => {
    return { kind: 'updatePlan', id: randomUUID(), conversation, plan: [{ content, status: 'pending' }] };
  };
  const url = 'https://github.com/acme/ship/pull/9';
  const title = `Part ${randomUUID()}`;
  const batches: TicketOperation[][] = [
    [...words.slice(0, 3), moved('started'), plan('first')],
    [...words.slice(3, 6), plan('second')],
    [
      ...words.slice(6, 9),
      {
        kind: 'createTicket',
        id: randomUUID(),
        draft: draft({ title, labels: [`area ${randomUUID()}`] }),
        relation: 'child',
        blockedBy: [],
      },
    ],
    [
      ...words.slice(9),
      { kind: 'attachPullRequest', id: randomUUID(), url, title: 'Fix the ship', number: 9 },
      moved('review', ['started']),
      plan('third'),
    ],
  ];
  world.linear.faults.add(
    { every: 4, action: { type: 'loseReply' } },
    { every: 7, action: { type: 'status', status: 503, commit: 'after' } },
    { every: 9, action: { type: 'status', status: 502, commit: 'before' } },
  );
  let tries = 0;
  let deps = world.startProcess();
  for (const batch of batches) {
    for (let rest = batch; rest.length > 0; tries++) {
      expect(tries).toBeLessThan(60);
      if (tries % 3 === 0) deps = world.startProcess();
      const answers = await send(deps, hint, ...rest);
      for (const answer of answers) if ('error' in answer) expect(answer.error).toMatchObject({ retryable: true });
      rest = rest.slice(answers.filter((answer) => 'result' in answer).length);
    }
  }
  expect(tries).toBeGreaterThan(batches.length);
  expect(world.activities(issue)).toEqual(words.map((_, index) => `thought ${index}`));
  expect(world.stateOf(issue)).toBe('In Review');
  expect(session).toMatchObject({ plan: [{ content: 'third' }], externalUrls: [{ url }] });
  expect([...tables.Issue.values()].filter(({ parentId }) => parentId === issue.id)).toMatchObject([{ title }]);
  expect([...tables.Attachment.values()].filter((attachment) => attachment.url === url)).toHaveLength(1);
});

test('more than a document takes goes out in several', async ({ expect }) => {
  const { issue, hint, conversation } = world.given();
  const operations = Array.from({ length: 45 }, (_, index) => said(conversation, `thought ${index}`));
  const { result, requests } = await world.requestsDuring(() => send(world.startProcess(), hint, ...operations));
  expect(requests).toBe(3);
  expect(result.filter((answer) => 'result' in answer)).toHaveLength(45);
  expect(world.activities(issue)).toEqual(operations.map(({ activity }) => 'body' in activity && activity.body));
});

test('a question offers its options as buttons', async ({ expect }) => {
  const { issue, hint, conversation } = world.given();
  const activity = { type: 'elicitation', body: 'Which one?', options: ['left', 'right'] } as const;
  await send(world.startProcess(), hint, { ...said(conversation, ''), activity: structuredClone(activity) as never });
  const [asked] = [...world.linear.workspace.tables.AgentActivity.values()].filter(
    ({ agentSessionId }) => agentSessionId === world.sessions(issue)[0]?.id,
  );
  expect(asked).toMatchObject({
    signal: 'select',
    signalMetadata: { options: [{ value: 'left' }, { value: 'right' }] },
  });
  expect(world.sessions(issue)[0]?.lastStatus).toBe('awaitingInput');
});

test('words without an agent session go to our latest one, or one is begun, once', async ({ expect }) => {
  const delegated = world.given();
  const deps = world.startProcess();
  const onIssue = { workspace: world.linear.workspace.organizationId, issue: delegated.issue.id, agentSession: null };
  await send(deps, delegated.hint, said(onIssue, 'Here.'));
  expect(world.sessions(delegated.issue)).toHaveLength(1);
  const { issue, hint } = world.nobodys();
  await Promise.all([send(deps, hint, said(hint.ref, 'one')), send(deps, hint, said(hint.ref, 'two'))]);
  await send(world.startProcess(), hint, said(hint.ref, 'three'));
  expect(world.sessions(issue)).toHaveLength(1);
  expect(world.activities(issue)).toEqual(['one', 'two', 'three']);
});

test("words for another ticket's conversation are not said", async ({ expect }) => {
  const { conversation } = world.given();
  const { issue, hint } = world.given();
  const [answer] = await send(world.startProcess(), hint, said(conversation, 'Who is this?'));
  expect(answer).toMatchObject({ error: { code: 'not_found', retryable: false } });
  expect(world.activities(issue)).toEqual([]);
});

test('a ticket is never moved over what a person did', async ({ expect }) => {
  const { issue, hint } = world.given();
  world.ada.change(issue.id, { stateId: world.stateId('Done') });
  const [answer] = await send(world.startProcess(), hint, moved('started'));
  expect(answer).toEqual({ result: { skipped: expect.stringContaining('"Done"') } });
  expect(world.stateOf(issue)).toBe('Done');
});

test.for([['behind words of ours', true] as const, ['alone', false] as const])(
  'a person who moves a ticket between our look and our move wins: a move %s',
  async ([, speaks], { expect }) => {
    const { issue, hint, conversation } = world.given();
    const deps = world.startProcess();
    const { client } = deps;
    const meanwhile: typeof client = {
      request(workspace, document, variables, signal) {
        if (document.startsWith('mutation') && world.stateOf(issue) === 'Todo')
          world.ada.change(issue.id, { stateId: world.stateId('Done') });
        return client.request(workspace, document, variables, signal);
      },
    };
    const operations = [...(speaks ? [said(conversation, 'On it.')] : []), moved('started')];
    const answers = await send({ ...deps, client: meanwhile }, hint, ...operations);
    expect(answers.at(-1)).toEqual({ result: { skipped: expect.stringContaining('"Done"') } });
    expect(world.stateOf(issue)).toBe('Done');
  },
);

test('whoever is mentioned and begins to work has the ticket; its assignee stays', async ({ expect }) => {
  const { issue, hint } = world.nobodys();
  world.ada.change(issue.id, { assigneeId: world.ada.user.id });
  world.ada.comment(issue.id, '@shipmate please');
  await send(world.startProcess(), hint, moved('started'));
  expect(issue).toMatchObject({ delegateId: world.linear.workspace.appUser.id, assigneeId: world.ada.user.id });
  const taken = world.given();
  world.ada.undelegate(taken.issue.id);
  await send(world.startProcess(), taken.hint, moved('started'));
  expect(taken.issue.delegateId).toBe(null);
});

test('an issue that went to another team is moved by the states of that one', async ({ expect }) => {
  const { issue, hint, conversation } = world.given();
  const deps = world.startProcess();
  await send(deps, hint, moved('started'));
  const other = addTeam(world.linear.workspace, { key: 'OPS', name: 'Operations' });
  world.ada.change(issue.id, { teamId: other.id });
  const answers = await send(deps, hint, said(conversation, 'Ready.'), moved('review', ['started']));
  expect(answers[1]).toEqual({ result: { state: 'In Review' } });
  expect(statesOf(world.linear.workspace, other.id).map(({ id }) => id)).toContain(issue.stateId);
});

test('where a team has no state for review, its ticket stays where it is worked on', async ({ expect }) => {
  const states = usualStates.filter(([name]) => name !== 'In Review');
  const { id: teamId } = addTeam(world.linear.workspace, { key: 'SML', name: 'Small' }, states);
  const { issue, hint } = world.given();
  world.ada.change(issue.id, { teamId });
  const deps = world.startProcess();
  const from = ['backlog', 'unstarted', 'started'] as const;
  expect(await send(deps, hint, moved('review', [...from]))).toEqual([{ result: { state: 'In Progress' } }]);
  expect(await send(deps, hint, moved('review', [...from]))).toEqual([{ result: { skipped: expect.any(String) } }]);
  expect(world.stateOf(issue)).toBe('In Progress');
});

test('a pull request that Linear cannot link is an attachment all the same, one for each URL', async ({ expect }) => {
  const { issue, hint } = world.given();
  const url = 'https://github.com/acme/elsewhere/pull/8';
  const attach = (title: string): TicketOperation => {
    return { kind: 'attachPullRequest', id: randomUUID(), url, title, number: 8 };
  };
  refused('no connection to GitHub', 'attachmentLinkGitHubPR');
  const deps = world.startProcess();
  expect(await send(deps, hint, attach('First'))).toEqual([{ result: { url } }]);
  await send(deps, hint, attach('Second'));
  const attached = [...world.linear.workspace.tables.Attachment.values()].filter(({ issueId }) => issueId === issue.id);
  expect(attached).toMatchObject([{ url, title: 'Second' }]);
  expect(world.sessions(issue)[0]?.externalUrls).toHaveLength(1);
});

test('a link that the agent session does not take is left out, and all the rest is there', async ({ expect }) => {
  const { issue, hint, session, conversation } = world.given();
  const url = 'https://forge.example.com/acme/ship/9';
  refused('url is not permitted', 'agentSessionUpdate');
  const answers = await send(
    world.startProcess(),
    hint,
    { kind: 'attachPullRequest', id: randomUUID(), url, title: 'Fix the ship', number: 9 },
    said(conversation, 'Done.'),
  );
  expect(answers).toMatchObject([{ result: { url } }, { result: {} }]);
  const attached = [...world.linear.workspace.tables.Attachment.values()].filter(({ issueId }) => issueId === issue.id);
  expect([attached, session.externalUrls]).toMatchObject([[{ url }], []]);
  expect(world.activities(issue)).toEqual(['Done.']);

  refused('url is not permitted', 'agentSessionUpdate');
  const page = { kind: 'linkSession', id: randomUUID(), conversation, url: 'https://ship.example.com' } as const;
  expect(await send(world.startProcess(), hint, page)).toEqual([{ result: { url: page.url } }]);
});

test.for(['ssh://git@github.com/acme/ship.git#pull-request-10', 'file:///srv/ship.git#pull-request-10'])(
  'what no browser opens is an attachment and no link: %s',
  async (url, { expect }) => {
    const { issue, hint, session } = world.given();
    const operation = { kind: 'attachPullRequest', id: randomUUID(), url, title: 'Fix the ship', number: 10 } as const;
    expect(await send(world.startProcess(), hint, operation)).toEqual([{ result: { url } }]);
    const attached = [...world.linear.workspace.tables.Attachment.values()];
    expect(attached.filter(({ issueId }) => issueId === issue.id)).toMatchObject([{ url }]);
    expect(session.externalUrls).toEqual([]);

    refused('url must be a web address', 'attachmentCreate');
    const again = { ...operation, id: randomUUID() };
    expect(await send(world.startProcess(), hint, again), 'the work is done all the same').toEqual([
      { result: { url } },
    ]);
  },
);

test('a signal that has fired stops it before anything is sent', async ({ expect }) => {
  const { hint, conversation } = world.given();
  const fired = AbortSignal.abort(new Error('enough'));
  const sending = world.requestsDuring(() =>
    sendOperations(world.startProcess(), hint, [said(conversation, 'Too late.')], fired).catch(String),
  );
  expect(await sending).toEqual({ result: 'Error: enough', requests: 0 });
});
