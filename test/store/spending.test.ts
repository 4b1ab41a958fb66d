import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Limits, type Standing, unlimited } from '../../src/core/budget.ts';
import { noTokens } from '../../src/core/message.ts';
import { RunLost } from '../../src/core/step.ts';
import { createDatabase, createPool, type Database } from '../../src/store/database.ts';
import type { ClaimedRun } from '../../src/store/runs.ts';
import { isOverLimit, type Payers, refusalOf, releaseReservation, settleLostCalls } from '../../src/store/spending.ts';
import { beginStep, completeStep, stepIdOf } from '../../src/store/steps.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
/** Two pools, as two processes have. */
let pools: { db: Database; end(): Promise<void> }[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  pools = [1, 2].map(() => {
    const pool = createPool(database.url, 8);
    return { db: createDatabase(pool), end: () => pool.end() };
  });
});
afterAll(async () => {
  await Promise.all(pools.map(({ end }) => end()));
  await database?.drop();
});
const db = (index = 0) => (pools[index % 2] as { db: Database }).db;

const noLimits: Limits = { ...unlimited, ticket: unlimited, team: unlimited, day: unlimited };

let variants = 0;
async function openRun(ticketId = randomUUID()): Promise<{ run: ClaimedRun; ticketId: string }> {
  const [sessionId, runId] = [randomUUID(), randomUUID()];
  await database.pool.query(
    `with t as (insert into tickets (id, tracker, external_id, identifier, hint) values ($1, 'board', $2, $2, '{}') on conflict do nothing)
     insert into sessions (id, ticket_id, variant) values ($3, $1, $4)`,
    [ticketId, ticketId.slice(0, 8), sessionId, variants++],
  );
  await database.pool.query(`insert into runs (id, session_id, number, attempt) values ($1, $2, 1, 1)`, [
    runId,
    sessionId,
  ]);
  const run = {
    id: runId,
    sessionId,
    number: 1,
    attempt: 1,
    ticket: 'T',
    stopRequested: false,
    takenFrom: null,
    purpose: 'work' as const,
  };
  return { run, ticketId };
}

/** Sets that much aside, of which `prompt` stays counted when the reply is lost. */
const begin = (
  of: Database,
  run: ClaimedRun,
  payers: Payers,
  { tokens, usd, prompt }: { tokens: number; usd: number; prompt?: { tokens: number; usd: number | null } },
  key = 'turn:1',
) => {
  const reserve = { tokens, usd, prompt: { model: 'm', ...(prompt ?? { tokens: 0, usd: 0 }) } };
  return beginStep(of, run, { kind: 'model', key, readOnly: false, input: null }, { reserve, payers });
};
const settle = (of: Database, run: ClaimedRun, tokens: number, costUsd: number, key = 'turn:1') =>
  completeStep(of, run, stepIdOf(run, key), {}, [{ model: 'm', tokens: { ...noTokens, input: tokens }, costUsd }], 1);

async function usageOf(run: ClaimedRun) {
  const found = await database.pool.query(
    'select model, input_tokens::int as input, cost_usd::float8 as usd from usage where run_id = $1',
    [run.id],
  );
  return found.rows;
}

const promptOf = (usd: number) => ({ tokens: 1, usd: Math.floor(usd * 1e5) / 1e6 });

const ofTicket = (standings: Standing[]) => standings.find(({ scope }) => scope === 'ticket');

async function standingOf(account: string) {
  const found = await database.pool.query('select turns, tokens, usd::float8 from spending where account like $1', [
    `${account}%`,
  ]);
  return found.rows[0]
    ? { ...found.rows[0], turns: Number(found.rows[0].turns), tokens: Number(found.rows[0].tokens) }
    : null;
}

