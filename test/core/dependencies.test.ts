import { describe, test } from 'vitest';
import {
  type Child,
  findCircle,
  nameTickets,
  openBlockers,
  orderParts,
  readStages,
  writeCircle,
  writeOverview,
} from '../../src/core/dependencies.ts';
import type { StateCategory, TicketHint, TicketRelation } from '../../src/core/ticket.ts';

const hint = (id: string, title = 'Totals'): TicketHint => ({
  ...{ tracker: 'board', id, identifier: `BOARD-${id}`, title, url: `board://${id}` },
  ...{ priority: 'none', team: null, project: null, ref: null },
});
const relation = (type: TicketRelation['type'], id: string, category: StateCategory): TicketRelation => ({
  type,
  ticket: hint(id),
  category,
});

describe('circles of tickets that wait for each other', () => {
  test.for<[string, Record<string, string[]>, string[] | null]>([
    ['none', {}, null],
    ['a chain', { a: ['b'], b: ['c'], c: [] }, null],
    ['two ways to the same', { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }, null],
    ['itself', { a: ['a'] }, ['a', 'a']],
    ['two', { a: ['b'], b: ['a'] }, ['a', 'b', 'a']],
    ['three, behind one that leads nowhere', { a: ['x', 'b'], x: [], b: ['c'], c: ['a'] }, ['a', 'b', 'c', 'a']],
    ['further on, not itself in it', { a: ['b'], b: ['c'], c: ['b'] }, ['a', 'b', 'c', 'b']],
    ['one that was never read', { a: ['b'] }, null],
  ])('%s', ([, awaited, circle], { expect }) => {
    expect(findCircle('a', new Map(Object.entries(awaited)))).toEqual(circle);
  });

  test('many tickets, each waiting for all that come after it, are looked through at once', ({ expect }) => {
    const names = Array.from({ length: 50 }, (_, place) => String(place));
    const awaited = new Map(names.map((name, place) => [name, names.slice(place + 1)]));
    expect(findCircle('0', awaited)).toBeNull();
  });

  test('in words', ({ expect }) => {
    expect(writeCircle(['BOARD-1', 'BOARD-2', 'BOARD-1'])).toBe('BOARD-1 waits for BOARD-2, which waits for BOARD-1');
  });
});

test('what a ticket waits for: open blockers, canceled and done ones not, nor its own parts', ({ expect }) => {
  const relations = [
    relation('blockedBy', '1', 'started'),
    relation('blockedBy', '2', 'review'),
    relation('blockedBy', '3', 'done'),
    relation('blockedBy', '4', 'canceled'),
    relation('blocks', '5', 'started'),
    relation('child', '6', 'started'),
    relation('blockedBy', '6', 'started'),
  ];
  expect(openBlockers({ relations }).map(({ identifier }) => identifier)).toEqual(['BOARD-1', 'BOARD-2']);
});

test.for<[number[][], number[] | null]>([
  [[], []],
  [
    [[], [], []],
    [0, 1, 2],
  ],
  [
    [[2], [0], []],
    [2, 0, 1],
  ],
  [
    [[1, 2], [], [1]],
    [1, 2, 0],
  ],
  [[[1], [0]], null],
  [[[0]], null],
  [[[7]], null],
])('parts that need each other: %j', ([after, order], { expect }) => {
  expect(orderParts(after.map((each) => ({ after: each })))).toEqual(order);
});

test.for<[string | null, string | null]>([
  ['review-each', 'review-each'],
  [' Review end. ', 'review-end'],
  ['reviewEnd', 'review-end'],
  ['one after the other', null],
  ['', null],
  [null, null],
])('stages %j', ([text, stages], { expect }) => {
  expect(readStages(text)).toBe(stages);
});

test('long lists are cut, and titles cannot speak to people', ({ expect }) => {
  const tickets = Array.from({ length: 12 }, (_, place) => hint(String(place), place === 0 ? 'For @bob\n# now' : 'T'));
  const named = nameTickets(tickets, 3);
  expect(named).toBe('BOARD-0 (For `@bob` # now), BOARD-1 (T), BOARD-2 (T) and 9 more');
  expect(nameTickets(tickets.slice(1, 3))).toBe('BOARD-1 (T) and BOARD-2 (T)');
});

describe('the overview of sub-tickets', () => {
  const session: Child['session'] = {
    ...{
      state: 'pending',
      isHeld: false,
      closed: false,
      waiting: false,
      leads: false,
      waitsFor: [],
      pullRequest: null,
    },
  };
  const child = (more: Partial<Child>): Child => ({
    ...{ ticket: hint('1'), category: 'started', assignee: null, session: null },
    ...more,
  });
  const url = 'https://host/pulls/1';
  test.for<[string, Child, string]>([
    ['done', child({ category: 'done' }), 'completed: done'],
    ['canceled', child({ category: 'canceled' }), 'canceled: canceled'],
    ["a person's", child({ assignee: 'Ada' }), 'pending: left to Ada'],
    ["nobody's that we may take", child({}), 'pending: left to people'],
    ['just taken', child({ session }), 'pending: waiting for a free worker'],
    ['queued', child({ session: { ...session, state: 'active' } }), 'pending: waiting for a free worker'],
    ['at work', child({ session: { ...session, state: 'active', isHeld: true } }), 'inProgress: at work'],
    [
      'waiting',
      child({ session: { ...session, state: 'awaitingInput', waiting: true, waitsFor: ['BOARD-2', 'BOARD-3'] } }),
      'pending: waiting for BOARD-2, BOARD-3',
    ],
    ['asking', child({ session: { ...session, state: 'awaitingInput' } }), 'inProgress: waiting for an answer'],
    [
      'leading its own',
      child({ session: { ...session, state: 'awaitingInput', waiting: true, leads: true } }),
      'inProgress: at work on its own sub-tickets',
    ],
    [
      'in review',
      child({ session: { ...session, state: 'complete', pullRequest: url } }),
      `inProgress: in review: ${url}`,
    ],
    [
      'at work again',
      child({ session: { ...session, state: 'active', isHeld: true, pullRequest: url } }),
      `inProgress: at work; its pull request: ${url}`,
    ],
    ['failed', child({ session: { ...session, state: 'error' } }), 'inProgress: failed, its ticket says why'],
    ['stopped', child({ session: { ...session, state: 'stopped' } }), 'pending: stopped'],
    ['closed a moment ago', child({ session: { ...session, state: 'complete', closed: true } }), 'completed: closed'],
  ])('%s', ([, one, step], { expect }) => {
    const [shown] = writeOverview([one]);
    expect(`${shown?.status}: ${shown?.content.replace('BOARD-1 Totals: ', '')}`).toBe(step);
  });
});
