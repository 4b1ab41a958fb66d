import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'vitest';
import { startClock } from '../../src/flow/clock.ts';

test('a clock stands still during what does not count, and what is to happen at a time waits for that', async ({
  expect,
}) => {
  const clock = startClock(58_000);
  let reachedAt: number | null = null;
  const reached = new Promise<void>((resolve) => {
    clock.at(60_000, () => {
      reachedAt = clock.read();
      resolve();
    });
  });
  let called = false;
  const forget = clock.at(58_100, () => {
    called = true;
  });
  forget();
  const stoodStill = await clock.without(async () => {
    const before = clock.read();
    await delay(2_500); // longer than what was left
    return clock.read() - before;
  });
  expect([stoodStill, reachedAt]).toEqual([0, null]);
  await reached;
  expect(reachedAt).toBeGreaterThanOrEqual(60_000);
  expect(called).toBe(false);
});
