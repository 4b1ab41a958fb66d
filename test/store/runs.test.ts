import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { noteLostWorker } from '../../src/store/lost-workers.ts';
import { askToStop } from '../../src/store/queued-runs.ts';
import { beat, type ClaimedRun, claimRun, outsideAwayForMs, releaseRun, silenceRunsOf } from '../../src/store/runs.ts';
import { noteWorker } from '../../src/store/workers.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { queueRun } from '../support/runs.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database?.drop());
afterEach(() => database.pool.query('truncate tickets cascade'));

const claimed = async (worker = 'w1') => (await claimRun(db, worker))?.id;

describe('which run is claimed', () => {
  test('the most pressing first, then fair between teams, then the oldest', async ({ expect }) => {
    const { pool } = database;
    const [low] = await queueRun(pool, { priority: 3, team: 'a', queuedAt: "now() - interval '1 day'" });
    const ofA = await queueRun(pool, { priority: 1, team: 'a', queuedAt: "now() - interval '1 hour'", count: 3 });
    const ofB = await queueRun(pool, { priority: 1, team: 'b', queuedAt: "now() - interval '1 minute'", count: 2 });
    const [urgent] = await queueRun(pool, { priority: 0, team: 'a' });
    const order = [];
    for (let run = await claimed(); run; run = await claimed()) order.push(run);
    // "a" has one at work when the second claim is made, so "b" goes first.
    expect(order).toEqual([urgent, ofB[0], ofA[0], ofB[1], ofA[1], ofA[2], low].map((run) => run?.id));
  });

  test('one that was begun goes before all that wait, one that waits for a service not before its time', async ({
    expect,
  }) => {
    const { pool } = database;
    await queueRun(pool, { priority: 3 });
    const begun = await claimRun(db, 'w1');
    if (!begun) throw new Error('nothing was claimed');
    const [urgent, next] = await queueRun(pool, { priority: 0, count: 2 });
    await releaseRun(db, begun);
    expect(await claimed()).toBe(begun.id);
    await releaseRun(db, { ...begun, attempt: 2 }, 60_000);
    expect([await claimed(), await claimed(), await claimed()]).toEqual([urgent?.id, next?.id, undefined]);
  });

  test('twenty at once claim twenty different ones', async ({ expect }) => {
    const runs = await queueRun(database.pool, { count: 40 });
    const taken = await Promise.all(Array.from({ length: 20 }, () => claimed()));
    const found = taken.filter((id) => id !== undefined);
    expect(new Set(found).size).toBe(found.length);
    expect(found.length).toBeGreaterThan(10);
    expect(runs.map(({ id }) => id)).toEqual(expect.arrayContaining(found));
  });

  test('a long queue of many teams costs a claim a few milliseconds', { timeout: 120_000 }, async ({ expect }) => {
    const { pool } = database;
    await queueRun(pool, { team: 'few' });
    await pool.query(`
      with t as (
        insert into tickets (id, tracker, external_id, identifier, hint)
        select gen_random_uuid(), 'board', 'q' || n, 'Q-' || n, '{}' from generate_series(1, 20000) n returning id
      ), s as (insert into sessions (id, ticket_id, state) select gen_random_uuid(), id, 'active' from t returning id)
      insert into runs (id, session_id, number, priority, team)
      select gen_random_uuid(), id, 1, row_number() over () % 5, 'team ' || row_number() over () % 20 from s`);
    await pool.query('analyze runs');
    const took: number[] = [];
    for (let claim = 0; claim < 30; claim++) {
      const since = performance.now();
      await claimed();
      took.push(performance.now() - since);
    }
    took.sort((a, b) => a - b);
    console.log(`claim with 20,000 waiting: ${took[15]?.toFixed(1)} ms (median), ${took[29]?.toFixed(1)} ms (most)`);
    expect(took[15]).toBeLessThan(2_000);
  });
});

test('a stop that waited for the run’s row is of the moment at which it had it', async ({ expect }) => {
  const { pool } = database;
  const [run] = await queueRun(pool, {});
  if (!run) throw new Error('nothing was queued');
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select 1 from runs where id = $1 for no key update', [run.id]);
  const stopping = db.transaction().execute((tx) => askToStop(tx, run.id));
  const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  await expect.poll(async () => (await pool.query(waiting)).rowCount).toBe(1);
  const held = await holder.query('select clock_timestamp() as at');
  await holder.query('commit');
  holder.release();
  await stopping;
  const { rows } = await pool.query('select stop_requested_at > $2 as after from runs where id = $1', [
    run.id,
    held.rows[0].at,
  ]);
  expect(rows).toEqual([{ after: true }]);
});

