import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type App, createApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { sortDeliveries } from '../src/flow.ts';
import { createLog } from '../src/lib/log.ts';
import { claimEffects } from '../src/store/claim-effects.ts';
import { settleEffect } from '../src/store/effects.ts';
import { openEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { beat, type ClaimedRun, claimRun } from '../src/store/runs.ts';
import { median, ms, type Row, time } from './figures.ts';
import { fill } from './fill.ts';
import { someone, webhookSecret } from './service.ts';

const tries = 60;
const live = new AbortController().signal;

/** What each part of the way costs, from a thousand to a million sessions of the past in the tables. */
export async function benchGrowth({ sessions = 1_000_000 }: { sessions?: number }): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-bench-'));
  const stops: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true, maxRetries: 5 })];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  try {
    const embedded = await openEmbeddedPostgres(join(dir, 'postgres'));
    stops.push(embedded.release);
    const database = new pg.Client({ connectionString: embedded.url });
    await database.connect();
    stops.push(() => database.end());
    const env = { PATH: process.env.PATH, BOARD_WEBHOOK_SECRET: webhookSecret, DATABASE_URL: embedded.url };
    const config = { ...loadConfig({ cwd: dir, env }), dataDir: dir };
    const app = await createApp(config, createLog({ level: 'error', format: 'pretty', secrets: [] }));
    stops.push(app.stop);

    await measure(app, database, null); // warms the code and the connections
    const found = new Map<string, string[]>();
    let filled = 0;
    for (const size of [1000, 10_000, 100_000, 1_000_000].filter((size) => size <= sessions)) {
      await fill(database, filled, size);
      filled = size;
      const { rows } = await database.query('select pg_database_size(current_database()) as bytes');
      console.error(`${size.toLocaleString('en')} sessions, ${(Number(rows[0].bytes) / 1e9).toFixed(1)} GB`);
      for (const [what, text] of await measure(app, database, size))
        found.set(what, [...(found.get(what) ?? []), `${size >= 1e6 ? `${size / 1e6}M` : `${size / 1000}k`}: ${text}`]);
    }
    return [...found].map(([figure, texts]) => ({ figure, goal: 'flat', value: texts.join('   ') }));
  } finally {
    await stop();
  }
}

/** Works through the same small morning's worth of tickets, statement by statement, as a process of the service does. */
async function measure(app: App, database: pg.Client, size: number | null): Promise<Map<string, string>> {
  const { db } = app;
  const times: Record<string, number[]> = {};
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    let result: T | undefined;
    const list = times[what] ?? [];
    times[what] = list;
    list.push(
      await time(async () => {
        result = await work();
      }),
    );
    return result as T;
  };
  const before = await sequentialScans(database);
  const sorting = {
    db,
    trackers: app.trackers,
    nudge: async () => {},
    wake: () => {},
    pageOf: null,
    failpoint: () => {},
    codeHosts: app.codeHosts,
    repositories: new Map(),
    policy: { runsPerHour: null, people: { speak: [] }, approval: { by: [] } },
    name: 'shipmate',
    log: createLog({ level: 'error', format: 'pretty', secrets: [] }),
  };
  const assignee = 'shipmate';
  const tickets: string[] = [];
  for (let index = 0; index < tries; index++) {
    const title = `Work ${index}`;
    const ticket = await timed('intake: a ticket and its delivery', () =>
      app.desk.createTicket({ title, assignee }, someone),
    );
    tickets.push(ticket.identifier);
    await timed('sort a delivery that opens a session', () => sortDeliveries(sorting, live));
    if (index % 2 === 0) continue;
    await app.desk.comment(ticket.identifier, 'Please hurry.', someone);
    await timed('sort a comment', () => sortDeliveries(sorting, live));
  }
  const poster = { worker: 'bench', inHand: new Set<string>(), accounts: {}, gather: {} };
  const runs: ClaimedRun[] = [];
  for (let index = 0; index < tries; index++) {
    const run = await timed('claim a run', () => claimRun(db, 'bench'));
    if (run) runs.push(run);
  }
  for (let index = 0; index < 20; index++) await timed(`heartbeat of ${tries} runs`, () => beat(db, runs));
  for (;;) {
    const claimed = await timed('claim effects', () => claimEffects(db, poster, 16));
    if (claimed.length === 0) break;
    for (const effect of claimed)
      await timed('settle an effect', () => settleEffect(db, effect, { state: 'done', result: {} }));
  }
  for (let index = 0; index < 20; index++) {
    const old = size === null ? (tickets[index] ?? '') : `OLD-${Math.floor(((index + 0.5) * size) / 20)}`;
    await timed('show a ticket', () => app.sessions.view(old));
    await timed('list the last 20 sessions', () => app.sessions.list(20));
  }
  const after = await sequentialScans(database);
  await database.query('update runs set ended_at = now(), worker = null where ended_at is null');
  await database.query("update sessions set state = 'complete' where state in ('pending', 'active')");
  const scanned = [...after].filter(([table, scans]) => scans > (before.get(table) ?? 0)).map(([table]) => table);
  const figures = Object.entries(times).map(([what, list]): [string, string] => [
    what,
    `${ms(median(list))} (best ${ms(Math.min(...list))})`,
  ]);
  return new Map([...figures, ['tables of over 500 rows that were read from end to end', scanned.join(' ') || 'none']]);
}

/** Of tables that are large enough for an index to be better. */
async function sequentialScans(database: pg.Client): Promise<Map<string, number>> {
  await database.query('select pg_stat_force_next_flush()');
  const { rows } = await database.query<{ relname: string; seq_scan: string }>(
    'select relname, seq_scan from pg_stat_user_tables where n_live_tup > 500',
  );
  return new Map(rows.map(({ relname, seq_scan }) => [relname, Number(seq_scan)]));
}
