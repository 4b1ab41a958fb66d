import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import type { Activity } from '../../src/core/activity.ts';
import { claimEffects } from '../../src/store/claim-effects.ts';
import { type ClaimedEffect, postponeEffect, settleEffect } from '../../src/store/effects.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type PlantedSession, plantEffect, plantSession, plantStep } from '../support/rows.ts';

describe('where a tracker gathers', () => {
  let database: TestDatabase;
  let session: PlantedSession;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database?.drop());
  beforeEach(async () => {
    await database.pool.query('truncate effects, accounts, steps cascade');
    session = await plantSession(database.pool, { ended: false, state: 'active' });
  });

  const claim = (worker = 'one') =>
    claimEffects(
      database.db,
      { worker, inHand: new Set(), accounts: { app: 'code-host/local-git' }, gather: { board: 10 } },
      16,
    );
  const keys = async (worker?: string) => (await claim(worker)).map(({ key }) => key);

  /** What a step shows in passing, so many seconds ago; of no step: what the service says. */
  async function plant(
    key: string,
    type: Activity['type'] | 'updatePlan',
    options: { ago?: number; step?: false; ephemeral?: true } = {},
  ) {
    const operation =
      type === 'updatePlan'
        ? { kind: 'updatePlan', id: randomUUID(), conversation: null, plan: [] }
        : { kind: 'postActivity', id: randomUUID(), conversation: null, activity: { type, body: key } };
    await plantEffect(database.pool, session, key, operation, { state: 'pending' });
    const step = options.step === false ? null : (await plantStep(database.pool, session)).id;
    await database.pool.query(
      'update effects set step_id = $2, created_at = now() - make_interval(secs => $3), ephemeral = $4 where key = $1',
      [key, step, options.ago ?? 0, options.ephemeral ?? false],
    );
  }

  test('what is shown in passing waits, and leaves together, in its order', async ({ expect }) => {
    await plant('a', 'thought', { ago: 9 });
    await plant('b', 'action');
    await plant('plan', 'updatePlan');
    expect(await keys()).toEqual([]);
    await database.pool.query("update effects set created_at = now() - interval '11 seconds' where key = 'a'");
    expect(await keys()).toEqual(['a', 'b', 'plan']);
    expect(await keys('another'), 'they are all in one hand').toEqual([]);
  });

  test.for([
    { atWork: 40, gathered: 10 },
    { atWork: 150, gathered: 30 },
    { atWork: 1_200, gathered: 240 },
    { atWork: 6_000, gathered: 400 },
  ])('of a run at work for $atWork s it waits $gathered s', async ({ atWork, gathered }, { expect }) => {
    await plant('a', 'thought');
    const ago = async (seconds: number) => {
      await database.pool.query('update effects set run_id = $1, created_at = now() - make_interval(secs => $2)', [
        ...[session.runId, seconds],
      ]);
      await database.pool.query('update runs set started_at = now() - make_interval(secs => $2) where id = $1', [
        ...[session.runId, atWork + seconds],
      ]);
    };
    await ago(gathered - 1);
    expect(await keys()).toEqual([]);
    await ago(gathered + 1);
    expect(await keys()).toEqual(['a']);
  });

  const turns = [...[2, 20, 60, 300].map((turn) => ({ turn, waits: false })), { turn: 20, waits: true }];
  test.for(turns)(
    'thirty turns of $turn s, waits told: $waits, are shown in 18 rows at most',
    async (each, { expect }) => {
      const { turn, waits } = each;
      const look = Math.ceil(turn / 5);
      const pass = `with older as (update runs set started_at = started_at - make_interval(secs => ${look}))
      update effects set created_at = created_at - make_interval(secs => ${look}) where state = 'pending'`;
      await database.pool.query('update runs set started_at = now() where id = $1', [session.runId]);
      let rows = 0;
      for (let second = 0; second < 30 * turn; second += look) {
        if (second % turn < look) {
          await plant(`${second}`, 'action');
          if (waits) await plant(`1/1/wait/${second}`, 'thought', { step: false, ephemeral: true });
          await database.pool.query('update effects set run_id = $1', [session.runId]);
        }
        const claimed = await claim();
        if (claimed.length > 0) rows += 1;
        for (const effect of claimed) await settleEffect(database.db, effect, { state: 'done', result: {} });
        await database.pool.query(pass);
      }
      expect(rows).toBeLessThanOrEqual(18);
      expect(rows).toBeGreaterThan(2);
    },
  );

  test.for(['elicitation', 'response', 'error'] as const)(
    'what people wait for takes it along at once: %s',
    async (type, { expect }) => {
      await plant('a', 'thought');
      await plant('b', type);
      await plant('c', 'action');
      expect(await keys()).toEqual(['a', 'b', 'c']);
    },
  );

  test('what the service itself says leaves at once', async ({ expect }) => {
    await plant('a', 'thought', { step: false });
    expect(await keys()).toEqual(['a']);
    await database.pool.query('truncate effects');
    await database.pool.query("update runs set started_at = now() - interval '25 minutes' where id = $1", [
      session.runId,
    ]);
    await plant('1/quiet/7', 'thought', { step: false, ephemeral: true });
    await database.pool.query('update effects set run_id = $1', [session.runId]);
    expect(await keys(), 'a run is still at work').toEqual(['1/quiet/7']);
  });

  test('nothing overtakes what another has in hand, what has to wait, or what needs something', async ({ expect }) => {
    await plant('a', 'response');
    const [first] = (await claim()) as [ClaimedEffect];
    await plant('b', 'response');
    expect(await keys('another')).toEqual([]);
    await settleEffect(database.db, first, { state: 'done', result: {} });
    await plant('c', 'response');
    await plant('d', 'response');
    await database.pool.query("update effects set not_before = now() + interval '1 hour' where key = 'c'");
    const [second, ...others] = (await claim()) as [ClaimedEffect];
    expect([second.key, others]).toEqual(['b', []]);
    await postponeEffect(database.db, second, 0, 'again');
    await database.pool.query("update effects set not_before = now(), needs = '{d}' where key = 'c'");
    expect(await keys(), 'c needs d, which comes after it').toEqual(['b']);
  });

  test('a row is sent in portions, and other sessions and lanes have their own', async ({ expect }) => {
    for (let number = 1; number <= 25; number++) await plant(`a${number}`, 'response');
    await plantEffect(
      database.pool,
      session,
      'code',
      { kind: 'pushBranch', id: '1', repository: 'app' },
      { state: 'pending' },
    );
    const mine = session;
    session = await plantSession(database.pool, { ended: false, state: 'active' });
    await plant('b', 'response');
    const claimed = await claim();
    const of = (id: string, lane: string) => claimed.filter((each) => each.sessionId === id && each.lane === lane);
    expect(of(mine.id, 'ticket').map(({ key }) => key)).toEqual(
      Array.from({ length: 20 }, (_, index) => `a${index + 1}`),
    );
    expect([of(mine.id, 'code').length, of(session.id, 'ticket').length]).toEqual([1, 1]);
  });

  test('what waits for an account that is closed holds up nothing else, and leaves as it would have', async ({
    expect,
  }) => {
    const close = (until: string) =>
      database.pool.query(
        `insert into accounts (name, open_at, closed_by) values ('tracker/board', now() + $1::interval, 'disconnected')
         on conflict (name) do update set open_at = excluded.open_at`,
        [until],
      );
    await database.pool.query(
      `insert into effects (id, session_id, run_id, key, lane, operation, ephemeral, created_at)
       select gen_random_uuid(), $1, $2, 'many/' || n, 'ticket', '{"kind":"postActivity","activity":{"type":"thought"}}',
         n % 2 = 0, now() - interval '1 hour'
       from generate_series(1, 60) as n`,
      [session.id, session.runId],
    );
    const push = { kind: 'pushBranch', id: '1', repository: 'app' };
    await plantEffect(database.pool, session, 'code', push, { state: 'pending' });
    await close('1 hour');
    expect(await keys(), 'its other lane is not held up').toEqual(['code']);
    expect(await keys('another')).toEqual([]);
    await close('-1 second');
    expect(await keys('a third'), 'what was overtaken meanwhile is not shown').toEqual(
      Array.from({ length: 20 }, (_, index) => `many/${2 * index + 1}`),
    );
  });

  test('of many at once, each effect is claimed once', async ({ expect }) => {
    for (let number = 1; number <= 12; number++) await plant(`a${number}`, 'response');
    const all = (await Promise.all(Array.from({ length: 8 }, (_, worker) => keys(`w${worker}`)))).filter(
      (each) => each.length > 0,
    );
    expect(all).toEqual([Array.from({ length: 12 }, (_, index) => `a${index + 1}`)]);
  });
});
