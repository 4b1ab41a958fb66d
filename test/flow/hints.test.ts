import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TrackerEvent } from '../../src/core/delivery.ts';
import { readSignal } from '../../src/core/prompt-signal.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { acceptDelivery, limitTracker, readHints, type SortDeps, sortDeliveries } from '../../src/flow.ts';
import { inTransaction } from '../../src/store/database.ts';
import { redriveDeliveries } from '../../src/store/dead-letters.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import { type DeliveryBody, signDelivery } from '../../src/trackers/board/delivery.ts';
import type { Tracker } from '../../src/trackers/tracker.ts';
import { agent, type Intake, openIntake } from './intake.ts';

const never = new AbortController().signal;
const ours = { id: agent, name: agent, isBot: true };
const ada = { id: 'ada', name: 'Ada', isBot: false };

let intake: Intake;
/** A board whose deliveries tell of a comment, but not truly what it says. */
let tracker: Tracker;
let deps: SortDeps;
/** What stands there, by the comment's id. */
const there = new Map<string, string>();
const asked: string[] = [];
let nudged: string[] = [];
/** What happens to a question before it is answered. */
let onTheWay: (id: string, signal: AbortSignal) => Promise<void>;
beforeAll(async () => {
  intake = await openIntake();
  const board = intake.tracker;
  tracker = {
    ...board,
    verifyDelivery: (headers, body) => ({
      ...board.verifyDelivery(headers, body),
      isHint: Buffer.from(body).includes('comment.created'),
    }),
    async readAgain(delivery, signal) {
      const [event] = board.readEvents(delivery);
      if (event?.type !== 'prompted') throw new Error('it is sorted as it is');
      asked.push(event.said.key);
      const body = there.get(event.said.key);
      await onTheWay(event.said.key, signal);
      if (body === undefined) return [];
      const said = { ...event.said, body, signal: readSignal(body, agent) };
      const { ticket, conversation } = event;
      const at = { at: said.at, ticket, conversation, said };
      const isCall = body.includes(`@${agent}`) && said.signal === null;
      return [
        isCall ? { type: 'sessionCreated', by: ada, ...at } : ({ type: 'prompted', ...at } satisfies TrackerEvent),
      ];
    },
  };
  deps = { ...intake.deps, trackers: new Map([['board', tracker]]) };
});
afterAll(() => intake?.close());
beforeEach(async () => {
  await intake.pool.query('truncate effects, activities, prompts, runs, sessions, tickets, deliveries cascade');
  there.clear();
  asked.length = 0;
  nudged = [];
  onTheWay = async () => {};
});

const given = (number: number, minute = 0): DeliveryBody => {
  const at = `2026-03-01T10:${String(minute).padStart(2, '0')}:00Z`;
  const ticket = { number, title: `Ticket ${number}`, state: 'Todo' as const, assignee: ours };
  return { id: `${number}/${minute}`, at, actor: ada, ticket, event: 'ticket.assigned', previousAssignee: null };
};
/** `stands`: what is there; null: nothing. */
const comment = (number: number, id: string, body: string, stands: string | null, delivery = id): DeliveryBody => {
  const { previousAssignee: _, ...common } = given(number, 1);
  if (stands !== null) there.set(id, stands);
  return { ...common, id: delivery, event: 'comment.created', comment: { id, body, at: common.at ?? '' } };
};

async function accept(...deliveries: DeliveryBody[]): Promise<void> {
  const accepting = {
    sources: deps.trackers,
    nudge: async (queue: string) => void nudged.push(queue),
    failpoint: () => {},
  };
  await inTransaction(intake.pool, async (tx) => {
    for (const each of deliveries) {
      const { source, headers, body } = signDelivery('a secret of the board', each);
      await acceptDelivery(accepting, tx, source, headers, body);
    }
  });
}

const read = (of: Partial<SortDeps> = {}, wake: (drain: string) => void = () => {}) =>
  readHints({ ...deps, ...of, wake }, never);
async function readAndSort(): Promise<void> {
  await Promise.all([read(), read()]); // two processes
  await sortDeliveries(deps, never);
}
const rows = async (text: string) => (await intake.pool.query({ text, rowMode: 'array' })).rows;
const prompts = () => rows('select body, signal from prompts order by seq');
const outcomes = () => rows("select delivery_id, outcome from deliveries where delivery_id !~ '/' order by id");
const dueNow = () => intake.pool.query('update deliveries set try_at = now() where is_hint');

test('what people said is taken from where they said it, once', async () => {
  await accept(given(1), comment(1, 'blue', '@shipmate stop', 'Blue, please'), comment(1, 'gone', 'Red, please', null));
  expect(nudged).toEqual(['sort', 'hint', 'hint']);
  await sortDeliveries(deps, never);
  const unread = 'a hint, not read again yet';
  expect([await prompts(), await outcomes()]).toEqual([
    [],
    [
      ['blue', unread],
      ['gone', unread],
    ],
  ]);
  await readAndSort();
  expect(asked.toSorted()).toEqual(['blue', 'gone']);
  await accept(comment(1, 'blue', 'Red', 'Blue, please'), comment(1, 'blue', 'Red', 'Blue, please', 'again'));
  await readAndSort();
  expect(asked).toHaveLength(3);
  expect(await prompts()).toEqual([['Blue, please', null]]);
  expect(await outcomes()).toEqual([
    ['blue', 'prompted'],
    ['gone', 'nothing for us'],
    ['again', 'prompted'],
  ]);
});

