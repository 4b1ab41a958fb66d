import { makeTestDir } from '../support/memory-dir.ts';
import { runChaos } from './chaos.ts';
import { lastLine } from './count.ts';

/**
 * `npm run test:chaos`: CHAOS_SESSIONS (5,000), CHAOS_SEED, CHAOS_SANDBOX (`none` or `bubblewrap`), CHAOS_DROPPED (percent of the
 * deliveries that never arrive, 0). Its last line is the verdict.
 */
const sessions = Number(process.env.CHAOS_SESSIONS ?? 5000);
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const sandbox = process.env.CHAOS_SANDBOX === 'bubblewrap' ? 'bubblewrap' : 'none';
const droppedPercent = Number(process.env.CHAOS_DROPPED ?? 0);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

console.log(`${sessions} sessions, seed ${seed}, sandbox ${sandbox}; Ctrl-C ends it and counts what there is`);
const temporary = await makeTestDir(10);
const report = await runChaos({
  sessions,
  seed,
  sandbox,
  droppedPercent,
  signal: interrupted.signal,
  progress: (line) => console.log(line),
}).finally(temporary.remove);
for (const what of ['lost', 'duplicate', 'stuck', 'violations'] as const)
  for (const each of report[what].slice(0, 20)) console.log(`${what}: ${each}`);
const { seconds, restarts, kills } = report;
console.log(`${Math.round(seconds)} s, ${restarts} restarts of PostgreSQL, ${kills} processes killed`);
console.log(lastLine(report, sessions));
const whole = `lost=0 duplicate=0 stuck=0 finished=${sessions} of ${sessions}`;
process.exitCode = report.violations.length === 0 && lastLine(report, sessions) === whole ? 0 : 1;
