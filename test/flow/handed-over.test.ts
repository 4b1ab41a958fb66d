import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { defaultFieldNames, readFacts } from '../../src/core/ticket-facts.ts';
import type { ToolRunContext } from '../../src/core/tool.ts';
import type { Prepared } from '../../src/flow/prepare.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import { createScope } from '../../src/flow/scope.ts';
import { addHandover, latestHandover, markTaken } from '../../src/store/handovers.ts';
import { claimRun } from '../../src/store/runs.ts';
import { findSession } from '../../src/store/sessions.ts';
import { someone } from '../support/service.ts';
import { database, db, deps, file, never, query, sort, tracker, useBoard } from './reconciling.ts';

useBoard();

test('what a person handed over is not left behind by a split, until it is published', async () => {
  await file(1);
  await sort();
  const run = await claimRun(db, 'host:1:1');
  const session = run && (await findSession(db, run.sessionId));
  if (!session) throw new Error('there is no session');
  const hand = (bundle: Uint8Array | null) =>
    addHandover(database.pool, session.ticketId, {
      ...{ id: randomUUID(), by: { ...someone, name: 'Ada\nLovelace' }, repository: 'web' },
      ...{ base: 'b'.repeat(40), commit: 'c'.repeat(40), tree: 'd'.repeat(40), bundle },
    });
  const ticket = await tracker.readTicket(session.hint, never);
  const policy = { scope: { green: 'work', yellow: 'work', red: 'ask' }, overlap: 'tell', approval: { plan: 'never' } };
  const split = async () => {
    const prepared = {
      ...{ session, ticket, facts: readFacts(ticket, defaultFieldNames), repository: { name: 'web' }, isBug: false },
      handover: await latestHandover(db, session.ticketId),
    } as unknown as Prepared;
    const scope = createScope({
      deps: { db, policy, fields: defaultFieldNames, trackers: deps.trackers } as unknown as RunDeps,
      ...{ run, prepared, approval: { missing: () => null, approved: () => null } },
      journal: { runId: run.id, history: () => [], step: () => Promise.reject(new Error('it writes nothing')) },
    });
    const rating = {
      ...{ confidence: 'green' as const, size: 'L' as const, files: [], plan: ['Split it'], questions: [] },
      parts: [{ title: 'API', description: '', repository: null, after: [] }],
    };
    const shown = { scope: { rating: () => {}, plan: () => {}, report: () => {} } } as unknown as ToolRunContext;
    const { isError, text, outcome } = await scope(rating, shown);
    return isError ? text : outcome?.proposal?.kind;
  };
  const refused = /^Ada Lovelace handed over changed files .* rate it again without parts/;

  expect(await split()).toBe('split');
  await hand(Buffer.from('changes'));
  expect(await split(), 'it waits for this run').toMatch(refused);
  await db.transaction().execute((tx) => markTaken(tx, session.ticketId, run.id));
  expect(await split(), 'this run has it').toMatch(refused);
  await query(
    `insert into effects (id, session_id, run_id, key, lane, operation, state, settled_at)
     values ($1, $2, $3, 'push', 'code', '{"kind":"pushBranch"}', 'done', now())`,
    [randomUUID(), session.id, run.id],
  );
  expect(await split(), 'it is in a pull request').toBe('split');
  await hand(null);
  expect(await split(), 'nothing was changed').toBe('split');
});
