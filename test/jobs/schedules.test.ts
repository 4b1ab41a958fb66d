import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest';
import { createSchedules, type Schedules } from '../../src/jobs/schedules.ts';
import type { Database } from '../../src/store/database.ts';
import { claimRound, endRound, holdRound } from '../../src/store/schedules.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database?.drop());

function schedules(onError: (name: string, error: unknown) => void = () => {}): Schedules {
  const made = createSchedules({
    rounds: {
      claim: (name, after) => claimRound(db, name, after),
      hold: (name) => holdRound(db, name),
      end: (name) => endRound(db, name),
    },
    onError,
  });
  onTestFinished(() => made.stop());
  return made;
}

const longAgo = (name: string) =>
  database.pool.query("update schedules set ran_at = now() - interval '1 hour' where name = $1", [name]);

describe('scheduled work', () => {
  test('of twenty that ask at once, one gets the round', async ({ expect }) => {
    const asked = () => Promise.all(Array.from({ length: 20 }, () => claimRound(db, 'once', 300)));
    expect((await asked()).filter(Boolean)).toHaveLength(1);
    await endRound(db, 'once');
    expect((await asked()).filter(Boolean)).toHaveLength(0);
    await longAgo('once');
    expect((await asked()).filter(Boolean)).toHaveLength(1);
  });

  test('a round that takes longer than its interval is not begun a second time; one whose process died is', async ({
    expect,
  }) => {
    expect(await claimRound(db, 'long', 1)).toBe(true);
    await longAgo('long');
    expect(await claimRound(db, 'long', 1)).toBe(false);
    await database.pool.query("update schedules set busy_until = now() - interval '1 second' where name = 'long'");
    expect(await claimRound(db, 'long', 1)).toBe(true);
  });

  test('it is done at the start although the interval has not passed, and by one of two that start together', async ({
    expect,
  }) => {
    let rounds = 0;
    const work = async () => {
      rounds += 1;
    };
    await claimRound(db, 'start', 300);
    await endRound(db, 'start');
    await database.pool.query("update schedules set ran_at = now() - interval '1 minute' where name = 'start'");
    schedules().every('start', 5, work);
    await expect.poll(() => rounds, { timeout: 30_000 }).toBe(1);
    schedules().every('start', 5, work);
    expect(await claimRound(db, 'start', 10)).toBe(false);
    expect(rounds).toBe(1);
  });

  test('a round that throws is told, and there is a next one', async ({ expect }) => {
    const told: unknown[] = [];
    let rounds = 0;
    const failing = schedules((name, error) => told.push([name, (error as Error).message]));
    failing.every('fails', 0.005, async () => {
      rounds += 1;
      throw new Error('not today');
    });
    await expect.poll(() => rounds, { timeout: 30_000 }).toBeGreaterThan(1);
    expect(told[0]).toEqual(['fails', 'not today']);
  });

  test('stopping tells the round that is under way, waits for it, and leaves it to others', async ({ expect }) => {
    const begun = Promise.withResolvers<void>();
    let ended = false;
    const mine = schedules();
    mine.every('stops', 5, async (signal) => {
      begun.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended = true;
    });
    await begun.promise;
    await mine.stop();
    expect(ended).toBe(true);
    await longAgo('stops');
    expect(await claimRound(db, 'stops', 300)).toBe(true);
  });
});
