import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, test } from 'vitest';
import { closeAccount, closureOf, openAccount } from '../../src/store/accounts.ts';
import { claimEffects } from '../../src/store/claim-effects.ts';
import type { Database } from '../../src/store/database.ts';
import {
  type ClaimedEffect,
  confirmLease,
  failDependents,
  insertEffects,
  type NewEffect,
  postponeEffect,
  redriveEffects,
  renewLeases,
  settleEffect,
} from '../../src/store/effects.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type PlantedSession, plantEffect, plantSession } from '../support/rows.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database?.drop());
beforeEach(async () => {
  await database.pool.query('truncate effects, accounts');
});

const claim = (worker = 'one', inHand: string[] = []) =>
  claimEffects(db, { worker, inHand: new Set(inHand), accounts: { app: 'code-host/local-git' }, gather: {} }, 16);

async function first(worker = 'one'): Promise<ClaimedEffect> {
  const [effect] = await claim(worker);
  if (!effect) throw new Error('there was nothing to claim');
  return effect;
}

const thought = (body: string) => ({
  kind: 'postActivity',
  id: randomUUID(),
  conversation: null,
  activity: { type: 'thought', body },
});

async function plantPending(operation: Record<string, unknown> = thought('Hm.'), session?: PlantedSession) {
  const owner = session ?? (await plantSession(database.pool, { ended: false, state: 'active' }));
  const key = randomUUID();
  await plantEffect(database.pool, owner, key, operation, { state: 'pending' });
  return { session: owner, key };
}

const lapse = (effect: ClaimedEffect) =>
  database.pool.query("update effects set leased_until = now() - interval '1 second' where id = $1", [effect.id]);

test('a lease that was renewed stays, one that ran out is not had back', async ({ expect }) => {
  await plantPending();
  const effect = await first();
  await database.pool.query("update effects set leased_until = now() + interval '1 second'");
  await renewLeases(db, [effect]);
  const { rows } = await database.pool.query(
    "select leased_until > now() + interval '10 seconds' as whole from effects",
  );
  expect(rows).toEqual([{ whole: true }]);
  await lapse(effect);
  await renewLeases(db, [effect]);
  expect(await confirmLease(db, effect)).toBeNull();
});

test('who was asleep when his lease ran out neither sends nor settles what another has taken', async ({ expect }) => {
  const { key } = await plantPending();
  const slow = await first('slow');
  expect(await claim('quick')).toEqual([]);
  await lapse(slow);
  const quick = await first('quick');
  expect(quick.key).toBe(key);
  expect(await confirmLease(db, slow)).toBeNull();
  expect(await settleEffect(db, slow, { state: 'done', result: { by: 'slow' } })).toBe(false);
  expect(await confirmLease(db, quick)).toEqual({ isClosed: false });
  expect(await settleEffect(db, quick, { state: 'done', result: { by: 'quick' } })).toBe(true);
  const { rows } = await database.pool.query('select state, result from effects');
  expect(rows).toEqual([{ state: 'done', result: { by: 'quick' } }]);
});

test('what goes to an account that is closed waits, and nothing else does', async ({ expect }) => {
  const session = await plantSession(database.pool, { ended: false, state: 'active' });
  const ticket = await plantPending(thought('On the ticket.'), session);
  const code = await plantPending({ kind: 'openPullRequest', id: randomUUID(), repository: 'app' }, session);
  expect(await closeAccount(db, 'tracker/board', { ms: 60_000, by: 'rate_limited', why: null })).toBe(true);
  expect(await closeAccount(db, 'tracker/board', { ms: 10_000, by: 'disconnected', why: null }), 'closed already').toBe(
    false,
  );
  const closure = await closureOf(db, 'tracker/board');
  expect([closure?.by, (closure?.ms ?? 0) > 50_000]).toEqual(['disconnected', true]);
  expect(await closureOf(db, 'code-host/local-git')).toBe(null);
  const [claimed, ...others] = await claim();
  expect([claimed?.key, claimed?.account, others]).toEqual([code.key, 'code-host/local-git', []]);
  await database.pool.query("update accounts set open_at = now() - interval '1 second'");
  expect((await claim()).map(({ key, account }) => [key, account])).toEqual([[ticket.key, 'tracker/board']]);
});

test('a workspace that is closed holds up no other, and is open again with its tracker', async ({ expect }) => {
  const own = (account: string) => `jsonb_set(hint::jsonb, '{account}', '"${account}"')`;
  const plantIn = async (account: string) => {
    const planted = await plantPending();
    await database.pool.query(`update tickets set hint = ${own(account)} where id = $1`, [planted.session.ticketId]);
    return planted;
  };
  const [acme, globex, whole] = [await plantIn('acme'), await plantIn('globex'), await plantPending()];
  await closeAccount(db, 'tracker/board/acme', { ms: 60_000, by: 'disconnected', why: null });
  expect((await claim()).map(({ key, account }) => [key, account])).toEqual([
    [globex.key, 'tracker/board/globex'],
    [whole.key, 'tracker/board'],
  ]);
  await openAccount(db, 'tracker/boards');
  expect(await claim()).toEqual([]);
  await openAccount(db, 'tracker/board');
  expect((await claim()).map(({ key }) => key)).toEqual([acme.key]);
});

