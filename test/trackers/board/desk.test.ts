import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, test } from 'vitest';
import type { Delivery, TrackerEvent } from '../../../src/core/delivery.ts';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { BoardDelivery } from '../../../src/trackers/board/delivery.ts';
import type { TicketDraft } from '../../../src/trackers/board/edit.ts';
import { sendOne } from '../../../src/trackers/tracker.ts';
import { ada, agent, type Board, ci, openBoard } from './world.ts';

let board: Board;
beforeAll(async () => {
  board = await openBoard();
});
beforeEach(() => {
  board.onAccept(null);
  board.deliveries.length = 0;
});
afterAll(async () => {
  await board.database.drop();
});

const file = async (draft: Partial<TicketDraft> = {}) =>
  (await board.desk.createTicket({ title: 'A ticket', ...draft }, ada)).identifier;

function eventsOf(delivery: BoardDelivery | undefined): TrackerEvent[] {
  if (!delivery) throw new Error('nothing was delivered');
  const { deliveryId } = board.tracker.verifyDelivery(delivery.headers, delivery.body);
  return board.tracker.readEvents({ ...delivery, deliveryId } satisfies Delivery);
}

const lastEvents = () => eventsOf(board.deliveries.at(-1));
const idsOf = (deliveries: BoardDelivery[]) => deliveries.map((delivery) => delivery.headers['board-delivery']);

test('a change and its delivery commit together', async ({ expect }) => {
  const { pool } = board.database;
  board.onAccept(async (tx, delivery) => {
    await tx.query('insert into deliveries (source, delivery_id, headers, body) values ($1, $2, $3, $4)', [
      delivery.source,
      delivery.headers['board-delivery'],
      JSON.stringify(delivery.headers),
      delivery.body,
    ]);
  });
  const ticket = await file();
  await board.desk.comment(ticket, 'Hello', ada);
  const { rows } = await pool.query('select delivery_id from deliveries order by id');
  expect(rows.map((row) => row.delivery_id)).toEqual(idsOf(board.deliveries));
  expect(rows).toHaveLength(2);
});

test('a delivery that is not accepted undoes the change', async ({ expect }) => {
  const ticket = await file({ description: 'before' });
  const before = await board.desk.show(ticket);
  const count = (await board.desk.list({ limit: 1000 })).length;
  board.onAccept(async () => {
    throw new Error('no room');
  });
  await expect(board.desk.createTicket({ title: 'Another' }, ada)).rejects.toThrow('no room');
  await expect(board.desk.editTicket(ticket, { description: 'after' }, ada)).rejects.toThrow('no room');
  await expect(board.desk.comment(ticket, 'lost', ada)).rejects.toThrow('no room');
  await expect(board.desk.assign(ticket, agent, ada)).rejects.toThrow('no room');
  await expect(board.desk.relate(ticket, 'blocks', await existing(), ada)).rejects.toThrow('no room');
  expect(await board.desk.show(ticket)).toEqual(before);
  expect(await board.desk.list({ limit: 1000 })).toHaveLength(count);

  async function existing(): Promise<string> {
    const other = (await board.desk.list()).find(({ identifier }) => identifier !== ticket);
    if (!other) throw new Error('there is no second ticket');
    return other.identifier;
  }
});

test('a statement that failed in there is not mistaken for a commit', async ({ expect }) => {
  const ticket = await file();
  board.onAccept(async (tx) => {
    await tx.query('select * from no_such_table').catch(() => {});
  });
  await expect(board.desk.comment(ticket, 'Hello', ada)).rejects.toThrow('rolled back');
  expect((await board.desk.show(ticket)).ticket.comments).toEqual([]);
});

test('what changes nothing delivers nothing', async ({ expect }) => {
  const [ticket, other] = [await file({ labels: ['bug'], fields: { repository: 'app' } }), await file()];
  await board.desk.relate(ticket, 'blocks', other, ada);
  board.deliveries.length = 0;
  const before = await board.desk.show(ticket);
  await board.desk.editTicket(
    ticket,
    { title: ' A ticket ', labels: ['bug', 'bug'], fields: { repository: 'app' } },
    ada,
  );
  await board.desk.move(ticket, 'todo', ada);
  await board.desk.unassign(ticket, ada);
  await board.desk.relate(other, 'blockedBy', ticket, ada);
  expect(board.deliveries).toEqual([]);
  expect(await board.desk.show(ticket)).toEqual(before);
});

test('forty people at once: each change has its own delivery, and comments keep their order', async ({ expect }) => {
  const ticket = await file();
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => [
      board.desk.comment(ticket, `comment ${index}`, ada),
      board.desk.editTicket(ticket, { description: `description ${index}` }, ada),
    ]).flat(),
  );
  const ids = idsOf(board.deliveries);
  expect(ids).toHaveLength(41);
  expect(new Set(ids).size).toBe(41);
  const { comments } = (await board.desk.show(ticket)).ticket;
  expect(comments).toHaveLength(20);
  const times = comments.map((comment) => comment.at);
  expect(times).toEqual([...times].sort());
  expect(new Set(times).size).toBe(20);
});

