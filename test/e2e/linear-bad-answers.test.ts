import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Fault, FaultAction } from '../stand-ins/linear/faults.ts';
import { type OnLinear, startOnLinear } from './linear-bad.ts';

const write = '{ tool: write, input: { path: two.txt, content: "two\\n" } }';
const script = `
replies:
  - calls: [${write}]
  - calls: [{ tool: finish, input: { title: Add two, summary: Two is there. } }]
`;

let world: OnLinear;
beforeAll(async () => {
  world = await startOnLinear({
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
  });
});
afterAll(() => world?.close());
afterEach(() => world.linear.faults.clear());

/** Of what is asked from now on these fail; a sixth request there is always, however much goes out together. */
const some = (action: FaultAction): Fault[] => [1, 3, 4, 6].map((nth) => ({ nth, action }));

test.each<[string, Fault[]]>([
  ['500', some({ type: 'status', status: 500, commit: 'before' })],
  ['502 with a page', some({ type: 'status', status: 502, commit: 'before' })],
  ['500 although it was done', some({ type: 'status', status: 500, commit: 'after' })],
  ['403 with a page of a firewall', some({ type: 'status', status: 403, commit: 'before' })],
  ['a connection that breaks', some({ type: 'loseReply' })],
  ['nothing for 25 s', [{ nth: 2, action: { type: 'late', ms: 25_000 } }]],
  ['errors in an answer of 200', [{ field: 'issueUpdate', nth: 1, action: { type: 'invalid', why: 'Not now.' } }]],
])('a Linear that answers %s: all is shown once, and in its order', async (name, faults) => {
  const { linear, ada, service, file, stateOf, activities } = world;
  const issue = file(`Work with ${name}`);
  linear.faults.add(...faults);
  ada.delegate(issue.id);
  const view = await service.rest(issue.identifier);
  expect(linear.faults.unmet()).toEqual([]);
  expect([view.state, view.unsent, stateOf(issue)]).toEqual(['complete', [], 'In Review']);
  const attached = [...linear.workspace.tables.Attachment.values()].filter(({ issueId }) => issueId === issue.id);
  expect(attached).toMatchObject([{ url: view.pullRequest?.url }]);
  const shown = activities(issue);
  expect(shown.filter(({ type }) => type === 'response')).toHaveLength(1);
  expect(shown.at(-1)?.type).toBe('response');
  expect(shown.filter(({ body }) => body?.startsWith('On it'))).toHaveLength(1);
});

test('words that are refused are told to be, once; the rest goes on', async () => {
  const { linear, ada, service, file, activities } = world;
  const issue = file('Is not to be told');
  const refuse = { type: 'invalid', why: 'The body has something that we do not take.' } as const;
  ada.delegate(issue.id);
  await expect.poll(() => activities(issue).length).toBeGreaterThan(0);
  linear.faults.add({ field: 'agentActivityCreate', action: refuse });
  const view = await service.rest(issue.identifier);
  expect([view.state, view.unsent.map(({ state }) => state)]).toMatchObject([
    'complete',
    expect.not.arrayContaining(['pending']),
  ]);
  const told = view.activities.filter(({ activity }) => JSON.stringify(activity).includes('was refused: '));
  expect(told.map(({ activity }) => activity)).toEqual([
    { type: 'response', body: expect.stringContaining(`sessions show ${issue.identifier}`) },
  ]);
  const tried = linear.requests.length;
  linear.faults.clear();

  const again = file('Is told after all');
  ada.delegate(again.id);
  await expect.poll(() => activities(again).length).toBeGreaterThan(0);
  linear.faults.add({ field: 'agentActivityCreate', nth: 1, action: refuse });
  expect((await service.rest(again.identifier)).state).toBe('complete');
  expect(activities(again).at(-1)).toMatchObject({ type: 'response' });
  expect(linear.requests.length - tried).toBeLessThan(25);
});

test('an agent session that is about no issue is answered, once', async () => {
  const { linear, ada, service, file, activities, sessions } = world;
  const { workspace, outbox } = linear;
  linear.requests.length = 0;
  const issue = file('Stands for a document');
  linear.faults.add({ delivery: '*', action: { type: 'drop' } });
  const { payload } = ada.comment(issue.id, '@shipmate Read this.').delivery('AgentSessionEvent', 'created');
  const [id] = sessions(issue);
  const { issue: _, issueId: __, ...agentSession } = payload.agentSession as Record<string, unknown>;
  const body = Buffer.from(JSON.stringify({ ...payload, agentSession }));
  linear.faults.add({ field: 'agentActivityCreate', nth: 1, action: { type: 'status', status: 502, commit: 'after' } });
  for (let sent = 0; sent < 3; sent++) {
    const headers = outbox.sign('AgentSessionEvent', body);
    const answer = await fetch(`${service.url}/webhooks/linear`, { method: 'POST', headers, body });
    expect(answer.status).toBe(200);
    await service.sorted();
  }
  await expect.poll(() => activities(issue)).toMatchObject([{ body: expect.stringContaining('I work on issues') }]);
  await expect.poll(() => workspace.get('AgentSession', id ?? '').lastStatus).toBe('complete');
  const asked = () => linear.requests.filter(({ fields }) => fields?.includes('agentActivityCreate')).length;
  await expect.poll(asked).toBeGreaterThanOrEqual(4);
  expect(activities(issue)).toHaveLength(1);
  expect(await service.app.sessions.view(issue.identifier)).toBeNull();
});
