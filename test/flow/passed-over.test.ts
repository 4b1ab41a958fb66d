import { describe, expect, test } from 'vitest';
import { VendorError } from '../../src/core/vendor-error.ts';
import { limitTracker, sortDeliveries } from '../../src/flow.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { someone } from '../support/service.ts';
import {
  db,
  depsWith,
  desk,
  file,
  net,
  never,
  query,
  round,
  states,
  tracker,
  useBoard,
  waitForAnswer,
} from './reconciling.ts';

useBoard();

const closed = (account: string, code: 'rate_limited' | 'disconnected' = 'disconnected') =>
  new VendorError('not now', { code, retryable: true, retryAfterMs: 60_000, account });

/** The board as a tracker of several accounts, in one of which all its tickets are. */
function inAccount(account: string, isClosed: () => boolean): Tracker {
  return {
    ...tracker,
    readEvents: (delivery) =>
      tracker.readEvents(delivery).map((event) => ({ ...event, ticket: { ...event.ticket, account } })),
    async listTickets(query, cursor, signal) {
      if (isClosed()) return { tickets: [], next: null, passedOver: [closed(account)] };
      const page = await tracker.listTickets(query, cursor, signal);
      return { ...page, tickets: page.tickets.map((ticket) => ({ ...ticket, account })) };
    },
    async readTicket(hint, signal) {
      if (isClosed()) throw closed(account);
      return { ...(await tracker.readTicket(hint, signal)), account };
    },
  };
}

/** As if all this had happened so much earlier. */
async function later(minutes: number): Promise<void> {
  const ago = `make_interval(mins => ${minutes})`;
  await query(`update board_comments set created_at = created_at - ${ago}`);
  await query(`update sessions set opened_at = opened_at - ${ago}, given_at = given_at - ${ago}`);
  await query(`update words_heard set up_to = up_to - ${ago}`);
}

const prompts = async () => (await query('select body from prompts order by seq')).rows.map(({ body }) => body);

describe('an account of a tracker that is passed over', () => {
  test('has its sessions left as they are, and what is said there meanwhile is heard when it is back', async () => {
    await query('delete from words_heard');
    let isClosed = false;
    const deps = depsWith(inAccount('beta', () => isClosed));
    const [ticket] = (await file(1)) as [string];
    await sortDeliveries(deps, never);
    await round(deps);
    await waitForAnswer();
    net.loses = () => true;
    await desk.comment(ticket, 'Blue, please', someone);
    isClosed = true;
    await later(20);
    await round(deps); // and it fails for nothing
    await later(60);
    await round(deps);
    expect([await states(), await prompts()]).toEqual([['awaitingInput'], []]);
    isClosed = false;
    await round(deps);
    await round(deps);
    expect([await states(), await prompts()]).toEqual([['active'], ['Blue, please']]);
    expect((await query('select tracker from words_heard')).rows, 'it is behind no more').toEqual([
      { tracker: 'board' },
    ]);
  });

  test('is closed by itself, whoever was told, and the others are not', async () => {
    await query('delete from accounts');
    const accounts = async () =>
      (await query('select name, closed_by from accounts where open_at > now() order by name')).rows.map(
        ({ name, closed_by }) => `${name} ${closed_by}`,
      );
    const told: unknown[] = [];
    const refusing: Tracker = {
      ...tracker,
      async listTickets(_query, _cursor, _signal, closedNow = []) {
        told.push(...closedNow.map(({ account }) => account));
        return { tickets: [], next: null, passedOver: [closed('one', 'rate_limited')] };
      },
      createTicket: () => Promise.reject(closed('two', 'rate_limited')),
      isAsked: () => Promise.reject(closed('three')),
    };
    const limited = limitTracker({ db, log: depsWith(tracker).log }, refusing);
    const list = () => limited.listTickets({}, null, never);
    expect((await list()).passedOver).toHaveLength(1);
    expect(await accounts()).toEqual(['tracker/board/one rate_limited']);
    const draft = { title: 'x', description: '', priority: 'none', labels: [], fields: {}, team: null, project: null };
    const filing = { id: 'x', draft } as unknown as Parameters<Tracker['createTicket']>[0];
    await expect(limited.createTicket(filing, never)).rejects.toMatchObject({ code: 'rate_limited' });
    const hint = { account: 'three' } as Parameters<Tracker['isAsked']>[0];
    await expect(limited.isAsked(hint, never)).rejects.toMatchObject({ code: 'disconnected' });
    expect(await accounts()).toEqual([
      'tracker/board/one rate_limited',
      'tracker/board/three disconnected',
      'tracker/board/two rate_limited',
    ]);
    expect(told).toEqual([]);
    await list();
    expect(told, 'which of them asked us to wait').toEqual(['one', 'two']);
  });

  test('a search that is told to wait closes the search, and nothing else', async () => {
    await query('delete from accounts');
    let asked = 0;
    const refusing: Tracker = {
      ...tracker,
      async searchTickets() {
        asked += 1;
        throw closed('one', 'rate_limited');
      },
    };
    const limited = limitTracker({ db, log: depsWith(tracker).log }, refusing);
    for (let tried = 0; tried < 2; tried++)
      await expect(limited.searchTickets('words', 1, never)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(asked).toBe(1);
    expect(await limited.listTeams(never)).toEqual([]);
    const { rows } = await query('select name from accounts');
    expect(rows).toEqual([{ name: 'tracker/board/search' }]);

    await query("update accounts set name = 'tracker/board'");
    await expect(limited.searchTickets('words', 1, never)).rejects.toMatchObject({ code: 'rate_limited' });
    await expect(limited.listTeams(never)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(asked).toBe(1);
    await query('delete from accounts');
  });
});
