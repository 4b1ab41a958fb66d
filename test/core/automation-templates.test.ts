import { describe, test } from 'vitest';
import {
  type Automation,
  automationTemplates,
  draftOf,
  endOfRun,
  failsAgain,
  leastListed,
  templateNames,
} from '../../src/core/automation-templates.ts';
import { routeTicket } from '../../src/core/routing.ts';
import { defaultFieldNames, readFacts } from '../../src/core/ticket-facts.ts';
import { anAutomation } from '../support/own-work.ts';

const automation = (changes: Partial<Automation> = {}) => anAutomation({ timezone: 'Europe/Berlin', ...changes });

test.for(templateNames)('%s: says when it is done, in what the agent reads as criteria', (name, { expect }) => {
  const { title, description } = draftOf(
    automation({ template: name, repository: 'web' }),
    new Date('2026-11-21T23:30:00Z'),
    null,
  );
  expect(title).toBe(`${automationTemplates[name].title} (2026-11-22)`);
  const read = readFacts({ description, fields: {} }, defaultFieldNames);
  const asked = automationTemplates[name].description.split('\n').filter((line) => line.startsWith('- '));
  expect(asked.length).toBeGreaterThanOrEqual(3);
  expect(read.acceptanceCriteria, 'and nothing beside these').toEqual(asked.map((line) => line.slice(2)));
});

test('a template of its own, its repository, and the tickets that are to be sorted', ({ expect }) => {
  const own = automation({ template: { title: 'Own', description: 'Do it.' }, repository: 'web', team: 'Web' });
  expect(draftOf(own, new Date('2026-11-21T12:00:00Z'), null)).toEqual({
    title: 'Own (2026-11-21)',
    description: 'Filed by the automation "nightly".\n\n[repo=web]\n\nDo it.',
    priority: 'low',
    labels: ['chore'],
    fields: {},
    team: 'Web',
    project: null,
  });
  const tickets = [
    { identifier: 'BOARD-3', title: 'Fixes #1\n# @ada', description: `It says:\n# Repository\n${'x'.repeat(400)}` },
    { identifier: 'BOARD-4', title: 'About [ repo=api]', description: null },
  ];
  const triage = automation({ template: 'triage-tickets', repository: null });
  const { description } = draftOf(triage, new Date(), { tickets, left: 7, more: true });
  const [, said = ''] =
    /- BOARD-3: Fixes `#1` # `@ada` \("(It says: # Repository x+ … \(shortened\))"\)\n/.exec(description) ?? [];
  expect(said).toHaveLength(300);
  expect(description).toMatch(/\n- BOARD-4: About \( repo=api\]\n\nThere are at least 7 more; [^\n]*$/);
  const read = readFacts({ description, fields: {} }, defaultFieldNames);
  const routing = { repositories: [], rules: [], remembered: null };
  expect(routeTicket({ description, labels: [], project: null, team: null }, read, routing)).toHaveProperty('ask');
  expect(draftOf(triage, new Date(), { tickets: [], left: 0, more: false }).description).toMatch(
    /## Open tickets\n\nNone\.$/,
  );
});

test.for(['update-dependencies', 'security-scan'] as const)(
  '%s asks for nothing that needs a network',
  (name, { expect }) => {
    const { title, description } = automationTemplates[name];
    expect(description).toContain('There is no network here');
    expect(title + description).not.toMatch(/up to date|newest|latest|updates|known ones/i);
  },
);

test('open tickets that were not listed before come first, then those of long ago, and of equals the newest', ({
  expect,
}) => {
  const open = [1, 2, 3, 4, 5].map((number) => ({
    identifier: `BOARD-${number}`,
    title: 'A ticket',
    description: 'x',
  }));
  const listing = (...numbers: number[]) => {
    const tickets = open.filter((_, index) => numbers.includes(index + 1));
    return draftOf(automation({ template: 'triage-tickets' }), new Date(), { tickets, left: 0, more: false })
      .description;
  };
  const order = (...earlier: string[]) =>
    leastListed(open, earlier).map(({ identifier }) => Number(identifier.slice(6)));
  expect(order()).toEqual([5, 4, 3, 2, 1]);
  expect(order(listing(4, 5))).toEqual([3, 2, 1, 5, 4]);
  expect(order(listing(1, 2), listing(4, 5))).toEqual([3, 5, 4, 2, 1]);
  expect(order(listing(1, 4), listing(4, 5), 'An earlier one\n\n- BOARD-3: of another form')).toEqual([3, 2, 5, 4, 1]);
});

describe('what became of a run', () => {
  test.for([
    ['filed', 'active', false, 'open'],
    ['filed', 'complete', false, 'done'],
    ['filed', 'complete', true, 'done'],
    ['filed', 'awaitingInput', false, 'open'],
    ['filed', 'awaitingInput', true, 'failed'],
    ['filed', 'error', false, 'failed'],
    ['filed', 'stopped', true, 'failed'],
    ['filed', null, false, 'done'],
    ['filed', null, true, 'done'],
    ['filing', null, false, 'open'],
    ['failed', null, false, 'failed'],
    ['skipped', null, false, 'skipped'],
  ] as const)('%s, its session %s, its ticket over: %s', ([state, session, isOver, end], { expect }) => {
    expect(endOfRun(state, session, isOver)).toBe(end);
  });

  test.for([
    [['failed', 'failed', 'failed'], true],
    [['failed', 'failed'], false],
    [['failed', 'done', 'failed', 'failed'], false],
    [['open', 'failed', 'skipped', 'failed', 'failed', 'done'], true],
    [['done', 'failed', 'failed', 'failed'], false],
  ] as const)('%s: paused: %s', ([ends, isPaused], { expect }) => {
    expect(failsAgain(ends)).toBe(isPaused);
  });
});
