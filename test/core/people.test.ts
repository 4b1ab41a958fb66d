import { test } from 'vitest';
import { writeToStranger } from '../../src/core/acknowledgement.ts';
import { withoutMentions } from '../../src/core/outgoing-text.ts';
import { isAmong } from '../../src/core/people.ts';
import type { Person } from '../../src/core/ticket.ts';

const ada: Person = { id: '1', name: 'Ada', isBot: false };
const eve: Person = { id: '2', name: 'Eve', isBot: false, isOutsider: true };
const bot: Person = { id: '3', name: 'CI', isBot: true };

test.for<[who: Person, listed: string[], isHeard: boolean]>([
  [ada, [], true],
  [eve, [], false],
  [bot, [], false],
  [ada, ['ada'], true],
  [ada, ['eve'], false],
  [eve, ['EVE'], true],
  [eve, ['2'], true],
  [bot, ['CI'], false],
])('%j among %j: %j', ([who, listed, isHeard], { expect }) => {
  expect(isAmong(who, listed)).toBe(isHeard);
});

test('an outsider is told who is followed where nobody is named', ({ expect }) => {
  expect(writeToStranger(eve, [], true)).toBe(
    'Eve, I did not stop: on this ticket I take orders from people who may write here. Ask one of them.',
  );
});

test.for<[text: string, quiet: string]>([
  ['Ask @ada or @acme/team-1.', 'Ask `@ada` or `@acme/team-1`.'],
  ['mail a@b.example, `@x`, ``@y``', 'mail a@b.example, `@x`, ``@y``'],
  ['```\n@types/node\n```\n@ada', '```\n@types/node\n```\n`@ada`'],
  ['<b>&amp;</b> # heading, as it is', '<b>&amp;</b> # heading, as it is'],
  ['an `open tick and @ada', 'an open tick and `@ada`'],
])('nobody is called by %j', ([text, quiet], { expect }) => {
  expect(withoutMentions(text)).toBe(quiet);
});