describe('one heartbeat for all runs of a process', () => {
  test('it says who was asked to stop and who is lost, and waits for no locked row', async ({ expect }) => {
    const { pool } = database;
    await queueRun(pool, { count: 4 });
    const runs = [];
    for (let index = 0; index < 4; index++) runs.push(await claimRun(db, 'w1'));
    const [kept, asked, lost, locked] = runs.map((run) => {
      if (!run) throw new Error('nothing was claimed');
      return run;
    });
    if (!kept || !asked || !lost || !locked) throw new Error('there are too few');
    await pool.query("update runs set heartbeat_at = now() - interval '5 seconds'");
    await pool.query('update runs set stop_requested_at = now() where id = $1', [asked.id]);
    await pool.query('update runs set attempt = attempt + 1 where id = $1', [lost.id]);
    const holder = await pool.connect();
    await holder.query('begin');
    await holder.query('select 1 from runs where id = $1 for update', [locked.id]);
    const states = await beat(db, [kept, asked, lost, locked]);
    await holder.query('rollback');
    holder.release();
    expect(Object.fromEntries(states)).toEqual({
      [kept.id]: { stopRequested: false },
      [asked.id]: { stopRequested: true },
      [locked.id]: { stopRequested: false },
    });
    const { rows } = await pool.query(
      "select id from runs where heartbeat_at > now() - interval '4 seconds' order by id",
    );
    expect(rows.map(({ id }) => id)).toEqual([kept.id, asked.id].sort());
  });

  test('1,000 runs are one quick statement', { timeout: 120_000 }, async ({ expect }) => {
    const runs = await queueRun(database.pool, { count: 1000 });
    await database.pool.query("update runs set worker = 'w1', attempt = 1, heartbeat_at = now(), started_at = now()");
    const held = runs.map(({ id }) => ({ id, attempt: 1 }));
    const took: number[] = [];
    for (let times = 0; times < 10; times++) {
      const since = performance.now();
      expect((await beat(db, held)).size).toBe(1000);
      took.push(performance.now() - since);
    }
    took.sort((a, b) => a - b);
    console.log(`heartbeat of 1,000 runs: ${took[5]?.toFixed(0)} ms (median), ${took[9]?.toFixed(0)} ms (most)`);
  });
});

describe('workers that fell', () => {
  async function begin(runId: string, sessionId: string, attempt: number, key: string, call: object, result?: object) {
    await database.pool.query(
      `insert into steps (id, run_id, session_id, kind, key, attempt, input, result, completed_at)
       values (gen_random_uuid(), $1, $2, 'tool', $3, $4, $5, $6, case when $6::json is null then null else now() end)`,
      [runId, sessionId, key, attempt, JSON.stringify({ call }), result ? JSON.stringify(result) : null],
    );
  }
  const bash = (command: string) => ({ id: Math.random().toString(), name: 'bash', input: { command } });

  async function takeFrom(worker: string, by: string) {
    await silenceRunsOf(db, (name) => name === worker);
    const run = await claimRun(db, by);
    if (!run) throw new Error('nothing was claimed');
    expectTaken(run.takenFrom, worker);
    return { run, losses: await noteLostWorker(db, run) };
  }
  const expectTaken = (from: string | null, worker: string) => {
    if (from !== worker) throw new Error(`taken from ${from}, not from ${worker}`);
  };

  test('count on while the same call had begun again and nothing was done', async ({ expect }) => {
    const [row] = await queueRun(database.pool);
    if (!row) throw new Error('no run');
    await claimRun(db, 'w1');
    const counts = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await begin(row.id, row.sessionId, attempt, `turn:${attempt}/0:bash`, bash('boom'));
      counts.push((await takeFrom(`w${attempt}`, `w${attempt + 1}`)).losses.count);
    }
    expect(counts).toEqual([1, 2, 3]);
    await begin(row.id, row.sessionId, 4, 'turn:4/0:bash', bash('ls'), { text: 'one.txt' });
    await begin(row.id, row.sessionId, 4, 'turn:5/0:bash', bash('boom'));
    expect((await takeFrom('w4', 'w5')).losses.count).toBe(1);
    await begin(row.id, row.sessionId, 5, 'turn:6/0:bash', bash('another'));
    expect((await takeFrom('w5', 'w6')).losses).toMatchObject({ count: 1, othersFell: false });
  });

  test('one that was only cut off has not fallen, however often', async ({ expect }) => {
    const [row] = await queueRun(database.pool);
    if (!row) throw new Error('no run');
    await claimRun(db, 'far');
    const counts = [];
    for (const [from, by] of [
      ['far', 'w2'],
      ['w2', 'far'],
      ['far', 'w3'],
      ['w3', 'w4'],
    ] as const) {
      await begin(row.id, row.sessionId, counts.length + 1, `turn:${counts.length}/0:bash`, bash('boom'));
      counts.push((await takeFrom(from, by)).losses.count);
      await noteWorker(db, 'far', 1);
    }
    expect(counts, 'w2 and w3 fell').toEqual([1, 1, 2, 2]);
  });

  test('a run that was let go of lost nobody', async ({ expect }) => {
    await queueRun(database.pool);
    const first = await claimRun(db, 'w1');
    if (!first) throw new Error('nothing was claimed');
    await releaseRun(db, first);
    expect((await claimRun(db, 'w2'))?.takenFrom).toBeNull();
  });

  test('those that fell without the run speak for it', async ({ expect }) => {
    await queueRun(database.pool, { count: 2 });
    await claimRun(db, 'w1');
    await claimRun(db, 'w2');
    expect((await takeFrom('w1', 'w3')).losses.othersFell).toBe(false);
    expect((await takeFrom('w2', 'w4')).losses.othersFell).toBe(true);
  });

  test('a worker has one suspected run at work at a time', async ({ expect }) => {
    const { pool } = database;
    const [one, two] = await queueRun(pool, { count: 2 });
    await pool.query(
      "update runs set lost_workers = '{a,b}', lost_at = now(), started_at = now(), worker = 'b', heartbeat_at = 'epoch', attempt = 2",
    );
    const first = await claimed('w1');
    expect(await claimed('w1')).toBeUndefined();
    expect(await claimed('w2')).toBe(first === one?.id ? two?.id : one?.id);
  });
});

