import { afterAll, beforeAll, beforeEach, test } from 'vitest';
import { type Somebody, somebody } from '../stand-ins/linear/people.ts';
import { type Linear, startLinear } from '../stand-ins/linear/server.ts';
import { addTeam, addUser } from '../stand-ins/linear/workspace.ts';
import { startTestService, type TestService } from '../support/service.ts';

const script = `
replies:
  - calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Nothing is to be done. } }]
`;
const files = { 'README.md': 'A project.\n' };

let linear: Linear;
let service: TestService;
let ada: Somebody;
let teamId: string;
beforeAll(async () => {
  linear = await startLinear();
  teamId = addTeam(linear.workspace, { key: 'ENG', name: 'Engineering' }).id;
  ada = somebody(linear.workspace, addUser(linear.workspace, 'Ada'), linear.baseUrl);
  service = await startTestService({
    parts: ['listen', 'worker'],
    script,
    repositories: { 'acme/web': files, 'acme/api': files, tools: files },
    env: {
      LINEAR_API_URL: linear.url,
      LINEAR_ACCESS_TOKEN: linear.token,
      LINEAR_WEBHOOK_SECRET: linear.outbox.secret,
    },
  });
  linear.outbox.urls.push(`${service.url}/webhooks/linear`);
});
afterAll(async () => {
  await service?.stop();
  await linear?.close();
});
beforeEach(() => {
  linear.requests.length = 0;
  linear.faults.clear();
});

async function work(description = '') {
  const { id, identifier } = ada.create({ teamId, title: 'Work', description });
  ada.delegate(id);
  const view = await service.rest(identifier);
  const said = view.activities.map(({ activity }) => activity);
  return { ...view, said };
}
const asked = () =>
  linear.requests
    .filter(({ fields }) => fields?.includes('issueRepositorySuggestions'))
    .map(({ variables }) => variables);

test('one that Linear is sure of is taken, and said; only what has a name on a host is asked about', async ({
  expect,
}) => {
  linear.workspace.confidence = (name) => (name === 'acme/api' ? 0.95 : 0.3);
  const { state, repository, said } = await work();
  expect([state, repository]).toEqual(['complete', 'acme/api']);
  expect(said).toContainEqual({
    type: 'thought',
    body: "I work in `acme/api`, by Linear's suggestion; if it is another one, write `[repo=NAME]` into the description.",
  });
  expect(asked()).toMatchObject([
    {
      candidates: [
        { hostname: 'github.com', repositoryFullName: 'acme/web' },
        { hostname: 'github.com', repositoryFullName: 'acme/api' },
      ],
    },
  ]);
});

test('where it is not sure people are asked, the likelier ones first', async ({ expect }) => {
  linear.workspace.confidence = (name) => (name === 'acme/api' ? 0.9 : 0.8);
  const { state, said } = await work();
  expect([state, said.at(-1)]).toMatchObject([
    'awaitingInput',
    { type: 'elicitation', options: ['acme/api', 'acme/web', 'tools'] },
  ]);
});

test('it is not asked where the ticket says it, and where it does not answer people are', async ({ expect }) => {
  linear.workspace.confidence = () => 1;
  expect(await work('[repo=tools] Please.')).toMatchObject({ state: 'complete', repository: 'tools' });
  expect(asked()).toEqual([]);
  linear.faults.add({
    field: 'issueRepositorySuggestions',
    action: { type: 'status', status: 502, commit: 'before' },
  });
  const { state, said } = await work();
  expect([state, said.at(-1)]).toMatchObject(['awaitingInput', { options: ['acme/web', 'acme/api', 'tools'] }]);
  expect(asked()).toHaveLength(1);
});

// The last one: what people answer is remembered for their team.
test('what people answered goes before what Linear is sure of', async ({ expect }) => {
  linear.workspace.confidence = () => 0.5;
  const { ticket, state } = await work();
  expect(state).toBe('awaitingInput');
  linear.workspace.confidence = (name) => (name === 'acme/api' ? 1 : 0);
  ada.say(ticket.identifier, 'acme/shop');
  const again = await service.rest(ticket.identifier, 2);
  expect([again.state, again.activities.at(-1)?.activity]).toMatchObject([
    'awaitingInput',
    { body: expect.stringContaining('There is no repository "acme/shop" here.') },
  ]);
  linear.requests.length = 0;
  ada.say(ticket.identifier, 'acme/web');
  expect(await service.rest(ticket.identifier, 3)).toMatchObject({ state: 'complete', repository: 'acme/web' });
  expect(asked()).toEqual([]);
});
