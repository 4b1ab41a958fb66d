import { afterAll, beforeAll, test } from 'vitest';
import { addDelivery, takeUnsorted } from '../../src/store/deliveries.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test('who speaks to the agent is heard before all else that was delivered, in order', async ({ expect }) => {
  const add = (deliveryId: string, kind: Parameters<typeof addDelivery>[2] = {}) =>
    addDelivery(database.pool, { source: 'board', deliveryId, headers: {}, body: Buffer.from('{}') }, kind);
  for (const other of ['a', 'b', 'c']) await add(other);
  for (const urgent of ['stop', 'go on']) await add(urgent, { isUrgent: true });
  await add('long ago', { isLate: true });
  const taken = (most: number) =>
    database.db.transaction().execute(async (tx) => {
      const { deliveries, areMore } = await takeUnsorted(tx, most);
      return { ids: deliveries.map(({ deliveryId }) => deliveryId), areMore };
    });
  expect(await taken(3)).toEqual({ ids: ['stop', 'go on', 'a'], areMore: true });
  expect(await taken(5)).toEqual({ ids: ['stop', 'go on', 'a', 'b', 'c'], areMore: false });
});
