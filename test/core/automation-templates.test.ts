import { describe, test } from 'vitest';
import {
  type Automation,
  automationTemplates,
  draftOf,
  endOfRun,
  failsAgain,
  templateNames,
} from '../../src/core/automation-templates.ts';
import { defaultFieldNames, readFacts } from '../../src/core/ticket-facts.ts';
import { anAutomation } from '../support/own-work.ts';

const automation = (changes: Partial<Automation> = {}) => anAutomation({ timezone: 'Europe/Berlin', ...changes });

test.for(templateNames)('%s: says when it is done, in what the agent reads as criteria', (name, { expect }) => {
  const { title, description } = draftOf(automation({ template: name }), new Date('2026-11-21T23:30:00Z'), null);
  expect(title).toBe(`${automationTemplates[name].title} (2026-11-22)`);
  const read = readFacts({ description, fields: {} }, defaultFieldNames);
  expect(read.acceptanceCriteria.length).toBeGreaterThanOrEqual(3);
});

test('a template of its own, its repository, and the tickets that are to be sorted', ({ expect }) => {
  const own = automation({ template: { title: 'Own', description: 'Do it.' }, repository: 'web', team: 'Web' });
  expect(draftOf(own, new Date('2026-11-21T12:00:00Z'), null)).toEqual({
    title: 'Own (2026-11-21)',
    description: 'Do it.\n\n[repo=web]\n\nFiled by the automation "nightly".',
    priority: 'low',
    labels: ['chore'],
    fields: {},
    team: 'Web',
    project: null,
  });
  const ticket = { identifier: 'BOARD-3', title: 'Fixes #1\n# @ada' } as never;
  const { description } = draftOf(automation(), new Date(), { tickets: [ticket], more: true });
  expect(description).toContain('## Open tickets\n\n- BOARD-3: Fixes `#1` # `@ada`\n\nThere are more');
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
