import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  forgetRoutes,
  listRememberedRoutes,
  readRememberedRoute,
  rememberRoute,
} from '../../src/store/remembered-routes.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const by = { id: 'ada', name: 'Ada', isBot: false };
const at = (second: number) => `2026-01-01T00:00:0${second}.000000Z`;

async function remember(name: string, answers: [string, number][]) {
  const scope = { kind: 'project' as const, name };
  for (const [repository, second] of answers)
    await database.db
      .transaction()
      .execute((tx) => rememberRoute(tx, { tracker: 'board', scope, repository, by, at: at(second) }));
  return (await readRememberedRoute(database.db, 'board', scope))?.repository ?? null;
}

test('the newest answer holds, whatever the order in which they are heard', async () => {
  expect(
    await remember('a', [
      ['web', 1],
      ['api', 2],
    ]),
  ).toBe('api');
  expect(
    await remember('b', [
      ['api', 2],
      ['web', 1],
    ]),
  ).toBe('api');
  expect(
    await remember('c', [
      ['api', 1],
      ['web', 1],
    ]),
  ).toBe('web');
  expect(
    await remember('d', [
      ['web', 1],
      ['api', 1],
    ]),
  ).toBe('web');
});

test('what was forgotten comes back with a newer answer only, and of another tracker nothing is known', async () => {
  await remember('e', [['web', 2]]);
  expect(await forgetRoutes(database.db, 'E')).toBe(1);
  expect(
    await remember('e', [
      ['web', 2],
      ['web', 1],
    ]),
  ).toBe(null);
  expect((await listRememberedRoutes(database.db)).map(({ scope }) => scope.name)).not.toContain('e');
  expect(await remember('e', [['api', 3]])).toBe('api');
  expect(await readRememberedRoute(database.db, 'linear', { kind: 'project', name: 'e' })).toBe(null);
  expect(await readRememberedRoute(database.db, 'board', { kind: 'team', name: 'e' })).toBe(null);
});
