import { test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { killAtEach } from './kills.ts';
import { allPoints } from './points.ts';
import { openStage } from './stage.ts';

const nothingWrong = { lost: [], duplicate: [], wrong: [] };

test('killed at each of these moments, the next process goes on: nothing is lost, nothing is done twice', {
  timeout: 300_000,
}, async ({ expect }) => {
  const database = await createTestDatabase();
  const stage = await openStage({ databaseUrl: database.url });
  try {
    const points =
      process.env.POINTS === 'all'
        ? allPoints
        : ['step/tool/worked', 'effect/pushBranch/mid', 'conclude/mid', 'effect/postActivity/after'];
    expect(await killAtEach(stage, points)).toEqual([]);
    expect(await stage.verdict()).toEqual(nothingWrong);
  } finally {
    await stage.close();
    await database.drop();
  }
});