describe('how long an outside service has been away from a run', () => {
  const hour = 3_600_000;
  const minutesAway = async (run: ClaimedRun, triedMs = 0) =>
    Math.round((await outsideAwayForMs(db, run, triedMs)) / 60_000);
  /** Everything that was written of the run is so much older. */
  const passHours = (hours: number) =>
    database.pool.query(
      `with s as (update steps set begun_at = begun_at - $1::interval, completed_at = completed_at - $1::interval)
       update runs set started_at = started_at - $1::interval, not_before = not_before - $1::interval,
         away_since = away_since - $1::interval`,
      [`${hours} hours`],
    );
  const claimAgain = async () => {
    const run = await claimRun(db, 'w1');
    if (!run) throw new Error('nothing was claimed');
    return run;
  };
  const claim = async () => {
    await queueRun(database.pool);
    return claimAgain();
  };
  const completeOne = (run: ClaimedRun) =>
    database.pool.query(
      `insert into steps (id, run_id, session_id, kind, key, read_only, attempt, input, result, completed_at)
       values (gen_random_uuid(), $1, $2, 'tool', 'a key', false, 1, '{}', '{}', now())`,
      [run.id, run.sessionId],
    );

  test('counts from the first failure, however long before that nothing was completed', async ({ expect }) => {
    let run = await claim();
    await passHours(3);
    expect(await minutesAway(run, 3 * hour)).toBe(0);
    for (const minutes of [60, 120]) {
      await releaseRun(db, run);
      run = await claimAgain();
      await passHours(1);
      expect(await minutesAway(run, hour)).toBe(minutes);
    }
  });

  test('counts anew when something was completed', async ({ expect }) => {
    const run = await claim();
    await minutesAway(run);
    await passHours(1);
    await completeOne(run);
    expect(await minutesAway(run, hour)).toBe(0);
    await passHours(1);
    expect(await minutesAway(run, hour)).toBe(60);
  });

  test('counts what the run was told to wait, and not the time in which it was due and nobody tried', async ({
    expect,
  }) => {
    const run = await claim();
    await minutesAway(run);
    await releaseRun(db, run, hour / 2);
    await passHours(3);
    const second = await claimAgain();
    expect(await minutesAway(second)).toBe(30);
    await releaseRun(db, second);
    const third = await claimAgain();
    await passHours(1);
    expect(await minutesAway(third, hour)).toBe(90);
  });

  test('writes nothing of a run that is somebody else’s', async ({ expect }) => {
    const run = await claim();
    expect(await minutesAway({ ...run, attempt: run.attempt + 1 })).toBe(0);
    const { rows } = await database.pool.query('select away_since from runs');
    expect(rows).toEqual([{ away_since: null }]);
  });
});
