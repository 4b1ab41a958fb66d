import { test } from 'vitest';
import { attend, isOnlyReopened, type Registers } from '../../src/core/attention.ts';

const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000000Z`;
const given: Registers = {
  given: true,
  givenAt: at(1),
  closed: false,
  closedAt: null,
  overAt: null,
  stopAt: null,
  spokeAt: null,
  answeredAt: null,
  due: false,
  editedAt: null,
  editsReadAt: null,
  asked: false,
  scopeAskedAt: null,
  scopedAt: null,
};
const ungiven = { ...given, given: false, givenAt: null };
const answered = { ...given, answeredAt: at(1) };

test.for<[string, Registers, boolean, string]>([
  ['a new assignment', given, false, 'work'],
  ['one that a run has answered', answered, false, 'nothing'],
  ['one that was given again since', { ...answered, givenAt: at(2) }, false, 'work'],
  ['words that nobody has read', { ...answered, spokeAt: at(2) }, true, 'work'],
  ['what it waited for has come', { ...answered, due: true }, false, 'work'],
  ['an edit, where nothing was asked', { ...answered, editedAt: at(2), editsReadAt: at(1) }, false, 'nothing'],
  ['an edit that may be the answer', { ...answered, asked: true, editedAt: at(2), editsReadAt: at(1) }, false, 'work'],
  [
    'one that was read before the question',
    { ...answered, asked: true, editedAt: at(2), editsReadAt: at(2) },
    false,
    'nothing',
  ],
  ['an edit after a stop', { ...answered, asked: true, stopAt: at(2), editedAt: at(3) }, false, 'stopped'],
  ['words that were read', { ...answered, spokeAt: at(2) }, false, 'nothing'],
  ['a stop', { ...given, stopAt: at(2) }, false, 'stopped'],
  ['a stop, and words from before it', { ...given, spokeAt: at(2), stopAt: at(3) }, true, 'stopped'],
  ['a stop at the very moment of the words', { ...given, spokeAt: at(2), stopAt: at(2) }, true, 'stopped'],
  ['words after a stop', { ...given, stopAt: at(2), spokeAt: at(3) }, true, 'work'],
  ['given again after a stop', { ...answered, stopAt: at(2), givenAt: at(3) }, false, 'work'],
  ['taken away', { ...given, given: false, givenAt: at(2) }, true, 'taken'],
  ['words after it was taken away', { ...given, given: false, givenAt: at(2), spokeAt: at(3) }, true, 'taken'],
  ['closed', { ...given, closed: true, closedAt: at(2) }, true, 'closed'],
  ['reopened before a run had answered', { ...given, closedAt: at(3), overAt: at(2) }, false, 'work'],
  ['reopened after one had', { ...answered, closedAt: at(3), overAt: at(2) }, false, 'work'],
  [
    'reopened, and a run has answered that',
    { ...given, closedAt: at(3), overAt: at(2), answeredAt: at(2) },
    false,
    'nothing',
  ],
  ['closed again since', { ...answered, closed: true, closedAt: at(4), overAt: at(4) }, false, 'closed'],
  ['reopened while somebody else has it', { ...answered, given: false, overAt: at(2) }, false, 'taken'],
  ['told that it is open, and it never was closed', { ...answered, closedAt: at(3) }, false, 'nothing'],
  ['closed and reopened after a stop', { ...given, stopAt: at(2), closedAt: at(4), overAt: at(3) }, false, 'stopped'],
  ['words after that', { ...given, stopAt: at(2), closedAt: at(4), overAt: at(3), spokeAt: at(5) }, true, 'work'],
  ['edited, and it never was', { ...answered, editedAt: at(3) }, false, 'nothing'],
  ['a rating, of a ticket that is not ours', { ...ungiven, scopeAskedAt: at(1) }, true, 'scope'],
  ['the same, closed', { ...ungiven, closed: true, scopeAskedAt: at(1) }, false, 'scope'],
  ['a rating that was made', { ...ungiven, scopeAskedAt: at(1), scopedAt: at(1) }, true, 'taken'],
  ['another one since', { ...ungiven, scopeAskedAt: at(2), scopedAt: at(1) }, false, 'scope'],
  ['a rating, of a ticket that was given meanwhile', { ...given, scopeAskedAt: at(1) }, false, 'work'],
  ['a rating, of one that work has answered', { ...answered, scopeAskedAt: at(1) }, false, 'nothing'],
  ['a session of an older version, with nothing new', { ...given, givenAt: null }, false, 'nothing'],
])('what there is to do: %s', ([, registers, unread, todo], { expect }) => {
  expect(attend(registers, unread)).toBe(todo);
});

test.for<[string, Registers, boolean, boolean]>([
  ['reopened', { ...answered, overAt: at(2) }, false, true],
  ['reopened after a stop', { ...answered, stopAt: at(2), overAt: at(3) }, false, true],
  ['still closed', { ...answered, closed: true, overAt: at(2) }, false, false],
  ["somebody else's", { ...answered, given: false, overAt: at(2) }, false, false],
  ['with words beside it', { ...answered, overAt: at(2), spokeAt: at(3) }, true, false],
  ['given again beside it', { ...answered, overAt: at(2), givenAt: at(3) }, false, false],
  ['answered by a run', { ...answered, answeredAt: at(2), overAt: at(2) }, false, false],
  ['never closed', answered, false, false],
])('whether all there is to do is that it was opened again: %s', ([, registers, unread, is], { expect }) => {
  expect(isOnlyReopened(registers, unread)).toBe(is);
});
