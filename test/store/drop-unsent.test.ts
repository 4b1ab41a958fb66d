import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import { claimEffects } from '../../src/store/claim-effects.ts';
import { type ClaimedEffect, dropUnsent, postponeEffect, settleEffect } from '../../src/store/effects.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type PlantedSession, plantEffect, plantSession } from '../support/rows.ts';

describe('what a run was about to show when it was stopped', () => {
  let database: TestDatabase;
  let session: PlantedSession;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database?.drop());
  beforeEach(async () => {
    await database.pool.query('truncate effects cascade');
    session = await plantSession(database.pool, { ended: false, state: 'active' });
  });

  const claiming = { inHand: new Set<string>(), accounts: {}, gather: {} };
  const claim = () => claimEffects(database.db, { ...claiming, worker: randomUUID() }, 16);
  const claimOne = async () => (await claim())[0] as ClaimedEffect;
  const plant = (key: string, more: object = {}) =>
    plantEffect(
      database.pool,
      session,
      key,
      { kind: 'postActivity', id: randomUUID(), conversation: null, activity: { type: 'thought', body: key }, ...more },
      { state: 'pending' },
    );
  const states = async () => {
    const { rows } = await database.pool.query('select key, state from effects order by seq');
    return Object.fromEntries(rows.map(({ key, state }) => [key, state]));
  };
  const drop = (isOver: boolean) => database.db.transaction().execute((tx) => dropUnsent(tx, session.runId, isOver));
  const endRun = async () => {
    await drop(true);
    await plant('closing');
  };

  test('is not shown, nor does its ticket move to be worked on; what else is to be done of it is done', async ({
    expect,
  }) => {
    await plant('on it');
    await plant('move', { kind: 'moveTicket', to: 'started', from: ['unstarted'] });
    await plant('merged', { kind: 'moveTicket', to: 'done', from: ['review'] });
    await plant('plan', { kind: 'updatePlan', plan: [] });
    await drop(false);
    expect(await states()).toEqual({ 'on it': 'dropped', move: 'dropped', merged: 'pending', plan: 'dropped' });
  });

  test.for([['while it is at work', 3_000] as const, ['at once', 0] as const])(
    'and did not get through just then is not sent again: it would be, %s',
    async ([, waitMs], { expect }) => {
      await plant('a.txt');
      const sending = await claimOne();
      await drop(false);
      expect(await states(), 'it may have arrived').toEqual({ 'a.txt': 'pending' });
      await postponeEffect(database.db, sending, waitMs, '503');
      expect(await claim()).toEqual([]);
      await endRun();
      expect((await claimOne()).key).toBe('closing');
      expect(await states()).toEqual({ 'a.txt': 'dropped', closing: 'pending' });
    },
  );

  test.for([['its lease has run out'], ['it is put off']])(
    'and is still on its way when the run ends goes before the closing words or not at all: %s',
    async ([how], { expect }) => {
      await plant('a.txt');
      const sending = await claimOne();
      await drop(false);
      await endRun();
      expect(await claim(), 'nothing overtakes it').toEqual([]);
      if (how === 'it is put off') await postponeEffect(database.db, sending, 60_000, '503');
      else
        await database.pool.query("update effects set leased_until = now() - interval '1 second' where key = 'a.txt'");
      expect((await claim()).map(({ key }) => key)).toEqual(['closing']);
      expect(await states()).toEqual({ 'a.txt': 'dropped', closing: 'pending' });
    },
  );

  test('and gets through all the same is done, and the closing words follow', async ({ expect }) => {
    await plant('a.txt');
    const sending = await claimOne();
    await drop(false);
    await endRun();
    expect(await settleEffect(database.db, sending, { state: 'done', result: {} })).toBe(true);
    expect((await claimOne()).key).toBe('closing');
    expect(await states()).toEqual({ 'a.txt': 'done', closing: 'pending' });
  });
});
