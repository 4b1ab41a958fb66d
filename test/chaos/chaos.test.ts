import { expect, test } from 'vitest';
import { runChaos } from './chaos.ts';
import { lastLine } from './count.ts';

const sessions = Number(process.env.CHAOS_SESSIONS ?? 100);

test(`${sessions} sessions end with one pull request each while PostgreSQL is restarted and processes are killed`, {
  timeout: 900_000,
}, async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`CHAOS_SEED=${seed}`);
  const report = await runChaos({ sessions, seed, killEvery: [8, 20], progress: () => {} });
  const { seconds, restarts, kills } = report;
  console.log(`${Math.round(seconds)} s, ${restarts} restarts of PostgreSQL, ${kills} processes killed`);
  const { lost, duplicate, stuck, violations } = report;
  expect({ lost, duplicate, stuck, violations }).toEqual({ lost: [], duplicate: [], stuck: [], violations: [] });
  expect(lastLine(report, sessions)).toBe(`lost=0 duplicate=0 stuck=0 finished=${sessions} of ${sessions}`);
  expect(restarts * kills).toBeGreaterThan(0);
});
