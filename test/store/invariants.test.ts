import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { plantDelivery, plantEffect, plantSession, plantStep } from '../support/rows.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database?.drop());

const query = (text: string, values: unknown[] = []) => database.pool.query(text, values);

/** Each plants one violation of its check in a fresh session, and answers the id of what offends. */
const violations: Record<string, () => Promise<string>> = {
  async 'active session has a live run'() {
    return (await plantSession(database.pool, { state: 'active' })).id;
  },
  async 'live run has an active session'() {
    return (await plantSession(database.pool, { state: 'complete', ended: false })).runId;
  },
  async 'one live run'() {
    const { id } = await plantSession(database.pool, { state: 'active', ended: false });
    await query('drop index runs_one_live'); // else the database itself refuses
    await query('insert into runs (id, session_id, number) values ($1, $2, 2)', [randomUUID(), id]);
    return id;
  },
  async 'session was begun'() {
    return (await plantSession(database.pool, { state: 'pending', daysAgo: 1 })).id;
  },
  async 'run is held'() {
    const { runId } = await plantSession(database.pool, { state: 'active', ended: false });
    await query(
      "update runs set worker = 'w', heartbeat_at = now() - interval '6 minutes', not_before = now() - interval '7 minutes' where id = $1",
      [runId],
    );
    return runId;
  },
  async 'something is shown'() {
    return (await plantSession(database.pool, { state: 'active', ended: false, daysAgo: 1 })).id;
  },
  async 'delivery is sorted'() {
    return String(await plantDelivery(database.pool, { daysAgo: 1, outcome: null }));
  },
  async 'delivery is understood'() {
    return String(await plantDelivery(database.pool, { outcome: 'failed: what is this' }));
  },
  async 'wish is heard'() {
    const { id } = await plantSession(database.pool, { daysAgo: 1 });
    await say(id, new Date());
    return id;
  },
  async 'preview is tried'() {
    const { id } = await plantSession(database.pool);
    await query(
      "insert into followed_requests (session_id, repository, branch, phase, head, closing, draft) values ($1, 'r', 'b', 'checking', 'c', '', false)",
      [id],
    );
    await query(
      "insert into previews (session_id, repository, head, url, environment, run_at) values ($1, 'r', 'c', $2, 'e', now() - interval '2 hours')",
      [id, `https://${id}`],
    );
    return `https://${id}`;
  },
  async 'waiting ends'() {
    const { id } = await plantSession(database.pool);
    await query('update sessions set waiting = true where id = $1', [id]);
    return id;
  },
  async 'end is told'() {
    const { id, runId } = await plantSession(database.pool, { state: 'stopped' });
    await query('delete from effects where session_id = $1', [id]);
    return runId;
  },
  async 'question is asked'() {
    const { id } = await plantSession(database.pool);
    await query(
      `update effects set operation = '{"kind":"postActivity","activity":{"type":"response"}}' where session_id = $1`,
      [id],
    );
    return id;
  },
  async 'one open proposal'() {
    const { id, runId } = await plantSession(database.pool);
    const { rows } = await query(
      `insert into proposals (id, session_id, number, code, content, run_id, shown_by, state, heard_seq)
       select gen_random_uuid(), $1, n, 'aaaaa' || n, '{"kind":"plan","steps":[]}', $2, '', 'open', 0
       from generate_series(1, 2) n returning id, number`,
      [id, runId],
    );
    return rows.find(({ number }) => number === 1).id;
  },
  async 'change is published'() {
    const { id, runId } = await plantSession(database.pool, { state: 'complete' });
    await query(`update runs set outcome = '{"stopReason":"finished","proof":"proved"}' where id = $1`, [runId]);
    return id;
  },
  async 'effect leaves'() {
    const session = await plantSession(database.pool);
    await plantEffect(database.pool, session, `${session.id}/late`, { kind: 'updatePlan' }, { state: 'pending' });
    return aged(session.id);
  },
  async 'needs can be met'() {
    const session = await plantSession(database.pool);
    const needs = [`${session.id}/nowhere`];
    await plantEffect(database.pool, session, `${session.id}/x`, { kind: 'updatePlan' }, { state: 'pending', needs });
    const { rows } = await query("select id from effects where session_id = $1 and state = 'pending'", [session.id]);
    return rows[0].id;
  },
  async 'failure is told'() {
    const session = await plantSession(database.pool, { state: 'error' });
    const more = { state: 'failed', error: 'no such state' };
    await plantEffect(database.pool, session, `${session.id}/move`, { kind: 'moveTicket' }, more);
    const { rows } = await query("select id from effects where session_id = $1 and state = 'failed'", [session.id]);
    return rows[0].id;
  },
  async 'words arrive'() {
    const session = await plantSession(database.pool);
    const more = { state: 'failed', error: 'refused' };
    await plantEffect(database.pool, session, `${session.id}/words`, { kind: 'postActivity', id: 'words' }, more);
    const { rows } = await query("select id from effects where session_id = $1 and state = 'failed'", [session.id]);
    return rows[0].id;
  },
  async 'step has its result'() {
    const session = await plantSession(database.pool);
    return (await plantStep(database.pool, session, { result: null })).id;
  },
  async 'nothing after the end'() {
    const session = await plantSession(database.pool, { daysAgo: 1 });
    return (await plantStep(database.pool, session, { at: new Date() })).id;
  },
  async 'hand-over is taken'() {
    const session = await plantSession(database.pool);
    await plantStep(database.pool, session);
    const id = randomUUID();
    await query(
      `insert into handovers (id, ticket_id, by, repository, base_commit, commit, tree, bytes, created_at)
       values ($1, $2, '{"name":"Ada"}', 'web', 'a', 'b', 'c', 0, now() - interval '1 hour')`,
      [id, session.ticketId],
    );
    return id;
  },
  async 'capture is tried'() {
    return plantCapture("'filing'");
  },
  async 'capture has its ticket'() {
    return plantCapture("'filed'");
  },
};

