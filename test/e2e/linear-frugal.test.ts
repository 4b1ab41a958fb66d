import { afterAll, beforeAll, beforeEach, test, vi } from 'vitest';
import { type Somebody, somebody } from '../stand-ins/linear/people.ts';
import { type Linear, type RecordedRequest, startLinear } from '../stand-ins/linear/server.ts';
import { addTeam, addUser } from '../stand-ins/linear/workspace.ts';
import { startTestService, type TestService } from '../support/service.ts';

const webhookSecret = 'the-signing-secret-of-the-app';

const plan = '{ tool: update_plan, input: { steps: [{ content: Look, status: inProgress }] } }';
const write = (n: number) => `{ tool: write, input: { path: part-${n}.txt, content: "${n}\\n" } }`;
const turns = (count: number) => Array.from({ length: count }, (_, n) => `    - calls: [${write(n)}]\n`).join('');

// What was seen of the ticket is some seconds old when the second turn ends.
const script = `
tickets:
  Do nothing:
    - calls: [${plan}]
    - { delay: 3000, calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: All is well. } }] }
  Do nothing where mentioned:
    - calls: [${plan}]
    - { delay: 3000, calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: All is well. } }] }
  Work for long:
    - calls: [${plan}]
${turns(28)}
    - calls: [{ tool: finish, input: { title: Add parts, summary: They are there. } }]
${['code', 'type'].map(limited).join('')}`;

function limited(shape: string): string {
  return `
  Wait, says Linear by ${shape}:
    - calls: [${plan}, ${write(1)}]
    - { until: ${shape}, calls: [{ tool: finish, input: { title: Add parts, summary: They are there. } }] }
`;
}

let linear: Linear;
let service: TestService;
let teamId: string;
let ada: Somebody;
beforeAll(async () => {
  linear = await startLinear({ webhookSecret });
  teamId = addTeam(linear.workspace, { key: 'ENG', name: 'Engineering' }).id;
  ada = somebody(linear.workspace, addUser(linear.workspace, 'Ada'), linear.baseUrl);
  service = await startTestService({
    parts: ['listen', 'worker'],
    script,
    files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
    env: {
      LINEAR_API_URL: linear.url,
      LINEAR_CLIENT_ID: 'linear-client-id',
      LINEAR_CLIENT_SECRET: 'linear-client-secret',
      LINEAR_WEBHOOK_SECRET: webhookSecret,
    },
    change: (config) => ({ ...config, http: { ...config.http, publicUrl: 'https://shipmate.example.com' } }),
  });
  linear.outbox.urls.push(`${service.url}/webhooks/linear`);
  // What a process asks for at its start, once: a token, who it is, and what it may have missed.
  await vi.waitUntil(() => linear.requests.some(({ operations }) => operations?.includes('ListTickets')), 30_000);
});
afterAll(async () => {
  await service?.stop();
  await linear?.close();
});
beforeEach(() => linear.faults.clear());

const nameOf = ({ line, operations, fields }: RecordedRequest) =>
  operations ? `${operations.join()}: ${fields?.join(', ')}` : line;

/** All that was asked of Linear from the moment at which a ticket was given until its session rests. */
async function requestsOf(
  title: string,
  give = (id: string) => void ada.delegate(id),
): Promise<{ identifier: string; requests: RecordedRequest[] }> {
  const { id, identifier } = ada.create({ teamId, title });
  linear.requests.length = 0;
  give(id);
  await service.rest(identifier);
  return { identifier, requests: linear.requests.filter(isOfSession) };
}

/** Of a process, once: it is no matter how many sessions there are. */
function isOfSession({ line, operations }: RecordedRequest): boolean {
  return line === 'POST /graphql' && !operations?.some((name) => name === 'Identity' || name === 'ListTickets');
}

const stateOf = (identifier: string) => {
  const issue = [...linear.workspace.tables.Issue.values()].find((each) => each.identifier === identifier);
  return linear.workspace.get('WorkflowState', issue?.stateId ?? '').name;
};

