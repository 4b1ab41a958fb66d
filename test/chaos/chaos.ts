import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createDatabase, createPool } from '../../src/store/database.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { WorldClient } from '../stand-ins/world/client.ts';
import type { Fault } from '../stand-ins/world/faults.ts';
import { spawnWorld } from '../stand-ins/world/start.ts';
import { startCrashablePostgres } from '../support/crashable-postgres.ts';
import { freePort } from '../support/free-port.ts';
import { randomOf } from '../support/random.ts';
import { type Kept, keep } from './cluster.ts';
import { isFinished, type Tally, tally } from './count.ts';
import { killTree } from './kill-tree.ts';

export interface ChaosOptions {
  sessions: number;
  /** Chooses the moments. */
  seed: number;
  sandbox?: 'none' | 'bubblewrap';
  /** Of a hundred deliveries, so many never arrive: reconciling finds what they told. */
  droppedPercent?: number;
  /** Seconds between two restarts of PostgreSQL, and between two kills. */
  restartEvery?: [number, number];
  killEvery?: [number, number];
  signal?: AbortSignal;
  progress(line: string): void;
}

export interface ChaosReport extends Tally {
  restarts: number;
  kills: number;
  seconds: number;
  /** What must hold in the database and does not. */
  violations: string[];
}

/** Tickets that are under way at the same time, so that every moment meets every part of the way. */
const underWay = 24;
const slots = 6;
/** With nothing new to be seen for so long, what is left is stuck. */
const patienceMs = 180_000;

const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
/** A model that is told that its change was undone makes it again; a script has to have it more than once. */
const turns = `  - calls: [{ tool: write, input: { path: two.txt, content: "two\\n" } }]
  - calls: [{ tool: finish, input: { title: Add a second file, summary: It was missing. } }]
`;
const script = `replies:\n${turns.repeat(10)}`;

