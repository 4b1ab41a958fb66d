import { test } from 'vitest';
import { sortDeliveries } from '../../src/flow.ts';
import { inTransaction } from '../../src/store/database.ts';
import { guidanceOf } from '../../src/store/guidance.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { someone } from '../support/service.ts';
import { agent, database, db, deliver, depsWith, desk, net, never, query, tracker, useBoard } from './reconciling.ts';

useBoard();

/** A tracker that tells something with each gift of a ticket. */
const saying = (guidance: (at: string) => string): Tracker => ({
  ...tracker,
  readEvents: (delivery) =>
    tracker
      .readEvents(delivery)
      .map((event) => (event.type === 'sessionCreated' ? { ...event, guidance: guidance(event.at) } : event)),
});

test('what a tracker wants heed to be paid to is kept, the newest of it, in whatever order it comes', async ({
  expect,
}) => {
  const guiding = saying((at) => `As of ${at}`);
  net.loses = () => true;
  const { identifier } = await desk.createTicket({ title: 'A', assignee: agent }, someone);
  await desk.assign(identifier, 'ada', someone);
  await desk.assign(identifier, agent, someone);
  for (const delivery of net.lost.toReversed()) await inTransaction(database.pool, (tx) => deliver(tx, delivery));
  const { at } = JSON.parse(Buffer.from(net.lost.at(-1)?.body ?? []).toString());
  await sortDeliveries(depsWith(guiding), never);
  const sessions = await query('select id from sessions');
  expect(await guidanceOf(db, sessions.rows[0].id)).toBe(`As of ${at}`);
});

test('where nothing is to be heeded any more, what was is forgotten', async ({ expect }) => {
  const { identifier } = await desk.createTicket({ title: 'B', assignee: agent }, someone);
  await sortDeliveries(depsWith(saying(() => 'Tabs.')), never);
  const { rows } = await query('select id, guidance from sessions');
  expect(rows).toMatchObject([{ guidance: 'Tabs.' }]);
  await desk.assign(identifier, 'ada', someone);
  await desk.assign(identifier, agent, someone);
  await sortDeliveries(depsWith(saying(() => '')), never);
  expect(await guidanceOf(db, rows[0].id)).toBe('');
});
