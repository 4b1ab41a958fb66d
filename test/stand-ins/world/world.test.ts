import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { onTestFinished, test } from 'vitest';
import type { TicketOperation } from '../../../src/core/effect.ts';
import { sendOne } from '../../../src/trackers/tracker.ts';
import { createTestDatabase } from '../../support/database.ts';
import { worldClient } from './client.ts';
import { createWorldCodeHost } from './code-host.ts';
import { spawnService, spawnWorld } from './start.ts';
import { createWorldTracker } from './tracker.ts';
import { defaultSecret, startWorld } from './world.ts';

const never = new AbortController().signal;

async function openWorld() {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-world-'));
  const { url, close } = await startWorld({ dir });
  onTestFinished(async () => {
    await close();
    await rm(dir, { recursive: true, force: true });
  });
  const tracker = createWorldTracker({ url, agent: 'shipmate', secret: defaultSecret });
  return { dir, world: worldClient(url), tracker, host: createWorldCodeHost({ url }) };
}

const thought = (id: string): TicketOperation => ({
  kind: 'postActivity',
  id,
  conversation: null,
  activity: { type: 'thought', body: `thought ${id}` },
});

test('a reply can be lost after the commit: what is sent again is there once', async ({ expect }) => {
  const { world, tracker } = await openWorld();
  const { ticket } = await world.create({ title: 'Lost' });
  await world.faults([{ call: 'postActivity', nth: 1, action: { type: 'loseReply' } }]);
  const lost = { name: 'VendorError', code: 'unavailable', retryable: true };
  await expect(sendOne(tracker, ticket, thought('a'), never)).rejects.toMatchObject(lost);
  expect(await sendOne(tracker, ticket, thought('a'), never)).toEqual({ id: 'a' });
  expect((await world.counts())['BOARD-1']).toMatchObject({ activities: { thought: 1 }, duplicates: [] });
});

test('words that come a second time under another id are counted as a duplicate', async ({ expect }) => {
  const { world, tracker } = await openWorld();
  const { ticket } = await world.create({ title: 'Twice' });
  await sendOne(tracker, ticket, thought('a'), never);
  await sendOne(tracker, ticket, { ...thought('b'), activity: { type: 'thought', body: 'thought a' } } as never, never);
  expect((await world.counts())['BOARD-1']).toMatchObject({
    activities: { thought: 2 },
    duplicates: [JSON.stringify({ type: 'thought', body: 'thought a' })],
  });
});

test('late, out of order, and too many: each as it was asked for, at the call that was named', async ({ expect }) => {
  const { world, tracker } = await openWorld();
  const { ticket } = await world.create({ title: 'Faults' });
  await world.faults([
    { call: 'postActivity', nth: 1, action: { type: 'fail', status: 500 } },
    { call: 'postActivity', nth: 2, action: { type: 'late', ms: 300 } },
    { call: 'postActivity', nth: 3, action: { type: 'rateLimit', seconds: 1 } },
  ]);
  await expect(sendOne(tracker, ticket, thought('a'), never)).rejects.toMatchObject({ code: 'unavailable' });
  const began = performance.now();
  await sendOne(tracker, ticket, thought('a'), never);
  expect(performance.now() - began).toBeGreaterThan(290);
  const limited = { code: 'rate_limited', retryable: true, retryAfterMs: 1000 };
  await expect(sendOne(tracker, ticket, thought('b'), never)).rejects.toMatchObject(limited);
  await expect(tracker.readTicket(ticket, never)).rejects.toMatchObject(limited);
  await expect.poll(() => sendOne(tracker, ticket, thought('b'), never).catch(() => null)).toEqual({ id: 'b' });
  const asked = (await world.requests()).filter(({ call }) => call === 'postActivity');
  expect(asked.slice(0, 3).map(({ status, id }) => [status, id])).toEqual([
    [500, 'a'],
    [200, 'a'],
    [429, 'b'],
  ]);
});

