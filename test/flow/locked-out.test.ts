import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, test } from 'vitest';
import type { Repository } from '../../src/core/repository.ts';
import { tellLockedOut } from '../../src/flow.ts';
import { type Closure, closeAccount } from '../../src/store/accounts.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type PlantedSession, plantEffect, plantSession } from '../support/rows.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());
beforeEach(() => database.pool.query('truncate tickets, accounts cascade'));

const repositories = new Map<string, Repository>(
  ['acme', 'other'].map((account) => [
    account,
    { name: account, codeHost: 'github', location: `${account}/app`, base: null, account },
  ]),
);
const look = () => tellLockedOut({ db: database.db, wake: () => {}, repositories }, AbortSignal.timeout(10_000));
const suspended: Closure = { ms: 60_000, by: 'disconnected', why: 'The App is suspended.' };

const session = () => plantSession(database.pool, { ended: false, state: 'active' });

async function plant(owner: PlantedSession, operation: Record<string, unknown>, state = 'pending') {
  await plantEffect(database.pool, owner, randomUUID(), operation, { state });
}

const push = (repository: string) => ({ kind: 'pushBranch', id: randomUUID(), repository, branch: 'shipmate/x' });

async function told({ id }: PlantedSession): Promise<string[]> {
  const { rows } = await database.pool.query('select activity from activities where session_id = $1 order by seq', [
    id,
  ]);
  return rows.map(({ activity }) => activity.body);
}

test('what waits for people to let us in again is told on its ticket, whoever found the door closed, once by any number', async ({
  expect,
}) => {
  const [waiting, elsewhere, courteous, over] = [await session(), await session(), await session(), await session()];
  await plant(waiting, push('acme'));
  await plant(waiting, { kind: 'openPullRequest', id: randomUUID(), repository: 'acme', head: 'shipmate/x' });
  await plant(elsewhere, push('other'));
  await plant(courteous, { kind: 'showStatus', id: randomUUID(), repository: 'acme' });
  await plant(over, push('acme'), 'done');
  await look();
  expect(await told(waiting), 'all is open').toEqual([]);
  await closeAccount(database.db, 'code-host/github/acme', { ...suspended, by: 'rate_limited' });
  await look();
  expect(await told(waiting), 'it ends by itself').toEqual([]);
  await closeAccount(database.db, 'code-host/github/acme', suspended);
  await Promise.all([look(), look(), look()]);
  const word = 'This waits: pushing shipmate/x to acme. The App is suspended. I go on by myself when that is mended.';
  expect(await told(waiting)).toEqual([word]);
  for (const other of [elsewhere, courteous, over]) expect(await told(other)).toEqual([]);
});

test('while nothing can be said on the ticket it is told nothing, and as soon as that is mended it is', async ({
  expect,
}) => {
  const waiting = await session();
  await plant(waiting, push('acme'));
  await closeAccount(database.db, 'code-host/github/acme', suspended);
  await closeAccount(database.db, 'tracker/board', { ...suspended, ms: 30_000 });
  await look();
  expect(await told(waiting)).toEqual([]);
  await database.pool.query("update accounts set open_at = now() where name = 'tracker/board'");
  await look();
  expect(await told(waiting)).toHaveLength(1);
});
