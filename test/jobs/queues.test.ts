import { PgBoss } from 'pg-boss';
import { onTestFinished, test } from 'vitest';
import { startQueues } from '../../src/jobs/queues.ts';
import { createTestDatabase } from '../support/database.ts';

test('nudges do not pile up: what was heard goes after ten minutes, what nobody heard after an hour', async ({
  expect,
}) => {
  const database = await createTestDatabase();
  const queues = await startQueues({ url: database.url, onError: () => {} });
  const boss = new PgBoss({ connectionString: database.url, supervise: false, schedule: false });
  onTestFinished(async () => {
    await queues.stop();
    await boss.stop({ graceful: false, close: true });
    await database.drop();
  });
  const heard = Promise.withResolvers<void>();
  await queues.nudgeNow('run'); // nobody works on runs here
  await queues.nudgeNow('sort');
  await queues.onNudge('sort', () => heard.resolve());
  await heard.promise;
  const left = async () => (await database.pool.query('select name from pgboss.job order by name')).rows;
  const done = "select count(*)::int as n from pgboss.job where state = 'completed'";
  await expect.poll(async () => (await database.pool.query(done)).rows[0].n, { timeout: 30_000 }).toBe(1);

  await boss.start();
  const age = (minutes: number) =>
    database.pool.query(
      `update pgboss.job set completed_on = completed_on - make_interval(mins => $1), keep_until = keep_until - make_interval(mins => $1)`,
      [minutes],
    );
  const clean = async () => {
    await database.pool.query('update pgboss.queue set maintain_on = null');
    await boss.supervise();
  };
  await clean();
  expect(await left()).toHaveLength(2);
  await age(11);
  await clean();
  expect(await left()).toEqual([{ name: 'run' }]);
  await age(60);
  await clean();
  expect(await left()).toEqual([]);
});

test('what comes round by the clock is what was named last, and its nudge is heard', async ({ expect }) => {
  const database = await createTestDatabase();
  const queues = await startQueues({ url: database.url, clock: true, onError: () => {} });
  const boss = new PgBoss({ connectionString: database.url, supervise: false, schedule: false });
  onTestFinished(async () => {
    await queues.stop();
    await boss.stop({ graceful: false, close: true });
    await database.drop();
  });
  const entry = (name: string, cron = '0 6 * * *') => ({ name, cron, timezone: 'Europe/Berlin' });
  const scheduled = async () =>
    (await database.pool.query("select key, cron, timezone from pgboss.schedule where name = 'due' order by key")).rows;
  await queues.onDue([entry('first'), entry('second')], () => {});
  const heard = Promise.withResolvers<void>();
  await queues.onDue([entry('second', '0 7 * * *'), entry('third')], () => heard.resolve());
  expect(await scheduled()).toEqual([
    { key: 'second', cron: '0 7 * * *', timezone: 'Europe/Berlin' },
    { key: 'third', cron: '0 6 * * *', timezone: 'Europe/Berlin' },
  ]);
  await boss.start();
  await boss.send('due');
  await heard.promise;
});