async function plantCapture(state: string, on: { hint?: object; comment?: string } = {}): Promise<string> {
  const id = randomUUID();
  await query(
    `insert into captures (id, batch, place, person, tracker, draft, hint, comment, state, try_at)
     values ($1, $1, 0, '{"id":"ada"}', 'board', '{"title":"Dates"}', $2, $3, ${state}, now() - interval '1 hour')`,
    [id, on.hint ?? null, on.comment ?? null],
  );
  return id;
}

async function say(sessionId: string, at: Date): Promise<string> {
  const id = randomUUID();
  await query(
    `insert into prompts (id, session_id, key, author, body, said_at) values ($1::uuid, $2, $1::text, '{"name":"Ada"}', 'Hello?', $3)`,
    [id, sessionId, at],
  );
  return id;
}

async function aged(sessionId: string): Promise<string> {
  const { rows } = await query(
    `update effects set created_at = now() - interval '1 hour', not_before = now() - interval '1 hour'
     where session_id = $1 and state = 'pending' returning id`,
    [sessionId],
  );
  return rows[0].id;
}

async function clear(): Promise<void> {
  await query('truncate captures, effects, activities, prompts, steps, runs, sessions, tickets, deliveries cascade');
}

describe('what must hold in the database', () => {
  test('sound tables have no violation: a session at work, one at rest, one that waits', async ({ expect }) => {
    await clear();
    const atWork = await plantSession(database.pool, { state: 'active', ended: false });
    await plantStep(database.pool, atWork, { completed: false, result: null });
    await plantEffect(database.pool, atWork, `${atWork.id}/x`, { kind: 'updatePlan' }, { state: 'pending' });
    await plantStep(database.pool, await plantSession(database.pool, { daysAgo: 400 }));
    await plantSession(database.pool, { state: 'stopped' });
    await plantDelivery(database.pool, { outcome: null });
    await plantDelivery(database.pool);
    const { violations } = await checkInvariants(db, { live: true, days: null });
    expect(violations).toEqual([]);
  });

  test.for(Object.entries(violations))('a violation is found: %s', async ([name, plant], { expect }) => {
    await clear();
    const id = await plant();
    const { violations } = await checkInvariants(db, { live: true, days: 7 });
    const found = violations.filter(({ check }) => check === name);
    expect(found.map((violation) => violation.id)).toEqual([id]);
    expect(found[0]?.explanation.length).toBeGreaterThan(5);
  });

  test('of captures that were filed, two may not have one ticket; what was only said on it is none', async ({
    expect,
  }) => {
    await clear();
    const hint = { id: '7', identifier: 'BOARD-7' };
    const first = await plantCapture("'filed'", { hint });
    await plantCapture("'filed'", { hint, comment: 'Seen again' });
    await plantCapture("'filed'", { hint: { ...hint, id: '8' } });
    const look = async () => (await checkInvariants(db, { live: true, days: 7 })).violations.map(({ id }) => id).sort();
    expect(await look()).toEqual([]);
    const second = await plantCapture("'filed'", { hint });
    expect(await look()).toEqual([first, second].sort());
  });

  test('there is a planted violation for each check', async ({ expect }) => {
    const { checked } = await checkInvariants(db, { live: true, days: 7 });
    expect(checked.map(({ name }) => name).sort()).toEqual(Object.keys(violations).sort());
  });

  test('where nothing is live, whatever is still in flight is a violation', async ({ expect }) => {
    await clear();
    const session = await plantSession(database.pool, { state: 'active', ended: false });
    await plantEffect(database.pool, session, `${session.id}/x`, { kind: 'updatePlan' }, { state: 'pending' });
    await plantDelivery(database.pool, { outcome: null });
    const { violations } = await checkInvariants(db, { live: false, days: null });
    expect(violations.map(({ check }) => check)).toEqual(['run is held', 'delivery is sorted', 'effect leaves']);
  });

  test('a hint may wait for its time, and then has to be read; once it was read, its sorting is young', async ({
    expect,
  }) => {
    await clear();
    const hint = (set: string, outcome: string | null = 'a hint') =>
      plantDelivery(database.pool, { daysAgo: 0.5, outcome }).then((id) =>
        query(`update deliveries set tries = 1, ${set} where id = $1`, [id]).then(() => String(id)),
      );
    await hint("is_hint = true, try_at = now() + interval '1 minute'");
    await hint('try_at = now()', null);
    const forgotten = await hint("is_hint = true, try_at = now() - interval '2 minutes'");
    const unsorted = await hint("try_at = now() - interval '2 minutes'", null);
    const { violations } = await checkInvariants(db, { live: true, days: null });
    expect(new Set(violations.map(({ check, id }) => `${check}: ${id}`))).toEqual(
      new Set([`delivery is sorted: ${forgotten}`, `delivery is sorted: ${unsorted}`]),
    );
  });

  test('sessions that came to rest before the days that are asked for are left alone; others name their ticket', async ({
    expect,
  }) => {
    await clear();
    const old = await plantSession(database.pool, { daysAgo: 8 });
    await plantStep(database.pool, old, { result: null });
    expect((await checkInvariants(db, { live: true, days: 7 })).violations).toEqual([]);
    const [violation] = (await checkInvariants(db, { live: true, days: 9 })).violations;
    expect(violation?.ticket).toBe(old.identifier);
  });
});