test('a pull request that reads do not show yet is not opened a second time', async ({ expect }) => {
  const { world, host } = await openWorld();
  const repository = await world.repository('app', { 'a.txt': 'a\n' });
  const git = (...args: string[]) =>
    execFileSync('git', [`--git-dir=${repository.location}`, ...args], { encoding: 'utf8', env: author }).trim();
  const commit = git('commit-tree', '-p', 'main', '-m', 'More', 'main^{tree}');
  const branch = 'shipmate/board-7-more';
  await host.pushBranch(repository, { gitDir: repository.location, branch, commit, expected: null }, never);
  await world.faults([
    { call: 'openPullRequest', nth: 1, action: { type: 'hide', ms: 1000 } },
    { call: 'openPullRequest', nth: 1, action: { type: 'loseReply' } },
  ]);
  const request = { id: 'one', head: branch, base: 'main', title: 'More', body: '', draft: false };
  const away = { code: 'unavailable', retryable: true };
  await expect(host.openPullRequest(repository, request, never)).rejects.toMatchObject(away);
  await expect(host.openPullRequest(repository, request, never)).rejects.toMatchObject(away);
  await expect
    .poll(() => host.openPullRequest(repository, request, never).catch(() => null))
    .toMatchObject({ number: 1 });
  expect(await world.pullRequests()).toHaveLength(1);
  expect((await world.writes()).map(({ call, ticket }) => [call, ticket])).toEqual([
    ['pushBranch', 'BOARD-7'],
    ['openPullRequest', 'BOARD-7'],
  ]);
});

const author = {
  PATH: process.env.PATH,
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

test('deliveries are sent until somebody takes them, and again when they are to be repeated', async ({ expect }) => {
  const { world, tracker } = await openWorld();
  const taken: string[] = [];
  let refusals = 2;
  const receiver = createServer(async (incoming, outgoing) => {
    const headers = incoming.headers as Record<string, string>;
    const { deliveryId } = tracker.verifyDelivery(headers, await buffer(incoming));
    if (refusals-- > 0) outgoing.statusCode = 503;
    else taken.push(deliveryId);
    outgoing.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void receiver.close());
  await world.faults([{ call: 'delivery', nth: 1, action: { type: 'repeat', times: 1, ms: 50 } }]);
  await world.create({ title: 'Told', assignee: 'shipmate' });
  await world.webhooks([`http://127.0.0.1:${(receiver.address() as AddressInfo).port}`]);
  await expect.poll(() => taken).toEqual(['BOARD-1/1', 'BOARD-1/1']);
  await expect.poll(() => world.deliveries()).toMatchObject({ waiting: 0, delivered: 2 });
});

const script = `
replies:
  - { calls: [{ tool: write, input: { path: hello.txt, content: "hello\\n" } }] }
  - { calls: [{ tool: finish, input: { title: Say hello, summary: Says hello. } }] }
`;

test('a service of its own works on a ticket of a world of its own', async ({ expect }) => {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-world-'));
  const database = await createTestDatabase();
  const { started, world } = await spawnWorld({ dir });
  const repository = await world.repository('app', {
    'README.md': 'An app.\n',
    '.shipmate.yml': 'verify: [test -s README.md]\n',
  });
  await writeFile(join(dir, 'script.yaml'), script);
  const service = await spawnService({
    worldUrl: world.url,
    databaseUrl: database.url,
    dataDir: join(dir, 'data'),
    model: `scripted:${join(dir, 'script.yaml')}`,
    repositories: [repository],
    parts: ['web', 'worker'],
  });
  onTestFinished(async () => {
    service.kill('SIGTERM');
    await service.ended;
    started.kill();
    await started.ended;
    await database.drop();
    await rm(dir, { recursive: true, force: true });
  });
  await world.webhooks([`${service.url}/webhooks/board`]);
  await world.create({ title: 'Say hello', assignee: 'shipmate' });
  const counted = async () => (await world.counts())['BOARD-1'];
  await expect
    .poll(counted, { timeout: 50_000 })
    .toMatchObject({ closing: 1, pullRequests: 1, branches: [expect.stringContaining('BOARD-1')], attachments: 1 });
  expect(await counted()).toMatchObject({ duplicates: [], pushes: 1 });
  expect((await world.show('1')).state.category).toBe('review');
});
