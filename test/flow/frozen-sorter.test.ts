import { expect, onTestFinished, test } from 'vitest';
import { isDatabaseUnavailable } from '../../src/lib/database-error.ts';
import { createDatabase, createPool } from '../../src/store/database.ts';
import { takeTurn } from '../../src/store/deliveries.ts';
import { createTestDatabase } from '../support/database.ts';

test('a process that freezes while it sorts keeps nobody else from sorting', async () => {
  const database = await createTestDatabase();
  const [frozen, other] = [createPool(database.url), createPool(database.url)];
  onTestFinished(async () => {
    await Promise.all([frozen.end(), other.end()]);
    await database.drop();
  });
  frozen.on('error', () => {});
  const holds = Promise.withResolvers<void>();
  const wakes = Promise.withResolvers<void>();
  const asleep = createDatabase(frozen)
    .transaction()
    .execute(async (tx) => {
      await takeTurn(tx);
      holds.resolve();
      await wakes.promise; // as SIGSTOP would leave it: the transaction is open, and nothing is asked
    })
    .catch((error: unknown) => error);
  await holds.promise;
  await createDatabase(other).transaction().execute(takeTurn);
  wakes.resolve();
  expect(isDatabaseUnavailable(await asleep)).toBe(true);
});
