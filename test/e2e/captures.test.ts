import { test } from 'vitest';
import type { App } from '../../src/app.ts';
import { aCapture, aConcern } from '../support/captures.ts';
import { startGitHubService } from '../support/github-service.ts';
import { startLinearService } from '../support/linear-service.ts';
import { someone, type TestService } from '../support/service.ts';

const never = new AbortController().signal;
const files = { 'a.txt': 'a\n' };
const script = 'replies: [{ calls: [{ tool: ask, input: { question: "Which zone?" } }] }]';

/** What a person does from an editor, on whichever tracker it is. */
async function work(service: TestService & { app: App }, expect: typeof import('vitest').expect): Promise<string> {
  const desk = service.app.ticketDesk(someone);
  const capture = aCapture({ also: [aConcern('The docs say nothing of zones')] });
  // A busy machine may keep it at first.
  await expect.poll(async () => (await desk.makeTicket(capture, never)).status).toBe('filed');
  const made = await desk.makeTicket(capture, never);
  expect(made).toMatchObject({ status: 'filed', tickets: [{ title: capture.title }, {}] });
  const [first, second] = made.status === 'filed' ? made.tickets.map(({ identifier }) => identifier) : [];
  const text = async (name: string) => (await desk.getTicket(name, never)).text;
  expect(await text(first ?? '')).toContain('Some are ISO 8601, some are not.');
  expect(await text(second ?? '')).toContain(`relatedTo: ${first}`);
  const url = made.status === 'filed' ? (made.tickets[0]?.url ?? '') : '';
  expect(await desk.assignTicket(url, never)).toContain(`${first} is the agent's now`);
  await service.rest(first ?? '');
  expect(await desk.ticketStatus(first ?? '', never)).toMatchObject([{ work: 'waits for an answer' }]);
  const more = aCapture({ title: 'Once more', addTo: second ?? '' });
  await expect
    .poll(() => desk.makeTicket(more, never))
    .toMatchObject({ status: 'added', tickets: [{ identifier: second }] });
  return second ?? '';
}

test('a capture on Linear: filed, related, read, given and added to', async ({ expect }) => {
  const service = await startLinearService({ script, files });
  try {
    const second = await work(service, expect);
    expect(second).toMatch(/^[A-Z]+-\d+$/);
  } finally {
    await service.stop();
  }
});

test('a capture on GitHub Issues: the same', async ({ expect }) => {
  const service = await startGitHubService({ script, issues: true, code: files });
  try {
    const second = await work(service, expect);
    expect(second).toMatch(/^acme\/app#\d+$/);
    const issue = [...service.remote.issues.values()].find((each) => second.endsWith(`#${each.number}`));
    expect(issue && service.saidOn(issue).join()).toContain('Once more');
  } finally {
    await service.stop();
  }
});
