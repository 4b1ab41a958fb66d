import { randomUUID } from 'node:crypto';
import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { Activity } from '../../../src/core/activity.ts';
import { postActivity } from '../../../src/trackers/linear/writing/activities.ts';
import { attachPullRequest } from '../../../src/trackers/linear/writing/attach-pull-request.ts';
import { createIssue, relate } from '../../../src/trackers/linear/writing/create-ticket.ts';
import { findDocuments } from '../../../src/trackers/linear/writing/find-ours.ts';
import { decideMove, glance, moveIssue } from '../../../src/trackers/linear/writing/move-ticket.ts';
import { type Mutation, packed, writeDocument } from '../../../src/trackers/linear/writing/mutations.ts';
import { updatePlan } from '../../../src/trackers/linear/writing/plan.ts';
import { begin, delegate } from '../../../src/trackers/linear/writing/take-ticket.ts';
import { complexityOf } from '../../stand-ins/linear/budget.ts';
import { validateDocument } from '../../stand-ins/linear/schema.ts';
import { draft } from './writing.ts';

const [issue, session, state] = ['issue', 'session', 'state'];
const thought: Activity = { type: 'thought', body: 'Hm.' };
const team = {
  ...{ id: 'team', key: 'ENG', name: 'Engineering' },
  states: [{ id: 'todo', name: 'Todo', type: 'unstarted', position: 1 }],
  labels: [
    { id: 'bug', name: 'Bug', isGroup: false, parent: { id: 'kind', name: 'Kind' } },
    { id: 'chore', name: 'Chore', isGroup: false, parent: { id: 'kind', name: 'Kind' } },
    { id: 'kind', name: 'Kind', isGroup: true, parent: null },
  ],
};
const attach = (url: string, urls: string[] = []) =>
  attachPullRequest(
    issue,
    { id: session, urls },
    { kind: 'attachPullRequest', id: 'id', url, title: 'Fix', number: 7 },
  );
const file = (labels: string[]) => {
  const filing = { draft: draft({ labels, title: 'Part', priority: 'urgent' }), team, projectId: 'project' };
  return createIssue({ ...filing, id: 'new', parentId: issue, isReady: true });
};
const related = relate(
  { kind: 'createTicket', id: randomUUID(), draft: draft(), relation: 'relatedTo', blockedBy: [] },
  ['blocker'],
  issue,
);

const mutations: [what: string, mutations: Mutation[]][] = [
  ['an activity', [postActivity('id', session, thought)]],
  ['a long activity', [postActivity('id', session, { ...thought, body: 'x'.repeat(30_000) })]],
  ['a plan', [updatePlan(session, [{ content: 'Read', status: 'pending' }])]],
  ['a move', [moveIssue(issue, state, null)]],
  ['a move that nothing goes before', [glance(session), moveIssue(issue, state, null)]],
  ['a move that takes the ticket', [moveIssue(issue, state, 'us')]],
  ['a pull request on GitHub', attach('https://github.com/acme/ship/pull/7')],
  ['a pull request elsewhere', attach('https://example.org/pull/7')],
  ['a ticket', file([])],
  ['a ticket with labels', file(['Bug', 'new one'])],
  ['relations', related],
  ['a session and its delegate', [begin(issue), delegate(issue, 'us')]],
];

describe('by the schema of the installed SDK', () => {
  test.for(mutations)('%s', ([, sent], { expect }) => {
    const fallbacks = sent.flatMap(({ instead }) => (instead ? [instead] : []));
    for (const each of [sent, fallbacks].filter(({ length }) => length > 0))
      expect(validateDocument(writeDocument(each).document)).toEqual([]);
  });

  test('all of them in one document', ({ expect }) => {
    const { document, variables } = writeDocument(mutations.flatMap(([, sent]) => sent));
    expect(validateDocument(document)).toEqual([]);
    for (const name of Object.keys(variables)) expect(document).toContain(`$${name}`);
  });

  test.for(findDocuments())('what is looked for after', (document, { expect }) => {
    expect(validateDocument(document)).toEqual([]);
  });
});

test('one document costs far less than Linear allows', ({ expect }) => {
  const heaviest = Array.from({ length: 20 }, (_, index) => moveIssue(issue, `state ${index}`, null));
  const { document, variables } = writeDocument(heaviest);
  expect(complexityOf(parse(document), variables)).toBeLessThan(3_000);
});

test('a document holds what goes together, up to a number and a size', ({ expect }) => {
  const of = (length: number, text = 'Hm.') => ({
    mutations: Array.from({ length }, () => postActivity('id', session, { ...thought, body: text })),
  });
  const sizes = (...items: { mutations: Mutation[] }[]) => packed(items).map(({ length }) => length);
  expect(sizes(of(10), of(10), of(1), of(19), of(1))).toEqual([2, 2, 1]);
  expect(sizes(of(30), of(0), of(1))).toEqual([1, 2]);
  expect(sizes(of(1, 'x'.repeat(200_000)), of(5, 'x'.repeat(200_000)), of(1))).toEqual([1, 1, 1]);
  expect(sizes()).toEqual([]);
});

