import { describe, test } from 'vitest';
import { acceptDelivery } from '../../src/flow.ts';
import { inTransaction } from '../../src/store/database.ts';
import { claimRound } from '../../src/store/schedules.ts';
import { type BoardDelivery, type DeliveryBody, signDelivery } from '../../src/trackers/board/delivery.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { someone } from '../support/service.ts';
import {
  agent,
  database,
  db,
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
} from './reconciling.ts';

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

  test('has no words but those that stand there, where the tracker reads its deliveries again', async ({ expect }) => {
    const [ticket, free] = (await file(2, {})) as [string, string];
    await desk.assign(ticket, agent, someone);
    await sort();
    net.loses = () => true;
    await desk.comment(ticket, 'Blue, please', someone);
    await desk.comment(free, 'Green, please', someone);
    await desk.comment(ticket, 'Gone since', someone);
    for (const each of net.lost as BoardDelivery[]) {
      const content = JSON.parse(Buffer.from(each.body).toString()) as DeliveryBody;
      await comesLate(
        signDelivery('not much of one', {
          ...content,
          comment: { ...content.comment, body: '@shipmate stop' } as never,
        }),
      );
    }
    let isAway = true;
    const rereading: Tracker = {
      ...tracker,
      async readAgain(delivery, signal) {
        if (isAway) throw new Error('away');
        const [event] = tracker.readEvents(delivery);
        if (event?.type !== 'prompted') return [];
        const { comments } = await tracker.readTicket(event.ticket, signal);
        const there = comments.find(({ id, body }) => id === event.said.key && body !== 'Gone since');
        return there ? [{ ...event, said: { ...event.said, body: there.body, signal: null } }] : [];
      },
    };
    await expect(round(depsWith(rereading))).rejects.toThrow('away');
    expect([(await outcomes()).slice(-3), await prompts()]).toEqual([['late', 'late', 'late'], []]);
    isAway = false;
    await round(depsWith(rereading));
    expect((await outcomes()).slice(-3)).toEqual([
      'late, and confirmed: prompted',
      'late; it waits for a session: prompted',
      'late; nothing is taken from it',
    ]);
    expect(await prompts()).toEqual([{ body: 'Blue, please', signal: null }]);
    net.loses = () => false;
    await desk.assign(free, agent, someone);
    await sort();
    expect((await prompts()).at(-1)).toEqual({ body: 'Green, please', signal: null });
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

  test('that waits holds up no other, and is given up after a day', async ({ expect }) => {
    const [shut, open] = await file(2);
    await sort();
    net.loses = () => true;
    await desk.comment(shut as string, 'Red, please', someone);
    await desk.comment(open as string, 'Blue, please', someone);
    const [red, blue] = net.lost as [BoardDelivery, BoardDelivery];
    await comesLate(red);
    const { rows } = await query('select external_id from tickets where identifier = $1', [shut]);
    await query(
      `insert into deliveries (source, delivery_id, headers, body, is_late, sorted_at, outcome)
       select source, delivery_id || n, headers, body, true, now(), 'late'
       from deliveries, generate_series(1, 150) as n where outcome = 'late'`,
    );
    await comesLate(blue);
    const partly: Tracker = {
      ...tracker,
      readTicket: (hint, signal) =>
        hint.id === rows[0].external_id ? Promise.reject(new Error('away')) : tracker.readTicket(hint, signal),
    };
    const away = () => round({ ...deps, trackers: new Map([['board', partly]]) });
    await expect(away()).rejects.toThrow('away');
    expect(await prompts()).toEqual([{ body: 'Blue, please', signal: null }]);
    await query("update deliveries set received_at = received_at - interval '25 hours' where is_late");
    await expect(away()).rejects.toThrow('away');
    const given = await query(
      'select outcome, count(*)::int from deliveries where body = $1 group by outcome order by outcome',
      [red.body],
    );
    expect(given.rows).toEqual([
      { outcome: 'late', count: 51 },
      { outcome: "late; for a day its ticket could not be read, or was not the agent's", count: 100 },
    ]);
  });
});

