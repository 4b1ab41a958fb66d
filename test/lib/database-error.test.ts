import { join } from 'node:path';
import pg from 'pg';
import { inject, onTestFinished, test } from 'vitest';
import { isDatabaseUnavailable } from '../../src/lib/database-error.ts';

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error('it was to fail');
    },
    (error: unknown) => error,
  );
}

test('a server that is not there, at a port or a socket', async ({ expect }) => {
  for (const host of ['127.0.0.1', join('/nowhere', 'at', 'all')]) {
    const client = new pg.Client({ host, port: 1, user: 'x', password: 'x', database: 'x' });
    expect(isDatabaseUnavailable(await failureOf(client.connect())), host).toBe(true);
  }
});

test('a connection that is taken away, and the next use of it', async ({ expect }) => {
  const [client, other] = [1, 2].map(() => new pg.Client({ connectionString: inject('postgresUrl') }));
  if (!client || !other) throw new Error('no clients');
  client.on('error', () => {});
  await Promise.all([client.connect(), other.connect()]);
  onTestFinished(async () => {
    await Promise.allSettled([client.end(), other.end()]);
  });
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const sleeping = failureOf(client.query('select pg_sleep(60)'));
  await other.query('select pg_terminate_backend($1)', [rows[0].pid]);
  expect(isDatabaseUnavailable(await sleeping)).toBe(true);
  expect(isDatabaseUnavailable(await failureOf(client.query('select 1')))).toBe(true);
});

test('what the server refused is not its absence', async ({ expect }) => {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  onTestFinished(() => client.end());
  expect(isDatabaseUnavailable(await failureOf(client.query('select * from no_such_table')))).toBe(false);
  expect(isDatabaseUnavailable(new Error('something else'))).toBe(false);
  expect(isDatabaseUnavailable('not an error')).toBe(false);
});
