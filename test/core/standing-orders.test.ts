import { describe, test } from 'vitest';
import {
  fingerprintOf,
  judgeRating,
  mostPressing,
  queryOf,
  type StandingOrder,
  whyIdle,
  whyNot,
  whyTaken,
} from '../../src/core/standing-orders.ts';
import type { StateCategory, Ticket, TicketHint } from '../../src/core/ticket.ts';
import { defaultFieldNames } from '../../src/core/ticket-facts.ts';
import { anOrder as order } from '../support/own-work.ts';

const hint = (id: string): TicketHint => ({
  tracker: 'board',
  id,
  identifier: `BOARD-${id}`,
  title: 'A ticket',
  url: '',
  priority: 'none',
  team: null,
  project: null,
  ref: null,
});
const ticket = (changes: Partial<Ticket> = {}): Ticket => ({
  ...hint('7'),
  description: '',
  attachments: [],
  labels: [],
  fields: {},
  state: { name: 'Todo', category: 'unstarted' },
  assignee: null,
  comments: [],
  relations: [],
  updatedAt: '2026-11-21T08:00:00Z',
  ...changes,
});
const ada = { id: 'ada', name: 'Ada', isBot: false };
const related = (type: 'blockedBy' | 'blocks' | 'child', category: StateCategory) => ({
  type,
  ticket: hint('9'),
  category,
});
const neverBugs = { tier: 'never' as const, paths: null, kinds: ['bug'], size: null, rating: null };
const repositories = ['web', 'api', 'shop'].map((name) => ({
  ...{ name, codeHost: 'local-git', location: name, base: null },
  ...(name === 'shop' && { tiers: [neverBugs] }),
}));
const routing = { repositories, rules: [], fields: defaultFieldNames };
const about = (repository: string) => ({ fields: { repository } });

describe('whether an order takes a ticket', () => {
  test.for([
    ["nobody's", {}, {}, null],
    ["a person's", {}, { assignee: ada }, 'Ada has it'],
    ['in a state that is not asked for', {}, { state: { name: 'Doing', category: 'started' } }, 'it is in "Doing"'],
    ['in another that is', { states: ['started'] }, { state: { name: 'Doing', category: 'started' } }, null],
    ['a feature for an order of bugs', { kinds: 'bug' }, {}, 'it is not a bug'],
    ['a bug for an order of bugs', { kinds: 'bug' }, { labels: ['bug'] }, null],
    ['a bug for an order of features', { kinds: 'feature' }, { title: 'Bug: it breaks' }, 'it is a bug'],
    ['a blocked one', {}, { relations: [related('blockedBy', 'started')] }, 'it is blocked by BOARD-9'],
    ['one whose blocker is done', {}, { relations: [related('blockedBy', 'done')] }, null],
    ['one that blocks', {}, { relations: [related('blocks', 'started')] }, null],
    ['an epic', {}, { relations: [related('child', 'unstarted')] }, 'it has open sub-tickets: BOARD-9'],
    ['one whose sub-tickets are over', {}, { relations: [related('child', 'canceled')] }, null],
    ['about another repository', { repository: 'web' }, about('api'), 'it is not about web'],
    ['a feature where bugs are not for it', {}, about('shop'), null],
    [
      'what is not for it',
      {},
      { ...about('shop'), labels: ['bug'] },
      'its kind is `bug`, and the rule `repositories.shop.tiers[0]` in shipmate.yaml says `never`',
    ],
    ['about one that there is not', {}, about('old'), 'it names a repository that is not configured'],
  ] as const)('%s', ([, ordered, changes, why], { expect }) => {
    const one = ticket({ ...about('web'), ...(changes as Partial<Ticket>) });
    expect(whyNot(order(ordered as Partial<StandingOrder>), one, routing, null)).toBe(why);
  });

  const unclear = 'it does not say which repository it is about';
  test.for([
    ['nobody knows, for an order of any', null, null, unclear],
    ['nobody knows, for an order of one', 'web', null, unclear],
    ['people answered before', null, 'api', null],
    ['people answered before, as the order wants it', 'api', 'api', null],
    ['people answered before, and it is another', 'web', 'api', 'it is not about web'],
    ['people named one that is gone', null, 'old', unclear],
  ] as const)('where a ticket names no repository: %s', ([, repository, remembered, why], { expect }) => {
    expect(whyNot(order({ repository }), ticket(), routing, remembered)).toBe(why);
  });
});

