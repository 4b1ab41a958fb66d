import { describe, expect, test } from 'vitest';
import { inEscalation, plea } from '../../src/core/escalation.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { inOneSentence, writeReminder, writeUnanswered } from '../../src/core/question-text.ts';
import type { Rating } from '../../src/core/scope.ts';
import { writeMissing } from '../../src/core/scope-text.ts';

const asking = (message: string, more: Partial<Outcome> = {}): Outcome => ({
  stopReason: 'needsInput',
  message,
  ...more,
});
const rating: Rating = { confidence: 'red', size: 'M', files: ['src'], plan: [], questions: [], parts: [] };
const rated = (questions: string[], missing: string[] = []) =>
  asking(writeMissing({ ...rating, questions }, missing), { questions: [...questions, ...missing] });
const plan = { kind: 'plan' as const, steps: [] };

describe('what is waited for, in one sentence', () => {
  test.each<[string, Outcome, string]>([
    ['the question of two sentences', asking('Which zone? UTC is simpler.'), 'Which zone?'],
    ['behind a lead-in', asking('I looked at the export. Which zone?'), 'Which zone?'],
    [
      'what is short for something ends no sentence',
      asking('There are two. Shall I take one, e.g. the first, or both?'),
      'Shall I take one, e.g. the first, or both?',
    ],
    ['in a list', asking('Before I begin:\n\n- UTC?\n- Commas?'), 'Before I begin: UTC?'],
    ['behind a log', asking('This failed:\n\n```\nexpected what?\n```\n\nIs that known?'), 'Is that known?'],
    ['no question at all', asking('Tell me the zone. Then I go on.'), 'Tell me the zone.'],
    ['no sentence at all', asking('Shall @bob do v1.2 or v2'), 'Shall `@bob` do v1.2 or v2'],
    ['names keep their letters', asking('Is *max_file_size* in bytes?'), 'Is max_file_size in bytes?'],
    [
      'not the plea',
      inEscalation('needsInput', { blocks: `${plea} My change\nwas refused.`, tried: ['What?'] }),
      'My change was refused.',
    ],
    ['not the rating, but what it asks', rated(['Name the zone', 'Which colour, @ada?']), 'Which colour, `@ada`?'],
    [
      'what a rating misses',
      rated([], ['a description', 'acceptance criteria']),
      'what is missing (a description; acceptance criteria)',
    ],
    [
      'a rating that can say nothing',
      rated([]),
      'What is missing: I could not tell how to do this from what the ticket says.',
    ],
    ['a proposal', asking('I would?', { proposal: plan }), 'whether the plan 3fa2c1 may be carried out'],
  ])('%s', (_name, outcome, sentence) => {
    expect(inOneSentence(outcome, '3fa2c1')).toBe(sentence);
  });

  test('a very long one is cut, and costs nothing', () => {
    expect(inOneSentence(asking('x'.repeat(5000)), null).length).toBeLessThanOrEqual(300);
    const since = performance.now();
    for (const hostile of ['`'.repeat(1e6), '- '.repeat(1e6), '?"'.repeat(1e6), ':\n'.repeat(1e6), ' \n'.repeat(1e6)])
      inOneSentence(asking(hostile), null);
    expect(performance.now() - since).toBeLessThan(2_000);
  });
});

test('the reminder and the close both have the question; the close has all that was asked', () => {
  const ticket = { title: 'Export' };
  const outcome = asking('I looked at the export. Which zone? UTC is simpler.', { options: ['UTC'] });
  expect(writeReminder(outcome, null)).toBe(
    'I still wait for an answer: Which zone? Until it comes nothing is done here, and nothing is spent.',
  );
  expect(writeReminder(asking('I would', { proposal: plan }), '3fa2c1')).toContain(
    'for an answer: whether the plan 3fa2c1 may be carried out. Until',
  );
  const closed = (outcome: Outcome) =>
    writeUnanswered({ outcome, code: null, askedAt: '2026-03-01T12:00:00Z', days: 14 }, ticket, []);
  expect(closed(outcome)).toBe(`Nobody has answered this, so I close my work here for now: Which zone?

This is what I asked:

I looked at the export. Which zone? UTC is simpler.

**Asked:** Export

**Tried:**
- Asked on 2026-03-01, and waited for 14 days

**What now?**
- Answer: UTC
- Say anything else that answers it
- Do nothing: the work rests as it is; any comment continues it, with all that was said`);
  expect(closed(asking('Which zone?'))).not.toContain('This is what I asked');
  const stuck = inEscalation('needsInput', { blocks: `${plea} No way on.`, tried: ['Rounding'], log: 'expected 3' });
  for (const part of ['for now: No way on.', '- Rounding\n- Asked on', '```\nexpected 3\n```'])
    expect(closed(stuck)).toContain(part);
});
