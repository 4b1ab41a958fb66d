import { afterEach, beforeEach, test } from 'vitest';
import { openConnectDesk } from '../../src/app/connecting.ts';
import { createLog } from '../../src/lib/log.ts';
import { listArrivals } from '../../src/store/connections.ts';
import { createDatabase, createPool } from '../../src/store/database.ts';
import { linear as linearDefinition } from '../../src/trackers/linear/definition.ts';
import { type LinearService, startLinearService } from '../support/linear-service.ts';

const { signal } = new AbortController();
const log = createLog({ level: 'silent', format: 'json', secrets: [] });

let service: LinearService;
beforeEach(async () => {
  service = await startLinearService({
    parts: ['listen'],
    credentials: 'app',
    change: (config) => ({ ...config, reconcile: { ...config.reconcile, minutes: 0.02 } }),
  });
});
afterEach(() => service?.stop());

async function check({ waitMs = 10_000 } = {}) {
  const config = { ...service.config, databaseUrl: service.database.url };
  const { desk, close } = await openConnectDesk(config, log, linearDefinition);
  try {
    const account = service.linear.workspace.organizationId;
    return (await desk?.check({ account, signal, waitMs })) ?? [];
  } finally {
    await close();
  }
}

test('the check beside a running service: all is well, and the service begins nothing on the test ticket', async ({
  expect,
}) => {
  const checks = await check();
  expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'token ok',
    'ticket ok',
    'delegate ok',
    'activity ok',
    'webhooks ok',
    'clean-up ok',
  ]);
  await service.sorted();
  expect((await service.database.pool.query('select from sessions')).rowCount).toBe(0);
  expect(await service.app.trackers.get('linear')?.check()).toMatchObject([{ status: 'ok' }]);
});

test('webhooks that are signed with another secret are told from webhooks that do not come', async ({ expect }) => {
  service.linear.outbox.secret = 'another-signing-secret';
  const found = (await check()).find(({ name }) => name === 'webhooks');
  expect(found).toMatchObject({ status: 'missing', message: 'one arrived whose signature does not match' });
  expect((await service.database.pool.query('select from deliveries')).rowCount).toBe(0);
});

test('a test ticket that stays, and of which no webhook tells: reconcile begins nothing on it either', async ({
  expect,
}) => {
  const { linear } = service;
  linear.outbox.urls.length = 0;
  linear.faults.add({ field: 'issueArchive', action: { type: 'status', status: 503, commit: 'before' } });
  expect((await check({ waitMs: 0 })).at(-1)).toMatchObject({ name: 'clean-up', status: 'warning' });
  const issues = [...linear.workspace.tables.Issue.values()];
  expect(issues).toMatchObject([{ delegateId: linear.workspace.appUser.id }]);
  expect(issues[0]?.archivedAt ?? null).toBeNull();
  const from = linear.requests.length;
  const listed = () => linear.requests.slice(from).filter(({ operations }) => operations?.includes('ListTickets'));
  await expect.poll(() => listed().length, { timeout: 20_000 }).toBeGreaterThan(2);
  expect((await service.database.pool.query('select from sessions')).rowCount).toBe(0);
});

test('a clock that is wrong: what arrives counts as late, also when reconcile has looked into it', async ({
  expect,
}) => {
  const { linear, database } = service;
  linear.clock.advance(-120_000);
  const found = (await check()).find(({ name }) => name === 'webhooks');
  expect(found).toMatchObject({ status: 'missing', message: expect.stringContaining('signed more than a minute') });
  const waiting = async () => (await database.pool.query('select from deliveries where is_late')).rowCount;
  await expect.poll(waiting, { timeout: 20_000 }).toBe(0);
  const [issue] = linear.workspace.tables.Issue.keys();
  const db = createDatabase(createPool(database.url));
  const wanted = { source: 'linear', event: { header: 'linear-event' }, naming: issue ?? '', since: new Date(0) };
  expect(await listArrivals(db, wanted)).toMatchObject({
    events: [],
    late: expect.arrayContaining(['AgentSessionEvent']),
  });
  await db.destroy();
});