/**
 * Sessions while PostgreSQL is restarted without a warning and processes are killed: web and two workers, each worker with a
 * disk of its own, against a world that stays. What became of it is counted by that world.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const {
    sessions,
    progress,
    signal,
    sandbox = 'none',
    droppedPercent = 0,
    restartEvery = [5, 20],
    killEvery = [3, 10],
  } = options;
  const random = randomOf(options.seed);
  const between = ([least, most]: [number, number]) => (least + random() * (most - least)) * 1000;
  const begun = performance.now();
  const stopping = new AbortController();
  const ended = signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal;
  const stops: (() => Promise<unknown> | undefined)[] = [];
  const report = { restarts: 0, kills: 0 };
  try {
    const dir = await mkdtemp(join(tmpdir(), 'shipmate-chaos-'));
    stops.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
    await chmod(dir, 0o755);
    const postgres = await startCrashablePostgres(join(dir, 'postgres'));
    stops.push(postgres.stop);
    await migrate(postgres.url);
    const { started, world } = await spawnWorld({ dir });
    stops.push(async () => {
      started.kill();
      await started.ended;
    });
    const repository = await world.repository('project', files);
    await writeFile(join(dir, 'script.yaml'), script);
    const reconcile = droppedPercent > 0 ? 'reconcile: { minutes: 0.1 }\n' : '';
    await writeFile(join(dir, 'shipmate.yaml'), `sandbox: { driver: ${sandbox} }\n${reconcile}`);
    const port = await freePort();
    const base = {
      worldUrl: started.url ?? '',
      databaseUrl: postgres.url,
      model: `scripted:${join(dir, 'script.yaml')}`,
      repositories: [repository],
      configFile: join(dir, 'shipmate.yaml'),
      slots,
    };
    const onEnd = (name: string, how: string, log: string) => {
      // With the database away just then there is nothing to start with; everything else is worth reading.
      const why = /database of DATABASE_URL|starting up|ECONNREFUSED|ENOENT/.test(log) ? '' : `\n${log.slice(-2000)}`;
      if (how !== 'SIGKILL') progress(`${name} ended: ${how}${why}`);
    };
    const kept: Kept[] = [
      keep('web', { ...base, parts: ['web'], dataDir: join(dir, 'web'), port }, onEnd),
      keep('worker 1', { ...base, parts: ['worker'], dataDir: join(dir, 'worker-1') }, onEnd),
      keep('worker 2', { ...base, parts: ['worker'], dataDir: join(dir, 'worker-2') }, onEnd),
    ];
    stops.push(() => Promise.all(kept.map((each) => each.stop())));
    await world.webhooks([`http://127.0.0.1:${port}/webhooks/board`]);

    // As often as asked for where the machine keeps up; on one that does not, faults alone would be all that ever happens.
    let last = '';
    const moved = async () => {
      const before = last;
      while (before === last) {
        await delay(100, undefined, { signal: ended });
        last = await movesOf(world).catch(() => last);
      }
    };
    const restarting = (async () => {
      for (;;) {
        await delay(between(restartEvery), undefined, { signal: ended });
        await moved();
        await postgres.restart(random() * 500);
        report.restarts += 1;
      }
    })();
    const killing = (async () => {
      for (;;) {
        // On a busy machine a start takes long: whoever is killed has worked for a while.
        while (!kept.every(({ running }) => running)) await delay(50, undefined, { signal: ended });
        await delay(between(killEvery), undefined, { signal: ended });
        await moved();
        const victim = kept[Math.floor(random() * kept.length)]?.running;
        if (!victim) continue;
        await killTree(victim.pid);
        report.kills += 1;
      }
    })();
    const faults = Promise.allSettled([restarting, killing]);
    stops.push(async () => {
      stopping.abort();
      await faults;
    });

    const tickets: string[] = [];
    const unfinished = new Set<string>();
    const deliveries: string[] = [];
    let dropped = 0;
    let finished = 0;
    const isPatient = createPatience(world);
    while (finished < sessions && !ended.aborted && (await isPatient())) {
      for (let more = Math.min(underWay - (tickets.length - finished), sessions - tickets.length); more > 0; more--) {
        const isDropped = random() * 100 < droppedPercent;
        if (isDropped) await world.faults([neverDelivered(`BOARD-${tickets.length + 1}`)]);
        const { ticket, delivery } = await world.create({ title: `Add file ${tickets.length}`, assignee: 'shipmate' });
        tickets.push(ticket.identifier);
        unfinished.add(ticket.identifier);
        const id = delivery?.headers['board-delivery'];
        if (isDropped) dropped += 1;
        else if (id !== undefined) deliveries.push(id);
      }
      await delay(500);
      for (const [ticket, counts] of Object.entries(await world.counts([...unfinished])))
        if (isFinished(counts)) unfinished.delete(ticket);
      const now = tickets.length - unfinished.size;
      if (Math.floor(now / 50) > Math.floor(finished / 50)) {
        const seconds = Math.round((performance.now() - begun) / 1000);
        progress(`${now} of ${sessions} after ${seconds} s, ${report.restarts} restarts, ${report.kills} kills`);
      }
      finished = now;
    }
    stopping.abort();
    const [restarted] = await faults;
    if (restarted?.status === 'rejected' && !isAbort(restarted.reason)) throw restarted.reason;

    const database = new pg.Client({ connectionString: postgres.url });
    await database.connect();
    stops.push(() => database.end());
    const isWaiting = async () => (await world.deliveries()).waiting > dropped;
    while (((await isWaiting()) || (await isBusy(database))) && (await isPatient())) await delay(500);
    const result = await tally(world, database, { tickets, deliveries });
    const violations = await readViolations(postgres.url);
    return { ...result, ...report, violations, seconds: (performance.now() - begun) / 1000 };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Whether the outside has seen something new within the time that we wait for it. */
function createPatience(world: WorldClient): () => Promise<boolean> {
  let seen = '';
  let changedAt = performance.now();
  return async () => {
    const now = await movesOf(world);
    if (now !== seen) changedAt = performance.now();
    seen = now;
    return performance.now() - changedAt < patienceMs;
  };
}

/** All that has moved outside. Words that a run is still there are no progress. */
async function movesOf(world: WorldClient): Promise<string> {
  const { delivered } = await world.deliveries();
  return `${delivered} ${await world.moves()}`;
}

/** With the faults over, what is under way may end: nobody may be called stuck for having been last. */
async function isBusy(database: pg.Client): Promise<boolean> {
  const { rows } = await database.query<{ busy: number }>(
    `select (select count(*) from deliveries where sorted_at is null)
       + (select count(*) from runs where ended_at is null)
       + (select count(*) from effects where state = 'pending') as busy`,
  );
  return Number(rows[0]?.busy) > 0;
}

/** The delivery that tells of the ticket is held back for longer than any of this lasts. */
function neverDelivered(ticket: string): Fault {
  return { call: 'delivery', ticket, nth: 1, action: { type: 'late', ms: 1e9 } };
}

async function readViolations(url: string): Promise<string[]> {
  const pool = createPool(url, 2);
  try {
    const { violations } = await checkInvariants(createDatabase(pool), { live: false, days: null });
    return violations.map(({ check, ticket, id, explanation }) => `${check}: ${ticket ?? id}: ${explanation}`);
  } finally {
    await pool.end();
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