test('a session that does nothing: read, acknowledged and linked, moved, planned and closed, in four requests', async ({
  expect,
}) => {
  const { identifier, requests } = await requestsOf('Do nothing');
  const named = requests.map(nameOf);
  // The ticket is read while the acknowledgement is on its way.
  expect([...named.slice(0, 2).toSorted(), ...named.slice(2)]).toEqual([
    'ReadTicket: issue',
    'Send: agentActivityCreate, agentSessionUpdate',
    'Send: agentSessionUpdate, issueUpdate',
    'Send: agentSessionUpdate, agentActivityCreate, issueUpdate',
  ]);
  expect(stateOf(identifier), 'where it stood').toBe('Backlog');
});

test('the same where it was mentioned in a comment, which has a webhook of its own', async ({ expect }) => {
  const { requests } = await requestsOf('Do nothing where mentioned', (id) => {
    ada.comment(id, '@shipmate is all well?');
  });
  const named = requests.map(nameOf);
  expect(named, named.join('\n')).toHaveLength(4);
});

test('a session of thirty turns that ends with a pull request', async ({ expect }) => {
  const { identifier, requests } = await requestsOf('Work for long');
  expect((await service.app.sessions.view(identifier))?.state).toBe('complete');
  // With what is shown in passing in 18 rows at most, as test/store/claim-effects.test.ts has it, that is 25, with turns of five minutes and with as many waits.
  expect(requests.length, requests.map(nameOf).join('\n')).toBeLessThanOrEqual(8);
});

test.for([
  ['its code', 'code'],
  ['its type, with a header that says how long', 'type'],
] as const)(
  'RATELIMITED by %s: nothing goes out until Linear lets us, and then all of it, once',
  async ([, shape], { expect }) => {
    const { id, identifier } = ada.create({ teamId, title: `Wait, says Linear by ${shape}` });
    ada.delegate(id);
    await expect.poll(() => stateOf(identifier), { timeout: 30_000 }).toBe('In Progress');
    linear.requests.length = 0;
    const forMs = 3_000;
    linear.faults.add({ nth: 1, action: { type: 'rateLimit', shape, ms: forMs } });
    await service.letGo(shape);
    const pool = service.database.pool;
    const openAt = "select extract(epoch from open_at) * 1000 as ms from accounts where name like 'tracker/linear/%'";
    const begun = Date.now();
    let until = 0;
    const look = async () => {
      until = Number((await pool.query(openAt)).rows[0]?.ms ?? 0);
      return until;
    };
    await expect.poll(look, { timeout: 30_000 }).toBeGreaterThan(begun);
    const [refused] = linear.requests;
    const waited = until - (refused?.at ?? 0);
    expect(waited).toBeGreaterThan(forMs - 500);
    expect(waited, 'not the minute of an answer that says nothing').toBeLessThan(30_000);

    const view = await service.rest(identifier);
    expect(view).toMatchObject({ state: 'complete', unsent: [] });
    expect(linear.requests.map(({ status }) => status).filter((status) => status !== 200)).toEqual([400]);
    const [, next] = linear.requests;
    expect(next?.at, 'nothing was asked meanwhile').toBeGreaterThanOrEqual(until - 100);
    const sessions = [...linear.workspace.tables.AgentSession.values()].filter(({ issueId }) => issueId === id);
    const said = [...linear.workspace.tables.AgentActivity.values()].filter(
      ({ agentSessionId }) => agentSessionId === sessions[0]?.id,
    );
    expect(said.filter(({ content }) => content.type === 'response')).toHaveLength(1);
    expect(stateOf(identifier)).toBe('In Review');
    const tries = `select max(e.tries) as most from effects e join sessions s on s.id = e.session_id
    join tickets t on t.id = s.ticket_id where t.identifier = $1`;
    expect((await pool.query(tries, [identifier])).rows).toEqual([{ most: 1 }]);
  },
);
