import { afterEach, beforeEach, test } from 'vitest';
import { openLinearDesk } from '../../src/app/connecting.ts';
import { createLog } from '../../src/lib/log.ts';
import { type LinearService, startLinearService } from '../support/linear-service.ts';

const { signal } = new AbortController();

let service: LinearService;
beforeEach(async () => {
  service = await startLinearService({ parts: ['listen'], credentials: 'app' });
});
afterEach(() => service?.stop());

async function check() {
  const config = { ...service.config, databaseUrl: service.database.url };
  const { desk, close } = await openLinearDesk(config, createLog({ level: 'silent', format: 'json', secrets: [] }));
  try {
    const workspace = service.linear.workspace.organizationId;
    return (await desk?.roundTrip({ workspace, signal, waitMs: 10_000 })) ?? [];
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
