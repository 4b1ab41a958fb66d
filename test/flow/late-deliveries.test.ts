import { describe, test } from 'vitest';
import { acceptDelivery } from '../../src/flow.ts';
import { inTransaction } from '../../src/store/database.ts';
import { claimRound } from '../../src/store/schedules.ts';
import type { BoardDelivery } from '../../src/trackers/board/delivery.ts';
import { signDelivery } from '../../src/trackers/board/delivery.ts';
import { someone } from '../support/service.ts';
import { agent, database, db, deps, desk, net, query, round, sort, tracker, useBoard } from './reconciling.ts';

useBoard();

/** The request comes, long after it was signed. */
async function comesLate({ source, headers, body }: BoardDelivery): Promise<string[]> {
  const nudged: string[] = [];
  const late = {
    verifyDelivery: (...given: Parameters<typeof tracker.verifyDelivery>) => ({
      ...tracker.verifyDelivery(...given),
      isLate: true,
    }),
  };
  const accepting = {
    sources: new Map([['board', late]]),
    nudge: async (queue: string) => void nudged.push(queue),
    failpoint: () => {},
  };
  await inTransaction(database.pool, (tx) => acceptDelivery(accepting, tx, source, headers, body));
  return nudged;
}

const outcomes = async () =>
  (await query('select outcome, is_late from deliveries order by id')).rows.map(({ outcome }) => outcome);
const prompts = async () => (await query('select body, signal from prompts order by seq')).rows;

describe('a delivery that was signed long ago', () => {
  test('is not acted on as it is, and makes a reconcile due that takes in what the tracker confirms', async ({
    expect,
  }) => {
    const { identifier } = await desk.createTicket({ title: 'A', assignee: agent }, someone);
    await sort();
    net.loses = () => true;
    await desk.comment(identifier, 'Blue, please', someone);
    await desk.comment(identifier, '@shipmate stop', someone);
    const [blue, stop] = net.lost as [BoardDelivery, BoardDelivery];
    expect(await claimRound(db, 'reconcile', 300), 'it has just been').toBe(true);
    await query("update schedules set busy_until = null where name = 'reconcile'");
    expect(await comesLate(blue), 'nobody sorts it').toEqual([]);
    await comesLate(stop);
    await sort();
    expect([await prompts(), (await outcomes()).slice(1)]).toEqual([[], ['late', 'late']]);
    expect(await claimRound(db, 'reconcile', 300)).toBe(true);

    await round(deps);
    const confirmed = 'late, and confirmed: prompted';
    expect((await outcomes()).slice(1)).toEqual([confirmed, confirmed]);
    expect(await prompts()).toEqual([
      { body: 'Blue, please', signal: null },
      { body: '@shipmate stop', signal: 'stop' },
    ]);
    await comesLate(blue);
    await round(deps);
    expect(await prompts(), 'once').toHaveLength(2);
  });

  test('brings nothing that the tracker does not know, whatever it says', async ({ expect }) => {
    const { identifier } = await desk.createTicket({ title: 'A', assignee: agent }, someone);
    await sort();
    const number = Number(identifier.split('-')[1]);
    const forged = signDelivery('not much of one', {
      id: `${identifier}/forged`,
      event: 'comment.created',
      actor: someone,
      ticket: { number, title: 'A', state: 'Todo', assignee: { id: agent, name: agent, isBot: true } },
      comment: { id: 'nowhere', body: '@shipmate stop', at: new Date().toISOString() },
    });
    await comesLate(forged);
    await round(deps);
    expect((await outcomes()).at(-1)).toBe('late; nothing is taken from it');
    expect(await prompts()).toEqual([]);
  });

  test('waits while its ticket cannot be read', async ({ expect }) => {
    const { identifier } = await desk.createTicket({ title: 'A', assignee: agent }, someone);
    await sort();
    net.loses = () => true;
    await desk.comment(identifier, 'Blue, please', someone);
    await comesLate(net.lost[0] as BoardDelivery);
    const away = { ...tracker, readTicket: () => Promise.reject(new Error('away')) };
    await expect(round({ ...deps, trackers: new Map([['board', away]]) })).rejects.toThrow('away');
    expect((await outcomes()).at(-1)).toBe('late');
    await round(deps);
    expect(await prompts()).toHaveLength(1);
  });
});
