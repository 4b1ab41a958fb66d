import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { onTestFinished, test } from 'vitest';
import { keepConnections } from '../../../src/app/connections.ts';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { TicketHint } from '../../../src/core/ticket.ts';
import { createLog } from '../../../src/lib/log.ts';
import { board as definition } from '../../../src/trackers/board/definition.ts';
import { createBoardTracker } from '../../../src/trackers/board/tracker.ts';
import { sendOne } from '../../../src/trackers/tracker.ts';
import { createTestDatabase } from '../../support/database.ts';
import { ada, agent, openBoard, secret } from './world.ts';

const hint = { id: '1' } as TicketHint;
const never = new AbortController().signal;

test('a database that is away is a vendor that may come back', async ({ expect }) => {
  const pool = new pg.Pool({ host: '127.0.0.1', port: 1, user: 'x', password: 'x', database: 'x' });
  onTestFinished(() => pool.end());
  const tracker = createBoardTracker({ pool, agent, secret });
  const away = { name: 'VendorError', code: 'unavailable', retryable: true };
  await expect(tracker.readTicket(hint, never)).rejects.toMatchObject(away);
  await expect(tracker.listTickets({ assignee: 'agent' }, null, never)).rejects.toMatchObject(away);
  const operation: TicketOperation = { kind: 'updatePlan', id: randomUUID(), conversation: null, plan: [] };
  await expect(sendOne(tracker, hint, operation, never)).rejects.toMatchObject(away);
  expect(await tracker.check()).toMatchObject([
    { status: 'missing', remedy: expect.stringContaining('shipmate migrate') },
  ]);
});

test('a connection that is lost in the middle undoes the change and ends nothing', async ({ expect }) => {
  const board = await openBoard();
  onTestFinished(() => board.database.drop());
  const { pool } = board.database;
  await board.desk.createTicket({ title: 'Before' }, ada);
  board.onAccept(async (tx) => {
    const { rows } = await tx.query('select pg_backend_pid() as pid');
    const lost = new Promise((resolve) => tx.once('end', resolve));
    await pool.query('select pg_terminate_backend($1)', [rows[0].pid]);
    await lost;
  });
  await expect(board.desk.createTicket({ title: 'Lost' }, ada)).rejects.toThrow();
  board.onAccept(null);
  expect((await board.desk.list()).map((ticket) => ticket.title)).toEqual(['Before']);
});

test('the board is made by its definition', async ({ expect }) => {
  const { pool, db, drop } = await createTestDatabase();
  onTestFinished(drop);
  const connections = keepConnections(
    { db, log: createLog({ level: 'silent', format: 'json', secrets: [] }) },
    'board',
  );
  const tracker = await definition.open({ agent, webhookSecret: secret }, { pool, connections });
  expect(await tracker.check()).toMatchObject([{ status: 'ok', message: '0 tickets; the agent is "shipmate"' }]);
});