describe('a limit that runs share', () => {
  test('a call is set aside with its step, and gives way to what it used', async ({ expect }) => {
    const { run, ticketId } = await openRun();
    const payers = { ticketId, team: 'core', limits: { ...noLimits, ticket: { ...unlimited, usd: 1 } } };
    await begin(db(), run, payers, { tokens: 1_000, usd: 0.6 });
    expect(await standingOf(`ticket/${ticketId}`)).toEqual({ turns: 1, tokens: 1_000, usd: 0.6 });
    expect(await standingOf('team/core/20')).toEqual({ turns: 1, tokens: 1_000, usd: 0.6 });
    expect(await standingOf('day/20')).toMatchObject({ turns: 1 });
    await settle(db(), run, 100, 0.25);
    expect(await standingOf(`ticket/${ticketId}`)).toEqual({ turns: 1, tokens: 100, usd: 0.25 });

    const refused = await begin(db(), run, payers, { tokens: 1, usd: 0.750001 }, 'turn:2').catch((error) => error);
    expect(isOverLimit(refused)).toBe(true);
    const steps = await database.pool.query('select key from steps where run_id = $1', [run.id]);
    expect(steps.rows).toEqual([{ key: 'turn:1' }]);
    const { standings } = await refusalOf(db(), stepIdOf(run, 'turn:2'), payers);
    expect(ofTicket(standings)).toEqual({
      scope: 'ticket',
      limits: { ...unlimited, usd: 1 },
      used: { turns: 1, tokens: 100, usd: 0.25, ms: 0 },
      reserved: { turns: 0, tokens: 0, usd: 0 },
    });
    await begin(db(), run, payers, { tokens: 1, usd: 0.75 }, 'turn:2');
  });

  test('a standing order has a limit of its own, for all of its runs of a day', async ({ expect }) => {
    const order = { name: `bugs-${randomUUID()}`, usd: 1 };
    const [first, second] = [await openRun(), await openRun()];
    const payers = ({ ticketId }: typeof first): Payers => ({ ticketId, team: '', limits: noLimits, order });
    await begin(db(), first.run, payers(first), { tokens: 10, usd: 0.6 });
    await expect(begin(db(1), second.run, payers(second), { tokens: 10, usd: 0.5 })).rejects.toSatisfy(isOverLimit);
    const { standings } = await refusalOf(db(1), stepIdOf(second.run, 'turn:1'), payers(second));
    expect(standings.find(({ scope }) => scope === 'order')).toMatchObject({
      name: order.name,
      limits: { usd: 1 },
      reserved: { usd: 0.6 },
    });
    await begin(db(1), second.run, { ...payers(second), order: null }, { tokens: 10, usd: 0.5 });
    expect(await standingOf(`order/${order.name}/`)).toMatchObject({ turns: 1, usd: 0.6 });
  });

  test('what was used beyond what was set aside is counted, and nothing fits then', async ({ expect }) => {
    const { run, ticketId } = await openRun();
    const payers = { ticketId, team: '', limits: { ...noLimits, ticket: { ...unlimited, tokens: 100 } } };
    await begin(db(), run, payers, { tokens: 100, usd: 0 });
    await settle(db(), run, 120, 0);
    expect(await standingOf(`ticket/${ticketId}`)).toMatchObject({ tokens: 120 });
    await expect(begin(db(), run, payers, { tokens: 0, usd: 0 }, 'turn:2')).rejects.toSatisfy(isOverLimit);
  });

  test('the next attempt replaces what a dead one had set aside; a stalled one writes nothing', async ({ expect }) => {
    const { run, ticketId } = await openRun();
    const payers = { ticketId, team: '', limits: { ...noLimits, ticket: { ...unlimited, usd: 1 } } };
    await begin(db(), run, payers, { tokens: 10, usd: 0.9, prompt: { tokens: 4, usd: 0.1 } });
    await database.pool.query('update runs set attempt = 2 where id = $1', [run.id]);
    const next = { ...run, attempt: 2 };
    const tooMuch = begin(db(1), next, payers, { tokens: 10, usd: 0.95 });
    await expect(tooMuch, 'the lost prompt was paid for').rejects.toSatisfy(isOverLimit);
    const { standings } = await refusalOf(db(1), stepIdOf(next, 'turn:1'), payers);
    expect(ofTicket(standings)).toMatchObject({
      used: { turns: 1, tokens: 4, usd: 0.1 },
      reserved: { turns: 0, tokens: 0, usd: 0 },
    });
    await begin(db(1), next, payers, { tokens: 10, usd: 0.8 });
    expect(await standingOf(`ticket/${ticketId}`)).toEqual({ turns: 2, tokens: 14, usd: 0.9 });
    expect(await usageOf(run)).toEqual([{ model: 'm', input: 4, usd: 0.1 }]);
    await expect(begin(db(), run, payers, { tokens: 10, usd: 0.1 })).rejects.toThrow(RunLost);
    await expect(settle(db(), run, 5, 0.5)).rejects.toThrow(RunLost);
    expect(await standingOf(`ticket/${ticketId}`)).toEqual({ turns: 2, tokens: 14, usd: 0.9 });
    await settle(db(1), next, 5, 0.5);
    expect(await standingOf(`ticket/${ticketId}`)).toEqual({ turns: 2, tokens: 9, usd: 0.6 });
  });

  test('a call that was refused costs nothing; of one whose run ends in the middle, the prompt stays counted', async ({
    expect,
  }) => {
    const { run, ticketId } = await openRun();
    const payers = { ticketId, team: '', limits: noLimits };
    const call = { tokens: 10, usd: 0.9, prompt: { tokens: 4, usd: null } };
    await begin(db(), run, payers, call);
    await releaseReservation(db(), run, stepIdOf(run, 'turn:1'));
    expect(await standingOf(`ticket/${ticketId}`)).toEqual({ turns: 0, tokens: 0, usd: 0 });
    await begin(db(), run, payers, call);
    for (let times = 0; times < 2; times++)
      await db()
        .transaction()
        .execute((tx) => settleLostCalls(tx, run.id));
    expect(await standingOf(`ticket/${ticketId}`)).toEqual({ turns: 1, tokens: 4, usd: 0 });
    expect(await usageOf(run)).toEqual([{ model: 'm', input: 4, usd: null }]);
  });

  test('what an ended run left set aside is given back to whoever needs it', async ({ expect }) => {
    const ticketId = randomUUID();
    const first = (await openRun(ticketId)).run;
    const second = (await openRun(ticketId)).run;
    const payers = { ticketId, team: '', limits: { ...noLimits, ticket: { ...unlimited, usd: 1 } } };
    await begin(db(), first, payers, { tokens: 10, usd: 0.9 });
    await expect(begin(db(1), second, payers, { tokens: 10, usd: 0.9 })).rejects.toSatisfy(isOverLimit);
    const held = await refusalOf(db(1), stepIdOf(second, 'turn:1'), payers);
    expect(ofTicket(held.standings)).toMatchObject({ used: { usd: 0 }, reserved: { turns: 1, usd: 0.9 } });
    await database.pool.query('update runs set ended_at = now() where id = $1', [first.id]);
    const free = await refusalOf(db(1), stepIdOf(second, 'turn:1'), payers);
    expect(ofTicket(free.standings)).toMatchObject({ used: { turns: 1, usd: 0 }, reserved: { turns: 0, usd: 0 } });
    await begin(db(1), second, payers, { tokens: 10, usd: 0.9 });
    expect(await standingOf(`ticket/${ticketId}`)).toEqual({ turns: 2, tokens: 10, usd: 0.9 });
  });

  test('is never passed by 20 runs of two processes at once, whatever is settled, taken over and ended', async ({
    expect,
  }) => {
    const step = fc.record({
      run: fc.nat(19),
      does: fc.constantFrom('call', 'call', 'call', 'settle', 'settle', 'takeOver', 'end'),
      usd: fc.integer({ min: 1, max: 400_000 }).map((amount) => amount / 1e6),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const ticketId = randomUUID();
        const limits = { ...noLimits, ticket: { ...unlimited, usd: 1 } };
        const payers = { ticketId, team: ticketId, limits };
        const runs = await Promise.all(
          Array.from({ length: 20 }, async () => ({
            ...(await openRun(ticketId)),
            turn: 1,
            reserved: null as number | null,
          })),
        );
        let most = 0;
        const watch = async () => {
          most = Math.max(most, (await standingOf(`ticket/${ticketId}`))?.usd ?? 0);
        };
        const lanes = runs.map((state, index) => async () => {
          for (const { does, usd, share } of steps.filter((each) => each.run === index)) {
            const { run } = state;
            const key = `turn:${state.turn}`;
            if (does === 'call')
              await begin(db(index), run, payers, { tokens: 1, usd, prompt: promptOf(usd) }, key).then(
                () => {
                  state.reserved = usd;
                },
                (error) => {
                  if (!isOverLimit(error)) throw error;
                },
              );
            if (does === 'settle' && state.reserved !== null) {
              await settle(db(index), run, 1, Math.floor(state.reserved * share * 1e6) / 1e6, key);
              state.reserved = null;
              state.turn += 1;
            }
            if (does === 'takeOver') {
              await database.pool.query('update runs set attempt = attempt + 1 where id = $1', [run.id]);
              state.run = { ...run, attempt: run.attempt + 1 };
            }
            if (does === 'end') {
              await database.pool.query('update runs set ended_at = now() where id = $1', [run.id]);
              return;
            }
            await watch();
          }
        });
        await Promise.all(lanes.map((lane) => lane()));
        const { standings } = await refusalOf(db(), randomUUID(), payers);
        const sums = await database.pool.query(
          `select coalesce(sum(cost_usd), 0)::float8 as usd, count(*)::int as turns from usage
           where session_id in (select id from sessions where ticket_id = $1)`,
          [ticketId],
        );
        const live = runs.flatMap(({ reserved }) => (reserved === null ? [] : [reserved]));
        expect(most).toBeLessThanOrEqual(1);
        expect(ofTicket(standings)?.used).toMatchObject({ turns: sums.rows[0].turns });
        expect(ofTicket(standings)?.used.usd).toBeCloseTo(sums.rows[0].usd, 6);
        expect(ofTicket(standings)?.reserved.turns).toBeLessThanOrEqual(live.length);
        expect((ofTicket(standings)?.used.usd ?? 0) + (ofTicket(standings)?.reserved.usd ?? 0)).toBeLessThanOrEqual(
          1 + 1e-9,
        );
      }),
      { numRuns: 15 },
    );
  });
});
