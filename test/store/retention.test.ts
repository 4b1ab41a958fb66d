import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { deleteSpentRows } from '../../src/flow.ts';
import type { Database } from '../../src/store/database.ts';
import { unreadEdits } from '../../src/store/edits.ts';
import { deleteOldDeliveries, deleteSpentSnapshots, forgetSteps, whileAtRest } from '../../src/store/retention.ts';
import { listSteps } from '../../src/store/steps.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { plantDelivery, plantEffect, plantSession, plantSnapshot, plantStep } from '../support/rows.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database?.drop());

const snapshotsOf = async (sessionId: string) =>
  (await db.selectFrom('snapshots').select('id').where('session_id', '=', sessionId).execute()).map(({ id }) => id);

describe('what goes with time', () => {
  test('deliveries that were sorted, after their days; never one that was not', async ({ expect }) => {
    const kept = [
      await plantDelivery(database.pool, { daysAgo: 29 }),
      await plantDelivery(database.pool, { daysAgo: 90, outcome: null }),
    ];
    for (let gone = 0; gone < 5; gone++) await plantDelivery(database.pool, { daysAgo: 31 });
    expect(await deleteOldDeliveries(db, 30, 3)).toBe(3);
    await deleteSpentRows(
      db,
      { deliveriesDays: 30, stepsDays: null, workspaceHours: 72 },
      new AbortController().signal,
    );
    const left = await db.selectFrom('deliveries').select('id').orderBy('id').execute();
    expect(left.map(({ id }) => id)).toEqual(kept);
  });

  test('snapshots of a session at rest, but for the newest and what is or may yet be published', async ({ expect }) => {
    const session = await plantSession(database.pool, { state: 'complete' });
    const push = (snapshotId: string, state: string) =>
      plantEffect(database.pool, session, randomUUID(), { kind: 'pushBranch', snapshotId }, { state });
    const [sent = '', failed = '', pending = '', old, newest = ''] = [
      await plantSnapshot(database.pool, session, 1),
      await plantSnapshot(database.pool, session, 2),
      await plantSnapshot(database.pool, session, 3),
      await plantSnapshot(database.pool, session, 4),
      await plantSnapshot(database.pool, session, 5),
    ];
    await push(sent, 'done');
    await push(failed, 'failed');
    await push(pending, 'pending');
    expect(await deleteSpentSnapshots(db)).toBe(1);
    expect((await snapshotsOf(session.id)).sort()).toEqual([failed, pending, newest].sort());
    expect(old).not.toBe(newest);
    expect(await deleteSpentSnapshots(db)).toBe(0);

    await database.pool.query("update effects set state = 'done' where state = 'pending'");
    await db.updateTable('sessions').set({ updated_at: new Date() }).where('id', '=', session.id).execute();
    expect(await deleteSpentSnapshots(db)).toBe(1);
    expect((await snapshotsOf(session.id)).sort()).toEqual([failed, newest].sort());
  });

  test('no snapshot of a session at work', async ({ expect }) => {
    const session = await plantSession(database.pool, { state: 'active', ended: false });
    await plantSnapshot(database.pool, session, 1);
    await plantSnapshot(database.pool, session, 2);
    expect(await deleteSpentSnapshots(db)).toBe(0);
    expect(await snapshotsOf(session.id)).toHaveLength(2);
  });

  test('what model and tools said, after its days at rest; that it was stays, and what comes later is kept', async ({
    expect,
  }) => {
    const session = await plantSession(database.pool, { daysAgo: 200 });
    const recent = await plantSession(database.pool, { daysAgo: 100 });
    for (const each of [session, recent]) await plantStep(database.pool, each, { key: 'one', result: { text: 'Hm.' } });
    const told = `insert into edits (id, session_id, note, read_at) values (gen_random_uuid(), $1, 'Round up.', now())`;
    for (const each of [session, recent]) await database.pool.query(told, [each.id]);
    expect(await forgetSteps(db, 180)).toBe(1);
    // The brief stays, so what was told of edits since must be told again.
    expect((await unreadEdits(db, session.id)).map(({ note }) => note)).toEqual(['Round up.']);
    expect(await unreadEdits(db, recent.id)).toEqual([]);
    expect(await forgetSteps(db, 180)).toBe(0);
    const rows = await db.selectFrom('steps').select(['session_id', 'key', 'result']).orderBy('seq').execute();
    expect(rows).toEqual([
      { session_id: session.id, key: 'one', result: null },
      { session_id: recent.id, key: 'one', result: { text: 'Hm.' } },
    ]);
    await plantStep(database.pool, session, { key: 'two' });
    expect((await listSteps(db, session.id)).map(({ key }) => key)).toEqual(['two']);
  });

  test('nothing is held up by a session that somebody has locked', async ({ expect }) => {
    const locked = await plantSession(database.pool, { daysAgo: 300 });
    const free = await plantSession(database.pool, { daysAgo: 299 });
    const client = await database.pool.connect();
    await client.query('begin');
    await client.query('select from sessions where id = $1 for no key update', [locked.id]);
    const forgotten: number[] = [];
    for (let many = 1; many > 0; forgotten.push(many)) many = await forgetSteps(db, 250);
    await client.query('rollback');
    client.release();
    expect(forgotten).toEqual([1, 0]);
    const row = await db.selectFrom('sessions').select('forgotten_at').where('id', '=', free.id).executeTakeFirst();
    expect(row?.forgotten_at).toBeInstanceOf(Date);
  });

  test('files are released only of a session that rests, with all that it did in a snapshot; large bundles are named', async ({
    expect,
  }) => {
    const atWork = await plantSession(database.pool, { state: 'active', ended: false });
    expect(await whileAtRest(db, atWork.id, async () => {})).toBe(false);
    const session = await plantSession(database.pool);
    const { seq } = await plantStep(database.pool, session);
    await plantSnapshot(database.pool, session, seq - 1);
    expect(await whileAtRest(db, session.id, async () => {})).toBe(false);
    await plantSnapshot(database.pool, session, seq, '/data/bundles/large.bundle');
    const told: string[][] = [];
    expect(await whileAtRest(db, session.id, async (bundles) => void told.push(bundles))).toBe(true);
    expect(told).toEqual([['/data/bundles/large.bundle']]);
  });
});
