import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Issue } from '../stand-ins/linear/rows.ts';
import { type LinearService, startLinearService } from '../support/linear-service.ts';
import { processesNaming } from '../support/service.ts';

/** No other test of this machine sleeps this long. */
const nap = `sleep ${40_000 + process.pid}.5`;
const plan = '{ tool: update_plan, input: { steps: [{ content: Look, status: inProgress }] } }';
const finish = (answer: string) => `{ tool: finish, input: { title: T, summary: S., answer: ${answer} } }`;

const script = `
tickets:
  Is talked of in two places:
    - calls: [${plan}]
    - { until: elsewhere, calls: [{ tool: bash, input: { command: "true" } }] }
    - { expect: "Bob writes:", calls: [${finish('Two it is.')}] }
  Is answered elsewhere:
    - calls: [{ tool: ask, input: { question: Which zone?, options: [UTC, Local time] } }]
    - { expect: "Bob writes:", calls: [${finish('UTC it is.')}] }
  Is stopped elsewhere:
    - calls: [${plan}]
    - calls: [{ tool: bash, input: { command: "${nap}" } }]
  Is stopped unseen:
    - calls: [{ tool: bash, input: { command: "${nap}" } }]
`;

let service: LinearService;
beforeAll(async () => {
  service = await startLinearService({ script, files: { 'one.txt': 'one\n' } });
});
afterEach(() => service.linear.faults.clear());
afterAll(() => service?.stop());

const left = 'response: I go on where you wrote last.';
const rest = ({ identifier }: Issue, fromRun = 1) => service.rest(identifier, fromRun);
const places = (issue: Issue) =>
  service.seen(issue).sessions.map(({ status, plan, activities }) => [status, plan, activities.at(-1)]);
const asked = ({ identifier }: Issue) =>
  expect.poll(async () => (await service.app.sessions.view(identifier))?.firstModelCallAt).toBeTruthy();

test('mentioned elsewhere while it works, it goes on there, and the place before shows nobody at work', async () => {
  const issue = service.give('Is talked of in two places');
  await asked(issue);
  service.bob.comment(issue.id, '@shipmate make it two');
  await expect.poll(() => service.linear.outbox.waiting()).toBe(0);
  await service.sorted();
  await service.letGo('elsewhere');
  await rest(issue);
  expect(places(issue)).toEqual([
    ['complete', [{ content: 'Look', status: 'pending' }], left],
    ['complete', [{ content: 'Look', status: 'completed' }], expect.stringMatching(/^response: Two it is\./)],
  ]);
});

test('a question that is answered elsewhere waits no more', async () => {
  const issue = service.give('Is answered elsewhere');
  await rest(issue);
  service.bob.comment(issue.id, '@shipmate UTC');
  await rest(issue, 2);
  expect(places(issue)).toEqual([
    ['complete', [], left],
    ['complete', [], expect.stringMatching(/^response: UTC it is\./)],
  ]);
});

test('stopped elsewhere it says so there, and no place shows it at work', async () => {
  const issue = service.give('Is stopped elsewhere');
  await expect.poll(() => processesNaming(nap)).not.toEqual([]);
  service.bob.comment(issue.id, '@shipmate what is this?');
  await expect.poll(() => service.linear.outbox.waiting()).toBe(0);
  await service.sorted();
  service.bob.stop(issue.id);
  expect((await rest(issue)).state).toBe('stopped');
  expect(places(issue)).toEqual([
    ['complete', [{ content: 'Look', status: 'pending' }], left],
    ['complete', expect.anything(), expect.stringMatching(/^response: Stopped, as you asked/)],
  ]);
});

test('a stop that is said in a mention stops it, and is answered there', async () => {
  const issue = service.give('Is stopped elsewhere');
  await expect.poll(() => processesNaming(nap)).not.toEqual([]);
  service.bob.comment(issue.id, '@shipmate stop');
  expect((await rest(issue)).state).toBe('stopped');
  expect(await processesNaming(nap)).toEqual([]);
  expect(places(issue)).toEqual([
    ['complete', expect.anything(), left],
    ['complete', expect.anything(), expect.stringMatching(/^response: Stopped, as you asked/)],
  ]);
  expect((await rest(issue)).runs).toHaveLength(1);
});

test('what could not be shown before a stop is not shown after it, nor does the issue move', async () => {
  const field = 'agentActivityCreate';
  service.linear.faults.add({ field, every: 1, action: { type: 'status', status: 503, commit: 'before' } });
  const issue = service.give('Is stopped unseen');
  const { state } = service.seen(issue);
  await expect.poll(() => processesNaming(nap)).not.toEqual([]);
  service.ada.stop(issue.id);
  await expect.poll(async () => (await service.app.sessions.view(issue.identifier))?.state).toBe('stopped');
  service.linear.faults.clear();
  await rest(issue);
  expect(service.said(issue)).toEqual([expect.stringMatching(/^response: Stopped, as you asked/)]);
  expect(service.seen(issue).state).toBe(state);
});