test('the agent is told when a ticket becomes its own and when it is no longer', async ({ expect }) => {
  const ticket = await file({ assignee: agent });
  expect(lastEvents()).toMatchObject([{ type: 'sessionCreated', ticket: { identifier: ticket }, by: ada }]);
  await board.desk.assign(ticket, 'grace', ada);
  expect(lastEvents()).toMatchObject([{ type: 'unassigned' }]);
  await board.desk.assign(ticket, 'bob', ada);
  expect(lastEvents()).toEqual([]);
  const assigned = await board.desk.assign(ticket, '@Shipmate', ada);
  expect(assigned.assignee).toEqual({ id: agent, name: agent, isBot: true });
  expect(lastEvents()).toMatchObject([{ type: 'sessionCreated' }]);
  await board.desk.assign(ticket, 'bob', ci);
  expect(lastEvents()).toMatchObject([{ type: 'unassigned', by: { isBot: true } }]);
});

test('a delivery cannot be sent again under another id', async ({ expect }) => {
  await file();
  const { headers, body } = board.deliveries[0] as BoardDelivery;
  const { 'board-delivery': _, ...without } = headers;
  const invalid = expect.objectContaining({ code: 'invalid' });
  expect(() => board.tracker.verifyDelivery({ ...headers, 'board-delivery': 'new' }, body)).toThrow(invalid);
  expect(() => board.tracker.verifyDelivery(without, body)).toThrow(invalid);
});

test('a relation is seen from both sides, and told on both', async ({ expect }) => {
  const [one, two, three] = [
    await file({ title: 'One' }),
    await file({ title: 'Two' }),
    await file({ title: 'Three' }),
  ];
  board.deliveries.length = 0;
  await board.desk.relate(one, 'blockedBy', two, ada);
  expect(idsOf(board.deliveries)).toEqual([`${one}/2`, `${two}/2`]);
  await board.desk.relate(one, 'child', three, ada);
  await board.desk.relate(three, 'relatedTo', two, ada);
  await board.desk.relate(two, 'duplicateOf', three, ada);
  await board.desk.move(two, 'Done', ada);
  const relations = async (ticket: string) => (await board.desk.show(ticket)).ticket.relations;
  expect(await relations(one)).toMatchObject([
    { type: 'blockedBy', ticket: { identifier: two, title: 'Two' }, category: 'done' },
    { type: 'child', ticket: { identifier: three, title: 'Three' }, category: 'unstarted' },
  ]);
  expect((await relations(two)).map(({ type, ticket }) => [type, ticket.identifier])).toEqual([
    ['blocks', one],
    ['duplicateOf', three],
    ['relatedTo', three],
  ]);
  await expect(board.desk.relate(one, 'blocks', one, ada)).rejects.toMatchObject({ code: 'invalid' });
  const without = await board.desk.unrelate(two, one, ada);
  expect(without.relations.map(({ ticket }) => ticket.identifier)).not.toContain(one);
  expect((await board.desk.unrelate(two, one, ada)).updatedAt, 'nothing is changed twice').toBe(without.updatedAt);
});

test('two tickets related from both ends at once do not wait for each other', async ({ expect }) => {
  const [one, two] = [await file(), await file()];
  await Promise.all(
    (['blocks', 'blockedBy', 'parent', 'child', 'relatedTo'] as const).flatMap((type) => [
      board.desk.relate(one, type, two, ada),
      board.desk.relate(two, type, one, ada),
    ]),
  );
  expect((await board.desk.show(one)).ticket.relations).toHaveLength(5);
});

test('a ticket keeps what it was given, and can be named in several ways', async ({ expect }) => {
  const description = '\u202Ebidi\u202C 🚢\n\n```\n\ttabs\n```\n';
  const fields = { repository: 'app', 'Story points': '3', Ünïcode: '🚢\nsecond line' };
  const ticket = await file({ description, fields, priority: 'high', labels: ['bug', 'ui'], state: 'backlog' });
  const number = ticket.replace('BOARD-', '');
  for (const name of [ticket, ticket.toLowerCase(), number, ` ${ticket} `])
    expect((await board.desk.show(name)).ticket).toMatchObject({
      identifier: ticket,
      url: `board://${ticket}`,
      description,
      fields,
      priority: 'high',
      labels: ['bug', 'ui'],
      state: { name: 'Backlog', category: 'backlog' },
    });
});

test.for([
  ['an empty title', { title: ' \t' }, 'title is empty'],
  ['a title of two lines', { title: 'a\nb' }, 'more than one line'],
  ['a title of 501 characters', { title: 'x'.repeat(501) }, '500 is the limit'],
  ['a NUL', { description: 'a\0b' }, 'description contains a NUL'],
  ['a description of 2 MB', { description: 'x'.repeat(2 * 1024 * 1024) }, 'has 2.0 MB; 1 MB is the limit'],
  ['an unknown state', { state: 'Someday' }, 'Its states: Backlog, Todo, In Progress, In Review, Done, Canceled'],
  ['an unknown priority', { priority: 'asap' as never }, 'Use one of: urgent, high'],
  ['an empty label', { labels: [''] }, 'label is empty'],
  ['a field without a name', { fields: { '': 'x' } }, 'name of a field is empty'],
  ['an empty assignee', { assignee: '@' }, 'name is empty'],
] as const)('%s is refused with a reason', async ([, draft, message], { expect }) => {
  const refused = { name: 'VendorError', code: 'invalid', message: expect.stringContaining(message) };
  await expect(board.desk.createTicket({ title: 'Fine', ...(draft as object) }, ada)).rejects.toMatchObject(refused);
  expect(board.deliveries).toEqual([]);
});

