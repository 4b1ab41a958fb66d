import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import { tellPlaces, tellQuiet } from '../../src/flow.ts';
import type { Database } from '../../src/store/database.ts';
import { queuePlaces } from '../../src/store/queue-places.ts';
import { claimRun } from '../../src/store/runs.ts';
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

const deps = () => ({ db, wake: () => {} });

async function told(sessionId: string): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    `select a.activity from activities a join effects e on e.operation ->> 'id' = a.id::text
     where a.session_id = $1 and e.ephemeral order by a.seq`,
    [sessionId],
  );
  return rows.map(({ activity }) => activity.body);
}

describe('a place in the queue', () => {
  test('is told once by any number of processes, not to those that have only just come, and again when it changed', async ({
    expect,
  }) => {
    const { pool } = database;
    const [first, second, third] = await queueRun(pool, { queuedAt: "now() - interval '1 minute'", count: 3 });
    const [young] = await queueRun(pool);
    if (!first || !second || !third || !young) throw new Error('there are too few');
    await Promise.all([tellPlaces(deps()), tellPlaces(deps()), tellPlaces(deps())]);
    expect(await told(first.sessionId)).toEqual(['Waiting for a free worker: 1st in the queue.']);
    expect(await told(third.sessionId)).toEqual(['Waiting for a free worker: 3rd in the queue.']);
    expect(await told(young.sessionId)).toEqual([]);
    expect((await queuePlaces(db)).get(young.sessionId)).toBe(4);

    await claimRun(db, 'w1');
    await tellPlaces(deps());
    expect(await told(third.sessionId), 'so soon').toHaveLength(1);
    await pool.query("update runs set told_place_at = told_place_at - interval '31 seconds'");
    await Promise.all([tellPlaces(deps()), tellPlaces(deps())]);
    expect(await told(third.sessionId)).toEqual([
      'Waiting for a free worker: 3rd in the queue.',
      'Waiting for a free worker: 2nd in the queue.',
    ]);
    expect(await told(first.sessionId), 'it is at work').toHaveLength(1);
    await pool.query("update runs set told_place_at = told_place_at - interval '31 seconds'");
    await tellPlaces(deps());
    expect(await told(third.sessionId), 'nothing changed').toHaveLength(2);
  });
});

describe('a ticket that has seen nothing for long', () => {
  test('is told what is being done, once by any number of processes', async ({ expect }) => {
    const { pool } = database;
    const [quiet, waiting, lively] = await queueRun(pool, { queuedAt: "now() - interval '50.5 minutes'", count: 3 });
    if (!quiet || !waiting || !lively) throw new Error('there are too few');
    await pool.query("update runs set worker = 'w1', started_at = queued_at, attempt = 1 where id <> $1", [waiting.id]);
    const call = { id: '1', name: 'bash', input: { command: 'npm test' } };
    for (let turn = 1; turn <= 12; turn++)
      await pool.query(
        `insert into steps (id, run_id, session_id, kind, key, attempt, input, result, completed_at, begun_at)
         values (gen_random_uuid(), $1, $2, 'model', $3, 1, '{}', '{}', now(), now() - interval '30 minutes')`,
        [quiet.id, quiet.sessionId, `turn:${turn}`],
      );
    await pool.query(
      `insert into steps (id, run_id, session_id, kind, key, attempt, input, begun_at)
       values (gen_random_uuid(), $1, $2, 'tool', 'turn:12/0:bash', 1, $3, now() - interval '26 minutes')`,
      [quiet.id, quiet.sessionId, JSON.stringify({ call })],
    );
    for (const [{ sessionId }, minutes] of [
      [quiet, 26],
      [lively, 10],
    ] as const)
      await pool.query(
        `insert into activities (id, session_id, activity, created_at)
         values (gen_random_uuid(), $1, '{"type":"thought","body":"before"}', now() - make_interval(mins => $2))`,
        [sessionId, minutes],
      );
    await Promise.all([tellQuiet(deps()), tellQuiet(deps()), tellQuiet(deps())]);
    await tellQuiet(deps());
    expect(await told(quiet.sessionId)).toEqual(['Still working: running `npm test` for 26 minutes, turn 12.']);
    expect(await told(waiting.sessionId)).toEqual(['Still waiting for a free worker for 50 minutes.']);
    expect(await told(lively.sessionId)).toEqual([]);

    await pool.query("update activities set created_at = created_at - interval '24 minutes'");
    await tellQuiet(deps());
    expect(await told(quiet.sessionId)).toHaveLength(2);
  });
});