describe('a word that comes late, where the ticket has no session', () => {
  test('waits for one, and is heard by it', async ({ expect }) => {
    const [ticket] = (await file(1, {})) as [string];
    await sort();
    net.loses = () => true;
    await desk.comment(ticket, 'Blue, please', someone);
    await comesLate(net.lost[0] as BoardDelivery);
    await round(deps);
    expect([(await outcomes()).at(-1), await prompts()]).toEqual(['late; it waits for a session: prompted', []]);
    net.loses = () => false;
    await desk.assign(ticket, agent, someone);
    await sort();
    expect(await prompts()).toEqual([{ body: 'Blue, please', signal: null }]);
    expect(await outcomes()).not.toContainEqual(expect.stringContaining('waits'));
  });

  /** Where whoever names the agent gives it the ticket, as in trackers that know mentions. */
  function mentioning(isAsked: () => Promise<boolean>): Tracker {
    const conversation = { key: 'board:a mention', ref: null };
    return {
      ...tracker,
      isAsked,
      readEvents: (delivery) =>
        tracker.readEvents(delivery).map((event) => {
          if (event.type !== 'prompted') return event;
          const { ticket, said } = event;
          return {
            type: 'sessionCreated',
            at: said.at,
            ticket,
            conversation,
            said,
            by: said.author,
            guidance: 'Briefly.',
          };
        }),
    };
  }

  async function mentionedLate(): Promise<string> {
    const [ticket] = (await file(1, {})) as [string];
    await sort();
    net.loses = () => true;
    await desk.comment(ticket, 'Blue, please', someone);
    await comesLate(net.lost[0] as BoardDelivery);
    return ticket;
  }

  test('begins work where it is a mention and the tracker says that the agent is asked', async ({ expect }) => {
    await mentionedLate();
    const away = mentioning(() => Promise.reject(new Error('away')));
    await expect(round(depsWith(away))).rejects.toThrow('away');
    expect([await states(), (await outcomes()).at(-1)]).toEqual([[], 'late']);
    const asked = mentioning(async () => true);
    await round(depsWith(asked));
    expect([await states(), (await outcomes()).at(-1)]).toEqual([['active'], 'late, and confirmed: sessionCreated']);
    expect(await prompts()).toEqual([{ body: 'Blue, please', signal: null }]);
    expect((await query('select key from conversations')).rows).toEqual([{ key: 'board:a mention' }]);
    expect((await query('select guidance from sessions')).rows).toEqual([{ guidance: 'Briefly.' }]);
    await round(depsWith(asked));
    expect([await prompts(), (await query('select from runs')).rows].map((each) => each.length)).toEqual([1, 1]);
  });

  test('begins nothing where the mention counts no more, and is not lost where the ticket is given as well', async ({
    expect,
  }) => {
    const ticket = await mentionedLate();
    const over = depsWith(mentioning(async () => false));
    await round(over);
    expect([await states(), (await outcomes()).at(-1)], 'nothing is called confirmed').toEqual([[], 'late']);
    await desk.assign(ticket, agent, someone);
    await round(over);
    expect(await states()).toEqual(['active']);
    await round(over);
    expect([await prompts(), (await outcomes()).at(-1)]).toEqual([
      [{ body: 'Blue, please', signal: null }],
      'late, and confirmed: prompted',
    ]);
  });
});

test('what a bot gave to the agent begins nothing, though its webhook comes late', async ({ expect }) => {
  const [ticket] = (await file(1, {})) as [string];
  await sort();
  net.loses = () => true;
  await desk.assign(ticket, agent, { id: 'ci', name: 'CI', isBot: true });
  await comesLate(net.lost[0] as BoardDelivery);
  await round(deps);
  await round(deps);
  expect(await states()).toEqual([]);
  expect((await outcomes()).at(-1)).toBe('late; nothing is taken from it');
  net.loses = () => false;
  await desk.unassign(ticket, someone);
  await desk.assign(ticket, agent, someone);
  await sort();
  expect(await states(), 'a person did').toEqual(['active']);
});