describe('content of activities', () => {
  const cases: [activity: Activity, input: Record<string, unknown>][] = [
    [thought, { content: { type: 'thought', body: 'Hm.' } }],
    [
      { ...thought, ephemeral: true },
      { content: { type: 'thought', body: 'Hm.' }, ephemeral: true },
    ],
    [
      { type: 'action', action: 'Ran', parameter: '', result: 'a\0b' },
      { content: { type: 'action', action: 'Ran', parameter: '-', result: 'a\ufffdb' } },
    ],
    [
      { type: 'action', action: 'Reading\nmore', parameter: 'src', ephemeral: true },
      { content: { type: 'action', action: 'Reading more', parameter: 'src' }, ephemeral: true },
    ],
    [{ type: 'elicitation', body: 'Which?' }, { content: { type: 'elicitation', body: 'Which?' } }],
    [
      { type: 'elicitation', body: 'Which?', options: ['left'] },
      {
        content: { type: 'elicitation', body: 'Which?' },
        signal: 'select',
        signalMetadata: { options: [{ value: 'left' }] },
      },
    ],
    [{ type: 'response', body: '' }, { content: { type: 'response', body: '(empty)' } }],
    [{ type: 'error', body: 'No.' }, { content: { type: 'error', body: 'No.' } }],
  ];
  test.for(cases)('%o', ([activity, input], { expect }) => {
    expect(postActivity('id', session, activity).args.input?.value).toEqual({
      id: 'id',
      agentSessionId: session,
      ...input,
    });
  });
});

test('labels are found by name, made where nobody has, and one of a group at most is given', ({ expect }) => {
  const [made, filed] = file(['bug', 'Chore', 'Kind', 'Größe', 'größe']);
  expect(made?.args.input?.value).toMatchObject({ name: 'Größe', teamId: 'team' });
  const id = made?.makes?.id;
  expect(filed?.args.input?.value).toMatchObject({ labelIds: ['bug', id], priority: 1, stateId: 'todo' });
  expect(filed?.instead?.args.input?.value).toMatchObject({ labelIds: ['bug'] });
  expect(filed?.instead?.instead?.args.input?.value).not.toHaveProperty('labelIds');
});

test('a URL that the session has is not added again', ({ expect }) => {
  const url = 'https://example.org/pull/7';
  expect(attach(url).map(({ field }) => field)).toEqual(['agentSessionUpdate', 'attachmentCreate']);
  expect(attach(url, [url]).map(({ field }) => field)).toEqual(['attachmentCreate']);
});

describe('moves', () => {
  const states = [
    ['triage', 'Triage', 'triage'],
    ['later', 'Backlog', 'backlog'],
    ['todo', 'Todo', 'unstarted'],
    ['second', 'Testing', 'started'],
    ['first', 'In Progress', 'started'],
    ['review', 'In Review', 'started'],
    ['done', 'Done', 'completed'],
  ].map(([id = '', name = '', type = ''], index) => ({ id, name, type, position: id === 'first' ? 0 : index }));
  const early = ['backlog', 'unstarted'] as const;
  const without = (gone: string) => states.filter(({ id }) => id !== gone);
  test.for([
    { now: 'todo', to: 'started', from: early, came: 'first' },
    { now: 'triage', to: 'started', from: early, came: 'first' },
    { now: 'second', to: 'started', from: early, came: { state: 'Testing' } },
    { now: 'done', to: 'started', from: early, came: { skipped: expect.stringContaining('"Done"') } },
    { now: 'first', to: 'review', from: [...early, 'started'], came: 'review' },
    { now: 'first', to: 'review', from: ['started'], gone: 'review', came: { skipped: expect.any(String) } },
    { now: 'todo', to: 'review', from: early, gone: 'review', came: 'first' },
    { now: 'first', to: 'unstarted', from: ['started'], came: 'todo' },
    { now: 'first', to: 'unstarted', from: ['started'], gone: 'todo', came: 'later' },
    { now: 'first', to: 'backlog', from: ['started'], came: 'later' },
    { now: 'review', to: 'done', from: ['review'], came: 'done' },
  ] as const)('from $now to $to', ({ now, to, from, came, ...rest }, { expect }) => {
    const move = decideMove('gone' in rest ? without(rest.gone) : states, now, { to, from });
    expect('to' in move ? move.to.id : move.answer).toEqual(came);
  });

  test('a team that has no state for it at all', ({ expect }) => {
    const canceled = () => decideMove(states, 'todo', { to: 'canceled', from: ['unstarted'] });
    expect(canceled).toThrow(/no state for "canceled"/);
  });
});
