import { describe, expect, test } from 'vitest';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { someone } from '../support/service.ts';
import {
  agent,
  database,
  deliver,
  deps,
  depsWith,
  desk,
  file,
  net,
  query,
  round,
  sort,
  states,
  tracker,
  useBoard,
  waitForAnswer,
} from './reconciling.ts';

useBoard();

const prompts = async () => (await query('select body, signal from prompts order by seq')).rows;

/** As if all this had happened so much earlier. */
async function later(minutes: number): Promise<void> {
  const ago = `make_interval(mins => ${minutes})`;
  await query(`update board_comments set created_at = created_at - ${ago}`);
  await query(`update sessions set opened_at = opened_at - ${ago}, given_at = given_at - ${ago}`);
  await query(`update words_heard set up_to = up_to - ${ago}`);
}

async function given(): Promise<string> {
  await query('delete from words_heard');
  const [ticket] = await file(1);
  await sort();
  await round(deps);
  return ticket as string;
}

describe('what people say without a webhook that tells of it', () => {
  test('is heard at once where none is to be waited for', async () => {
    const ticket = await given();
    await waitForAnswer();
    net.loses = () => true;
    await desk.comment(ticket, 'Blue, please', someone);
    for (let rounds = 0; rounds < 2; rounds++) await round(deps, { hasWebhooks: false });
    expect([await prompts(), await states()]).toEqual([[{ body: 'Blue, please', signal: null }], ['active']]);
  });

  test('is heard by the next round, once, and answers the question of a session that waits', async () => {
    const ticket = await given();
    await waitForAnswer();
    net.loses = () => true;
    await desk.comment(ticket, 'Blue, please', someone);
    await round(deps);
    expect(await prompts(), 'it may be on its way').toEqual([]);
    await later(5);
    await round(deps);
    await round(deps);
    expect([await prompts(), await states()]).toEqual([[{ body: 'Blue, please', signal: null }], ['active']]);

    const client = await database.pool.connect();
    for (const delivery of net.lost) await deliver(client, delivery);
    client.release();
    await sort();
    expect([(await prompts()).length, (await query('select from runs')).rowCount]).toEqual([1, 2]);
  });

  test('is a stop where it says so', async () => {
    const ticket = await given();
    net.loses = () => true;
    await desk.comment(ticket, '@shipmate stop', someone);
    await later(5);
    await round(deps);
    expect([await prompts(), await states()]).toEqual([[{ body: '@shipmate stop', signal: 'stop' }], ['stopped']]);
  });

  test('is not the agent’s where a bot says it, before the ticket was given, or where it is somebody else’s', async () => {
    net.loses = () => true;
    await query('delete from words_heard');
    const [early, others] = [await file(1, {}), await file(1, {})].flat() as [string, string];
    await desk.comment(early, 'Before it was given', someone);
    await desk.comment(others, 'Not for the agent', someone);
    net.loses = () => false;
    await desk.assign(early, agent, someone);
    await sort();
    net.loses = () => true;
    await desk.comment(early, 'Build failed', { id: 'ci', name: 'CI', isBot: true });
    await later(5);
    await round(deps);
    expect(await prompts()).toEqual([]);
  });

  test('is heard when its ticket can be read again, however long that took', async () => {
    const ticket = await given();
    net.loses = () => true;
    await desk.comment(ticket, 'Blue, please', someone);
    await later(20);
    const shut: Tracker = { ...tracker, readTicket: () => Promise.reject(new Error('away')) };
    await expect(round(depsWith(shut))).rejects.toThrow('away');
    expect(await prompts()).toEqual([]);
    await round(deps);
    expect(await prompts()).toEqual([{ body: 'Blue, please', signal: null }]);
  });
});
