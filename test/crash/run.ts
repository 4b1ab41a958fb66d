import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../src/store/migrate.ts';
import { type CrashablePostgres, startCrashablePostgres } from '../support/crashable-postgres.ts';
import { startDatabaseProxy } from '../support/database-proxy.ts';
import { makeTestDir } from '../support/memory-dir.ts';
import { loseNextReply, strikeAtEach } from './faults.ts';
import { freezeAtEach } from './fences.ts';
import { killAtEach, killAtRandom } from './kills.ts';
import { allPoints, splitPoints, stepPoints } from './points.ts';
import { openStage, type Stage } from './stage.ts';

/**
 * `npm run test:crash`: every point x {SIGKILL, the same with another machine taking over, database restarted at once, reply
 * lost after the commit, frozen and taken over}, and kills at random moments. Lost and duplicate are counted by the outside.
 * `CRASH_ONLY=name` runs one part, `CRASH_POINTS=regex` those points, `CRASH_KILLS` says how many random kills, `CRASH_SEED` at which moments.
 */
const kills = Number(process.env.CRASH_KILLS ?? 200);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 31);
const some = new RegExp(process.env.CRASH_POINTS ?? '');
const all = allPoints.filter((point) => some.test(point));
const steps = stepPoints.filter((point) => some.test(point));
const split = splitPoints.filter((point) => some.test(point));
const inFlow = all.filter((point) => !point.startsWith('accept/') && !point.startsWith('sort/'));

interface Part {
  name: string;
  moves?: boolean;
  splits?: boolean;
  /** Answers what was to be reached and was not. */
  play(stage: Stage, database: CrashablePostgres): Promise<string[]>;
}

const parts: Part[] = [
  { name: 'kill', play: (stage) => killAtEach(stage, all) },
  { name: 'kill-elsewhere', moves: true, play: (stage) => killAtEach(stage, steps, true) },
  { name: 'database', play: (stage, database) => restartAtEach(stage, database, inFlow) },
  {
    name: 'reply',
    play: (stage, database) => loseRepliesAtEach(stage, database, inGroups(inFlow, 10)),
  },
  { name: 'freeze', play: (stage) => freezeAtEach(stage, all.filter(isWorthFreezing)) },
  { name: 'split-kill', splits: true, play: (stage) => killAtEach(stage, split) },
  { name: 'split-database', splits: true, play: (stage, database) => restartAtEach(stage, database, split) },
  { name: 'split-freeze', splits: true, play: (stage) => freezeAtEach(stage, split.filter(isWorthFreezing)) },
  {
    name: 'split-reply',
    splits: true,
    play: (stage, database) => loseRepliesAtEach(stage, database, inGroups(split, 10)),
  },
  { name: 'random', play: (stage) => killAtRandom(stage, kills, seed).then(() => []) },
];

const wanted = process.env.CRASH_ONLY;
const total = { lost: 0, duplicate: 0, wrong: 0, missed: 0 };
console.log(`${all.length} points, ${kills} random kills, CRASH_SEED=${seed}`);
const temporary = await makeTestDir(8);
try {
  const database = await startCrashablePostgres(join(temporary.dir, 'database'));
  await playAll(database).finally(database.stop);
} finally {
  await temporary.remove();
}
console.log(`missed=${total.missed} wrong=${total.wrong}`);
console.log(`lost=${total.lost} duplicate=${total.duplicate}`);
process.exitCode = Object.values(total).some((count) => count > 0) ? 1 : 0;

/**
 * At the others it holds what it would hold at the next one. A process sorts as it starts, and would freeze before it is ready:
 * that is in test/flow/frozen-sorter.test.ts.
 */
function isWorthFreezing(point: string): boolean {
  return !/(begun|worked|settled)$/.test(point) && !point.startsWith('sort/');
}

async function restartAtEach(stage: Stage, database: CrashablePostgres, points: string[]): Promise<string[]> {
  const missed = [];
  for (const group of inGroups(points, 10))
    missed.push(...(await strikeAtEach(stage, group, () => database.restart())));
  return missed;
}

async function loseRepliesAtEach(stage: Stage, database: CrashablePostgres, groups: string[][]): Promise<string[]> {
  const proxy = await startDatabaseProxy();
  const missed = [];
  for (const group of groups)
    missed.push(
      ...(await strikeAtEach(stage, group, loseNextReply(stage, proxy), { databaseUrl: proxy.url(database.url) })),
    );
  console.log(`  answers of the database that were lost: ${proxy.lost()}`);
  if (proxy.lost() === 0) missed.push('no answer of the database was lost');
  await proxy.goAway();
  return missed;
}

async function playAll(database: CrashablePostgres): Promise<void> {
  for (const { name, moves = false, splits = false, play } of parts) {
    if (wanted !== undefined && wanted !== name) continue;
    const began = performance.now();
    const stage = await openStage({ databaseUrl: await freshDatabase(database.url, name), moves, splits });
    try {
      const own = { ...database, url: databaseNamed(database.url, name) };
      const missed = await play(stage, own);
      const verdict = await stage.verdict();
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      const { lost, duplicate, wrong } = verdict;
      console.log(
        `${name}: lost=${lost.length} duplicate=${duplicate.length} wrong=${wrong.length} missed=${missed.length} in ${seconds} s`,
      );
      for (const line of [...lost, ...duplicate, ...wrong, ...missed.map((point) => `not reached: ${point}`)])
        console.log(`  ${line}`);
      total.lost += lost.length;
      total.duplicate += duplicate.length;
      total.wrong += wrong.length;
      total.missed += missed.length;
    } finally {
      await stage.close();
    }
  }
}

function databaseNamed(url: string, name: string): string {
  return url.replace('/shipmate?', `/crash_${name.replace('-', '_')}?`);
}

async function freshDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const own = databaseNamed(url, name);
  await client.query(`create database ${new URL(own).pathname.slice(1)}`);
  await client.end();
  await migrate(own);
  return own;
}

function inGroups<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
