import fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import { unreadPrompts } from '../../src/store/prompts.ts';
import type { DeliveryBody } from '../../src/trackers/board/delivery.ts';
import { agent, type Intake, openIntake } from './intake.ts';

/** What can happen to a ticket, by whom, and how long after the event before it (0: at the very same microsecond). */
const acts = ['give', 'take', 'say', 'stop', 'continue', 'close', 'reopen', 'edit'] as const;
interface Happening {
  act: (typeof acts)[number];
  by: 'ada' | 'ci' | typeof agent;
  later: number;
}

/** One ticket's history, and how it is delivered: each event so many times, some under other ids, in some order. */
interface History {
  happenings: Happening[];
  /** Which happening each delivery tells of, beside one of each; and whether under an id of its own. */
  repeats: { of: number; renamed: boolean }[];
  /** Sort keys of the deliveries. */
  order: number[];
}

const happening = fc.record({
  act: fc.constantFrom(...acts, 'give', 'give', 'give', 'say'),
  by: fc.constantFrom('ada', 'ada', 'ada', 'ada', 'ci', agent),
  later: fc.constantFrom(0, 1, 1, 1, 1000),
});
const history: fc.Arbitrary<History> = fc.record({
  happenings: fc.array(happening, { minLength: 1, maxLength: 6 }),
  repeats: fc.array(fc.record({ of: fc.nat(), renamed: fc.boolean() }), { maxLength: 4 }),
  order: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
});

const perRun = 25;
const runs = 40;
const scenario = fc.record({
  histories: fc.array(history, { minLength: perRun, maxLength: perRun }),
  atOnce: fc.integer({ min: 1, max: 20 }),
  sorters: fc.integer({ min: 1, max: 3 }),
});

let intake: Intake;
beforeAll(async () => {
  intake = await openIntake();
});
afterAll(() => intake?.close());

let numbers = 0;

/** The deliveries of a history on a ticket of this number, each once, in order. */
function deliveriesOf({ happenings }: History, number: number): DeliveryBody[] {
  let micros = 0;
  let assignee: DeliveryBody['ticket']['assignee'] = null;
  let state: DeliveryBody['ticket']['state'] = 'Todo';
  return happenings.map(({ act, by, later }, index) => {
    micros += later;
    const at = `2026-03-01T12:00:00.${String(micros).padStart(6, '0')}Z`;
    const id = `BOARD-${number}/${index}`;
    const actor = { id: by, name: by, isBot: by === 'ci' };
    const previousAssignee = assignee;
    if (act === 'give') assignee = { id: agent, name: agent, isBot: true };
    if (act === 'take') assignee = { id: 'bob', name: 'bob', isBot: false };
    if (act === 'close') state = 'Done';
    if (act === 'reopen') state = 'Todo';
    const ticket = { number, title: `Ticket ${number}`, state, assignee };
    const said = act === 'say' ? `word ${index}` : act;
    if (act === 'say' || act === 'stop' || act === 'continue')
      return { id, event: 'comment.created', at, actor, ticket, comment: { id: `comment-${index}`, body: said, at } };
    const event = act === 'give' ? 'ticket.assigned' : act === 'take' ? 'ticket.unassigned' : 'ticket.changed';
    return {
      id,
      event,
      at,
      actor,
      ticket,
      previousAssignee,
      ...(act === 'edit' && { changed: ['description' as const] }),
    };
  });
}

/** The same as it may arrive. */
function disordered({ repeats, order }: History, deliveries: DeliveryBody[]): DeliveryBody[] {
  const again = repeats.map(({ of, renamed }, index) => {
    const delivery = deliveries[of % deliveries.length] as DeliveryBody;
    return renamed ? { ...delivery, id: `${delivery.id}/again-${index}` } : delivery;
  });
  return [...deliveries, ...again]
    .map((delivery, index) => ({ delivery, key: order[index] ?? 0 }))
    .sort((a, b) => a.key - b.key)
    .map(({ delivery }) => delivery);
}

