import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Person, TicketHint } from '../../src/core/ticket.ts';
import { reconcile } from '../../src/flow.ts';
import type { DeliveryBody } from '../../src/trackers/board/delivery.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { agent, type Intake, openIntake } from './intake.ts';

const ada: Person = { id: 'ada', name: 'Ada', isBot: false };
const helper: Person = { id: 'helper', name: 'helper', isBot: true };
const account: Person = { id: agent, name: agent, isBot: true };
/** As a tracker knows it that does not mark our account as an app's. */
const unmarked: Person = { ...account, isBot: false };

let made = 0;
function told(number: number, by: Person, what: 'given' | { says: string } | { moves: 'Done' | 'Todo' }): DeliveryBody {
  const id = `BOARD-${number}/${++made}`;
  const at = new Date(Date.UTC(2026, 3, 1) + made * 1000).toISOString();
  const state = typeof what === 'object' && 'moves' in what ? what.moves : 'Todo';
  const common = { id, at, actor: by, ticket: { number, title: `Ticket ${number}`, state, assignee: account } };
  if (what === 'given') return { ...common, event: 'ticket.assigned', previousAssignee: null };
  if ('moves' in what) return { ...common, event: 'ticket.changed' };
  return { ...common, event: 'comment.created', comment: { id: `comment-${made}`, body: what.says, at } };
}

const sessionsOf = async ({ pool }: Intake) => {
  const { rows } = await pool.query(
    `select s.state, count(r.id)::int as runs from sessions s left join runs r on r.session_id = s.id
     group by s.id, s.created_at order by s.created_at`,
  );
  return rows;
};

/** What a service would say next, as its tracker tells of it: every activity that it wrote and nobody has heard yet. */
async function echo(from: Intake, by: Person, number: number): Promise<DeliveryBody[]> {
  const { rows } = await from.pool.query(
    `update effects set state = 'done' where state = 'pending' returning operation -> 'activity' ->> 'body' as body`,
  );
  return rows.flatMap(({ body }) => (body === null ? [] : [told(number, by, { says: body })]));
}

/** The run comes to its end, as its worker would have it. */
async function finishRuns({ pool }: Intake): Promise<void> {
  await pool.query(
    `update runs set ended_at = now(), outcome = '{"stopReason":"finished","message":"Done."}' where ended_at is null`,
  );
  await pool.query(`update prompts set read_at = now() where read_at is null`);
  await pool.query(`update sessions set state = 'complete', answered_at = given_at`);
}

describe('nobody talks to himself', () => {
  let ours: Intake;
  let theirs: Intake;
  beforeAll(async () => {
    [ours, theirs] = await Promise.all([openIntake(), openIntake()]);
  });
  afterAll(() => Promise.all([ours?.close(), theirs?.close()]));

  test("bots, and the agent's own account, start no session whatever they do", async ({ expect }) => {
    for (const by of [helper, account, unmarked])
      await ours.acceptAll([
        told(1, by, 'given'),
        told(1, by, { says: `@${agent} please do this` }),
        told(1, by, { says: 'continue' }),
        told(1, by, { moves: 'Done' }),
        told(1, by, { moves: 'Todo' }),
      ]);
    await ours.sort();
    expect(await sessionsOf(ours)).toEqual([]);
    const { rows } = await ours.pool.query('select distinct outcome, ticket from deliveries');
    expect(rows).toEqual([{ outcome: 'nothing for us', ticket: null }]);
  });

  test('a ticket that a bot gave starts no session when the tracker lists it either; one that a person gives then does', async ({
    expect,
  }) => {
    const { rows } = await ours.pool.query('select hint from tickets');
    const hint = rows[0].hint as TicketHint;
    const state = { name: 'Todo', category: 'unstarted' as const };
    const more = { description: '', labels: [], fields: {}, comments: [], relations: [], attachments: [] };
    const ticket = { ...hint, ...more, state, assignee: account, updatedAt: '2026-04-02T00:00:00.000Z' };
    const listing: Tracker = {
      ...ours.tracker,
      listTickets: async () => ({ tickets: [hint], next: null }),
      readTicket: async () => ticket,
    };
    const deps = { ...ours.deps, trackers: new Map([['board', listing]]) };
    await reconcile(deps, new AbortController().signal, { againAfterMs: 10 });
    expect(await sessionsOf(ours)).toEqual([]);
    await ours.acceptAll([told(1, ada, { moves: 'Todo' }), told(1, ada, 'given')]);
    await ours.sort();
    expect(await sessionsOf(ours)).toEqual([{ state: 'active', runs: 1 }]);
    await ours.pool.query('truncate sessions cascade');
  });

  test('two workers that answer each other stay at no session', async ({ expect }) => {
    await ours.acceptAll([told(2, helper, { says: 'Hello! What shall I do?' }), told(2, helper, 'given')]);
    await theirs.acceptAll([told(2, account, { says: 'Hello! What shall I do?' }), told(2, account, 'given')]);
    for (let round = 0; round < 20; round++) {
      await Promise.all([ours.sort(), theirs.sort()]);
      const [said, answered] = [await echo(ours, account, 2), await echo(theirs, helper, 2)];
      expect([said, answered]).toEqual([[], []]);
      await theirs.acceptAll([told(2, account, { says: `What do you mean, ${round}?` })]);
      await ours.acceptAll([told(2, helper, { says: `What do you mean, ${round}?` })]);
    }
    expect([await sessionsOf(ours), await sessionsOf(theirs)]).toEqual([[], []]);
  });

  test('on a ticket that a person gave to one of two workers, each hears the other and only one run is made', async ({
    expect,
  }) => {
    await ours.accept(told(3, ada, 'given'));
    let heard = 0;
    for (let round = 0; round < 20; round++) {
      await Promise.all([ours.sort(), theirs.sort()]);
      if (round === 10) await finishRuns(ours);
      const said = await echo(ours, account, 3);
      heard += said.length;
      // Each also hears of its own words.
      await theirs.acceptAll(said);
      await ours.acceptAll(said.map((delivery) => ({ ...delivery, id: `${delivery.id}/own` })));
      await ours.acceptAll([told(3, helper, { says: `Noted, ${round}.` }), ...(await echo(theirs, helper, 3))]);
    }
    expect(heard).toBeGreaterThan(0);
    expect(await sessionsOf(ours)).toEqual([{ state: 'complete', runs: 1 }]);
    expect(await sessionsOf(theirs)).toEqual([]);
  });
});

describe('an app that speaks as a person does', () => {
  let intake: Intake;
  beforeAll(async () => {
    intake = await openIntake({ runsPerHour: 3 });
  });
  afterAll(() => intake?.close());

  test('a ticket starts so many runs in an hour, says once that it waits, and goes on when the hour has passed', async ({
    expect,
  }) => {
    await intake.accept(told(1, ada, 'given'));
    for (let round = 0; round < 10; round++) {
      await intake.sort();
      await finishRuns(intake);
      await intake.accept(told(1, ada, { says: `Thank you for that, ${round}` }));
    }
    await intake.sort();
    await intake.sort();
    expect((await sessionsOf(intake))[0].runs).toBe(3);
    const { rows: said } = await intake.pool.query(
      "select activity from activities where activity ->> 'type' = 'elicitation'",
    );
    expect(said).toMatchObject([{ activity: { body: expect.stringContaining('policy.runsPerHour') } }]);

    await intake.pool.query(`update runs set queued_at = queued_at - interval '61 minutes'`);
    await intake.accept(told(1, ada, { says: 'continue' }));
    await intake.sort();
    expect(await sessionsOf(intake)).toEqual([{ state: 'active', runs: 4 }]);
  });
});