test('a megabyte is not too much', async ({ expect }) => {
  const description = 'x'.repeat(1024 * 1024);
  const { ticket } = await board.desk.show(await file({ description }));
  expect(ticket.description === description).toBe(true);
});

test.for(['BOARD-999999', 'BOARD-0', 'BOARD-99999999999', 'ENG-1', "1'; drop table board_tickets; --", ''])(
  'there is no ticket %j',
  async (name, { expect }) => {
    const missing = { name: 'VendorError', code: 'not_found', message: expect.stringContaining('There is no ticket') };
    await expect(board.desk.show(name)).rejects.toMatchObject(missing);
    await expect(board.desk.comment(name, 'Hello', ada)).rejects.toMatchObject(missing);
  },
);

test('an empty comment is refused', async ({ expect }) => {
  await expect(board.desk.comment(await file(), ' \n', ada)).rejects.toMatchObject({ code: 'invalid' });
});

test('files are refused with a reason when they are too large, too many or nameless', async ({ expect }) => {
  const ticket = await file();
  const refused = (message: string) => ({ code: 'invalid', message: expect.stringContaining(message) });
  const attach = (name: string, bytes: number) => board.desk.attach(ticket, name, new Uint8Array(bytes), ada);
  await expect(attach('a.bin', 10_000_001)).rejects.toMatchObject(refused('10 MB is the limit'));
  await expect(attach('', 1)).rejects.toMatchObject(refused('name of the file is empty'));
  await expect(board.desk.attach('BOARD-999999', 'a', new Uint8Array(), ada)).rejects.toMatchObject({
    code: 'not_found',
  });
  for (let many = 0; many < 50; many++) await attach(`${many}.txt`, many);
  await expect(attach('one-more.txt', 1)).rejects.toMatchObject(refused('50 files already'));
  const { ticket: shown } = await board.desk.show(ticket);
  expect(shown.attachments).toHaveLength(50);
  const other = (await board.desk.show(await file())).ticket;
  const [first] = shown.attachments;
  const read = board.tracker.readAttachment(other, first?.id ?? '', AbortSignal.timeout(10_000));
  await expect(read, 'a file of another ticket').rejects.toMatchObject({ code: 'not_found' });
});

test('tickets are listed newest first, by state and by whose they are', async ({ expect }) => {
  const [older, newer, done] = [
    await file({ assignee: 'zoe' }),
    await file({ assignee: 'zoe' }),
    await file({ assignee: 'zoe', state: 'Done' }),
  ];
  const identifiers = async (filter: Parameters<typeof board.desk.list>[0]) =>
    (await board.desk.list(filter)).map((ticket) => ticket.identifier);
  expect(await identifiers({ assignee: 'zoe' })).toEqual([done, newer, older]);
  expect(await identifiers({ assignee: 'zoe', categories: ['unstarted'] })).toEqual([newer, older]);
  expect(await identifiers({ assignee: 'zoe', categories: [] })).toEqual([]);
  expect(await identifiers({ limit: 1 })).toEqual([done]);
});

test('a ticket that a person has already put where it belongs is not skipped', async ({ expect }) => {
  const ticket = await file({ state: 'In Progress' });
  const operation: TicketOperation = { kind: 'moveTicket', id: randomUUID(), to: 'started', from: ['unstarted'] };
  const signal = AbortSignal.timeout(10_000);
  const sent = await sendOne(board.tracker, (await board.desk.show(ticket)).ticket, operation, signal);
  expect(sent).toEqual({ state: 'In Progress' });
});

test('what the agent wrote is shown to people as it was', async ({ expect }) => {
  const ticket = await file();
  const hint = (await board.desk.show(ticket)).ticket;
  const signal = AbortSignal.timeout(10_000);
  const activity = { type: 'response', body: 'cut \ud83d, \0 and 🚢' } as const;
  const id = randomUUID();
  await sendOne(board.tracker, hint, { kind: 'postActivity', id, conversation: null, activity }, signal);
  const attach = { kind: 'attachPullRequest', url: 'file:///r#1', title: 'a\0b', number: 1 } as const;
  await sendOne(board.tracker, hint, { ...attach, id: randomUUID() }, signal);
  await sendOne(board.tracker, hint, { ...attach, title: 'renamed', id: randomUUID() }, signal);
  const view = await board.desk.show(ticket);
  expect(view.activities).toMatchObject([{ id, activity }]);
  expect(view.attachments).toEqual([{ url: 'file:///r#1', title: 'renamed' }]);
});