test('an account that closes after the claim is seen just before sending, and the wait uses up no try', async ({
  expect,
}) => {
  await plantPending();
  const effect = await first();
  await closeAccount(db, 'tracker/board', { ms: 60_000, by: 'rate_limited', why: null });
  expect(await confirmLease(db, effect)).toEqual({ isClosed: true });
  await postponeEffect(db, effect, 0, 'closed', false);
  const { rows } = await database.pool.query('select tries, lease from effects');
  expect(rows).toEqual([{ tries: 0, lease: null }]);
});

test('what failed for good is made pending again with all that failed with it; an older run is left, but for what it files', async ({
  expect,
}) => {
  const { pool } = database;
  const session = await plantSession(pool);
  await plantEffect(pool, session, 'old push', { kind: 'pushBranch', id: 'a' }, { state: 'failed', error: 'no' });
  await plantEffect(pool, session, 'old part', { kind: 'createTicket', id: 'p' }, { state: 'failed', error: 'no' });
  const second = { ...session, runId: randomUUID() };
  await pool.query('insert into runs (id, session_id, number, ended_at) values ($1, $2, 2, now())', [
    second.runId,
    session.id,
  ]);
  const closing = { ...thought('Pull request: {link}'), link: { from: 'pull request', field: 'url' } };
  await plantEffect(pool, second, 'push', { kind: 'pushBranch', id: 'b' }, { state: 'failed', error: 'no' });
  await plantEffect(
    pool,
    second,
    'pull request',
    { kind: 'openPullRequest', id: 'c' },
    { state: 'pending', needs: ['push'] },
  );
  await plantEffect(pool, second, 'closing', closing, { state: 'pending', needs: ['pull request'] });
  await db.transaction().execute(async (tx) => {
    expect(await failDependents(tx, 'push')).toHaveLength(2);
    expect(await redriveEffects(tx, session.id)).toBe(4);
  });
  const { rows } = await pool.query(
    "select key, state, tries, redrives, error from effects where run_id is not null and key not like '%/%' order by seq",
  );
  const again = { state: 'pending', tries: 0, redrives: 1, error: null };
  expect(rows).toEqual([
    { key: 'old push', state: 'failed', tries: 0, redrives: 0, error: 'no' },
    { key: 'old part', ...again },
    { key: 'push', ...again },
    { key: 'pull request', ...again },
    { key: 'closing', ...again },
  ]);
  const shown = await pool.query('select awaits_link from activities where id = $1', [closing.id]);
  expect(shown.rows).toEqual([{ awaits_link: true }]);
});

test('what needs the other lane waits alone: a code host that is away does not silence the ticket', async ({
  expect,
}) => {
  const { session, key: push } = await plantPending({ kind: 'pushBranch', id: randomUUID(), repository: 'app' });
  await database.pool.query("update effects set not_before = now() + interval '1 hour' where key = $1", [push]);
  const attach = {
    kind: 'attachPullRequest',
    id: randomUUID(),
    title: 'A',
    url: { from: push, field: 'url' },
    number: 1,
  };
  const { key: waiting } = await plantPending(attach, session);
  await database.pool.query('update effects set needs = array[$2] where key = $1', [waiting, push]);
  const { key: heard } = await plantPending(thought('I hear you.'), session);
  const { key: next } = await plantPending(thought('And this comes after it.'), session);
  expect((await claim()).map((effect) => effect.key)).toEqual([heard]);
  expect(await claim('two'), 'order holds behind what is being sent').toEqual([]);
  await database.pool.query("update effects set state = 'done' where key = any($1)", [[heard, push]]);
  expect((await claim()).map((effect) => effect.key)).toEqual([waiting]);
  await database.pool.query("update effects set state = 'done' where key = $1", [waiting]);
  expect((await claim()).map((effect) => effect.key)).toEqual([next]);
});

test('the same effect is written by many at once: one row, and nobody fails', async ({ expect }) => {
  const { id: sessionId } = await plantSession(database.pool, { ended: false, state: 'active' });
  const operation = {
    kind: 'postActivity',
    id: randomUUID(),
    conversation: null,
    activity: { type: 'thought', body: '' },
  };
  for (let round = 0; round < 100; round++) {
    const effect = { sessionId, runId: null, stepId: null, key: `${sessionId}/${round}`, operation } as NewEffect;
    await Promise.all(Array.from({ length: 6 }, () => insertEffects(db, [effect]).execute()));
  }
  const { rows } = await database.pool.query('select count(*)::int as count from effects where session_id = $1', [
    sessionId,
  ]);
  expect(rows).toEqual([{ count: 100 }]);
});
