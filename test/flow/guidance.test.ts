import { test } from 'vitest';
import { sortDeliveries } from '../../src/flow.ts';
import { inTransaction } from '../../src/store/database.ts';
import { guidanceOf } from '../../src/store/guidance.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { someone } from '../support/service.ts';
import { agent, database, db, deliver, depsWith, desk, net, never, query, tracker, useBoard } from './reconciling.ts';

useBoard();

test('what a tracker wants heed to be paid to is kept, the newest of it, in whatever order it comes', async ({
  expect,
}) => {
  /** Says on each gift of a ticket when that was. */
  const guiding: Tracker = {
    ...tracker,
    readEvents: (delivery) =>
      tracker
        .readEvents(delivery)
        .map((event) => (event.type === 'sessionCreated' ? { ...event, guidance: `As of ${event.at}` } : event)),
  };
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