test('the most pressing comes first, and of equals the oldest', ({ expect }) => {
  const listed = (['none', 'low', 'urgent', 'low', 'high', 'urgent'] as const).map((priority, at) => ({
    priority,
    at,
  }));
  expect(mostPressing(listed).map(({ at }) => at)).toEqual([2, 5, 4, 1, 3, 0]);
});

test.for([
  ['room', {}, { taken: 4, declined: 4, usd: 1e6 }, null],
  ['paused', { paused: true }, { taken: 0, declined: 0, usd: 0 }, /^paused/],
  ['its number', {}, { taken: 5, declined: 0, usd: 0 }, /its 5 of the day/],
  ['as many given back', {}, { taken: 0, declined: 5, usd: 0 }, /given back 5 today/],
  ['its money', { usdPerDay: 2 }, { taken: 1, declined: 0, usd: 2 }, /has cost 2\.00 of 2 USD/],
  ['too little left', { usdPerDay: 2 }, { taken: 1, declined: 0, usd: 1.81 }, /has cost 1\.81 of 2 USD/],
  ['less than its money', { usdPerDay: 2 }, { taken: 1, declined: 0, usd: 1.8 }, null],
] as const)('an order stops at the numbers of its day: %s', ([, changes, day, why], { expect }) => {
  const idle = whyIdle(order(changes), day);
  if (why === null) expect(idle).toBe(null);
  else expect(idle).toMatch(why);
});

test('it says why it took a ticket, and how to take it back', ({ expect }) => {
  const words = whyTaken(order({ labels: ['ready'], kinds: 'bug', team: 'Web' }), ticket({ priority: 'high' }), 3);
  expect(words).toBe(
    'I took this by the standing order "bugs" (3 of 5 today): nobody has it, its team is Web, it is labelled "ready", it is ' +
      'a bug, its priority is high, nothing blocks it. Say "stop", or give it to someone else, and I let go of it.',
  );
});

test('it asks for tickets that nobody has, and only for what it names', ({ expect }) => {
  expect(queryOf(order())).toEqual({ assignee: 'nobody', categories: ['backlog', 'unstarted'] });
  expect(queryOf(order({ labels: ['a'], team: 't', project: 'p' }))).toEqual({
    assignee: 'nobody',
    categories: ['backlog', 'unstarted'],
    labels: ['a'],
    team: 't',
    project: 'p',
  });
});

test('a ticket says something else when a person changed or said something, not when it was taken', ({ expect }) => {
  const before = fingerprintOf(ticket({ labels: ['a', 'b'] }));
  const said = (isBot: boolean) => [{ id: '1', author: { ...ada, isBot }, body: 'More.', at: '' }];
  const same = [
    { assignee: ada },
    { state: { name: 'Doing', category: 'started' } as const },
    { comments: said(true) },
  ];
  for (const changes of [...same, { labels: ['b', 'a'] }, { updatedAt: '2027-01-01T00:00:00Z' }])
    expect(fingerprintOf(ticket({ labels: ['a', 'b'], ...changes }))).toBe(before);
  for (const changes of [{ title: 'B' }, { description: 'x' }, { labels: ['a'] }, { fields: { a: 'b' } }])
    expect(fingerprintOf(ticket({ labels: ['a', 'b'], ...changes }))).not.toBe(before);
  expect(fingerprintOf(ticket({ labels: ['a', 'b'], comments: said(false) }))).not.toBe(before);
  const attachments = [{ id: 'f1', name: 'mockup.png', mediaType: 'image/png', bytes: 1 }];
  expect(fingerprintOf(ticket({ labels: ['a', 'b'], attachments }))).not.toBe(before);
  const own = attachments.map((each) => ({ ...each, isOwn: true as const }));
  expect(fingerprintOf(ticket({ labels: ['a', 'b'], attachments: own }))).toBe(before);
});

test('a ticket that is rated lower than its order asks for is given back with what is missing', ({ expect }) => {
  const demand = { order: 'bugs', rating: 'yellow' } as const;
  expect(judgeRating(demand, 'green', [])).toBe(null);
  expect(judgeRating(demand, 'yellow', ['a test'])).toBe(null);
  const outcome = judgeRating(demand, 'red', ['How it is to look.', '@ada said\nso']);
  expect(outcome).toMatchObject({ stopReason: 'finished', givesBack: 'red' });
  expect(outcome?.message).toContain('takes tickets that are yellow at least, and this one is red');
  expect(outcome?.message).toContain('- How it is to look.\n- `@ada` said so\n');
});
