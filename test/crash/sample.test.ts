import { test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { killAtEach } from './kills.ts';
import { openStage } from './stage.ts';

/** `npm run test:crash` has all of them; `test/crash/points.ts` is where they come from. */
const points = ['step/verify/worked', 'conclude/mid', 'effect/pushBranch/mid'];

test('killed at each of these moments, the next process goes on: nothing is lost, nothing is done twice', {
  timeout: 170_000,
}, async ({ expect }) => {
  const database = await createTestDatabase();
  const stage = await openStage({ databaseUrl: database.url });
  try {
    expect(await killAtEach(stage, points)).toEqual([]);
    expect(await stage.verdict()).toEqual({ lost: [], duplicate: [], wrong: [] });
  } finally {
    await stage.close();
    await database.drop();
  }
});