/** All that the promise is about, of the sessions of these tickets. */
async function endStates(tickets: number[]): Promise<unknown[]> {
  const { rows } = await intake.pool.query(
    `select t.external_id::int as number, s.id, s.state, s.given, s.closed,
       s.opened_at::text, s.given_at::text, s.closed_at::text, s.over_at::text, s.stop_at::text, s.spoke_at::text, s.edited_at::text,
       (select count(*)::int from runs r where r.session_id = s.id and r.ended_at is null) as live,
       (select count(*)::int from runs r where r.session_id = s.id and r.ended_at is null
          and r.stop_requested_at is not null) as stopping,
       (select array_agg(p.key order by p.key) from prompts p where p.session_id = s.id) as prompts
     from tickets t left join sessions s on s.ticket_id = t.id where t.external_id = any($1)`,
    [tickets.map(String)],
  );
  const byNumber = new Map(rows.map(({ number, ...row }) => [number, row]));
  return Promise.all(
    tickets.map(async (number) => {
      const { id, ...row } = byNumber.get(number) ?? { id: null };
      if (id === null) return 'no session';
      const unread = await unreadPrompts(intake.db, id);
      return { ...row, unread: unread.map(({ body }) => body) };
    }),
  );
}

/**
 * Words that a session at work was told and never answered, and live runs that nobody heard of: none. By the numbers of
 * transactions, given as they get their turn: one that began earlier may get it later, and its `now()` is before the other's.
 */
async function unanswered(tickets: number[], after: number): Promise<unknown[]> {
  const { rows } = await intake.pool.query(
    `select t.identifier, p.key from (
       select body -> 'ticket' ->> 'number' as number, body -> 'comment' ->> 'id' as comment, min(sorted_in) as first
       from (select convert_from(body, 'UTF8')::json as body, xmin::text::bigint as sorted_in from deliveries where outcome = 'prompted' and id > $2) d
       group by 1, 2
     ) told
     join tickets t on t.external_id = told.number and t.external_id = any($1)
     join sessions s on s.ticket_id = t.id and s.state = 'active'
     join prompts p on p.session_id = s.id and p.key = told.comment and p.said_at >= s.opened_at
     where not exists (select from activities a where a.session_id = s.id and a.xmin::text::bigint >= told.first)
     union all
     select t.identifier, 'run ' || r.number from tickets t join sessions s on s.ticket_id = t.id
     join runs r on r.session_id = s.id and r.ended_at is null
     where t.external_id = any($1) and not exists (
       select from effects e where e.key = r.session_id || '/run/' || r.number || '/begun/activity/0')`,
    [tickets.map(String), after],
  );
  return rows;
}

test('the same deliveries in any number, order and concurrency come to the same as each once in order', async ({
  expect,
}) => {
  const since = performance.now();
  let cases = 0;
  let delivered = 0;
  let sessions = 0;
  let working = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async ({ histories, atOnce, sorters }) => {
      const { rows: last } = await intake.pool.query('select coalesce(max(id), 0)::int as id from deliveries');
      const inOrder = histories.map(() => ++numbers);
      const anyhow = histories.map(() => ++numbers);
      await intake.acceptAll(histories.flatMap((each, index) => deliveriesOf(each, inOrder[index] ?? 0)));
      await intake.sort();

      // All tickets' deliveries mixed, as they would come in.
      const arriving = histories
        .flatMap((each, index) => disordered(each, deliveriesOf(each, anyhow[index] ?? 0)).map((d, at) => ({ d, at })))
        .sort((a, b) => a.at - b.at)
        .map(({ d }) => d);
      delivered += arriving.length;
      while (arriving.length > 0) {
        const batch = arriving.splice(0, atOnce).map((delivery) => intake.accept(delivery));
        await Promise.all([...batch, intake.sort(sorters)]);
      }
      await intake.sort(sorters);

      const expected = await endStates(inOrder);
      expect(await endStates(anyhow)).toEqual(expected);
      expect(await unanswered([...inOrder, ...anyhow], last[0].id)).toEqual([]);
      const failed = await intake.pool.query(
        "select outcome from deliveries where id > $1 and (outcome is null or outcome like 'failed%')",
        [last[0].id],
      );
      expect(failed.rows).toEqual([]);
      cases += histories.length;
      sessions += expected.filter((state) => state !== 'no session').length;
      working += expected.filter((state) => (state as { live?: number }).live === 1).length;
    }),
    { numRuns: runs, endOnFailure: true },
  );
  const seconds = Math.round((performance.now() - since) / 100) / 10;
  console.log(
    `${cases} cases, ${delivered} deliveries in ${seconds} s: ${sessions} sessions, ${working} with a live run`,
  );
  expect(cases).toBeGreaterThanOrEqual(1000);
  expect(Math.min(sessions, working, sessions - working)).toBeGreaterThan(50);
}, 300_000);