test('a word on a ticket without a session waits for one as it stands there, and a call that is not there calls nobody', async () => {
  await accept(comment(2, 'word', '@shipmate do it', 'Blue, please'), comment(3, 'call', 'Hello', '@shipmate do it'));
  await readAndSort();
  const opened = () => rows('select identifier from sessions s join tickets t on t.id = s.ticket_id order by 1');
  expect([await opened(), await prompts()]).toEqual([[['BOARD-3']], [['@shipmate do it', null]]]);
  expect(await outcomes()).toEqual([
    ['word', 'prompted'],
    ['call', 'sessionCreated'],
  ]);
  await accept(given(2));
  await sortDeliveries(deps, never);
  expect([await opened(), (await prompts()).at(-1)]).toEqual([
    [['BOARD-2'], ['BOARD-3']],
    ['Blue, please', null],
  ]);
  expect(asked).toHaveLength(2);
});

test('a tracker that is away is asked again, for a day; then people may have it asked once more', async () => {
  let away = new VendorError('gone fishing', { code: 'unavailable', retryable: true });
  onTheWay = async (id) => {
    if (id !== 'well') throw away;
  };
  await accept(given(1), comment(1, 'sick', 'x', 'Blue, please'), comment(1, 'well', 'x', 'Red, please'));
  const seconds = async () =>
    (await rows('select extract(epoch from try_at - now())::int from deliveries where is_hint'))[0]?.[0];
  await readAndSort();
  expect([await prompts(), await seconds()]).toEqual([[['Red, please', null]], 1]);
  for (let times = 0; times < 3; times++) await dueNow().then(readAndSort);
  expect(await seconds()).toBe(8);
  away = new VendorError('come back later', { code: 'unavailable', retryable: true, retryAfterMs: 900_000 });
  await dueNow().then(readAndSort);
  expect(await seconds()).toBe(900);
  await intake.pool.query("update deliveries set received_at = received_at - interval '25 hours'");
  await dueNow().then(readAndSort);
  const reason = 'for a day it could not be read what it tells of: come back later';
  expect(await outcomes()).toEqual([
    ['sick', `failed: ${reason}`],
    ['well', 'prompted'],
  ]);
  const { violations } = await checkInvariants(intake.db, { live: true, days: null });
  expect(JSON.stringify(violations)).toContain(reason);
  onTheWay = async () => {};
  expect(await redriveDeliveries(intake.db)).toBe(1);
  await sortDeliveries(deps, never);
  expect(await prompts()).toHaveLength(1);
  await readAndSort();
  expect(await prompts()).toEqual([
    ['Red, please', null],
    ['Blue, please', null],
  ]);
});

test('what was read and could not be sorted is sorted again as it was read', async () => {
  await intake.pool.query(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
     create trigger refuse before insert on prompts for each row execute function refuse()`,
  );
  await accept(given(1), comment(1, 'blue', 'Red', 'Blue, please'));
  await readAndSort();
  expect(await outcomes()).toEqual([['blue', 'failed: refused']]);
  await intake.pool.query('drop function refuse cascade');
  there.clear();
  expect(await redriveDeliveries(intake.db)).toBe(1);
  await readAndSort();
  expect([await prompts(), asked]).toEqual([[['Blue, please', null]], ['blue']]);
});

test('one who freezes over a hint holds up no other, and what comes of it late does not count', async () => {
  const { promise: thaw, resolve } = Promise.withResolvers<void>();
  onTheWay = (id) => (id === 'slow' && asked.filter((each) => each === id).length === 1 ? thaw : Promise.resolve());
  await accept(given(1), comment(1, 'slow', 'x', 'an old text'), comment(1, 'quick', 'x', 'Red, please'));
  const woken: Promise<void>[] = [];
  const frozen = read({}, (drain) => drain === 'hint' && woken.push(read()));
  await expect.poll(() => woken.length).toBe(1);
  await Promise.all(woken);
  await sortDeliveries(deps, never);
  expect(await prompts()).toEqual([['Red, please', null]]);
  await readAndSort();
  expect(asked, 'it is his for a while').toHaveLength(2);
  await dueNow();
  there.set('slow', 'Blue, please');
  await readAndSort();
  resolve();
  await frozen;
  await readAndSort();
  expect(await prompts()).toEqual([
    ['Red, please', null],
    ['Blue, please', null],
  ]);
});

test('while an account is closed nothing is asked of it', async () => {
  const { db } = intake;
  const limited = limitTracker({ db, log: deps.log }, tracker);
  onTheWay = async () => {
    throw new VendorError('slower', { code: 'rate_limited', retryable: true, retryAfterMs: 60_000 });
  };
  await accept(given(1), comment(1, 'one', 'x', 'Blue'), comment(1, 'two', 'x', 'Red'));
  await intake.pool.query('update deliveries set tries = 9 where is_hint');
  await read({ trackers: new Map([['board', limited]]) });
  expect(asked).toHaveLength(1);
  const [[first, last] = []] = await rows(
    'select extract(epoch from min(try_at) - now())::int, extract(epoch from max(try_at) - now())::int from deliveries where is_hint',
  );
  expect(first, 'when it opens, however often it was tried').toBeGreaterThan(50);
  expect(last).toBeLessThanOrEqual(60);
  await intake.pool.query('truncate accounts');
});
